//! Takes batches that the parent gives back: own ones into the register again, others as if the right child
//! had sent them.

use super::{
    super::{AcceptError, Actor, Node},
    Former,
};
use crate::store::{Record, RecoveredBatch, Staged, StoreError};
use danso_core::{
    chain::{Batch, BatchNumber, Deed, Fault, Head, Header, Receipt, Signed, check_link, open, strip},
    replication::{Follower, HeldChain, RecoveryFault},
    rollup::judge,
};
use danso_tier_config::{Policy, UnitId};
use std::collections::BTreeMap;

/// Why a batch that came back is not taken.
#[derive(Debug, thiserror::Error)]
pub enum TakeBackError {
    /// It does not prove what it must.
    #[error(transparent)]
    Fault(#[from] RecoveryFault),
    /// It is refused as if a child had sent it.
    #[error(transparent)]
    Accept(#[from] AcceptError),
    /// The unit does not lie below this node.
    #[error("{origin} does not lie below {own}")]
    NotBelow {
        /// Whose chain.
        origin: UnitId,
        /// This node's unit.
        own: UnitId,
    },
    /// It could not be stored, or what names persons cannot be read now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TakeBackError {
    /// The code under which the chain stays held.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Fault(fault) => fault.code(),
            Self::Accept(error) => error.code(),
            Self::NotBelow { .. } => "not_allowed",
            Self::Store(error) => error.code(),
        }
    }
}

impl From<Fault> for TakeBackError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault.into())
    }
}

impl Node {
    /// Where a chain stands here.
    pub fn head_of(&self, origin: UnitId) -> Head {
        self.store.view().chains.get(&origin).map(|chain| chain.head).unwrap_or_default()
    }

    /// A chain as it is held here, to be compared with the parent's word that it has batch `number`. The own
    /// chain is held still on return: nothing is recorded or sealed until somebody lifts that.
    ///
    /// Errors: `at_rest_locked` for the own chain without the key at rest.
    pub async fn standing(&self, origin: UnitId, number: BatchNumber) -> Result<HeldChain, StoreError> {
        if origin == self.unit() {
            self.store.require_key()?;
            self.store.hold_own_chain(true);
            // Who was recording when the hold began has queued it before the staging is free again.
            drop(self.staging());
            self.store.write(Vec::new()).await?;
        }
        let same_number = self.store.batch_row(origin, number)?.map(|row| row.hash);
        let view = self.store.view();
        let head = view.chains.get(&origin).map(|chain| chain.head).unwrap_or_default();
        let unsealed = if origin == self.unit() { view.unsealed.len() as u64 } else { 0 };
        Ok(HeldChain { head, unsealed, same_number })
    }

    /// Takes a batch that the parent gave back, with its receipt. Durable on return. Blocks.
    ///
    /// `former` gives frames and capture ids that the parent does not have. Errors: [`TakeBackError`]; nothing
    /// is taken then.
    pub fn take_back(
        &self,
        follower: &mut Follower,
        mut batch: Batch,
        receipt: Signed,
        former: Option<&Former>,
    ) -> Result<(), TakeBackError> {
        let origin = danso_core::chain::origin_of(&batch.header.bytes)?;
        let header = self.ring_of(origin).verify_header(origin, &batch.header)?;
        let number = header.number;
        let parent = self.config.parent.as_ref().map(|parent| parent.unit);
        let word: Receipt = match parent.map(|parent| self.ring_of(parent).verify(&receipt)) {
            Some(Ok(word)) => word,
            _ => return Err(RecoveryFault::Receipt { number }.into()),
        };
        follower.follow(&header, batch.hash(), &word)?;
        if let Some(former) = former {
            batch = former.completed(batch, &header);
        }
        if origin == self.unit() {
            self.take_own_back(batch, &header, receipt, former)
        } else {
            self.take_back_below(batch, &header, receipt)
        }
    }

    fn take_own_back(
        &self,
        batch: Batch,
        header: &Header,
        receipt: Signed,
        former: Option<&Former>,
    ) -> Result<(), TakeBackError> {
        let mut batch = strip(batch, Policy::Names);
        if batch.cores.is_none() {
            return Err(RecoveryFault::CountsOnly { number: header.number }.into());
        }
        let judged = judge(&open(&batch, header, Policy::Names)?, header, None)?;
        self.forget_what_was_ordered(&mut batch, header)?;
        // One at a time: a connection that was given up may still have one in hand.
        let turn = self.turn_of(header.origin);
        let _turn = turn.lock().expect("no acceptance panics");
        check_link(&self.head_of(header.origin), header, batch.hash(), None)?;
        let captures = former.map(|former| former.captures(header, batch.hash())).unwrap_or_default();
        let record = RecoveredBatch { batch, receipt, recovered_at_ms: self.now_ms(), captures };
        let staged = Staged::judged(Record::Recovered(Box::new(record)), judged);
        Ok(self.store.stage(vec![staged], self.store.generation()).blocking_durable()?)
    }

    fn take_back_below(&self, batch: Batch, header: &Header, receipt: Signed) -> Result<(), TakeBackError> {
        let (origin, own) = (header.origin, self.unit());
        let child = self.child_towards(origin).ok_or(TakeBackError::NotBelow { origin, own })?;
        let policy = self.policy_from(child);
        let batch = strip(batch, policy);
        // With the cores of the units below this tier serves and judges more than with the parent's counts.
        if batch.cores.is_none() && policy >= Policy::Cores {
            return Err(RecoveryFault::CountsOnly { number: header.number }.into());
        }
        let sender = self.config.parent.as_ref().map_or(child, |parent| parent.unit);
        let accepted = self.accept_from(sender, child, batch)?;
        accepted.durable()?;
        let receipt = Record::ParentReceipt(receipt).into();
        Ok(self.store.stage(vec![receipt], self.store.generation()).blocking_durable()?)
    }

    /// The child of this node through which the batches of an origin come, today or on the origin's last day.
    pub(super) fn child_towards(&self, origin: UnitId) -> Option<UnitId> {
        let directory = self.directory();
        let today = self.today();
        let day = directory.valid_to(origin).map_or(today, |last| last.min(today));
        let at = directory.at(day);
        let tiers = std::iter::once(origin).chain(at.ancestors(origin));
        tiers.into_iter().find(|unit| at.parent(*unit) == Some(self.unit()))
    }

    /// Of which of these chains names are missing here that may pass: first and last batch. Blocks.
    ///
    /// The range kept is a cover; batches at its beginning that have their names by now are left out.
    pub fn names_missing(&self, origins: Vec<UnitId>) -> BTreeMap<UnitId, (BatchNumber, BatchNumber)> {
        let ranges: Vec<(UnitId, (BatchNumber, BatchNumber))> = {
            let view = self.store.view();
            let range = |origin| Some((origin, view.chains.get(&origin)?.nameless));
            origins.into_iter().filter_map(range).filter(|(_, (first, _))| first.0 > 0).collect()
        };
        let mut missing = BTreeMap::new();
        for (origin, (first, last)) in ranges {
            let nameless = |number: &u64| {
                let held = self.store.batch(origin, BatchNumber(*number)).ok().flatten();
                held.is_some_and(|held| held.batch.personal.is_none() && !held.veiled)
            };
            let turn = self.turn_of(origin);
            let mut chain = turn.lock().expect("no acceptance panics");
            // Names that are here stay here: nobody looks twice.
            let first = first.max(chain.named_up_to.next());
            let found = (first.0..=last.0).find(nameless);
            chain.named_up_to = found.map_or(last, |first| BatchNumber(first - 1)).max(chain.named_up_to);
            missing.extend(found.map(|first| (origin, (BatchNumber(first), last))));
        }
        missing
    }

    /// Notes in the audit log that batches of a chain came back. Durable on return.
    pub async fn came_back(
        &self,
        parent: UnitId,
        origin: UnitId,
        (first, last): (BatchNumber, BatchNumber),
    ) -> Result<(), StoreError> {
        if first > last {
            return Ok(());
        }
        let subject = format!("batches {first}-{last} of {origin} came back");
        self.note(&Actor::node(parent), Deed::ChainResolved, subject).await
    }
}
