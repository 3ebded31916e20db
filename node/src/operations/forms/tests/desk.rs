//! A register in memory that records through `change_of`, as a node does.

use crate::operations::forms::{CaptureKey, Desk, Home, Member, NotRecorded, Recorded};
use danso_core::domain::{
    Book, CaptureId, HouseholdFacts, HouseholdId, HouseholdState, PersonFacts, PersonId, Reach, RecordedAt,
    Sequence,
    entry::{self, Entry},
};
use danso_tier_config::{Date, UnitId};
use std::collections::BTreeMap;

pub struct MemoryDesk {
    book: Book,
    facts: BTreeMap<PersonId, PersonFacts>,
    household_facts: BTreeMap<HouseholdId, HouseholdFacts>,
    captures: BTreeMap<CaptureId, Sequence>,
    recorded_at: RecordedAt,
    pub sequence: u64,
    /// Changes after which nothing more is taken.
    pub room: u64,
}

impl MemoryDesk {
    pub fn new() -> Self {
        Self {
            book: Book::new("00004@2025-07-01".parse().unwrap()),
            facts: BTreeMap::new(),
            household_facts: BTreeMap::new(),
            captures: BTreeMap::new(),
            recorded_at: RecordedAt::from_millis(1_780_000_000_000), // 2026-05-28
            sequence: 0,
            room: u64::MAX,
        }
    }

    pub fn residents(&self) -> usize {
        self.book.persons.len()
    }

    pub fn households(&self) -> impl Iterator<Item = &HouseholdState> {
        self.book.households.values()
    }

    fn member(&self, id: PersonId) -> Member {
        Member { id, state: self.book.persons[&id], facts: self.facts[&id].clone() }
    }

    pub fn find(&self, fits: impl Fn(&PersonFacts) -> bool) -> Option<Member> {
        self.book.persons.keys().find(|id| fits(&self.facts[id])).map(|id| self.member(*id))
    }
}

impl Desk for MemoryDesk {
    fn household_by_number(&self, number: &str) -> Option<Home> {
        self.book.households.iter().find_map(|(id, state)| {
            let facts = &self.household_facts[id];
            (facts.number == number).then(|| Home { id: *id, state: *state, facts: facts.clone() })
        })
    }

    fn members(&self, household: HouseholdId) -> Vec<Member> {
        let lives_there = self.book.persons.iter().filter(|(_, state)| state.household == household);
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
        let change = entry::change_of(entry, on, self.recorded_at.next(0), sequence, &self.book)
            .map_err(NotRecorded::Refused)?;
        self.sequence += 1;
        self.recorded_at = change.core.recorded_at;
        let (persons, households) = (&change.core.persons, &change.core.households);
        let person = persons.iter().find(|change| change.before.is_none()).map(|change| change.id);
        let household = households.iter().find(|change| change.before.is_none()).map(|change| change.id);
        let recorded = Recorded { sequence, person, household };
        self.book.apply(&change.core);
        let personal = change.personal.unwrap_or_default();
        self.facts.extend(personal.persons);
        self.household_facts.extend(personal.households);
        self.captures.extend(capture.map(|capture| (capture, sequence)));
        Ok(recorded)
    }
}
