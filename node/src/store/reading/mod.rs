//! Look-ups: batches, releases, own changes, evidence, office and audit records; `people.rs` has the own register.

mod people;

pub use people::Naming;

use super::{
    Store, StoreError,
    at_rest::State,
    encoding::{Decoded, captures_of, read_record},
    index, keys,
    ledger::Position,
    record::{AcceptedBatch, Evidence, OfficeRecord, OwnChange, Record, Topic},
    rows::BatchRow,
    view::View,
};
use danso_core::{
    chain::{Batch, BatchNumber, Quarantined, Signed},
    domain::{CaptureId, Reason, Sequence},
};
use danso_tier_config::UnitId;
use std::sync::RwLockReadGuard;

/// A batch held here, with what the acceptance said of it.
#[derive(Debug, Clone)]
pub struct HeldBatch {
    /// The batch as received or sealed.
    pub batch: Batch,
    /// Changes of it that are not counted.
    pub quarantined: Vec<Quarantined>,
    /// The receipt given for it; `None` for an own batch.
    pub receipt: Option<Signed>,
    /// Whether its personal frame is here but cannot be read without the key at rest.
    pub veiled: bool,
    /// Where its record lies.
    pub position: Position,
}

impl Store {
    fn read(&self, position: u64) -> Result<(Decoded, Position), StoreError> {
        read_record(&self.inner.reader, Position(position), &self.inner.index.vault)
    }

    fn record(&self, position: u64) -> Result<Record, StoreError> {
        Ok(self.read(position)?.0.record)
    }

    /// What a row points to, where it is of the kind that the row is for.
    fn of_kind<T>(&self, row: &str, position: u64, kind: fn(Record) -> Option<T>) -> Result<T, StoreError> {
        let wrong = || StoreError::Index(format!("a row of {row} points to another kind of record"));
        kind(self.record(position)?).ok_or_else(wrong)
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
        let (Decoded { record, veiled }, position) = self.read(row.position)?;
        let own = |batch| HeldBatch { batch, quarantined: Vec::new(), receipt: None, veiled, position };
        match record {
            Record::Sealed(batch) => Ok(Some(own(*batch))),
            Record::Recovered(recovered) => Ok(Some(own(recovered.batch))),
            Record::Accepted(accepted) => {
                let AcceptedBatch { batch, quarantined, receipt, .. } = *accepted;
                Ok(Some(HeldBatch { batch, quarantined, receipt: Some(receipt), veiled, position }))
            }
            _ => Err(StoreError::Index("a batch row points to another kind of record".to_owned())),
        }
    }

    /// The batch up to which the names of an origin were dropped by policy; 0 for none.
    pub fn compacted(&self, origin: UnitId) -> Result<BatchNumber, StoreError> {
        Ok(self.inner.index.get(&keys::compacted(origin))?.unwrap_or_default())
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
        let release = |record| if let Record::Release(signed) = record { Some(signed) } else { None };
        let position = self.inner.index.get(&keys::release(number))?;
        position.map(|position| self.of_kind("releases", position, release)).transpose()
    }

    /// An own change by its sequence.
    pub fn own_change(&self, sequence: Sequence) -> Result<Option<OwnChange>, StoreError> {
        self.register().change(sequence)
    }

    /// The changes of the record that an own change lies in, and where that lies; `None` for a change that came back
    /// within a batch.
    pub fn own_record(&self, sequence: Sequence) -> Result<Option<(Position, Vec<OwnChange>)>, StoreError> {
        let Some(position) = self.inner.index.own(sequence)? else {
            return Ok(None);
        };
        let (Decoded { record, veiled }, position) = self.read(position.0)?;
        match record {
            Record::Own(_) if veiled => Err(StoreError::Locked),
            Record::Own(changes) => Ok(Some((position, changes))),
            _ => Ok(None),
        }
    }

    /// The change that a capture became; `None` when it is new.
    pub fn capture(&self, capture: CaptureId) -> Result<Option<Sequence>, StoreError> {
        Ok(self.captures()?.captures.sequence(capture))
    }

    /// The recorded capture that begins with these bytes.
    pub fn capture_of(&self, beginning: &[u8]) -> Result<Option<CaptureId>, StoreError> {
        Ok(self.captures()?.captures.beginning(beginning))
    }

    /// The view with its captures filled: they lie in the ledger, which is read at the first question.
    fn captures(&self) -> Result<RwLockReadGuard<'_, View>, StoreError> {
        let fill = |view: &mut View| {
            let mut found = Vec::new();
            for record in self.inner.reader.iter_from(Position::START) {
                let record = record?;
                if record.position >= view.position {
                    break;
                }
                found.extend(captures_of(&record)?);
            }
            view.captures.fill(found);
            Ok(())
        };
        self.filled(|view| view.captures.is_filled(), fill)
    }

    /// The view with something in it that is read at the first question; many may ask it at once.
    fn filled(
        &self,
        is_filled: fn(&View) -> bool,
        fill: impl FnOnce(&mut View) -> Result<(), StoreError>,
    ) -> Result<RwLockReadGuard<'_, View>, StoreError> {
        if !is_filled(&self.view()) {
            let mut view = self.inner.view.write().expect("no holder of the view panics");
            if !is_filled(&view) {
                fill(&mut view)?;
            }
        }
        Ok(self.view())
    }

    /// Refuses without the key at rest.
    pub fn require_key(&self) -> Result<(), StoreError> {
        if self.inner.index.vault.is_locked() { Err(StoreError::Locked) } else { Ok(()) }
    }

    /// How what names persons is kept on the disk.
    pub fn at_rest(&self) -> State {
        self.inner.index.vault.state()
    }

    /// The evidence kept, the oldest first.
    pub fn evidence(&self) -> Result<Vec<Evidence>, StoreError> {
        let evidence = |record| if let Record::Evidence(evidence) = record { Some(*evidence) } else { None };
        let rows = self.inner.index.scan(keys::EVIDENCE)?;
        rows.keys().map(|key| self.of_kind("evidence", end_of(key)?.0, evidence)).collect()
    }

    /// The office records of a topic, the oldest first.
    pub fn office(&self, topic: Topic) -> Result<Vec<Vec<u8>>, StoreError> {
        let rows = self.inner.index.scan(keys::OFFICE)?;
        let of_topic = |office: OfficeRecord| (office.topic == topic).then_some(office.bytes);
        rows.keys().filter_map(|key| self.office_record(key).map(of_topic).transpose()).collect()
    }

    /// All office records, the oldest first.
    pub fn office_records(&self) -> Result<Vec<OfficeRecord>, StoreError> {
        let rows = self.inner.index.scan(keys::OFFICE)?;
        rows.keys().map(|key| self.office_record(key)).collect()
    }

    fn office_record(&self, key: &[u8]) -> Result<OfficeRecord, StoreError> {
        let office = |record| if let Record::Office(office) = record { Some(office) } else { None };
        self.of_kind("office records", end_of(key)?.0, office)
    }

    /// Audit entries from a number on, as signed: those of the next `max` numbers that are there.
    pub fn audit_entries(&self, from: u64, max: usize) -> Result<Vec<Signed>, StoreError> {
        let last = self.view().audit.number.min(from.saturating_add(max as u64).saturating_sub(1));
        (from.max(1)..=last).filter_map(|number| self.audit_entry(number).transpose()).collect()
    }

    /// An audit entry by its number; `None` where it is missing.
    pub fn audit_entry(&self, number: u64) -> Result<Option<Signed>, StoreError> {
        let audit = |record| if let Record::Audit(signed) = record { Some(signed) } else { None };
        let position = self.inner.index.get(&keys::audit(number))?;
        position.map(|position| self.of_kind("audit entries", position, audit)).transpose()
    }

    /// The record at a position, its batch with another personal frame.
    pub fn with_names(&self, position: Position, personal: Option<Vec<u8>>) -> Result<Record, StoreError> {
        let mut record = self.record(position.0)?;
        match &mut record {
            Record::Sealed(batch) => batch.personal = personal,
            Record::Accepted(accepted) => accepted.batch.personal = personal,
            Record::Recovered(recovered) => recovered.batch.personal = personal,
            _ => return Err(StoreError::Index("a batch row points to another kind of record".to_owned())),
        }
        Ok(record)
    }
}

fn end_of(key: &[u8]) -> Result<Position, StoreError> {
    keys::position_of_key(key).ok_or_else(|| StoreError::Index("a key is too short".to_owned()))
}
