//! What was staged for each origin, and whose turn it is.

use crate::operations::Node;
use danso_core::chain::{BatchNumber, Digest, Head};
use danso_tier_config::UnitId;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex},
};

/// What was staged for one origin and may not be applied yet.
#[derive(Debug, Default)]
pub(in crate::operations) struct Chain {
    pub(super) generation: u64,
    pub(super) head: Head,
    pub(super) hashes: BTreeMap<BatchNumber, Digest>,
    /// What is kept against the chain already; read when it is first needed.
    pub(super) contradictions: Option<BTreeSet<(String, Digest)>>,
    /// Up to here all batches have their names, as far as somebody has looked.
    pub(in crate::operations) named_up_to: BatchNumber,
    /// Batches whose names are on their way to the ledger since this generation began.
    pub(super) naming: BTreeSet<BatchNumber>,
}

/// Chains in acceptance; each origin has a lock of its own, so that none waits for another.
#[derive(Debug, Default)]
pub(in crate::operations) struct Acceptance {
    chains: Mutex<HashMap<UnitId, Arc<Mutex<Chain>>>>,
}

impl Acceptance {
    /// Waits until no batch of an origin is between its check and its place in the writer's queue.
    pub(in crate::operations) fn settle(&self, origin: UnitId) {
        let chain = self.chains.lock().expect("no acceptance panics").get(&origin).cloned();
        drop(chain.as_ref().map(|chain| chain.lock().expect("no acceptance panics")));
    }
}

impl Node {
    /// Who holds this takes batches of the origin, and nobody else.
    pub(in crate::operations) fn turn_of(&self, origin: UnitId) -> Arc<Mutex<Chain>> {
        let mut chains = self.acceptance.chains.lock().expect("no acceptance panics");
        Arc::clone(chains.entry(origin).or_default())
    }

    /// Takes over what was applied meanwhile, or everything after a failed write.
    pub(super) fn refresh(&self, origin: UnitId, chain: &mut Chain) {
        let generation = self.store.generation();
        let applied = self.store.view().chains.get(&origin).map(|chain| chain.head).unwrap_or_default();
        if chain.generation != generation || applied.number > chain.head.number {
            let kept = std::mem::take(chain);
            let naming = if kept.generation == generation { kept.naming } else { BTreeSet::new() };
            *chain = Chain { generation, head: applied, hashes: BTreeMap::new(), naming, ..kept };
        }
        chain.hashes = chain.hashes.split_off(&applied.number.next());
    }
}
