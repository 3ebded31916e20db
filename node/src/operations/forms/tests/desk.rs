//! A register in memory that records through `change_of`, as a node does.

use crate::operations::forms::{CaptureKey, Desk, Home, Member, NotRecorded, Recorded};
use danso_core::domain::{
    CaptureId, HouseholdFacts, HouseholdId, HouseholdState, PersonFacts, PersonId, PersonState, Reach,
    RecordedAt, Sequence,
    entry::{self, Entry, Register},
};
use danso_tier_config::{Date, UnitId};
use std::collections::BTreeMap;

pub struct MemoryDesk {
    unit: UnitId,
    persons: BTreeMap<PersonId, PersonState>,
    facts: BTreeMap<PersonId, PersonFacts>,
    households: BTreeMap<HouseholdId, HouseholdState>,
    household_facts: BTreeMap<HouseholdId, HouseholdFacts>,
    captures: BTreeMap<CaptureId, Sequence>,
    recorded_at: RecordedAt,
    pub sequence: u64,
    persons_given: u64,
    households_given: u64,
    /// Changes after which nothing more is taken.
    pub room: u64,
}

impl MemoryDesk {
    pub fn new() -> Self {
        Self {
            unit: "00004@2025-07-01".parse().unwrap(),
            persons: BTreeMap::new(),
            facts: BTreeMap::new(),
            households: BTreeMap::new(),
            household_facts: BTreeMap::new(),
            captures: BTreeMap::new(),
            recorded_at: RecordedAt::from_millis(1_780_000_000_000), // 2026-05-28
            sequence: 0,
            persons_given: 0,
            households_given: 0,
            room: u64::MAX,
        }
    }

    pub fn residents(&self) -> usize {
        self.persons.len()
    }

    pub fn households(&self) -> impl Iterator<Item = &HouseholdState> {
        self.households.values()
    }

    fn member(&self, id: PersonId) -> Member {
        Member { id, state: self.persons[&id], facts: self.facts[&id].clone() }
    }

    pub fn find(&self, fits: impl Fn(&PersonFacts) -> bool) -> Option<Member> {
        self.persons.keys().find(|id| fits(&self.facts[id])).map(|id| self.member(*id))
    }
}

impl Register for MemoryDesk {
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

impl Desk for MemoryDesk {
    fn household_by_number(&self, number: &str) -> Option<Home> {
        self.households.iter().find_map(|(id, state)| {
            let facts = &self.household_facts[id];
            (facts.number == number).then(|| Home { id: *id, state: *state, facts: facts.clone() })
        })
    }

    fn members(&self, household: HouseholdId) -> Vec<Member> {
        let lives_there = self.persons.iter().filter(|(_, state)| state.household == household);
        lives_there.map(|(id, _)| self.member(*id)).collect()
    }

    fn person_by_subject_code(&self, code: &str) -> Option<Member> {
        self.find(|facts| facts.subject_code == code)
    }

    fn person_by_citizen_number(&self, number: &str) -> Option<Member> {
        self.find(|facts| facts.citizen_number == number)
    }

    fn captured(&self, key: CaptureKey) -> Option<CaptureId> {
        self.captures.keys().find(|capture| capture.0.starts_with(&key)).copied()
    }

    fn reach_of(&self, unit_code: &str, _: Date) -> Option<(Reach, UnitId)> {
        match unit_code {
            "00008" => Some((Reach::SameProvince, "00008@2025-07-01".parse().unwrap())),
            "31117" => Some((Reach::OtherProvince, "31117@2025-07-01".parse().unwrap())),
            _ => None,
        }
    }

    fn record(
        &mut self,
        capture: Option<CaptureId>,
        on: Date,
        entry: Entry,
    ) -> Result<Recorded, NotRecorded> {
        if self.sequence == self.room {
            return Err(NotRecorded::Halted);
        }
        let sequence = Sequence(self.sequence + 1);
        let change = entry::change_of(entry, on, self.recorded_at.next(0), sequence, self)
            .map_err(NotRecorded::Refused)?;
        self.sequence += 1;
        self.recorded_at = change.core.recorded_at;
        let mut recorded = Recorded { sequence, person: None, household: None };
        for change in &change.core.persons {
            if change.before.is_none() {
                recorded.person = Some(change.id);
                self.persons_given += 1;
            }
            match change.after {
                Some(state) => self.persons.insert(change.id, state),
                None => self.persons.remove(&change.id),
            };
        }
        for change in &change.core.households {
            if change.before.is_none() {
                recorded.household = Some(change.id);
                self.households_given += 1;
            }
            match change.after {
                Some(state) => self.households.insert(change.id, state),
                None => self.households.remove(&change.id),
            };
        }
        let personal = change.personal.unwrap_or_default();
        self.facts.extend(personal.persons);
        self.household_facts.extend(personal.households);
        self.captures.extend(capture.map(|capture| (capture, sequence)));
        Ok(recorded)
    }
}
