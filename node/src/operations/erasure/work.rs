//! Carrying out: records written anew without leaves, in one group with the tier's signed word; the earlier
//! ones scrubbed from their files.

use super::ErasureError;
use crate::{
    operations::{actor::Actor, node::Node},
    store::{AuditNote, HeldBatch, OwnChange, Record, Staged, StoreError, ledger::Position},
};
use danso_core::{
    chain::{
        BatchNumber, Deed, Digest, ErasedLeaf, ErasureDone, ErasureOrder, Fault, Header, PersonalLeaf,
        Signed, erase_leaves, order_digest,
    },
    domain::PersonId,
};
use danso_tier_config::{UnitId, limits};
use std::{collections::BTreeMap, sync::Arc};

/// An order with its content.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub signed: Signed,
    pub order: ErasureOrder,
}

impl Kept {
    /// What is written when the order becomes known here: itself, and the audit entry.
    pub fn records(&self, actor: &Actor, at_ms: u64) -> [Staged; 2] {
        let note = AuditNote::text(&actor.words(), Deed::ErasureOrdered, self.subject(), at_ms);
        [Record::ErasureOrder(self.signed.clone()).into(), Record::Note(note).into()]
    }

    pub fn digest(&self) -> Digest {
        order_digest(&self.signed)
    }

    /// The words of audit entries.
    pub fn subject(&self) -> String {
        let (order, digest) = (&self.order, self.digest().to_string());
        let short = &digest[..digest.len().min(16)];
        format!("person {}, request {}, order {short}", order.person, order.request)
    }
}

/// Records in the place of earlier ones, and how many leaves go by each order.
struct Plan {
    rewrites: Vec<(Position, Record)>,
    erased: Vec<u32>,
}

impl Node {
    /// Carries out orders: writes `first` and the records without the leaves, scrubs, then says so in this tier's words.
    /// On return no file of the ledger holds the leaves. The lock of erasures must be held.
    pub(super) async fn carry_out(
        self: &Arc<Self>,
        actor: &Actor,
        orders: Vec<Kept>,
        mut first: Vec<Staged>,
    ) -> Result<(), ErasureError> {
        let planned = orders.clone();
        let Plan { mut rewrites, erased } = self.blocking(move |node| node.plan(&planned)).await?;
        while rewrites.len() > limits::ERASURE_BATCHES_AT_ONCE {
            let rest = rewrites.split_off(limits::ERASURE_BATCHES_AT_ONCE);
            self.store.rewrite(rewrites, std::mem::take(&mut first), true).await?;
            rewrites = rest;
        }
        if !(rewrites.is_empty() && first.is_empty()) {
            self.store.rewrite(rewrites, first, true).await?;
        }
        // Only now: whoever reads these words may rely on the files being clean.
        let mut words = Vec::new();
        for (kept, erased) in orders.iter().zip(erased) {
            let done = ErasureDone {
                tier_unit: self.unit(),
                origin: kept.order.origin,
                order: kept.digest(),
                erased,
                done_at_ms: self.now_ms(),
            };
            words.push(Record::ErasureDone(Signed::sign(&done, &self.signing.key())).into());
            let subject = format!("{}: {erased} erased", kept.subject());
            words.push(
                Record::Note(AuditNote::text(&actor.words(), Deed::ErasureDone, subject, self.now_ms()))
                    .into(),
            );
        }
        Ok(self.store.write(words).await?)
    }

    /// Checks the leaves of an order against what is held. Blocks while it reads.
    ///
    /// Errors: [`ErasureError::Leaves`].
    pub(super) fn check_leaves(&self, kept: &Kept) -> Result<(), ErasureError> {
        self.plan(std::slice::from_ref(kept)).map(drop)
    }

    fn plan(&self, orders: &[Kept]) -> Result<Plan, ErasureError> {
        let mut plan = Plan { rewrites: Vec::new(), erased: vec![0; orders.len()] };
        let mut batches: BTreeMap<(UnitId, BatchNumber), Vec<usize>> = BTreeMap::new();
        for (place, kept) in orders.iter().enumerate() {
            for leaf in &kept.order.leaves {
                let orders = batches.entry((kept.order.origin, leaf.number)).or_default();
                if orders.last() != Some(&place) {
                    orders.push(place);
                }
            }
        }
        for ((origin, number), places) in batches {
            let Some(held) = self.store.batch(origin, number)? else { continue };
            if held.veiled {
                return Err(StoreError::Locked.into());
            }
            let named = places.iter().map(|place| (*place, orders[*place].order.leaves.as_slice()));
            self.without(&held, origin, named, &mut plan)?;
        }
        let own = orders.iter().filter(|kept| kept.order.origin == self.unit());
        let leaves = own.flat_map(|kept| kept.order.leaves.iter().map(|leaf| (kept.order.person, leaf)));
        plan.rewrites.extend(self.own_without(leaves)?);
        Ok(plan)
    }

    /// A batch without the leaves of some orders.
    fn without<'a>(
        &self,
        held: &HeldBatch,
        origin: UnitId,
        orders: impl Iterator<Item = (usize, &'a [ErasedLeaf])>,
        plan: &mut Plan,
    ) -> Result<(), ErasureError> {
        let wrong = |_: Fault| ErasureError::Leaves { origin };
        let header: Header = held.batch.header.decode_trusted().map_err(wrong)?;
        let mut frame = held.batch.personal.clone();
        let mut gone = 0;
        for (place, leaves) in orders {
            let within = |leaf: &&ErasedLeaf| leaf.number == header.number;
            let fits = |leaf: &ErasedLeaf| (header.first..=header.last()).contains(&leaf.sequence);
            if !leaves.iter().filter(within).all(fits) {
                return Err(ErasureError::Leaves { origin });
            }
            let Some(frame) = &mut frame else { continue };
            let (without, count) = erase_leaves(frame, &header, leaves).map_err(wrong)?;
            *frame = without;
            plan.erased[place] += count;
            gone += count;
        }
        if gone > 0 {
            plan.rewrites.push((held.position, self.store.with_names(held.position, frame)?));
        }
        Ok(())
    }

    /// The records of own changes without some leaves; those that lose none are left out.
    fn own_without<'a>(
        &self,
        leaves: impl Iterator<Item = (PersonId, &'a ErasedLeaf)>,
    ) -> Result<Vec<(Position, Record)>, ErasureError> {
        let mut records: BTreeMap<Position, Vec<OwnChange>> = BTreeMap::new();
        for (person, leaf) in leaves {
            let Some((position, held)) = self.store.own_record(leaf.sequence)? else { continue };
            // What other leaves took from it stays taken.
            let changes = records.get(&position).unwrap_or(&held);
            let Some(place) = changes.iter().position(|change| change.sequence == leaf.sequence) else {
                continue;
            };
            let Some((salt, bytes)) = &changes[place].personal else { continue };
            if (PersonalLeaf::Present { salt, bytes }).hash() != leaf.hash {
                // A node set back to an old backup recorded something else there since; its chain is held.
                tracing::warn!(%person, sequence = leaf.sequence.0, "an own change is not the one ordered to be erased");
                continue;
            }
            records.entry(position).or_insert(held)[place].personal = None;
        }
        Ok(records.into_iter().map(|(position, changes)| (position, Record::Own(changes))).collect())
    }
}
