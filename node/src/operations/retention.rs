//! Names that upper tiers let go after a time: where the node's file says so, batches of children lose their personal
//! frame here once they are old enough and on their way up, in bounded steps. Signatures, heads and counts stay; the
//! unit that recorded them keeps everything.

use super::{actor::Actor, node::Node};
use crate::store::{AuditNote, Record, StoreError, ledger::Position};
use danso_core::chain::{BatchNumber, Deed, Header};
use danso_tier_config::{Date, Month, Policy, UnitId, limits};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// How far each chain was looked through since the start.
#[derive(Debug, Default)]
pub(super) struct Retention(Mutex<BTreeMap<UnitId, Place>>);

/// How far a chain was looked through.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    /// Up to this batch.
    up_to: BatchNumber,
    /// When the one after it was recorded, where that was too late for it to go.
    next: Option<Month>,
}

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
    /// How far chains were looked through.
    looked: BTreeMap<UnitId, Place>,
    more: bool,
}

impl Node {
    /// Drops names by the policy of the node's file, at most [`limits::RETENTION_BATCHES_AT_ONCE`] batches. On return
    /// no file of the ledger holds them, and the audit log says which went. Own changes are never touched, nor what the
    /// parent has not signed for. Without the key at rest, or by a clock that is not believed, nothing is done.
    pub async fn compact_names(self: &Arc<Self>) -> Result<Compacted, StoreError> {
        let nothing = Compacted { batches: 0, more: false };
        let Some(months) = self.config.personal_months else { return Ok(nothing) };
        if self.store.require_key().is_err() || !self.believes_clock() {
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
        let mut looks = 0;
        for (origin, last, missing) in self.chains_with_names() {
            let known =
                self.retention.0.lock().expect("no holder of the retention panics").get(&origin).copied();
            let mut place = match known {
                Some(place) => place,
                None => Place { up_to: self.store.compacted(origin)?, next: None },
            };
            let mut range = None;
            while place.up_to < last && place.next.is_none_or(|month| month < before) {
                if step.rewrites.len() >= limits::RETENTION_BATCHES_AT_ONCE
                    || looks >= limits::RETENTION_LOOKS
                {
                    step.more = true;
                    break;
                }
                looks += 1;
                let number = place.up_to.next();
                let Some(held) = self.store.batch(origin, number)? else { break };
                let Ok(header) = held.batch.header.decode_trusted::<Header>() else { break };
                let month = Date::in_vietnam(header.recorded_to.millis()).month();
                // Times never go back along a chain: nothing after the first that is too new is old enough.
                if month >= before {
                    place.next = Some(month);
                    break;
                }
                // Names that never came are asked for no longer either.
                if held.batch.personal.is_some() || (missing.0..=missing.1).contains(&number) {
                    step.rewrites.push((held.position, self.store.with_names(held.position, None)?));
                    range = Some((range.map_or(number, |(first, _)| first), number));
                }
                place = Place { up_to: number, next: None };
            }
            step.looked.insert(origin, place);
            step.ranges.extend(range.map(|(first, last)| (origin, first, last)));
        }
        Ok(step)
    }

    /// Chains of children that come with names: the last batch of each that is safe above (at the top there is nobody
    /// to wait for), and the range in which names are missing.
    fn chains_with_names(&self) -> Vec<(UnitId, BatchNumber, (BatchNumber, BatchNumber))> {
        let is_top = self.config.parent.is_none();
        let chains = self.store.view().chains.clone();
        let named = |child| self.policy_from(child) == Policy::Names;
        let of_children = chains.into_iter().filter(|(_, chain)| chain.child.is_some_and(named));
        of_children
            .map(|(origin, chain)| {
                let last = if is_top { chain.head.number } else { chain.acknowledged };
                (origin, last, chain.nameless)
            })
            .collect()
    }
}
