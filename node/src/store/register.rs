//! The own register: rows from the index, and what names persons and households from the ledger, with the change that
//! said it last.

use super::{
    StoreError,
    encoding::read_record,
    index::Index,
    ledger::{LedgerReader, Position},
    own::changes_of,
    recent::{PersonalParts, Recent},
    record::{OwnChange, Record, RecoveredBatch},
    rows::{HouseholdRow, PersonRow, StoredHousehold, StoredPerson},
};
use danso_core::{
    chain::Header,
    domain::{CaptureId, HouseholdId, PersonId, Personal, Sequence},
};
use std::collections::BTreeMap;

/// Reads the register. It keeps the changes of the record that it opened last: those of one lie side by side.
pub(super) struct OwnRegister<'a> {
    index: &'a Index,
    ledger: &'a LedgerReader,
    recent: &'a Recent,
    opened: Option<(Position, Vec<OwnChange>)>,
}

impl<'a> OwnRegister<'a> {
    pub fn new(index: &'a Index, ledger: &'a LedgerReader, recent: &'a Recent) -> Self {
        Self { index, ledger, recent, opened: None }
    }

    /// A person; without the key at rest without what names the person.
    pub fn person(&self, id: PersonId) -> Result<Option<PersonRow>, StoreError> {
        let row = self.index.person(id)?;
        row.map(|row| self.named_person(id, &row)).transpose()
    }

    /// A household; without the key at rest without what names it.
    pub fn household(&self, id: HouseholdId) -> Result<Option<HouseholdRow>, StoreError> {
        let row = self.index.household(id)?;
        row.map(|row| self.named_household(id, &row)).transpose()
    }

    /// All persons, also those who died or left.
    pub fn persons(&self) -> Result<Vec<(PersonId, PersonRow)>, StoreError> {
        let mut rows = self.index.persons()?;
        // As they lie in the ledger.
        rows.sort_by_key(|(_, row)| row.named);
        rows.into_iter().map(|(id, row)| Ok((id, self.named_person(id, &row)?))).collect()
    }

    /// All households, also closed ones.
    pub fn households(&self) -> Result<Vec<(HouseholdId, HouseholdRow)>, StoreError> {
        let mut rows = self.index.households()?;
        rows.sort_by_key(|(_, row)| row.named);
        rows.into_iter().map(|(id, row)| Ok((id, self.named_household(id, &row)?))).collect()
    }

    /// A change; `None` where there is none of this sequence.
    pub fn change(&mut self, sequence: Sequence) -> Result<Option<OwnChange>, StoreError> {
        let Some(position) = self.index.own(sequence)? else { return Ok(None) };
        if self.opened.as_ref().is_none_or(|(held, _)| *held != position) {
            self.opened = Some((position, self.changes_at(position)?));
        }
        Ok(self.opened.as_ref().and_then(|(_, changes)| of_sequence(changes, sequence)).cloned())
    }

    /// The own changes of a record.
    fn changes_at(&self, position: Position) -> Result<Vec<OwnChange>, StoreError> {
        match read_record(self.ledger, position, &self.index.vault)?.0.record {
            Record::Own(changes) => Ok(changes),
            Record::Recovered(recovered) => {
                own_changes(&recovered).ok_or_else(|| wrong("a stored batch does not open"))
            }
            _ => Err(wrong("an own change is indexed wrongly")),
        }
    }

    fn named_person(&self, id: PersonId, row: &StoredPerson) -> Result<PersonRow, StoreError> {
        let facts = self.names(row.named)?.of_person(id).cloned().unwrap_or_default();
        Ok(PersonRow { state: row.state, facts, changed: row.changed })
    }

    fn named_household(&self, id: HouseholdId, row: &StoredHousehold) -> Result<HouseholdRow, StoreError> {
        let facts = self.names(row.named)?.of_household(id).cloned().unwrap_or_default();
        Ok(HouseholdRow { state: row.state, facts, changed: row.changed })
    }

    /// What a change names.
    fn names(&self, sequence: Option<Sequence>) -> Result<Personal, StoreError> {
        let Some(sequence) = sequence else { return Ok(Personal::default()) };
        let position = self.index.own(sequence)?.ok_or_else(|| wrong("an own change is not indexed"))?;
        let parts = self.recent.parts(position, || self.personal_at(position))?;
        let Some(part) = parts.of(sequence) else { return Ok(Personal::default()) };
        Personal::decode(part).map_err(|_| wrong("a personal part is not decodable"))
    }

    /// The personal parts of a record.
    fn personal_at(&self, position: Position) -> Result<PersonalParts, StoreError> {
        let changes = self.changes_at(position)?;
        let first = changes.first().map_or(Sequence(0), |change| change.sequence);
        let parts = changes.into_iter().map(|change| change.personal.map(|(_, bytes)| bytes)).collect();
        Ok(PersonalParts { first, parts })
    }
}

/// A change among those of a record, which follow one on another.
fn of_sequence(changes: &[OwnChange], sequence: Sequence) -> Option<&OwnChange> {
    let place = sequence.0.checked_sub(changes.first()?.sequence.0)?;
    changes.get(usize::try_from(place).ok()?)
}

/// The changes of a batch that came back; `None` where it does not open.
fn own_changes(recovered: &RecoveredBatch) -> Option<Vec<OwnChange>> {
    let header: Header = recovered.batch.header.decode_trusted().ok()?;
    let captures: BTreeMap<Sequence, CaptureId> = recovered.captures.iter().copied().collect();
    let sequences = (0..).map(|place| header.first.plus(place));
    let own = |(sequence, (core, personal))| OwnChange {
        sequence,
        capture: captures.get(&sequence).copied(),
        core,
        personal,
    };
    Some(sequences.zip(changes_of(&recovered.batch, &header)?).map(own).collect())
}

fn wrong(reason: &str) -> StoreError {
    StoreError::Index(reason.to_owned())
}
