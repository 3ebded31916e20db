//! What the parent answers: receipts, refusals, keys.

use super::{super::relay, LinkError, Uplink};
use crate::{
    operations::{TakenReceipt, meters::RECEIPT_LATENCY},
    wire::link::{self, Malformed},
};
use danso_core::{
    chain::{BatchNumber, Signed},
    replication::Answer,
};
use danso_proto::v1::{self, ParentMessage, parent_message::Message as FromParent};
use danso_tier_config::UnitId;

impl Uplink {
    pub(super) async fn received(&mut self, received: ParentMessage) -> Result<(), LinkError> {
        match received.message {
            Some(FromParent::Receipt(receipt)) => self.receipt(link::signed(receipt)),
            Some(FromParent::Refusal(refusal)) => self.refused(&refusal),
            Some(FromParent::Heartbeat(heartbeat)) => {
                self.node.hear_news(heartbeat.news);
                self.compare_audit(&heartbeat).await
            }
            Some(FromParent::Registrations(new)) => self.take_registrations(new.registrations).await,
            Some(FromParent::Relayed(relayed)) => {
                relay::take(&self.node, relayed).await;
                Ok(())
            }
            Some(FromParent::Erasures(erasures)) => Ok(self.erasures.received(&self.node, erasures).await?),
            Some(FromParent::Welcome(_)) | None => Err(Malformed("message").into()),
        }
    }

    /// What the parent knows of the audit log here, against the log.
    async fn compare_audit(&self, heartbeat: &v1::Heartbeat) -> Result<(), LinkError> {
        let anchor = link::audit_head(heartbeat)?;
        self.node.blocking(move |node| node.compare_audit(anchor)).await?;
        Ok(())
    }

    fn receipt(&mut self, signed: Signed) -> Result<(), LinkError> {
        match self.node.take_receipt(self.parent.unit, signed).map_err(|_| LinkError::Signature)? {
            // This node was restored from a backup, or the chains differ: that concerns this origin alone.
            TakenReceipt::Contradicts { origin, code } => self.hold(origin, code),
            // Its ticket is not awaited: a lost receipt is sent again at the next hello.
            TakenReceipt::Kept { origin, number, .. } => {
                self.measure(origin, number);
                self.outbox.answered(origin, Answer::Received(number));
                if std::mem::take(&mut self.cautious) {
                    self.outbox.set_window(self.window);
                }
            }
        }

        Ok(())
    }

    /// A receipt answers its batch and all before it: how long has it taken since their changes were recorded?
    fn measure(&mut self, origin: UnitId, number: BatchNumber) {
        let own = origin == self.node.unit();
        let (chain, now) = (if own { "own" } else { "passed_on" }, self.node.now_ms());
        let answered = self.sent.extract_if((origin, BatchNumber(0))..=(origin, number), |_, _| true);
        for (_, recorded_ms) in answered {
            let seconds = now.saturating_sub(recorded_ms) as f64 / 1_000.0;
            self.node.meters.observe(RECEIPT_LATENCY, chain, seconds);
        }
    }

    /// Sends nothing more for an origin on this connection; a node whose own chain it is stops recording.
    fn hold(&mut self, origin: UnitId, code: &str) {
        if origin == self.node.unit() {
            self.node.store.hold_own_chain(true);
        }
        let refused = Answer::Refused { code: code.to_owned(), expected: BatchNumber(0) };
        self.outbox.answered(origin, refused);
        // What was found out at the welcome says more than a receipt that comes after it.
        let mut link = self.node.link.write().expect("no holder of the link panics");
        link.held.entry(origin).or_insert_with(|| code.to_owned());
    }

    fn refused(&mut self, refusal: &v1::Refusal) -> Result<(), LinkError> {
        let origin = link::unit(&refusal.origin, "origin of a refusal")?;
        let code = refusal.code.clone();
        tracing::error!(%origin, code, said = refusal.message, "the parent refused a batch");
        if matches!(code.as_str(), "disk_full" | "disk_low" | "store_retry" | "store_stopped") {
            return Err(LinkError::ParentStore(code));
        }
        // Another computer with this unit's keys was first, or this folder is an old copy.
        let parted = matches!(code.as_str(), "batch_fork" | "batch_wrong_previous");
        if parted && origin == self.node.unit() {
            self.node.store.hold_own_chain(true);
        }
        let refused = Answer::Refused { code: code.clone(), expected: BatchNumber(refusal.expected) };
        self.outbox.answered(origin, refused);
        // After a gap it is sent again from the batch that is missing.
        if self.outbox.status(origin).is_none_or(|status| status.held.is_some()) {
            let mut link = self.node.link.write().expect("no holder of the link panics");
            link.held.insert(origin, code);
        }
        Ok(())
    }
}
