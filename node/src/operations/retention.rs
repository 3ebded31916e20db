//! Names that upper tiers let go after a time: where the node's file says so, batches of children lose their personal
//! frame here once they are old enough and on their way up, in bounded steps. Signatures, heads and counts stay; the
//! unit that recorded them keeps everything.

use super::{actor::Actor, node::Node};
use crate::store::{AuditNote, Record, StoreError, ledger::Position};
use danso_core::chain::{BatchNumber, Deed, Header};
use danso_tier_config::{Date, Month, UnitId, limits};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// Up to where each chain was looked through since the start.
#[derive(Debug, Default)]
pub(super) struct Retention(Mutex<BTreeMap<UnitId, BatchNumber>>);

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compacted {
    /// Batches that lost their names.
    pub batches: usize,
    /// Whether there is more to look at now.
    pub more: bool,
}

/// What one step drops.
struct Step {
    rewrites: Vec<(Position, Record)>,
    /// Chains with the first and last batch that loses its names.
    ranges: Vec<(UnitId, BatchNumber, BatchNumber)>,
    /// Up to where chains were looked through.
    looked: BTreeMap<UnitId, BatchNumber>,
    more: bool,
}

impl Node {
    /// Drops names by the policy of the node's file, at most [`limits::RETENTION_BATCHES_AT_ONCE`] batches. On return
    /// no file of the ledger holds them, and the audit log says which went. Own changes are never touched, nor what the
    /// parent has not signed for. Without the key at rest nothing is done.
    pub async fn compact_names(self: &Arc<Self>) -> Result<Compacted, StoreError> {
        let nothing = Compacted { batches: 0, more: false };
        let Some(months) = self.config.personal_months else { return Ok(nothing) };
        if self.store.require_key().is_err() {
            return Ok(nothing);
        }
        // An erasure has places in mind that this would change.
        let _turn = self.erasing.lock().await;
        let before = self.today().month().plus(-i32::try_from(months).unwrap_or(i32::MAX));
        let Step { rewrites, ranges, looked, more } =
            self.blocking(move |node| node.due_before(before)).await?;
        let batches = rewrites.len();
        if batches > 0 {
            let note = |(origin, first, last): (UnitId, BatchNumber, BatchNumber)| {
                let text =
                    format!("retention: names of {origin} from before {before}, batches {first} to {last}");
                let note = AuditNote::text(&Actor::local().words(), Deed::ErasureDone, text, self.now_ms());
                Record::Note(note).into()
            };
            self.store.rewrite(rewrites, ranges.into_iter().map(note).collect(), true).await?;
            tracing::info!(batches, %before, "names were dropped by the policy of the node's file");
        }
        self.retention.0.lock().expect("no holder of the retention panics").extend(looked);
        Ok(Compacted { batches, more })
    }

    /// The next batches whose names are to go: of children, recorded before a month, and signed for by the parent.
    fn due_before(&self, before: Month) -> Result<Step, StoreError> {
        let mut step =
            Step { rewrites: Vec::new(), ranges: Vec::new(), looked: BTreeMap::new(), more: false };
        let is_top = self.config.parent.is_none();
        let chains: Vec<(UnitId, BatchNumber)> = {
            let view = self.store.view();
            let of_children = view.chains.iter().filter(|(_, chain)| chain.child.is_some());
            of_children
                .map(|(origin, chain)| (*origin, if is_top { chain.head.number } else { chain.acknowledged }))
                .collect()
        };
        let mut looks = 0;
        for (origin, last) in chains {
            let known =
                self.retention.0.lock().expect("no holder of the retention panics").get(&origin).copied();
            let mut number = known.map_or_else(|| self.store.compacted(origin), Ok)?.next();
            let mut range = None;
            while number <= last {
                if step.rewrites.len() >= limits::RETENTION_BATCHES_AT_ONCE
                    || looks >= limits::RETENTION_LOOKS
                {
                    step.more = true;
                    break;
                }
                looks += 1;
                let Some(held) = self.store.batch(origin, number)? else { break };
                let header = held.batch.header.decode_trusted::<Header>();
                let old = |header: &Header| Date::in_vietnam(header.recorded_to.millis()).month() < before;
                // Times never go back along a chain: nothing after the first that is too new is old enough.
                if !header.is_ok_and(|header| old(&header)) {
                    break;
                }
                if held.batch.personal.is_some() {
                    step.rewrites.push((held.position, self.store.with_names(held.position, None)?));
                    range = Some((range.map_or(number, |(first, _)| first), number));
                }
                step.looked.insert(origin, number);
                number = number.next();
            }
            step.ranges.extend(range.map(|(first, last)| (origin, first, last)));
        }
        Ok(step)
    }
}
