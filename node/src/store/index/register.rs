//! Rows of persons, households and own changes.

use super::{Index, decode};
use crate::store::{
    StoreError, keys,
    ledger::Position,
    rows::{HouseholdRow, PersonRow, StoredHousehold, StoredPerson},
};
use danso_core::domain::{
    HouseholdFacts, HouseholdId, HouseholdState, PersonFacts, PersonId, PersonState, Sequence,
};
use serde::{Serialize, de::DeserializeOwned};

/// A person's state, and the latest change.
pub(in crate::store) type Standing = (Option<PersonState>, Option<Sequence>);

impl Index {
    /// A person's row; without the key at rest without what names the person.
    pub fn person(&self, id: PersonId) -> Result<Option<PersonRow>, StoreError> {
        let key = keys::person(id);
        let Some(StoredPerson { state, facts, changed }) = self.get(&key)? else { return Ok(None) };
        let facts = self.unsealed(&key, &facts)?;
        Ok(Some(PersonRow { state, facts, changed }))
    }

    /// A person's state and latest change, without what names the person.
    pub fn standing(&self, id: PersonId) -> Result<Option<Standing>, StoreError> {
        let row: Option<StoredPerson> = self.get(&keys::person(id))?;
        Ok(row.map(|row| (row.state, row.changed)))
    }

    /// A household's state, without what names it.
    pub fn household_state(&self, id: HouseholdId) -> Result<Option<HouseholdState>, StoreError> {
        let row: Option<StoredHousehold> = self.get(&keys::household(id))?;
        Ok(row.and_then(|row| row.state))
    }

    /// What a change leaves of a person's row, as [`PersonRow::change`]; a `new` one has none.
    pub fn change_person(
        &self,
        id: PersonId,
        new: bool,
        (after, facts): (Option<PersonState>, Option<&PersonFacts>),
        sequence: Sequence,
    ) -> Result<(), StoreError> {
        let key = keys::person(id);
        let row: Option<StoredPerson> = if new { None } else { self.get(&key)? };
        let facts = match (facts, row) {
            (Some(facts), _) => self.sealed(&key, facts),
            (None, row) => row.map(|row| row.facts).unwrap_or_default(),
        };
        self.put(key, &StoredPerson { state: after, facts, changed: Some(sequence) });
        Ok(())
    }

    /// What a change leaves of a household's row, as [`HouseholdRow::change`].
    pub fn change_household(
        &self,
        id: HouseholdId,
        (after, facts): (Option<HouseholdState>, Option<&HouseholdFacts>),
        sequence: Sequence,
    ) -> Result<(), StoreError> {
        let key = keys::household(id);
        let row: Option<StoredHousehold> = self.get(&key)?;
        let facts = match (facts, row) {
            (Some(facts), _) => self.sealed(&key, facts),
            (None, row) => row.map(|row| row.facts).unwrap_or_default(),
        };
        self.put(key, &StoredHousehold { state: after, facts, changed: Some(sequence) });
        Ok(())
    }

    /// Sets a person's row.
    pub fn put_person(&self, id: PersonId, row: &PersonRow) {
        let key = keys::person(id);
        let facts = self.sealed(&key, &row.facts);
        self.put(key, &StoredPerson { state: row.state, facts, changed: row.changed });
    }

    /// A household's row; without the key at rest without what names it.
    pub fn household(&self, id: HouseholdId) -> Result<Option<HouseholdRow>, StoreError> {
        let key = keys::household(id);
        let Some(StoredHousehold { state, facts, changed }) = self.get(&key)? else { return Ok(None) };
        let facts = self.unsealed(&key, &facts)?;
        Ok(Some(HouseholdRow { state, facts, changed }))
    }

    /// Empty for nothing to hide, else sealed and bound to its key.
    fn sealed<T: Serialize + Default + PartialEq>(&self, key: &[u8], facts: &T) -> Vec<u8> {
        if *facts == T::default() {
            return Vec::new();
        }
        self.vault.seal(key, &postcard::to_stdvec(facts).expect("a row is plain data"))
    }

    fn unsealed<T: DeserializeOwned + Default>(&self, key: &[u8], sealed: &[u8]) -> Result<T, StoreError> {
        if sealed.is_empty() || self.vault.is_locked() {
            return Ok(T::default());
        }
        let plain = self.vault.open(key, sealed);
        let plain = plain.map_err(|_| StoreError::Index("a sealed row does not open".to_owned()))?;
        postcard::from_bytes(&plain).map_err(|_| StoreError::Index("a row is not decodable".to_owned()))
    }

    /// All persons of the own register, also those who died or left, as [`Index::person`] gives each.
    pub fn persons(&self) -> Result<Vec<(PersonId, PersonRow)>, StoreError> {
        let rows = self.scan(keys::PERSONS)?;
        rows.into_iter()
            .map(|(key, value)| {
                let id = keys::person_of_key(&key);
                let id = id.ok_or_else(|| StoreError::Index("a person key is unreadable".to_owned()))?;
                let StoredPerson { state, facts, changed } = decode(&value)?;
                Ok((id, PersonRow { state, facts: self.unsealed(&key, &facts)?, changed }))
            })
            .collect()
    }

    /// All households of the own register, also closed ones, as [`Index::household`] gives each.
    pub fn households(&self) -> Result<Vec<(HouseholdId, HouseholdRow)>, StoreError> {
        let rows = self.scan(keys::HOUSEHOLDS)?;
        rows.into_iter()
            .map(|(key, value)| {
                let id = keys::household_of_key(&key);
                let id = id.ok_or_else(|| StoreError::Index("a household key is unreadable".to_owned()))?;
                let StoredHousehold { state, facts, changed } = decode(&value)?;
                Ok((id, HouseholdRow { state, facts: self.unsealed(&key, &facts)?, changed }))
            })
            .collect()
    }

    /// Where the record of an own change lies.
    pub fn own(&self, sequence: Sequence) -> Result<Option<Position>, StoreError> {
        let positions: Option<Vec<u64>> = self.get(&keys::own(sequence))?;
        let place = (sequence.0 % keys::OWN_A_ROW) as usize;
        let position = positions.and_then(|positions| positions.get(place).copied());
        Ok(position.filter(|position| *position != 0).map(Position))
    }

    /// Says where the record of an own change lies.
    pub fn put_own(&self, sequence: Sequence, position: Position) -> Result<(), StoreError> {
        let key = keys::own(sequence);
        let mut positions: Vec<u64> = self.get(&key)?.unwrap_or_default();
        let place = (sequence.0 % keys::OWN_A_ROW) as usize;
        positions.resize(positions.len().max(place + 1), 0);
        positions[place] = position.0;
        self.put(key, &positions);
        Ok(())
    }
}
