//! Rows of persons, households and own changes.

use super::{Index, decode};
use crate::store::{
    StoreError, keys,
    ledger::Position,
    rows::{OwnPlaces, Stored, StoredHousehold, StoredPerson},
};
use danso_core::domain::{HouseholdId, HouseholdState, PersonId, PersonState, Sequence};
use serde::de::DeserializeOwned;

impl Index {
    /// A person's row.
    pub fn person(&self, id: PersonId) -> Result<Option<StoredPerson>, StoreError> {
        self.get(&keys::person(id))
    }

    /// A household's row.
    pub fn household(&self, id: HouseholdId) -> Result<Option<StoredHousehold>, StoreError> {
        self.get(&keys::household(id))
    }

    /// Sets a person's row.
    pub fn put_person(&self, id: PersonId, row: &StoredPerson) {
        self.put(keys::person(id), row);
    }

    /// What a change leaves of a person's row; a `new` one has none.
    pub fn change_person(
        &self,
        id: PersonId,
        new: bool,
        (after, says_who): (Option<PersonState>, bool),
        sequence: Sequence,
    ) -> Result<(), StoreError> {
        let row = if new { None } else { self.person(id)? };
        self.put_person(id, &Stored::after(sequence, after, says_who, row));
        Ok(())
    }

    /// What a change leaves of a household's row.
    pub fn change_household(
        &self,
        id: HouseholdId,
        (after, says_who): (Option<HouseholdState>, bool),
        sequence: Sequence,
    ) -> Result<(), StoreError> {
        let row = self.household(id)?;
        self.put(keys::household(id), &Stored::after(sequence, after, says_who, row));
        Ok(())
    }

    /// All persons of the own register, also those who died or left.
    pub fn persons(&self) -> Result<Vec<(PersonId, StoredPerson)>, StoreError> {
        self.all(keys::PERSONS, keys::person_of_key)
    }

    /// All households of the own register, also closed ones.
    pub fn households(&self) -> Result<Vec<(HouseholdId, StoredHousehold)>, StoreError> {
        self.all(keys::HOUSEHOLDS, keys::household_of_key)
    }

    fn all<Id, Row: DeserializeOwned>(
        &self,
        prefix: &[u8],
        id_of: fn(&[u8]) -> Option<Id>,
    ) -> Result<Vec<(Id, Row)>, StoreError> {
        let unreadable = || StoreError::Index("the key of a row of the register is unreadable".to_owned());
        let rows = self.scan(prefix)?;
        rows.iter().map(|(key, value)| Ok((id_of(key).ok_or_else(unreadable)?, decode(value)?))).collect()
    }

    /// Where the record of an own change lies.
    pub fn own(&self, sequence: Sequence) -> Result<Option<Position>, StoreError> {
        let places: Option<OwnPlaces> = self.get(&keys::own(sequence))?;
        Ok(places.and_then(|places| places.positions().nth(keys::place_in_row(sequence)).flatten()))
    }

    /// Says where the records of own changes lie; of two places of a change the later one counts.
    pub fn put_own(&self, changes: &[(Sequence, Position)]) -> Result<(), StoreError> {
        for of_row in changes.chunk_by(|one, next| keys::row_of(one.0) == keys::row_of(next.0)) {
            let key = keys::own(of_row[0].0);
            let places: OwnPlaces = self.get(&key)?.unwrap_or_default();
            let changes =
                of_row.iter().map(|(sequence, position)| (keys::place_in_row(*sequence), *position));
            self.put(key, &places.with(changes));
        }
        Ok(())
    }
}
