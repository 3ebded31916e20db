//! A register in memory: what entries and changes have left of persons and households.
//!
//! Tests, benches and simulations write into it; a node keeps its register in its store.

use super::{Core, HouseholdId, HouseholdState, PersonId, PersonState, entry::Register};
use danso_tier_config::UnitId;
use std::collections::BTreeMap;

/// Residents and open households of one unit.
#[derive(Debug, Clone)]
pub struct Book {
    unit: UnitId,
    /// Residents.
    pub persons: BTreeMap<PersonId, PersonState>,
    /// Open households.
    pub households: BTreeMap<HouseholdId, HouseholdState>,
    persons_given: u64,
    households_given: u64,
}

impl Book {
    /// An empty register of a unit.
    pub fn new(unit: UnitId) -> Self {
        let (persons, households) = (BTreeMap::new(), BTreeMap::new());
        Self { unit, persons, households, persons_given: 0, households_given: 0 }
    }

    /// Takes over what a change leaves. Its rules were checked where it was made.
    pub fn apply(&mut self, core: &Core) {
        for person in &core.persons {
            self.persons_given = self.persons_given.max(person.id.serial);
            put(&mut self.persons, person.id, person.after);
        }
        for household in &core.households {
            self.households_given = self.households_given.max(household.id.serial);
            put(&mut self.households, household.id, household.after);
        }
    }
}

fn put<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    };
}

impl Register for Book {
    fn person(&self, id: PersonId) -> Option<PersonState> {
        self.persons.get(&id).copied()
    }

    fn household(&self, id: HouseholdId) -> Option<HouseholdState> {
        self.households.get(&id).copied()
    }

    fn next_person(&self) -> PersonId {
        PersonId { unit: self.unit, serial: self.persons_given + 1 }
    }

    fn next_household(&self) -> HouseholdId {
        HouseholdId { unit: self.unit, serial: self.households_given + 1 }
    }
}
