//! Look-ups in the own register: persons and households, and the changes that name somebody.

use super::HeldBatch;
use crate::store::{
    Store, StoreError, names,
    own::changes_of,
    register::OwnRegister,
    rows::{HouseholdRow, PersonRow},
    view::View,
};
use danso_core::{
    chain::{BatchNumber, ErasedLeaf, Header, PersonalLeaf},
    domain::{Core, HouseholdId, HouseholdState, PersonFacts, PersonId, PersonState, Sequence},
};
use std::sync::RwLockReadGuard;

/// A person's state, and the latest change.
type Standing = (Option<PersonState>, Option<Sequence>);

/// An own change with a personal part, and the leaf that holds it.
#[derive(Clone)]
pub struct Naming {
    /// Its place and hash.
    pub leaf: ErasedLeaf,
    /// Its core.
    pub core: Core,
    /// Its encoded personal part.
    pub personal: Vec<u8>,
}

impl Store {
    pub(super) fn register(&self) -> OwnRegister<'_> {
        OwnRegister::new(&self.inner.index, &self.inner.reader, &self.inner.recent)
    }

    /// A person of the own register, also one who died or left.
    pub fn person(&self, person: PersonId) -> Result<Option<PersonRow>, StoreError> {
        self.register().person(person)
    }

    /// A person's state and latest change, without what names the person.
    pub fn standing(&self, person: PersonId) -> Result<Option<Standing>, StoreError> {
        Ok(self.inner.index.person(person)?.map(|row| (row.state, row.changed)))
    }

    /// A household's state, without what names it.
    pub fn household_state(&self, household: HouseholdId) -> Result<Option<HouseholdState>, StoreError> {
        Ok(self.inner.index.household(household)?.and_then(|row| row.state))
    }

    /// A household of the own register, also a closed one.
    pub fn household(&self, household: HouseholdId) -> Result<Option<HouseholdRow>, StoreError> {
        self.register().household(household)
    }

    /// The open household with this number.
    pub fn household_by_number(&self, number: &str) -> Result<Option<HouseholdId>, StoreError> {
        Ok(self.lookups()?.lookups.household(number))
    }

    /// The resident with this health-insurance number.
    pub fn person_by_subject_code(&self, code: &str) -> Result<Option<PersonId>, StoreError> {
        Ok(self.lookups()?.lookups.subject(code))
    }

    /// The resident with this personal identification number.
    pub fn person_by_citizen_number(&self, number: &str) -> Result<Option<PersonId>, StoreError> {
        Ok(self.lookups()?.lookups.citizen(number))
    }

    /// The view with its look-ups filled: all rows of the register are read at the first question.
    fn lookups(&self) -> Result<RwLockReadGuard<'_, View>, StoreError> {
        let fill = |view: &mut View| {
            let register = self.register();
            view.lookups.fill(register.persons()?, register.households()?);
            Ok(())
        };
        self.filled(|view| view.lookups.is_filled(), fill)
    }

    /// Persons of the own register whose names have all words of a question, also those who died or left;
    /// at most `max`. Marks count where the question has them.
    ///
    /// Errors: [`StoreError::Locked`] without the key at rest.
    pub fn persons_by_name(
        &self,
        question: &str,
        max: usize,
    ) -> Result<Vec<(PersonId, PersonRow)>, StoreError> {
        self.require_key()?;
        let fill = |view: &mut View| {
            let persons = self.register().persons()?;
            view.names.fill(persons.into_iter().map(|(id, row)| (id, row.facts)));
            Ok(())
        };
        let found = self.filled(|view| view.names.is_filled(), fill)?.names.find(question);
        let mut persons = Vec::new();
        let register = self.register();
        for id in found {
            let Some(row) = register.person(id)? else { continue };
            if names::answers(&row.facts.name, question) {
                persons.push((id, row));
            }
            if persons.len() == max {
                break;
            }
        }
        Ok(persons)
    }

    /// Whether residents are in the register whose names are not.
    ///
    /// Errors: [`StoreError::Locked`] without the key at rest.
    pub fn has_nameless_persons(&self) -> Result<bool, StoreError> {
        self.require_key()?;
        let nameless = |row: &PersonRow| row.state.is_some() && row.facts == PersonFacts::default();
        Ok(self.register().persons()?.iter().any(|(_, row)| nameless(row)))
    }

    /// Residents of a household.
    pub fn members(&self, household: HouseholdId) -> Result<Vec<PersonId>, StoreError> {
        Ok(self.lookups()?.lookups.members(household))
    }

    /// Where the changes lie that name a person, by batch: own sealed changes only.
    pub fn changes_naming(&self, person: PersonId) -> Result<Vec<Naming>, StoreError> {
        let head = self.view().chains.get(&self.unit()).map(|chain| chain.head).unwrap_or_default();
        let mut found = Vec::new();
        for number in (1..=head.number.0).map(BatchNumber) {
            let Some(HeldBatch { batch, .. }) = self.batch(self.unit(), number)? else { continue };
            let header: Header = batch.header.decode_trusted().map_err(|_| undecodable())?;
            let changes = changes_of(&batch, &header).ok_or_else(undecodable)?;
            for (place, (core, personal)) in changes.into_iter().enumerate() {
                let core = Core::decode(&core).map_err(|_| undecodable())?;
                let names = core.persons.iter().any(|change| change.id == person);
                if let Some((salt, personal)) = personal.filter(|_| names) {
                    let hash = PersonalLeaf::Present { salt: &salt, bytes: &personal }.hash();
                    let sequence = header.first.plus(place as u64);
                    found.push(Naming { leaf: ErasedLeaf { number, sequence, hash }, core, personal });
                }
            }
        }
        Ok(found)
    }
}

fn undecodable() -> StoreError {
    StoreError::Index("a stored batch does not open".to_owned())
}
