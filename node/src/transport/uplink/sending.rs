//! Batches, the keys that they need, names that are missing above, and heartbeats on their way up.

use super::{super::relay, Introduced, LinkError, Session, Uplink};
use crate::{
    operations::Watermark,
    wire::{lag, link},
};
use danso_core::chain::{Batch, BatchNumber, Header};
use danso_proto::v1::{self, child_message::Message as FromChild};
use danso_tier_config::{Policy, UnitId, limits};

/// Messages waiting for the line above which no heartbeat is added.
const QUEUED_MAX: usize = 8;

impl Uplink {
    pub(super) async fn send_what_is_due(&mut self, session: &mut Session) -> Result<(), LinkError> {
        while let Some((origin, number)) = self.outbox.next_batch() {
            let registrations = self.introductions(origin, &mut session.introduced);
            introduce(session, registrations).await?;
            let batch = self.batch(origin, number, session.policy).await?;
            if let Ok(header) = batch.header.decode_trusted::<Header>() {
                self.sent.insert((origin, number), header.recorded_from.millis());
            }
            send_batch(session, batch).await?;
        }
        self.send_names(session).await
    }

    /// Batches that the parent has without their names, once more, after everything that is missing there.
    async fn send_names(&mut self, session: &mut Session) -> Result<(), LinkError> {
        while let Some((origin, number)) = self.outbox.next_names() {
            let (first, last) = self
                .node
                .store
                .view()
                .chains
                .get(&origin)
                .map_or_else(Default::default, |chain| chain.nameless);
            // They are missing here, too, and were asked for further down.
            if (first..=last).contains(&number) && self.node.unit() != origin {
                let here = self.node.store.batch(origin, number).ok().flatten();
                if here.is_none_or(|held| held.batch.personal.is_none()) {
                    self.outbox.nameless(origin, number, true);
                    continue;
                }
            }
            let batch = self.batch(origin, number, session.policy).await?;
            if batch.personal.is_none() {
                self.outbox.nameless(origin, number, false);
            } else {
                send_batch(session, batch).await?;
            }
        }
        Ok(())
    }

    async fn batch(
        &mut self,
        origin: UnitId,
        number: BatchNumber,
        policy: Policy,
    ) -> Result<Batch, LinkError> {
        let batch = self.node.blocking(move |node| node.batch_for(origin, number, policy)).await;
        let batch = batch.ok().flatten().ok_or(LinkError::Unreadable)?;
        if batch.personal.is_some() {
            self.node.note_names_sent(self.parent.unit, &mut self.names_noted).await?;
        }
        Ok(batch)
    }

    /// Keys that the parent needs for a batch of `origin` and was not told yet: the origin's and those of
    /// the tiers from there up to this node.
    fn introductions(&self, origin: UnitId, introduced: &mut Introduced) -> Vec<v1::SignedStatement> {
        let own = self.node.unit();
        let directory = self.node.directory();
        let tiers = directory.at(self.node.today()).ancestors(origin);
        let view = self.node.store.view();
        std::iter::once(origin)
            .chain(tiers.into_iter().take_while(|tier| *tier != own))
            // This node signs what it excludes of counts, and a rotation may have come with no batch of its own.
            .chain([own])
            .filter_map(|unit| Some((unit, view.keys.get(&unit)?)))
            .filter(|(unit, ring)| introduced.insert((*unit, ring.epochs().len())))
            .flat_map(|(_, ring)| ring.epochs())
            .map(|epoch| link::signed_message(&epoch.signed))
            .collect()
    }

    /// Keys of this node's subtree that came since the hello, whether a batch under them is there or not.
    fn news_of_keys(&self, introduced: &mut Introduced) -> Vec<v1::SignedStatement> {
        let own = self.node.unit();
        let directory = self.node.directory();
        let at = directory.at(self.node.today());
        let view = self.node.store.view();
        view.keys
            .iter()
            .filter(|(unit, ring)| {
                let news = (**unit, ring.epochs().len());
                let below = || view.chains.contains_key(*unit) || at.is_within(**unit, own);
                !introduced.contains(&news) && below() && introduced.insert(news)
            })
            .flat_map(|(_, ring)| ring.epochs())
            .map(|epoch| link::signed_message(&epoch.signed))
            .collect()
    }

    /// What the parent has not heard of the units here and below.
    async fn reports(&self, session: &mut Session) -> Vec<v1::UnitReport> {
        let mut told = std::mem::take(&mut session.told);
        let (told, due) = self
            .node
            .blocking(move |node| {
                let due = told.due(node);
                (told, due)
            })
            .await;
        session.told = told;
        let now = self.node.now_ms();
        due.iter().map(|report| lag::report_message(report, now)).collect()
    }

    /// Says how far every chain has come here, and looks for names that came meanwhile.
    pub(super) async fn beat(&mut self, session: &mut Session) -> Result<(), LinkError> {
        // While batches wait for the line, they are the sign of life: a heartbeat behind them would be old when it
        // comes, and a queue full of them would stop this task, which also listens.
        if session.out.max_capacity() - session.out.capacity() > QUEUED_MAX {
            return Ok(());
        }
        let registrations = self.news_of_keys(&mut session.introduced);
        introduce(session, registrations).await?;
        self.outbox.names_again();
        relay::watch(&self.node);
        let marks: Vec<Watermark> = self.node.watermarks();
        let heartbeat = link::heartbeat_message(&marks, self.node.oldest_unsent_ms(), self.node.now_ms());
        let heartbeat = link::with_audit(heartbeat, self.node.audit_to_tell());
        let reports = self.reports(session).await;
        let audit_cut = self.node.parent_anchor().cut;
        let heartbeat = v1::Heartbeat { reports, audit_cut, ..heartbeat };
        session.say(FromChild::Heartbeat(heartbeat)).await?;
        if let Some((keys, erasures)) = self.erasures.due(&self.node, self.parent.unit) {
            introduce(session, keys).await?;
            session.say(FromChild::Erasures(erasures)).await?;
        }
        Ok(())
    }
}

async fn introduce(session: &Session, registrations: Vec<v1::SignedStatement>) -> Result<(), LinkError> {
    if registrations.is_empty() {
        return Ok(());
    }
    session.say(FromChild::Registrations(v1::Registrations { registrations })).await
}

async fn send_batch(session: &mut Session, batch: Batch) -> Result<(), LinkError> {
    let batch = if session.protocol >= limits::PROTOCOL_SHORT_HEADERS {
        link::carried_message(batch, &mut session.carried)
    } else {
        link::batch_message(batch)
    };
    session.say(FromChild::Batch(batch)).await
}
