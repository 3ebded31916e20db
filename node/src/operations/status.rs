//! How far every chain has come here, and what heartbeats carry upward.

use super::node::{Heard, Node};
use crate::store::{ChainRow, StoreError};
use danso_core::chain::Digest;
use danso_tier_config::UnitId;
use std::collections::BTreeSet;

/// One chain as it stands here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadStatus {
    /// Whose chain.
    pub origin: UnitId,
    /// Its row.
    pub chain: ChainRow,
    /// Up to when it is known, Unix milliseconds.
    pub watermark_ms: u64,
    /// When it was last heard of, Unix milliseconds.
    pub last_contact_ms: u64,
}

/// Up to `as_of_ms` the origin had nothing beyond batch `number`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermark {
    /// Whose chain.
    pub origin: UnitId,
    /// Its latest batch.
    pub number: u64,
    /// Unix milliseconds.
    pub as_of_ms: u64,
}

impl Node {
    /// All chains held here, at or below `below`, with the digest over their heads and the digest over all
    /// tallies, read under one guard.
    pub fn heads(&self, below: Option<UnitId>) -> (Vec<HeadStatus>, Digest, Digest) {
        let directory = self.directory();
        let at = directory.at(self.today());
        // A copy: `watermark_ms` reads the same lock, and a second guard behind a waiting writer waits for ever.
        let heard = self.heard.read().expect("no holder of the watermarks panics").clone();
        let view = self.store.view();
        let heads: Vec<HeadStatus> = view
            .chains
            .iter()
            .filter(|(origin, _)| below.is_none_or(|top| at.is_within(**origin, top)))
            .map(|(origin, chain)| HeadStatus {
                origin: *origin,
                chain: chain.clone(),
                watermark_ms: self.watermark_ms(&view, *origin),
                last_contact_ms: heard
                    .get(origin)
                    .map_or(0, |heard| heard.heard_at_ms)
                    .max(chain.received_at_ms),
            })
            .collect();
        let digest = view.heads_digest(heads.iter().map(|head| head.origin));
        let tallies = self.tallies_digest_of(&view);
        (heads, digest, tallies)
    }

    /// What a heartbeat to the parent says: every chain's number and up to when it is known here.
    pub fn watermarks(&self) -> Vec<Watermark> {
        let heard: Vec<UnitId> =
            self.heard.read().expect("no holder of the watermarks panics").keys().copied().collect();
        let view = self.store.view();
        let origins: BTreeSet<UnitId> = view.chains.keys().copied().chain(heard).collect();
        let mark = |origin: UnitId| Watermark {
            origin,
            number: view.chains.get(&origin).map_or(0, |chain| chain.head.number.0),
            as_of_ms: self.watermark_ms(&view, origin),
        };
        let mut watermarks: Vec<Watermark> =
            origins.into_iter().filter(|origin| *origin != self.unit()).map(mark).collect();
        if self.records() && view.unsealed.is_empty() {
            let number = view.chains.get(&self.unit()).map_or(0, |chain| chain.head.number.0);
            watermarks.push(Watermark { origin: self.unit(), number, as_of_ms: self.now_ms() });
        }
        watermarks
    }

    /// When the oldest change was recorded that the parent has not acknowledged, Unix milliseconds; 0 for none.
    pub fn oldest_unsent_ms(&self) -> u64 {
        self.oldest_unsent_by_chain().into_values().min().unwrap_or(0)
    }

    /// Takes a child's heartbeat. Watermarks never go back; those ahead of this PC's clock are cut to it.
    pub fn hear(&self, watermarks: impl IntoIterator<Item = Watermark>) {
        let now = self.now_ms();
        let mut heard = self.heard.write().expect("no holder of the watermarks panics");
        for mark in watermarks {
            let entry = heard.entry(mark.origin).or_default();
            if (mark.number, mark.as_of_ms) >= (entry.number, entry.as_of_ms) {
                *entry = Heard { number: mark.number, as_of_ms: mark.as_of_ms.min(now), heard_at_ms: now };
            }
        }
    }

    /// Batches held here for which the parent has not signed, whether there is a line or not; 0 at the top.
    pub fn unacknowledged(&self) -> u64 {
        let chains = &self.store.view().chains;
        if self.config.parent.is_none() { 0 } else { chains.values().map(ChainRow::unacknowledged).sum() }
    }

    /// Changes of an origin stored here and not counted, with their reasons.
    pub fn quarantine(
        &self,
        origin: UnitId,
    ) -> Result<Vec<(danso_core::domain::Sequence, danso_core::domain::Reason)>, StoreError> {
        self.store.quarantine(origin)
    }
}
