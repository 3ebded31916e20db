//! Look-ups: batches and receipts by number, persons and households of the own register.

use super::{
    Store, StoreError, index, keys,
    ledger::Position,
    record::{AcceptedBatch, OwnChange, Record},
    rows::{BatchRow, HouseholdRow, PersonRow},
};
use danso_core::{
    chain::{Batch, BatchNumber, Quarantined, Signed},
    domain::{CaptureId, HouseholdId, PersonId, Reason, Sequence},
};
use danso_tier_config::UnitId;

/// A batch held here, with what the acceptance said of it.
#[derive(Debug, Clone)]
pub struct HeldBatch {
    /// The batch as received or sealed.
    pub batch: Batch,
    /// Changes of it that are not counted.
    pub quarantined: Vec<Quarantined>,
    /// The receipt given for it; `None` for an own batch.
    pub receipt: Option<Signed>,
}

impl Store {
    fn record(&self, position: u64) -> Result<Record, StoreError> {
        let record = self.inner.reader.read(Position(position))?;
        Record::decode(record.kind, &record.payload, record.position)
    }

    /// Where a batch lies, and its hash; `None` when it is not held.
    pub fn batch_row(&self, origin: UnitId, number: BatchNumber) -> Result<Option<BatchRow>, StoreError> {
        self.inner.index.get(&keys::batch(origin, number))
    }

    /// A batch of any origin held here.
    pub fn batch(&self, origin: UnitId, number: BatchNumber) -> Result<Option<HeldBatch>, StoreError> {
        let Some(row) = self.batch_row(origin, number)? else {
            return Ok(None);
        };
        match self.record(row.position)? {
            Record::Sealed(batch) => Ok(Some(HeldBatch { batch, quarantined: Vec::new(), receipt: None })),
            Record::Accepted(accepted) => {
                let AcceptedBatch { batch, quarantined, receipt, .. } = *accepted;
                Ok(Some(HeldBatch { batch, quarantined, receipt: Some(receipt) }))
            }
            _ => Err(StoreError::Index("a batch row points to another kind of record".to_owned())),
        }
    }

    /// Changes of an origin that are stored but not counted.
    pub fn quarantine(&self, origin: UnitId) -> Result<Vec<(Sequence, Reason)>, StoreError> {
        let rows = self.inner.index.scan(&keys::quarantine_of(origin))?;
        rows.iter()
            .map(|(key, value)| {
                let sequence = key[key.len() - 8..].try_into().map(u64::from_be_bytes);
                let sequence = sequence.expect("a slice of eight bytes");
                Ok((Sequence(sequence), index::decode(value)?))
            })
            .collect()
    }

    /// Number of records of evidence kept.
    pub fn evidence_count(&self) -> Result<usize, StoreError> {
        Ok(self.inner.index.scan(keys::EVIDENCE)?.len())
    }

    /// A signed release by its number.
    pub fn release(&self, number: u64) -> Result<Option<Signed>, StoreError> {
        let Some(position) = self.inner.index.get::<u64>(&keys::release(number))? else {
            return Ok(None);
        };
        match self.record(position)? {
            Record::Release(signed) => Ok(Some(signed)),
            _ => Err(StoreError::Index("a release row points to another kind of record".to_owned())),
        }
    }

    /// An own change by its sequence.
    pub fn own_change(&self, sequence: Sequence) -> Result<Option<OwnChange>, StoreError> {
        let Some(position) = self.inner.index.get::<u64>(&keys::own(sequence))? else {
            return Ok(None);
        };
        match self.record(position)? {
            Record::Own(change) => Ok(Some(change)),
            _ => Err(StoreError::Index("an own change is indexed wrongly".to_owned())),
        }
    }

    /// The change that a capture became; `None` when it is new.
    pub fn capture(&self, capture: CaptureId) -> Result<Option<Sequence>, StoreError> {
        self.inner.index.get(&keys::capture(capture))
    }

    /// The recorded capture that begins with these bytes.
    pub fn capture_of(&self, beginning: &[u8]) -> Result<Option<CaptureId>, StoreError> {
        let rows = self.inner.index.scan(&keys::captures_beginning(beginning))?;
        let capture = rows.keys().next().and_then(|key| key.get(1..)?.try_into().ok());
        Ok(capture.map(CaptureId))
    }

    /// A person of the own register, also one who died or left.
    pub fn person(&self, person: PersonId) -> Result<Option<PersonRow>, StoreError> {
        self.inner.index.get(&keys::person(person))
    }

    /// A household of the own register, also a closed one.
    pub fn household(&self, household: HouseholdId) -> Result<Option<HouseholdRow>, StoreError> {
        self.inner.index.get(&keys::household(household))
    }

    /// The open household with this number.
    pub fn household_by_number(&self, number: &str) -> Result<Option<HouseholdId>, StoreError> {
        self.inner.index.get(&keys::number(number))
    }

    /// The resident with this health-insurance number.
    pub fn person_by_subject_code(&self, code: &str) -> Result<Option<PersonId>, StoreError> {
        self.inner.index.get(&keys::subject(code))
    }

    /// The resident with this personal identification number.
    pub fn person_by_citizen_number(&self, number: &str) -> Result<Option<PersonId>, StoreError> {
        self.inner.index.get(&keys::citizen(number))
    }

    /// Residents of a household.
    pub fn members(&self, household: HouseholdId) -> Result<Vec<PersonId>, StoreError> {
        let rows = self.inner.index.scan(&keys::members_of(household))?;
        let unreadable = || StoreError::Index("a member key is unreadable".to_owned());
        rows.keys().map(|key| keys::member_of_key(key).ok_or_else(unreadable)).collect()
    }
}
