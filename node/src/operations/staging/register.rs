//! The register as queued changes leave it.

use super::{
    super::{
        forms::{Home, Member},
        node::Node,
    },
    Queued, Rows, Staging,
};
use crate::store::StoreError;
use danso_core::domain::{
    Change, Core, HouseholdChange, HouseholdFacts, HouseholdId, HouseholdState, PersonChange, PersonFacts,
    PersonId, PersonState, Personal, Sequence, entry::Register,
};
use std::{cell::RefCell, collections::BTreeSet};

/// The register with queued rows over stored ones. Store errors are kept and end the run.
pub(in crate::operations) struct StagedRegister<'a> {
    node: &'a Node,
    staging: &'a Staging,
    failure: RefCell<Option<StoreError>>,
}

impl<'a> StagedRegister<'a> {
    pub fn new(node: &'a Node, staging: &'a Staging) -> Self {
        Self { node, staging, failure: RefCell::new(None) }
    }

    /// The first error of a look-up, if there was one.
    pub fn failure(&self) -> Option<StoreError> {
        self.failure.take()
    }

    fn ok<T: Default>(&self, found: Result<T, StoreError>) -> T {
        found.unwrap_or_else(|error| {
            self.failure.borrow_mut().get_or_insert(error);
            T::default()
        })
    }

    fn stored_facts(&self, id: PersonId) -> PersonFacts {
        self.ok(self.node.store.person(id)).unwrap_or_default().facts
    }

    fn stored_household_facts(&self, id: HouseholdId) -> HouseholdFacts {
        self.ok(self.node.store.household(id)).unwrap_or_default().facts
    }

    /// State and latest change of a person.
    fn standing(&self, id: PersonId) -> Option<(Option<PersonState>, Option<Sequence>)> {
        match self.staging.persons.get(&id) {
            Some(queued) => Some((queued.state, Some(queued.changed))),
            None => self.ok(self.node.store.standing(id)),
        }
    }

    /// The rows of everybody and everything that a change names, as it leaves them.
    pub fn rows_after(&self, change: &Change, sequence: Sequence) -> Rows {
        let none = Personal::default();
        let personal = change.personal.as_ref().unwrap_or(&none);
        let person = |change: &PersonChange| {
            let queued = self.staging.persons.get(&change.id).and_then(|queued| queued.facts.as_ref());
            let facts = personal.of_person(change.id).or(queued).cloned();
            // One who comes back by a void: the names are still in the row.
            let back = || change.before.is_none().then(|| self.stored_facts(change.id));
            (change.id, Queued { state: change.after, facts: facts.or_else(back), changed: sequence })
        };
        let household = |change: &HouseholdChange| {
            let queued = self.staging.households.get(&change.id).and_then(|queued| queued.facts.as_ref());
            let facts = personal.of_household(change.id).or(queued).cloned();
            let back = || change.before.is_none().then(|| self.stored_household_facts(change.id));
            (change.id, Queued { state: change.after, facts: facts.or_else(back), changed: sequence })
        };
        Rows {
            persons: change.core.persons.iter().map(person).collect(),
            households: change.core.households.iter().map(household).collect(),
        }
    }

    /// Whether a change is the latest of every person that it names.
    pub fn is_latest(&self, sequence: Sequence, change: &Core) -> bool {
        let latest = |id| self.standing(id).and_then(|(_, changed)| changed) == Some(sequence);
        change.persons.iter().all(|person| latest(person.id))
    }

    fn member(&self, id: PersonId) -> Option<Member> {
        let Some(queued) = self.staging.persons.get(&id) else {
            let row = self.ok(self.node.store.person(id))?;
            return Some(Member { id, state: row.state?, facts: row.facts });
        };
        let facts = queued.facts.clone().unwrap_or_else(|| self.stored_facts(id));
        Some(Member { id, state: queued.state?, facts })
    }

    /// The open household with a number.
    pub fn household_by_number(&self, number: &str) -> Option<Home> {
        let queued = self.staging.household_numbers.get(number).copied();
        let id = queued.or_else(|| self.ok(self.node.store.household_by_number(number)))?;
        let Some(queued) = self.staging.households.get(&id) else {
            let row = self.ok(self.node.store.household(id))?;
            return Some(Home { id, state: row.state?, facts: row.facts });
        };
        let facts = queued.facts.clone().unwrap_or_else(|| self.stored_household_facts(id));
        Some(Home { id, state: queued.state?, facts })
    }

    /// The residents of a household, in the order of their ids.
    pub fn members(&self, household: HouseholdId) -> Vec<Member> {
        let mut ids: BTreeSet<PersonId> = self.ok(self.node.store.members(household)).into_iter().collect();
        ids.extend(self.staging.members.get(&household).into_iter().flatten());
        let members = ids.into_iter().filter_map(|id| self.member(id));
        members.filter(|member| member.state.household == household).collect()
    }

    /// The resident with a health-insurance number.
    pub fn person_by_subject_code(&self, code: &str) -> Option<Member> {
        let queued = self.staging.subject_codes.get(code).copied();
        let id = queued.or_else(|| self.ok(self.node.store.person_by_subject_code(code)))?;
        self.member(id).filter(|member| member.facts.subject_code == code)
    }

    /// The resident with a personal identification number.
    pub fn person_by_citizen_number(&self, number: &str) -> Option<Member> {
        let queued = self.staging.citizen_numbers.get(number).copied();
        let id = queued.or_else(|| self.ok(self.node.store.person_by_citizen_number(number)))?;
        self.member(id).filter(|member| member.facts.citizen_number == number)
    }
}

impl Register for StagedRegister<'_> {
    fn person(&self, id: PersonId) -> Option<PersonState> {
        self.standing(id).and_then(|(state, _)| state)
    }

    fn household(&self, id: HouseholdId) -> Option<HouseholdState> {
        match self.staging.households.get(&id) {
            Some(queued) => queued.state,
            None => self.ok(self.node.store.household_state(id)),
        }
    }

    fn next_person(&self) -> PersonId {
        PersonId { unit: self.node.unit(), serial: self.staging.person_serial + 1 }
    }

    fn next_household(&self) -> HouseholdId {
        HouseholdId { unit: self.node.unit(), serial: self.staging.household_serial + 1 }
    }
}
