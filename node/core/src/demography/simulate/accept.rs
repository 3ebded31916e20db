//! (tests) Every simulated row becomes an entry that the domain's rules take.

use super::{Plan, simulate};
use crate::domain::{
    Area, Book, HouseholdFacts, HouseholdId, HouseholdKind, PersonId, RecordedAt, Residence, Sequence,
    entry::{Entry, PersonData, Refusal, Register, change_of},
    form::{EventForm, NewPerson, PersonReference},
};
use danso_tier_config::Date;
use std::collections::HashMap;

struct Office {
    book: Book,
    by_number: HashMap<String, HouseholdId>,
    by_name: HashMap<(String, String), (PersonId, Date)>,
    taken: u64,
}

impl Office {
    fn take(&mut self, on: Date, entry: Entry) -> Result<(), Refusal> {
        let recorded = RecordedAt::from_millis(4_000_000_000_000);
        self.taken += 1;
        let change = change_of(entry, on, recorded, Sequence(self.taken), &self.book)?;
        self.book.apply(&change.core);
        Ok(())
    }

    fn household_of(&mut self, on: Date, number: &str, area: u16, kind: HouseholdKind) -> HouseholdId {
        if let Some(id) = self.by_number.get(number) {
            return *id;
        }
        let id = self.book.next_household();
        let facts = HouseholdFacts { number: number.to_owned(), ..HouseholdFacts::default() };
        self.take(on, Entry::OpenHousehold { area: Area(area), kind, facts }).unwrap();
        self.by_number.insert(number.to_owned(), id);
        id
    }

    fn data(&mut self, person: &NewPerson, residence: Residence) -> PersonData {
        let key = (person.household.clone(), person.name.clone());
        self.by_name.insert(key, (self.book.next_person(), person.birth_date));
        person.person(residence)
    }

    fn find(&self, person: &PersonReference) -> (PersonId, Date) {
        self.by_name[&(person.household.clone(), person.name.clone())]
    }

    fn entry(&mut self, on: Date, event: EventForm) -> Entry {
        match event {
            EventForm::Birth { child, mother_birth, order, place } => {
                let household = self.by_number[&child.household];
                let child = self.data(&child, Residence::Present);
                Entry::Birth { household, child, order, mother_birth, place }
            }
            EventForm::Arrival { person, area, residence, reach, .. } => {
                let household =
                    self.household_of(on, &person.household, area.unwrap_or(1), HouseholdKind::Family);
                let person = self.data(&person, residence);
                Entry::Arrival { household, person, reach, from: None }
            }
            EventForm::NewbornScreening { person, results } => {
                Entry::NewbornScreening { person: self.find(&person).0, results }
            }
            EventForm::Death(person) => {
                let (person, birth) = self.find(&person);
                Entry::Death { person, birth_date: Some(birth) }
            }
            EventForm::Departure { person, reach, .. } => {
                Entry::Departure { person: self.find(&person).0, reach, to: None }
            }
            EventForm::Marriage(person) => Entry::Marriage(self.find(&person).0),
            EventForm::Divorce(person) => Entry::Divorce(self.find(&person).0),
            EventForm::MethodStarted { person, method } => {
                Entry::MethodStarted { person: self.find(&person).0, method }
            }
            EventForm::MethodStopped(person) => Entry::MethodStopped { person: self.find(&person).0 },
            EventForm::Pregnancy { person, outcome, order } => {
                Entry::Pregnancy { person: self.find(&person).0, outcome, order }
            }
            EventForm::PrenatalScreening { person, week, results } => {
                Entry::PrenatalScreening { person: self.find(&person).0, week, results }
            }
            EventForm::ElderlyCheck(person) => Entry::ElderlyCheck(self.find(&person).0),
            correction @ EventForm::Correction { .. } => self.correction(correction),
        }
    }

    fn correction(&mut self, event: EventForm) -> Entry {
        let EventForm::Correction {
            person,
            new_name,
            new_birth_date,
            new_sex,
            new_education,
            new_marital,
            new_residence,
        } = event
        else {
            panic!("no correction");
        };
        let (id, birth) = self.find(&person);
        let name = new_name.unwrap_or(person.name);
        self.by_name.insert((person.household, name), (id, new_birth_date.unwrap_or(birth)));
        Entry::Correction {
            person: id,
            sex: new_sex,
            birth_date: new_birth_date,
            ethnicity: None,
            education: new_education,
            marital: new_marital,
            residence: new_residence,
            facts: None,
        }
    }
}

#[test]
fn the_rules_of_the_domain_take_every_row() {
    let plan = Plan::new("31117", 4_000, 24, "2025-07".parse().unwrap(), 23);
    let commune = simulate(&plan);
    let book = Book::new("31117@2025-07-01".parse().unwrap());
    let (by_number, by_name) = (HashMap::new(), HashMap::new());
    let mut office = Office { book, by_number, by_name, taken: 0 };
    let today = plan.start.first_day();
    for row in commune.register {
        let household = office.household_of(today, &row.person.household, row.area, row.household_kind);
        let person = PersonData { method: row.method, ..office.data(&row.person, row.residence) };
        assert_eq!(office.take(today, Entry::Register { household, person }), Ok(()));
    }
    for (position, row) in commune.events.into_iter().enumerate() {
        let entry = office.entry(row.on, row.event);
        assert_eq!(office.take(row.on, entry), Ok(()), "row {position}");
    }
    let expected = commune.figures.last().unwrap().population_end;
    assert_eq!(office.book.persons.len() as i64, expected);
    let sizes: i64 = office.book.households.values().map(|household| i64::from(household.size)).sum();
    assert_eq!(sizes, expected);
}
