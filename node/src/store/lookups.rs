//! By what persons and households of the own register are found: their numbers, and who lives in a household.
//!
//! In memory only, read back from the rows at the first question, as the names are: a row of its own for each
//! would be most of what a registration writes, and a stolen disk has no index of numbers.

use super::rows::{HouseholdRow, PersonRow};
use danso_core::domain::{HouseholdId, PersonId};
use std::collections::{BTreeSet, HashMap};

type Numbers<T> = HashMap<Box<str>, T>;

/// Empty until it is filled at the first question.
#[derive(Debug, Default)]
pub(super) struct Lookups {
    filled: bool,
    members: HashMap<HouseholdId, BTreeSet<PersonId>>,
    households: Numbers<HouseholdId>,
    subjects: Numbers<PersonId>,
    citizens: Numbers<PersonId>,
}

impl Lookups {
    /// Whether all rows are in.
    pub fn is_filled(&self) -> bool {
        self.filled
    }

    /// Takes all rows in; before it, single ones are passed over.
    pub fn fill(
        &mut self,
        persons: impl IntoIterator<Item = (PersonId, PersonRow)>,
        households: impl IntoIterator<Item = (HouseholdId, HouseholdRow)>,
    ) {
        *self = Self { filled: true, ..Self::default() };
        for (id, row) in persons {
            self.learn_person(id, &row);
        }
        for (id, row) in households {
            self.learn_household(id, &row);
        }
    }

    /// Takes a resident in.
    pub fn learn_person(&mut self, id: PersonId, row: &PersonRow) {
        let Some(state) = row.state.filter(|_| self.filled) else { return };
        self.members.entry(state.household).or_default().insert(id);
        learn(&mut self.subjects, &row.facts.subject_code, id);
        learn(&mut self.citizens, &row.facts.citizen_number, id);
    }

    /// Takes a resident out, as the row was.
    pub fn forget_person(&mut self, id: PersonId, row: &PersonRow) {
        let Some(state) = row.state else { return };
        if let Some(members) = self.members.get_mut(&state.household) {
            members.remove(&id);
            if members.is_empty() {
                self.members.remove(&state.household);
            }
        }
        forget(&mut self.subjects, &row.facts.subject_code, id);
        forget(&mut self.citizens, &row.facts.citizen_number, id);
    }

    /// Takes an open household in.
    pub fn learn_household(&mut self, id: HouseholdId, row: &HouseholdRow) {
        if self.filled && row.state.is_some() {
            learn(&mut self.households, &row.facts.number, id);
        }
    }

    /// Takes a household out, as the row was.
    pub fn forget_household(&mut self, id: HouseholdId, row: &HouseholdRow) {
        forget(&mut self.households, &row.facts.number, id);
    }

    /// The residents of a household, in the order of their ids.
    pub fn members(&self, household: HouseholdId) -> Vec<PersonId> {
        self.members.get(&household).into_iter().flatten().copied().collect()
    }

    /// The open household with a number.
    pub fn household(&self, number: &str) -> Option<HouseholdId> {
        self.households.get(number).copied()
    }

    /// The resident with a health-insurance number.
    pub fn subject(&self, code: &str) -> Option<PersonId> {
        self.subjects.get(code).copied()
    }

    /// The resident with a personal identification number.
    pub fn citizen(&self, number: &str) -> Option<PersonId> {
        self.citizens.get(number).copied()
    }
}

fn learn<T>(numbers: &mut Numbers<T>, number: &str, id: T) {
    if !number.is_empty() {
        numbers.insert(number.into(), id);
    }
}

fn forget<T: Copy + PartialEq>(numbers: &mut Numbers<T>, number: &str, id: T) {
    if numbers.get(number) == Some(&id) {
        numbers.remove(number);
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use danso_core::domain::{
        Area, Education, Ethnicity, HouseholdFacts, HouseholdKind, HouseholdState, Marital, PersonFacts,
        PersonState, Residence, Sex,
    };
    use danso_tier_config::UnitId;

    fn unit() -> UnitId {
        "00004@2025-07-01".parse().unwrap()
    }

    fn home(serial: u64) -> HouseholdId {
        HouseholdId { unit: unit(), serial }
    }

    fn who(serial: u64) -> PersonId {
        PersonId { unit: unit(), serial }
    }

    fn household(number: &str) -> HouseholdRow {
        let state = HouseholdState { area: Area(1), kind: HouseholdKind::Family, size: 1 };
        let facts = HouseholdFacts { number: number.to_owned(), address: String::new() };
        HouseholdRow { state: Some(state), facts, changed: None }
    }

    fn person(household: HouseholdId, code: &str) -> PersonRow {
        let facts = PersonFacts { subject_code: code.to_owned(), ..PersonFacts::default() };
        let state = PersonState {
            household,
            sex: Sex::Female,
            birth: "1990-01".parse().unwrap(),
            ethnicity: Ethnicity::KINH,
            education: Education::None,
            marital: Marital::NeverMarried,
            residence: Residence::Present,
            method: None,
        };
        PersonRow { state: Some(state), facts, changed: None }
    }

    #[test]
    fn nothing_is_kept_before_the_first_question() {
        let mut lookups = Lookups::default();
        lookups.learn_person(who(1), &person(home(1), "A1"));
        lookups.learn_household(home(1), &household("0001"));
        assert_eq!((lookups.subject("A1"), lookups.household("0001")), (None, None));
        lookups.fill([(who(1), person(home(1), "A1"))], [(home(1), household("0001"))]);
        assert_eq!((lookups.subject("A1"), lookups.household("0001")), (Some(who(1)), Some(home(1))));
        assert_eq!(lookups.members(home(1)), [who(1)]);
    }

    #[test]
    fn who_left_is_not_found_and_a_number_given_on_stays_with_its_new_bearer() {
        let mut lookups = Lookups::default();
        lookups.fill([(who(1), person(home(1), "A1"))], [(home(1), household("0001"))]);
        lookups.learn_person(who(2), &person(home(1), "A1"));
        lookups.learn_household(home(2), &household("0001"));
        lookups.forget_person(who(1), &person(home(1), "A1"));
        lookups.forget_household(home(1), &household("0001"));
        assert_eq!((lookups.subject("A1"), lookups.household("0001")), (Some(who(2)), Some(home(2))));
        assert_eq!(lookups.members(home(1)), [who(2)]);
        lookups.forget_person(who(2), &person(home(1), "A1"));
        assert_eq!((lookups.subject("A1"), lookups.members(home(1))), (None, vec![]));
    }

    #[test]
    fn nobody_is_found_by_an_empty_number() {
        let mut lookups = Lookups::default();
        lookups.fill([(who(1), person(home(1), ""))], [(home(1), household(""))]);
        assert_eq!((lookups.subject(""), lookups.citizen(""), lookups.household("")), (None, None, None));
    }
}
