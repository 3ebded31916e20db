//! What the parent answers: receipts, refusals, keys.

use super::{super::relay, LinkError, Uplink};
use crate::{
    operations::meters::RECEIPT_LATENCY,
    store::Record,
    wire::link::{self, Malformed},
};
use danso_core::{
    chain::{BatchNumber, Receipt, Signed},
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
        let ring = self.node.ring_of(self.parent.unit);
        let receipt: Receipt = ring.verify(&signed).map_err(|_| LinkError::Signature)?;
        if receipt.parent != self.parent.unit {
            return Err(LinkError::Signature);
        }
        let held = self.node.store.batch_row(receipt.origin, receipt.number).ok().flatten();
        if held.is_none_or(|held| held.hash != receipt.hash) {
            // This node was restored from a backup, or the chains differ: that concerns this origin alone.
            tracing::error!(origin = %receipt.origin, number = receipt.number.0, "a receipt for a batch that is not held");
            let code = if held.is_none() { "parent_ahead" } else { "parent_diverges" };
            self.hold(receipt.origin, code);
            return Ok(());
        }
        if !receipt.quarantined.is_empty() {
            let (origin, count) = (receipt.origin, receipt.quarantined.len());
            tracing::warn!(%origin, count, number = receipt.number.0, "the parent does not count some changes");
        }
        self.node.confirmed_by_parent(&receipt, &signed);
        self.measure(&receipt);
        self.outbox.answered(receipt.origin, Answer::Received(receipt.number));
        if std::mem::take(&mut self.cautious) {
            self.outbox.set_window(self.window);
        }
        // Not awaited: a lost receipt is sent again at the next hello.
        let _ =
            self.node.store.stage(vec![Record::ParentReceipt(signed).into()], self.node.store.generation());
        Ok(())
    }

    /// A receipt answers its batch and all before it: how long has it taken since their changes were recorded?
    fn measure(&mut self, receipt: &Receipt) {
        let own = receipt.origin == self.node.unit();
        let (chain, now) = (if own { "own" } else { "passed_on" }, self.node.now_ms());
        let first = (receipt.origin, BatchNumber(0));
        let answered = self.sent.extract_if(first..=(receipt.origin, receipt.number), |_, _| true);
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
