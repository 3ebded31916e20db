//! A register in memory behind the import of forms.

use danso_core::domain::{
    Book, CaptureId, HouseholdFacts, HouseholdId, PersonFacts, PersonId, Reach, RecordedAt, Sequence,
    entry::{Entry, change_of},
};
use danso_node::operations::forms::{CaptureKey, Desk, Home, Member, NotRecorded, Recorded};
use danso_tests::unit;
use danso_tier_config::{Date, UnitId};
use std::collections::BTreeMap;

/// When everything is recorded: 2026-05-28.
const NOW_MS: u64 = 1_780_000_000_000;

pub struct MemoryDesk {
    book: Book,
    persons: BTreeMap<PersonId, PersonFacts>,
    homes: BTreeMap<HouseholdId, HouseholdFacts>,
    captures: BTreeMap<CaptureId, Sequence>,
    pub changes: u64,
}

impl MemoryDesk {
    pub fn new() -> Self {
        let (persons, homes, captures) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { book: Book::new(unit("00004")), persons, homes, captures, changes: 0 }
    }

    /// Every household's size is the number of its members.
    pub fn check_sizes(&self) {
        for (id, home) in &self.book.households {
            assert_eq!(self.members(*id).len(), usize::from(home.size));
        }
    }

    fn find(&self, fits: impl Fn(&PersonFacts) -> bool) -> Option<Member> {
        let found = self.book.persons.iter().find(|(id, _)| fits(&self.persons[id]));
        found.map(|(id, state)| Member { id: *id, state: *state, facts: self.persons[id].clone() })
    }
}

impl Desk for MemoryDesk {
    fn household_by_number(&self, number: &str) -> Option<Home> {
        let found = self.book.households.iter().find(|(id, _)| self.homes[id].number == number);
        found.map(|(id, state)| Home { id: *id, state: *state, facts: self.homes[id].clone() })
    }

    fn members(&self, household: HouseholdId) -> Vec<Member> {
        let members = self.book.persons.iter().filter(|(_, state)| state.household == household);
        members
            .map(|(id, state)| Member { id: *id, state: *state, facts: self.persons[id].clone() })
            .collect()
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
        let reach = match unit_code {
            "00008" => Reach::SameProvince,
            "31117" => Reach::OtherProvince,
            _ => return None,
        };
        Some((reach, unit(unit_code)))
    }

    fn record(
        &mut self,
        capture: Option<CaptureId>,
        on: Date,
        entry: Entry,
    ) -> Result<Recorded, NotRecorded> {
        let sequence = Sequence(self.changes + 1);
        let now = RecordedAt::from_millis(NOW_MS + sequence.0);
        let change = change_of(entry, on, now, sequence, &self.book).map_err(NotRecorded::Refused)?;
        let (persons, homes) = (&change.core.persons, &change.core.households);
        let person = persons.iter().find(|change| change.before.is_none()).map(|change| change.id);
        let household = homes.iter().find(|change| change.before.is_none()).map(|change| change.id);
        self.changes += 1;
        self.book.apply(&change.core);
        let named = change.personal.unwrap_or_default();
        self.persons.extend(named.persons);
        self.homes.extend(named.households);
        self.captures.extend(capture.map(|capture| (capture, sequence)));
        Ok(Recorded { sequence, person, household })
    }
}
