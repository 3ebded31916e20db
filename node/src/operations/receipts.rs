//! Receipts of the parent, however they come: over the line or in a bundle.

use super::node::Node;
use crate::store::{Record, Ticket};
use danso_core::{
    chain::{BatchNumber, Fault, Receipt, Signed},
    domain::{Reason, Sequence},
};
use danso_tier_config::UnitId;
use std::collections::BTreeMap;

/// What became of a receipt.
#[derive(Debug)]
pub enum TakenReceipt {
    /// It is on its way to the ledger.
    Kept {
        /// Whose chain.
        origin: UnitId,
        /// Up to which batch.
        number: BatchNumber,
        /// Whether the parent had not signed for that much before.
        new: bool,
        /// Resolves when it is durable. Need not be awaited: a lost receipt comes again.
        ticket: Ticket,
    },
    /// It is for a batch that is not held here: this node was restored from a backup, or the chains differ.
    Contradicts {
        /// Whose chain.
        origin: UnitId,
        /// `parent_ahead` or `parent_diverges`.
        code: &'static str,
    },
}

impl Node {
    /// Takes a receipt of the parent: its signature first, then the batch that it is for. A repeat changes nothing.
    ///
    /// Errors: [`Fault::Signature`] where the parent did not sign it.
    pub fn take_receipt(&self, parent: UnitId, signed: Signed) -> Result<TakenReceipt, Fault> {
        let receipt: Receipt = self.ring_of(parent).verify(&signed).map_err(|_| Fault::Signature)?;
        if receipt.parent != parent {
            return Err(Fault::Signature);
        }
        let (origin, number) = (receipt.origin, receipt.number);
        let held = self.store.batch_row(origin, number).ok().flatten();
        if held.is_none_or(|held| held.hash != receipt.hash) {
            tracing::error!(%origin, number = number.0, "a receipt for a batch that is not held");
            let code = if held.is_none() { "parent_ahead" } else { "parent_diverges" };
            return Ok(TakenReceipt::Contradicts { origin, code });
        }
        if !receipt.quarantined.is_empty() {
            let count = receipt.quarantined.len();
            tracing::warn!(%origin, count, number = number.0, "the parent does not count some changes");
        }
        self.confirmed_by_parent(&receipt, &signed);
        let known = self.store.view().chains.get(&origin).map_or(BatchNumber(0), |chain| chain.acknowledged);
        // One that says nothing new need not be kept again.
        let records = if number > known || self.says_more(&receipt) {
            vec![Record::ParentReceipt(signed).into()]
        } else {
            Vec::new()
        };
        let ticket = self.store.stage(records, self.store.generation());
        Ok(TakenReceipt::Kept { origin, number, new: number > known, ticket })
    }

    /// Whether a receipt has a verdict on an own change that is not held here.
    fn says_more(&self, receipt: &Receipt) -> bool {
        if receipt.quarantined.is_empty() || receipt.origin != self.unit() {
            return false;
        }
        // What cannot be read is kept once more.
        let held = self.store.quarantine(receipt.origin).unwrap_or_default();
        let held: BTreeMap<Sequence, Reason> = held.into_iter().collect();
        receipt.quarantined.iter().any(|verdict| held.get(&verdict.sequence) != Some(&verdict.reason))
    }
}
