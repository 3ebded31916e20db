//! Look-ups: batches and receipts by number, persons and households of the own register.

use super::{
    Store, StoreError,
    at_rest::State,
    encoding::{Decoded, captures_of, read_record},
    index, keys,
    ledger::Position,
    names,
    own::changes_of,
    record::{AcceptedBatch, Evidence, OfficeRecord, OwnChange, Record, Topic},
    register::OwnRegister,
    rows::{BatchRow, HouseholdRow, PersonRow},
    view::View,
};
use danso_core::{
    chain::{Batch, BatchNumber, ErasedLeaf, Header, PersonalLeaf, Quarantined, Signed},
    domain::{
        CaptureId, Core, HouseholdId, HouseholdState, PersonFacts, PersonId, PersonState, Reason, Sequence,
    },
};
use danso_tier_config::UnitId;
use std::sync::RwLockReadGuard;

/// A person's state, and the latest change.
type Standing = (Option<PersonState>, Option<Sequence>);

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
        let Some(position) = self.inner.index.get::<u64>(&keys::release(number))? else {
            return Ok(None);
        };
        match self.record(position)? {
            Record::Release(signed) => Ok(Some(signed)),
            _ => Err(StoreError::Index("a release row points to another kind of record".to_owned())),
        }
    }

    fn register(&self) -> OwnRegister<'_> {
        OwnRegister::new(&self.inner.index, &self.inner.reader, &self.inner.recent)
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
        let rows = self.inner.index.scan(keys::EVIDENCE)?;
        rows.keys()
            .map(|key| match self.record(end_of(key)?.0)? {
                Record::Evidence(evidence) => Ok(*evidence),
                _ => Err(StoreError::Index("an evidence row points to another kind of record".to_owned())),
            })
            .collect()
    }

    /// The office records of a topic, the oldest first.
    pub fn office(&self, topic: Topic) -> Result<Vec<Vec<u8>>, StoreError> {
        let rows = self.inner.index.scan(keys::OFFICE)?;
        let mut found = Vec::new();
        for key in rows.keys() {
            match self.record(end_of(key)?.0)? {
                Record::Office(office) if office.topic == topic => found.push(office.bytes),
                Record::Office(_) => {}
                _ => return Err(StoreError::Index("an office row points to another record".to_owned())),
            }
        }
        Ok(found)
    }

    /// All office records, the oldest first.
    pub fn office_records(&self) -> Result<Vec<OfficeRecord>, StoreError> {
        let rows = self.inner.index.scan(keys::OFFICE)?;
        rows.keys()
            .map(|key| match self.record(end_of(key)?.0)? {
                Record::Office(office) => Ok(office),
                _ => Err(StoreError::Index("an office row points to another record".to_owned())),
            })
            .collect()
    }

    /// Audit entries from a number on, as signed: those of the next `max` numbers that are there.
    pub fn audit_entries(&self, from: u64, max: usize) -> Result<Vec<Signed>, StoreError> {
        let last = self.view().audit.number.min(from.saturating_add(max as u64).saturating_sub(1));
        (from.max(1)..=last).filter_map(|number| self.audit_entry(number).transpose()).collect()
    }

    /// An audit entry by its number; `None` where it is missing.
    pub fn audit_entry(&self, number: u64) -> Result<Option<Signed>, StoreError> {
        let Some(position) = self.inner.index.get::<u64>(&keys::audit(number))? else {
            return Ok(None);
        };
        match self.record(position)? {
            Record::Audit(signed) => Ok(Some(signed)),
            _ => Err(StoreError::Index("an audit row points to another kind of record".to_owned())),
        }
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

    /// Residents of a household.
    pub fn members(&self, household: HouseholdId) -> Result<Vec<PersonId>, StoreError> {
        Ok(self.lookups()?.lookups.members(household))
    }
}

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

fn end_of(key: &[u8]) -> Result<Position, StoreError> {
    keys::position_of_key(key).ok_or_else(|| StoreError::Index("a key is too short".to_owned()))
}

fn undecodable() -> StoreError {
    StoreError::Index("a stored batch does not open".to_owned())
}
