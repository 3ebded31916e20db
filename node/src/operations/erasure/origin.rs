//! The origin's side: an open request to delete becomes a signed order, carried out here on return.

use super::{ErasureError, work::Kept};
use crate::{
    operations::{
        actor::Actor,
        node::Node,
        requests::{Closed, RequestError},
    },
    store::{Naming, StoreError},
};
use danso_core::{
    chain::{Digest, ErasureOrder, Signed},
    domain::{
        PersonId, Sequence,
        requests::{RequestId, RequestKind},
    },
};
use danso_tier_config::{UnitId, limits};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// What an erasure came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// The orders given for the request.
    pub orders: Vec<Digest>,
    /// Leaves that they name.
    pub leaves: u64,
    /// Changes recorded so that others are still named; 0 for a repeat.
    pub restated: u64,
    /// Units above that hold names and have not confirmed yet.
    pub awaiting: Vec<UnitId>,
}

impl Node {
    /// Erases what names a person, as an open request to delete asks. On return no record of this node names the
    /// person, and the order for the tiers above is durable. A repeat orders only what was recorded since.
    ///
    /// Errors: `person_unknown`, `request_unknown`, `request_not_deletion`, `request_closed`, `not_recording`,
    /// `at_rest_locked` without the key at rest, `parent_ahead` while the own chain is held, `erasure_unsealed`
    /// where changes of the person cannot be sealed in time, and what a write has.
    pub async fn erase(
        self: &Arc<Self>,
        actor: &Actor,
        person: PersonId,
        request: &RequestId,
    ) -> Result<Erased, ErasureError> {
        if !self.records() {
            return Err(ErasureError::NotRecording);
        }
        self.store.require_key()?;
        if self.store.person(person)?.is_none() {
            return Err(ErasureError::Person { person });
        }
        let asked = self.request(request).await?;
        if asked.kind != RequestKind::Delete || asked.person != person {
            return Err(ErasureError::NotDeletion { id: request.clone(), person });
        }
        match asked.closed {
            None => {}
            Some(Closed::Fulfilled(_)) => return Ok(self.erased(request, person, 0)),
            Some(Closed::Refused(..)) => return Err(RequestError::Closed { id: request.clone() }.into()),
        }
        let _turn = self.erasing.lock().await;
        let mut restated = 0;
        for round in 0..=limits::ERASURE_ROUNDS_MAX {
            self.all_sealed(person).await?;
            let named = self.naming(person).await?;
            let ordered = self.erasure_standing(request.as_str(), person).is_some();
            if named.is_empty() && ordered {
                self.settle_requests().await?;
                return Ok(self.erased(request, person, restated));
            }
            if round == limits::ERASURE_ROUNDS_MAX {
                break;
            }
            restated += self.restate(actor, person, &named).await?;
            self.order(actor, person, request, &named).await?;
        }
        Err(ErasureError::Unsealed { person })
    }

    fn erased(&self, request: &RequestId, person: PersonId, restated: u64) -> Erased {
        let standing = self.erasure_standing(request.as_str(), person).unwrap_or_default();
        Erased { orders: standing.orders, leaves: standing.leaves, restated, awaiting: standing.awaiting }
    }

    async fn naming(self: &Arc<Self>, person: PersonId) -> Result<Vec<Naming>, StoreError> {
        self.blocking(move |node| node.store.changes_naming(person)).await
    }

    /// Waits until everything recorded up to now is sealed. Own changes seal when they are due.
    async fn all_sealed(&self, person: PersonId) -> Result<(), ErasureError> {
        let last = Sequence(self.staging().next_sequence().0 - 1);
        let mut changed = self.store.changed();
        let patience = Duration::from_millis(limits::ERASURE_SEAL_WAIT_MS);
        let sealed = async {
            while !self.is_sealed(last) {
                if self.store.own_chain_held() {
                    return Err(StoreError::OwnChainHeld.into());
                }
                changed.changed().await.map_err(|_| StoreError::Stopped)?;
            }
            if self.store.own_chain_held() { Err(StoreError::OwnChainHeld.into()) } else { Ok(()) }
        };
        timeout(patience, sealed).await.unwrap_or(Err(ErasureError::Unsealed { person }))
    }

    fn is_sealed(&self, last: Sequence) -> bool {
        self.store.view().chains.get(&self.unit()).map_or(1, |chain| chain.head.next.0) > last.0
    }

    /// Signs the order for these leaves and carries it out.
    async fn order(
        self: &Arc<Self>,
        actor: &Actor,
        person: PersonId,
        request: &RequestId,
        named: &[Naming],
    ) -> Result<(), ErasureError> {
        let mut leaves: Vec<_> = named.iter().map(|naming| naming.leaf).collect();
        leaves.sort_by_key(|leaf| leaf.sequence);
        let orders = if leaves.is_empty() { vec![Vec::new()] } else { chunks(&leaves) };
        let sign = |leaves| {
            let order = ErasureOrder {
                origin: self.unit(),
                request: request.as_str().to_owned(),
                person,
                leaves,
                ordered_at_ms: self.now_ms(),
            };
            Kept { signed: Signed::sign(&order, &self.signing.key()), order }
        };
        let orders: Vec<Kept> = orders.into_iter().map(sign).collect();
        let first = orders.iter().flat_map(|kept| kept.records(actor, self.now_ms())).collect();
        self.carry_out(actor, orders, first).await?;
        self.staging().forget(person);
        Ok(())
    }
}

fn chunks<T: Clone>(leaves: &[T]) -> Vec<Vec<T>> {
    leaves.chunks(limits::ERASURE_LEAVES_MAX).map(<[T]>::to_vec).collect()
}
