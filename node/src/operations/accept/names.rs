//! Names that a repeated batch brings, and those that were ordered to be erased before they came.

use super::{AcceptError, Chain};
use crate::{
    operations::Node,
    store::{HeldBatch, Ticket},
};
use danso_core::chain::{Batch, Fault, Header, erase_leaves, matching_leaves, open};
use danso_tier_config::{Policy, UnitId, limits};

impl Node {
    /// A batch that is held already. Names that it brings and that are missing here are taken.
    pub(super) fn repeated(
        &self,
        chain: &mut Chain,
        child: UnitId,
        mut batch: Batch,
        header: &Header,
    ) -> Result<Ticket, AcceptError> {
        let generation = chain.generation;
        let nothing_new = || self.store.stage(Vec::new(), generation);
        // A second copy behind the first would be one that no erasure finds. Without room they are asked for again.
        if chain.naming.contains(&header.number) || self.require_room().is_err() {
            return Ok(nothing_new());
        }
        let policy = self.policy_from(child);
        let held = self.store.batch(header.origin, header.number)?;
        // What was dropped by policy stays dropped.
        if header.number <= self.store.compacted(header.origin)? {
            return Ok(nothing_new());
        }
        let nameless = |held: &HeldBatch| held.batch.personal.is_none() && !held.veiled;
        let Some(held) =
            held.filter(nameless).filter(|_| batch.personal.is_some() && policy == Policy::Names)
        else {
            return Ok(nothing_new());
        };
        open(&batch, header, policy)?;
        self.forget_what_was_ordered(&mut batch, header)?;
        let ticket = self.store.stage_names(held.position, batch.personal, generation)?;
        if chain.naming.len() >= limits::NAMING_BATCHES_MAX {
            // Most of them have arrived long since: once this one is there, so are all.
            self.store.stage(Vec::new(), generation).blocking_durable()?;
            chain.naming.clear();
        } else {
            chain.naming.insert(header.number);
        }
        Ok(ticket)
    }

    /// Erases from a batch what was ordered to be erased before it came.
    pub(in crate::operations) fn forget_what_was_ordered(
        &self,
        batch: &mut Batch,
        header: &Header,
    ) -> Result<(), Fault> {
        let Some(frame) = &batch.personal else { return Ok(()) };
        let leaves = self.store.view().erased.get(&(header.origin, header.number)).cloned();
        if let Some(leaves) = leaves {
            // An order for another leaf, of a chain that went another way, finds nothing here.
            let leaves = matching_leaves(frame, header, &leaves)?;
            batch.personal = Some(erase_leaves(frame, header, &leaves)?.0);
        }
        Ok(())
    }
}
