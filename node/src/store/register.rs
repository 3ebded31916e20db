//! The own register: rows from the index, and what names persons and households from the ledger, with the change that
//! said it last.

use super::{
    StoreError,
    apply::{OpenedChange, changes_of},
    encoding::read_record,
    index::Index,
    ledger::{LedgerReader, Position},
    record::{OwnChange, Record},
    rows::{HouseholdRow, PersonRow, StoredHousehold, StoredPerson},
};
use danso_core::{
    chain::Header,
    domain::{HouseholdId, PersonId, Personal, Sequence},
};

/// Reads the register. It keeps the batch that it opened last: changes that came back from the parent lie side by side
/// in theirs.
pub(super) struct OwnRegister<'a> {
    index: &'a Index,
    ledger: &'a LedgerReader,
    opened: Option<(Position, Opened)>,
}

/// A batch of the own chain: its first sequence, and its changes.
type Opened = (Sequence, Vec<OpenedChange>);

impl<'a> OwnRegister<'a> {
    pub fn new(index: &'a Index, ledger: &'a LedgerReader) -> Self {
        Self { index, ledger, opened: None }
    }

    /// A person; without the key at rest without what names the person.
    pub fn person(&mut self, id: PersonId) -> Result<Option<PersonRow>, StoreError> {
        let row = self.index.person(id)?;
        row.map(|row| self.named_person(id, &row)).transpose()
    }

    /// A household; without the key at rest without what names it.
    pub fn household(&mut self, id: HouseholdId) -> Result<Option<HouseholdRow>, StoreError> {
        let row = self.index.household(id)?;
        row.map(|row| self.named_household(id, &row)).transpose()
    }

    /// All persons, also those who died or left.
    pub fn persons(&mut self) -> Result<Vec<(PersonId, PersonRow)>, StoreError> {
        let mut rows = self.index.persons()?;
        // As they lie in the ledger.
        rows.sort_by_key(|(_, row)| row.named);
        rows.into_iter().map(|(id, row)| Ok((id, self.named_person(id, &row)?))).collect()
    }

    /// All households, also closed ones.
    pub fn households(&mut self) -> Result<Vec<(HouseholdId, HouseholdRow)>, StoreError> {
        let mut rows = self.index.households()?;
        rows.sort_by_key(|(_, row)| row.named);
        rows.into_iter().map(|(id, row)| Ok((id, self.named_household(id, &row)?))).collect()
    }

    /// A change; `None` where there is none of this sequence.
    pub fn change(&mut self, sequence: Sequence) -> Result<Option<OwnChange>, StoreError> {
        let Some(position) = self.index.own(sequence)? else { return Ok(None) };
        if let Some((_, opened)) = self.opened.as_ref().filter(|(held, _)| *held == position) {
            return Ok(change_of(opened, sequence));
        }
        match read_record(self.ledger, position, &self.index.vault)?.0.record {
            Record::Own(change) => Ok(Some(change)),
            Record::Recovered(recovered) => {
                let batch = &recovered.batch;
                let header: Option<Header> = batch.header.decode_trusted().ok();
                let opened = header.and_then(|header| Some((header.first, changes_of(batch, &header)?)));
                let opened = opened.ok_or_else(|| wrong("a stored batch does not open"))?;
                let change = change_of(&opened, sequence);
                self.opened = Some((position, opened));
                Ok(change)
            }
            _ => Err(wrong("an own change is indexed wrongly")),
        }
    }

    fn named_person(&mut self, id: PersonId, row: &StoredPerson) -> Result<PersonRow, StoreError> {
        let facts = self.names(row.named)?.of_person(id).cloned().unwrap_or_default();
        Ok(PersonRow { state: row.state, facts, changed: row.changed })
    }

    fn named_household(
        &mut self,
        id: HouseholdId,
        row: &StoredHousehold,
    ) -> Result<HouseholdRow, StoreError> {
        let facts = self.names(row.named)?.of_household(id).cloned().unwrap_or_default();
        Ok(HouseholdRow { state: row.state, facts, changed: row.changed })
    }

    /// What a change names.
    fn names(&mut self, sequence: Option<Sequence>) -> Result<Personal, StoreError> {
        let Some(sequence) = sequence else { return Ok(Personal::default()) };
        let change = self.change(sequence)?.ok_or_else(|| wrong("an own change is not indexed"))?;
        let Some((_, personal)) = change.personal else { return Ok(Personal::default()) };
        Personal::decode(&personal).map_err(|_| wrong("a personal part is not decodable"))
    }
}

fn change_of((first, changes): &Opened, sequence: Sequence) -> Option<OwnChange> {
    let place = usize::try_from(sequence.0.checked_sub(first.0)?).ok()?;
    let (core, personal) = changes.get(place)?.clone();
    Some(OwnChange { sequence, capture: None, core, personal })
}

fn wrong(reason: &str) -> StoreError {
    StoreError::Index(reason.to_owned())
}
