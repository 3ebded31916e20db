//! What the tiers above have signed for: the newest receipt of each tier for each chain, and which tier lags.
//!
//! A parent signs that it has a batch; only the tiers above it can show that it passed the batch on. Their
//! receipts come down over the link (`transport/relay.rs`), are verified here, kept in memory, and passed on
//! to the nodes below. What is wrong is worked out when it is asked for, against the chain as it is then.
//!
//! | file | holds |
//! |---|---|
//! | `fault.rs` | why a relayed receipt is passed over |
//!
//! Invariants:
//! 1. Nothing is kept of a receipt that the tier named in it did not sign, or that is not for a chain below.
//! 2. An older receipt takes nothing back; one for another batch of the same number is not hidden.
//! 3. Whether a tier is late rests on this node's clock and ledger alone.

mod fault;

pub use fault::RelayFault;

use super::node::Node;
use danso_core::{
    chain::{BatchNumber, Fault, Header, Quarantined, Receipt, Signed, open},
    rollup::judge,
};
use danso_tier_config::{Policy, UnitId, limits};
use std::{
    collections::BTreeMap,
    sync::{RwLock, RwLockReadGuard, RwLockWriteGuard},
};

/// A tier's newest receipt for a chain.
#[derive(Debug, Clone)]
struct Word {
    receipt: Receipt,
    signed: Signed,
    heard_at_ms: u64,
    /// Place in the order in which receipts came here.
    stamp: u64,
}

/// What one tier has said of one chain.
#[derive(Debug, Clone, Default)]
struct Said {
    newest: Option<Word>,
    /// The newest receipt that leaves changes uncounted: a later one does not take it back.
    verdicts: Option<Word>,
    /// Whether the tier leaves other changes uncounted than the rules do.
    false_verdicts: bool,
    /// When it was last level with the parent, or had moved, Unix milliseconds; 0 for not since the start.
    moved_ms: u64,
}

#[derive(Debug, Default)]
struct Held {
    /// By chain and tier.
    said: BTreeMap<(UnitId, UnitId), Said>,
    stamps: u64,
    /// What was told in the log last, by tier.
    told: BTreeMap<UnitId, &'static str>,
}

/// The receipts of the tiers above, in memory: after a start they come again with the link.
#[derive(Debug, Default)]
pub struct Confirmations(RwLock<Held>);

/// How far a tier above has signed for a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirmation {
    /// The tier's unit.
    pub tier: UnitId,
    /// Up to which batch.
    pub number: BatchNumber,
    /// When that batch became durable there, Unix milliseconds by that tier's clock; 0 for none.
    pub accepted_at_ms: u64,
    /// When the receipt came here, Unix milliseconds; 0 for not since the start.
    pub heard_at_ms: u64,
    /// What is wrong: [`NOT_CONFIRMED`], [`AHEAD`], [`DIVERGES`] or [`VERDICTS`].
    pub code: Option<&'static str>,
}

/// The tier lacks, for long, what the parent has signed for.
pub const NOT_CONFIRMED: &str = "not_confirmed";
/// The tier has signed for a batch that is not here yet.
pub const AHEAD: &str = "confirmation_ahead";
/// The tier has signed for another batch of the same number.
pub const DIVERGES: &str = "confirmation_diverges";
/// The tier leaves other changes uncounted than the rules do.
pub const VERDICTS: &str = "confirmation_verdicts";

impl Confirmations {
    fn read(&self) -> RwLockReadGuard<'_, Held> {
        self.0.read().expect("no holder of the confirmations panics")
    }

    fn write(&self) -> RwLockWriteGuard<'_, Held> {
        self.0.write().expect("no holder of the confirmations panics")
    }
}

impl Held {
    /// Takes a verified receipt. Older ones change nothing; another one of the same number takes the place,
    /// so that no contradiction is hidden by what came first.
    fn take(&mut self, receipt: Receipt, signed: Signed, now_ms: u64, false_verdicts: bool) {
        let word = Word { receipt, signed, heard_at_ms: now_ms, stamp: self.stamps + 1 };
        let said = self.said.entry((word.receipt.origin, word.receipt.parent)).or_default();
        said.false_verdicts |= false_verdicts;
        if !word.receipt.quarantined.is_empty() && is_new(said.verdicts.as_ref(), &word) {
            said.verdicts = Some(word.clone());
        }
        if is_new(said.newest.as_ref(), &word) {
            said.moved_ms = now_ms;
            said.newest = Some(word);
        }
        self.stamps += 1;
    }

    fn number(&self, origin: UnitId, tier: UnitId) -> BatchNumber {
        let newest = self.said.get(&(origin, tier)).and_then(|said| said.newest.as_ref());
        newest.map_or(BatchNumber(0), |word| word.receipt.number)
    }
}

fn is_new(held: Option<&Word>, word: &Word) -> bool {
    held.is_none_or(|held| {
        let (held, found) = (&held.receipt, &word.receipt);
        held.number < found.number || (held.number == found.number && held.hash != found.hash)
    })
}

impl Node {
    /// The tiers above this node, the parent first.
    fn tiers_above(&self) -> Vec<UnitId> {
        let directory = self.directory();
        directory.at(self.today()).ancestors(self.unit())
    }

    /// Takes the parent's own receipt, verified by the link.
    pub fn confirmed_by_parent(&self, receipt: &Receipt, signed: &Signed) {
        let (origin, now) = (receipt.origin, self.now_ms());
        let above = self.tiers_above();
        let false_verdicts = self.has_false_verdicts(receipt);
        let known = self.store.view().chains.get(&origin).map_or(BatchNumber(0), |chain| chain.acknowledged);
        let mut held = self.confirmations.write();
        let before = held.number(origin, receipt.parent).max(known);
        if receipt.number > before {
            // Whoever had all until now cannot have this one yet.
            for tier in above.into_iter().filter(|tier| *tier != receipt.parent) {
                if held.number(origin, tier) >= before {
                    held.said.entry((origin, tier)).or_default().moved_ms = now;
                }
            }
        }
        held.take(receipt.clone(), signed.clone(), now, false_verdicts);
    }

    /// Takes a receipt that a tier above signed and the parent passed on. Blocks where a verdict is checked.
    ///
    /// A repeat and an older one change nothing. Errors: [`RelayFault`]; nothing of it is kept then.
    pub fn take_relayed(&self, signed: Signed) -> Result<(), RelayFault> {
        let untrusted: Receipt = signed.decode_trusted().map_err(RelayFault::Unreadable)?;
        let (tier, origin, unit) = (untrusted.parent, untrusted.origin, self.unit());
        let within = self.directory().at(self.today()).is_within(origin, unit);
        if !within || !self.tiers_above().contains(&tier) {
            return Err(RelayFault::Stranger { tier, origin, unit });
        }
        let ring = self.ring_of(tier);
        if ring.current().is_none() {
            return Err(RelayFault::UnknownKey { tier });
        }
        let receipt: Receipt = ring.verify(&signed).map_err(|_| RelayFault::Signature { tier, origin })?;
        let false_verdicts = self.has_false_verdicts(&receipt);
        self.confirmations.write().take(receipt, signed, self.now_ms(), false_verdicts);
        Ok(())
    }

    /// Whether a tier leaves changes uncounted that keep every rule. Looked at for receipts with verdicts (what breaks
    /// a rule is not recorded here); a batch that is not here is not judged.
    fn has_false_verdicts(&self, receipt: &Receipt) -> bool {
        if receipt.quarantined.is_empty() {
            return false;
        }
        let held = self.store.batch(receipt.origin, receipt.number).ok().flatten();
        let Some(held) = held.filter(|held| held.batch.hash() == receipt.hash && held.batch.cores.is_some())
        else {
            return false;
        };
        let verdicts = |batch: &danso_core::chain::Batch| -> Result<Vec<Quarantined>, Fault> {
            let header: Header = batch.header.decode_trusted()?;
            let mut kept = batch.clone();
            (kept.personal, kept.deltas, kept.exclusions) = (None, None, None);
            Ok(judge(&open(&kept, &header, Policy::Cores)?, &header, None)?.quarantined)
        };
        verdicts(&held.batch).is_ok_and(|own| own != receipt.quarantined)
    }

    /// Receipts of the tiers above for the chains of `child`'s subtree that came after the place `after`, and
    /// the place up to which these are all.
    pub fn relayed_after(&self, child: UnitId, after: u64) -> (Vec<Signed>, u64) {
        let directory = self.directory();
        let at = directory.at(self.today());
        let held = self.confirmations.read();
        let words = held.said.values().flat_map(|said| {
            let verdicts = said.verdicts.as_ref().filter(|word| {
                said.newest.as_ref().is_none_or(|newest| newest.receipt.number != word.receipt.number)
            });
            verdicts.into_iter().chain(&said.newest)
        });
        // What is new is little; whose it is takes longer to find out, and thousands of children ask every few seconds.
        let new = words.filter(|word| word.stamp > after && at.is_within(word.receipt.origin, child));
        (new.map(|word| word.signed.clone()).collect(), held.stamps)
    }

    /// This node's receipts for the heads of the chains of `child`, as it gave them. Blocks.
    pub fn receipts_for(&self, child: UnitId) -> Vec<Signed> {
        let heads: Vec<(UnitId, BatchNumber)> = {
            let view = self.store.view();
            let of_child = view.chains.iter().filter(|(_, chain)| chain.child == Some(child));
            of_child.map(|(origin, chain)| (*origin, chain.head.number)).collect()
        };
        let receipt = |(origin, number)| self.store.batch(origin, number).ok().flatten()?.receipt;
        heads.into_iter().filter_map(receipt).collect()
    }

    /// How far each tier above has signed for a chain, the parent first. Reads one batch for each tier that
    /// lags; blocks.
    pub fn confirmations(&self, origin: UnitId, now_ms: u64) -> Vec<Confirmation> {
        self.tiers_above().into_iter().map(|tier| self.confirmation(origin, tier, now_ms)).collect()
    }

    fn confirmation(&self, origin: UnitId, tier: UnitId, now_ms: u64) -> Confirmation {
        let said = self.confirmations.read().said.get(&(origin, tier)).cloned().unwrap_or_default();
        let newest = said.newest.as_ref();
        let number = newest.map_or(BatchNumber(0), |word| word.receipt.number);
        let (head, acknowledged) = {
            let view = self.store.view();
            let chain = view.chains.get(&origin);
            chain.map_or_else(Default::default, |chain| (chain.head.number, chain.acknowledged))
        };
        let row = newest.and_then(|_| self.store.batch_row(origin, number).ok().flatten());
        let code = if number > head {
            Some(AHEAD)
        } else if newest.zip(row).is_some_and(|(word, row)| word.receipt.hash != row.hash) {
            Some(DIVERGES)
        } else if said.false_verdicts {
            Some(VERDICTS)
        } else if self.is_late(origin, tier, (number, said.moved_ms), (head, acknowledged), now_ms) {
            Some(NOT_CONFIRMED)
        } else {
            None
        };
        Confirmation {
            tier,
            // A receipt for another chain than the one held here confirms nothing of it.
            number: if code == Some(DIVERGES) { BatchNumber(0) } else { number },
            accepted_at_ms: newest.map_or(0, |word| word.receipt.accepted_at_ms),
            heard_at_ms: newest.map_or(0, |word| word.heard_at_ms),
            code,
        }
    }

    /// Whether a tier is late: the parent by what is held here while the link is open, the tiers above it by
    /// what the parent has signed for.
    fn is_late(
        &self,
        origin: UnitId,
        tier: UnitId,
        (number, moved_ms): (BatchNumber, u64),
        (head, acknowledged): (BatchNumber, BatchNumber),
        now_ms: u64,
    ) -> bool {
        let link = || self.link.read().expect("no holder of the link panics").connected;
        let is_parent = self.config.parent.as_ref().is_some_and(|parent| parent.unit == tier);
        let (number, due) = match is_parent {
            true if link() => (number.max(acknowledged), head),
            true => return false,
            false => (number, acknowledged),
        };
        // A moment of a clock that was ahead says nothing.
        let moved_ms = [moved_ms, self.started_at_ms].into_iter().filter(|moment| *moment <= now_ms).max();
        let quiet_ms = now_ms - moved_ms.unwrap_or(0);
        number < due
            && quiet_ms > limits::CONFIRMATION_QUIET_MS
            && self
                .held_since_ms(origin, number.next())
                .is_some_and(|since| now_ms.saturating_sub(since) > limits::CONFIRMATION_LATE_MS)
    }

    /// Since when a batch is here: sealed, or accepted from a child.
    fn held_since_ms(&self, origin: UnitId, number: BatchNumber) -> Option<u64> {
        let held = self.store.batch(origin, number).ok()??;
        match held.receipt {
            Some(receipt) => Some(receipt.decode_trusted::<Receipt>().ok()?.accepted_at_ms),
            None => Some(held.batch.header.decode_trusted::<Header>().ok()?.recorded_to.millis()),
        }
    }

    /// Tells in the log, once each, what has become wrong with the confirmations of the own chain, and that
    /// it is right again. Blocks.
    pub fn watch_confirmations(&self) {
        let origin = self.unit();
        for confirmation in self.confirmations(origin, self.now_ms()) {
            let Confirmation { tier, number, code, .. } = confirmation;
            let mut held = self.confirmations.write();
            let told = match code {
                Some(code) => held.told.insert(tier, code) == Some(code),
                None => held.told.remove(&tier).is_none(),
            };
            drop(held);
            match code {
                Some(code) if !told => {
                    tracing::error!(%origin, %tier, number = number.0, code, "a tier above does not confirm the own chain");
                }
                None if !told => {
                    tracing::info!(%origin, %tier, number = number.0, "a tier above confirms the own chain again");
                }
                _ => {}
            }
        }
    }
}
