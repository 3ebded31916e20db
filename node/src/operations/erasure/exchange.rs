//! What is due over the links, and who has not confirmed an erasure yet.

use crate::operations::node::Node;
use danso_core::{
    chain::{Digest, Signed},
    domain::PersonId,
    replication::may_speak_for,
};
use danso_tier_config::{Policy, UnitId, limits};
use std::collections::{BTreeMap, BTreeSet};

/// Where the erasure that a request asks for stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErasureStanding {
    /// The orders given.
    pub orders: Vec<Digest>,
    /// Leaves that they name.
    pub leaves: u64,
    /// Whether all are carried out here.
    pub done_here: bool,
    /// Units above that hold names and have not confirmed all.
    pub awaiting: Vec<UnitId>,
}

impl Node {
    /// Where the erasure of a person for a request stands; `None` where none was ordered here.
    pub fn erasure_standing(&self, request: &str, person: PersonId) -> Option<ErasureStanding> {
        let tiers = self.tiers_with_names();
        let view = self.store.view();
        let own = self.unit();
        let given: Vec<_> = view
            .orders
            .iter()
            .filter(|(_, held)| held.order.origin == own)
            .filter(|(_, held)| held.order.request == request && held.order.person == person)
            .collect();
        if given.is_empty() {
            return None;
        }
        let confirmed = |tier: &UnitId| given.iter().all(|(_, held)| held.done.contains_key(tier));
        Some(ErasureStanding {
            orders: given.iter().map(|(digest, _)| **digest).collect(),
            leaves: given.iter().map(|(_, held)| held.order.leaves.len() as u64).sum(),
            done_here: confirmed(&own),
            awaiting: tiers.into_iter().filter(|tier| !confirmed(tier)).collect(),
        })
    }

    /// Units above to which names may have passed: by the profile, for a stricter policy may be a newer one.
    fn tiers_with_names(&self) -> Vec<UnitId> {
        let directory = self.directory();
        let mut below = self.unit();
        let passed = directory.at(self.today()).ancestors(below).into_iter().take_while(|above| {
            let passes = self.policy_from(below) == Policy::Names;
            below = *above;
            passes
        });
        passed.collect()
    }

    /// The orders known here, each with how many tiers above have confirmed it: for the hello. The latest ones.
    pub fn known_orders(&self) -> Vec<(Digest, u32)> {
        let above = self.above();
        let view = self.store.view();
        let mut known: Vec<_> = view
            .orders
            .iter()
            .map(|(digest, held)| {
                let confirmed = held.done.keys().filter(|tier| above.contains(tier)).count();
                (held.order.ordered_at_ms, *digest, u32::try_from(confirmed).unwrap_or(u32::MAX))
            })
            .collect();
        known.sort_unstable_by(|left, right| right.cmp(left));
        known.truncate(limits::HELLO_ORDERS_MAX);
        known.into_iter().map(|(_, digest, confirmed)| (digest, confirmed)).collect()
    }

    /// Orders that the parent has not confirmed, or has lost, with their origins, in order of their digests
    /// from after a place on; as many as a message takes.
    pub fn orders_for_parent(
        &self,
        parent: UnitId,
        lost: &BTreeSet<Digest>,
        after: Option<Digest>,
    ) -> Vec<(Digest, UnitId, Signed)> {
        let own = self.unit();
        let waiting: Vec<(Digest, UnitId, Signed)> = {
            let view = self.store.view();
            let due = view
                .orders
                .iter()
                .filter(|(digest, held)| !held.done.contains_key(&parent) || lost.contains(*digest));
            let later = due.filter(|(digest, _)| after.is_none_or(|after| **digest > after));
            later.map(|(digest, held)| (*digest, held.order.origin, held.signed.clone())).collect()
        };
        let ours =
            waiting.into_iter().filter(|(_, origin, _)| *origin == own || self.lies_below(*origin, own));
        ours.take(limits::ERASURE_A_MESSAGE).collect()
    }

    /// This tier and those above whose words about an order are held; `None` for an unknown one.
    pub fn erasure_words(&self, order: Digest) -> Option<Vec<UnitId>> {
        let above = self.above();
        let view = self.store.view();
        let held = view.orders.get(&order)?;
        let tiers = held.done.keys().filter(|tier| **tier == self.unit() || above.contains(*tier));
        Some(tiers.copied().collect())
    }

    /// Orders of a child's subtree that the child does not know; as many as a message takes.
    pub fn orders_for_child(&self, child: UnitId, known: &dyn Fn(&Digest) -> bool) -> Vec<(Digest, Signed)> {
        let unknown: Vec<_> = {
            let view = self.store.view();
            let unknown = view.orders.iter().filter(|(digest, _)| !known(digest));
            unknown.map(|(digest, held)| (*digest, held.order.origin, held.signed.clone())).collect()
        };
        let ours = unknown.into_iter().filter(|(_, origin, _)| self.is_of_child(child, *origin));
        ours.map(|(digest, _, signed)| (digest, signed)).take(limits::ERASURE_A_MESSAGE).collect()
    }

    /// The words of this tier and those above about orders of a child's subtree that the child was not told;
    /// as many as a message takes.
    pub fn confirmations_for_child(
        &self,
        child: UnitId,
        told: &dyn Fn(&Digest, UnitId) -> bool,
    ) -> Vec<((Digest, UnitId), Signed)> {
        let mut tiers = self.above();
        tiers.insert(self.unit());
        let untold: BTreeMap<(Digest, UnitId), (UnitId, Signed)> = {
            let view = self.store.view();
            let words = view.orders.iter().flat_map(|(digest, held)| {
                let of_tiers = held.done.iter().filter(|(tier, _)| tiers.contains(tier));
                of_tiers.map(|(tier, signed)| ((*digest, *tier), (held.order.origin, signed.clone())))
            });
            words.filter(|((digest, tier), _)| !told(digest, *tier)).collect()
        };
        let ours = untold.into_iter().filter(|(_, (origin, _))| self.is_of_child(child, *origin));
        ours.map(|(key, (_, signed))| (key, signed)).take(limits::ERASURE_A_MESSAGE).collect()
    }

    fn above(&self) -> BTreeSet<UnitId> {
        self.directory().at(self.today()).ancestors(self.unit()).into_iter().collect()
    }

    fn is_of_child(&self, child: UnitId, origin: UnitId) -> bool {
        may_speak_for(&self.directory(), self.today(), self.unit(), child, origin)
    }
}
