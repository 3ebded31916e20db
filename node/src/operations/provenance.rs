//! How complete and how old an answer is: coverage, watermarks, late units, digest of the heads.

use super::node::Node;
use crate::store::View;
use danso_core::chain::{BatchNumber, Digest};
use danso_tier_config::{Date, Directory, Month, UnitId};
use std::collections::BTreeSet;

/// A unit whose figures are not complete for the period asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LateUnit {
    /// Which.
    pub unit: UnitId,
    /// Its name.
    pub name: String,
    /// Up to when its chain is known, Unix milliseconds; 0 when it never reported.
    pub watermark_ms: u64,
}

/// How complete and how old an answer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// Recording units that were to report.
    pub expected: u32,
    /// How many of them did, for the whole period.
    pub reported: u32,
    /// The oldest watermark, Unix milliseconds.
    pub oldest_watermark_ms: u64,
    /// The units that did not.
    pub late: Vec<LateUnit>,
    /// Whose boundaries were used.
    pub boundary: Date,
    /// Digest of the heads counted.
    pub heads: Digest,
    /// Changes stored but not counted.
    pub quarantined: u64,
    /// When it was answered, Unix milliseconds.
    pub answered_at_ms: u64,
}

impl Node {
    /// Up to when an origin's chain is known here, Unix milliseconds; 0 when it never reported.
    pub fn watermark_ms(&self, view: &View, origin: UnitId) -> u64 {
        let chain = view.chains.get(&origin);
        let head = chain.map(|chain| chain.head).unwrap_or_default();
        let received = chain.map_or(0, |chain| chain.received_at_ms);
        // A chain whose PC is ahead of time does not make this node's figures newer than now.
        let applied = if head.number > BatchNumber(0) { head.recorded_to.millis().min(received) } else { 0 };
        if origin == self.unit() && self.records() {
            return if view.unsealed.is_empty() { self.now_ms() } else { applied };
        }
        let last = self.heard.read().expect("no holder of the watermarks panics").get(&origin).copied();
        match last {
            Some(last) if last.number <= head.number.0 => applied.max(last.as_of_ms),
            _ => applied,
        }
    }

    /// Provenance of an answer over these recording units for a period that ends with `last`.
    pub fn provenance_of(
        &self,
        view: &View,
        directory: &Directory,
        leaves: &BTreeSet<UnitId>,
        last: Month,
        boundary: Date,
    ) -> Provenance {
        let now = self.now_ms();
        let due = last.plus(1).first_day().begins_ms().min(now.saturating_sub(self.limits().late_after_ms));
        let mut late = Vec::new();
        let (mut oldest, mut quarantined) = (u64::MAX, 0);
        for unit in leaves {
            let watermark_ms = self.watermark_ms(view, *unit);
            oldest = oldest.min(watermark_ms);
            quarantined += view.chains.get(unit).map_or(0, |chain| chain.quarantined);
            if watermark_ms < due || watermark_ms == 0 {
                let name = directory.name(*unit).unwrap_or_default().to_owned();
                late.push(LateUnit { unit: *unit, name, watermark_ms });
            }
        }
        Provenance {
            expected: leaves.len() as u32,
            reported: (leaves.len() - late.len()) as u32,
            oldest_watermark_ms: if leaves.is_empty() { 0 } else { oldest },
            late,
            boundary,
            heads: view.heads_digest(leaves.iter().copied()),
            quarantined,
            answered_at_ms: now,
        }
    }
}
