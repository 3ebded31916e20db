//! What a folder that is set aside knows: frames and capture ids of batches that the parent holds, too, and
//! where its own chain parts from the one that counts.

use crate::store::{Store, StoreError};
use danso_core::{
    chain::{Batch, BatchNumber, Digest, Header, open, strip},
    domain::{CaptureId, Sequence},
};
use danso_tier_config::Policy;

/// The store of a folder that is set aside; only read.
pub struct Former {
    pub(super) store: Store,
}

impl Former {
    /// Over the opened store of such a folder.
    pub fn new(store: Store) -> Self {
        // Nothing more is sealed in it: what is on its chain stays as it is.
        store.hold_own_chain(true);
        Self { store }
    }

    /// Closes the store.
    pub async fn close(&self) {
        self.store.close().await;
    }

    /// The very same batch with the frames that this folder has and the parent does not.
    pub(super) fn completed(&self, batch: Batch, header: &Header) -> Batch {
        let held = self.store.batch(header.origin, header.number).ok().flatten();
        let Some(held) = held.filter(|held| held.batch.hash() == batch.hash()) else { return batch };
        let whole = Batch {
            personal: batch.personal.clone().or(held.batch.personal),
            cores: batch.cores.clone().or(held.batch.cores),
            ..batch.clone()
        };
        let whole = strip(whole, Policy::Names);
        // What is damaged here does not spoil what came.
        if open(&whole, header, Policy::Names).is_ok() { whole } else { batch }
    }

    /// The capture ids of the changes of an own batch, if this is the batch held here.
    pub(super) fn captures(&self, header: &Header, hash: Digest) -> Vec<(Sequence, CaptureId)> {
        let row = self.store.batch_row(header.origin, header.number).ok().flatten();
        if row.is_none_or(|row| row.hash != hash) {
            return Vec::new();
        }
        let sequences = (0..u64::from(header.changes)).map(|place| header.first.plus(place));
        let capture = |sequence| Some((sequence, self.store.own_change(sequence).ok()??.capture?));
        sequences.filter_map(capture).collect()
    }

    /// The first own change that is not on the chain that another store holds.
    pub(super) fn parts_at(&self, other: &Store) -> Result<Sequence, StoreError> {
        let unit = self.store.unit();
        let head = |store: &Store| store.view().chains.get(&unit).map_or(0, |chain| chain.head.number.0);
        // Up to where the chains agree they agree everywhere: each batch names the one before it.
        let (mut agree, mut parted) = (0, head(&self.store).min(head(other)) + 1);
        while parted - agree > 1 {
            let middle = agree + (parted - agree) / 2;
            let hash =
                |store: &Store| store.batch_row(unit, BatchNumber(middle)).map(|row| row.map(|row| row.hash));
            if hash(&self.store)? == hash(other)? {
                agree = middle;
            } else {
                parted = middle;
            }
        }
        let last = self.store.batch(unit, BatchNumber(agree))?;
        let header = last.and_then(|held| held.batch.header.decode_trusted::<Header>().ok());
        Ok(header.map_or(Sequence(1), |header| header.last().plus(1)))
    }
}
