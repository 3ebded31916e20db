//! What each ledger record does to the state in memory and to the index. The same at start and in service.

use super::{
    StoreError,
    index::Index,
    keys,
    ledger::Position,
    record::{AcceptedBatch, Evidence, OwnChange, Record},
    rows::{BatchRow, ChainRow, HouseholdRow, PersonRow},
    view::View,
};
use danso_core::{
    chain::{Batch, Contents, Exclusions, Fault, Header, Receipt, SealedChange, Signed, check_link, open},
    domain::{Core, PersonChange, Personal, Reason},
    rollup::{Delta, Judged, Tally, judge},
};
use danso_tier_config::{Policy, UnitId};

/// The place where records take effect.
pub(super) struct Applier<'a> {
    pub view: &'a mut View,
    pub index: &'a Index,
    pub unit: UnitId,
}

/// Reads again what follows from a batch that was verified before it was stored.
pub(super) fn reread(batch: &Batch) -> Result<(Header, Judged), Fault> {
    let header: Header = batch.header.decode_trusted()?;
    let mut kept = batch.clone();
    if kept.cores.is_some() {
        kept.deltas = None;
    }
    kept.personal = None;
    let policy = if kept.cores.is_some() { Policy::Cores } else { Policy::Counts };
    let contents: Contents = open(&kept, &header, policy)?;
    let exclusions = batch.exclusions.as_ref().map(Signed::decode_trusted::<Exclusions>).transpose()?;
    let judged = judge(&contents, &header, exclusions.as_ref())?;
    Ok((header, judged))
}

fn damaged(position: Position, fault: &Fault) -> StoreError {
    StoreError::Ledger {
        code: "ledger_damaged",
        message: format!("stored batch at {position} does not verify: {fault}"),
    }
}

impl Applier<'_> {
    /// Applies one durable record. `judged` is what the acceptance found; at start it is found again.
    pub fn apply(
        &mut self,
        record: Record,
        position: Position,
        judged: Option<Judged>,
    ) -> Result<(), StoreError> {
        match record {
            Record::Own(change) => self.own(change, position)?,
            Record::Sealed(batch) => self.sealed(&batch, position, judged)?,
            Record::Accepted(accepted) => self.accepted(&accepted, position, judged)?,
            Record::ParentReceipt(signed) => self.parent_receipt(&signed)?,
            Record::Registration(signed) => {
                let unit = self.view.register(signed.clone())?;
                if self.view.keys.get(&unit).is_some_and(|held| held.signed == signed) {
                    self.index.put(keys::registration(unit), &position.0);
                }
            }
            Record::Directory(signed) => {
                let version = self.view.set_directory(signed)?;
                self.index.put(keys::directory(version), &position.0);
            }
            Record::Release(signed) => {
                let number = self.view.set_release(&signed)?;
                self.index.put(keys::release(number), &position.0);
            }
            Record::Evidence(evidence) => self.evidence(&evidence, position),
        }
        Ok(())
    }

    fn own(&mut self, change: OwnChange, position: Position) -> Result<(), StoreError> {
        let unreadable = |_| StoreError::RecordUnreadable { kind: 1, position };
        let core = Core::decode(&change.core).map_err(unreadable)?;
        let personal = change.personal.as_ref().map(|(_, bytes)| Personal::decode(bytes)).transpose();
        let personal = personal.map_err(unreadable)?.unwrap_or_default();
        for household in &core.households {
            let mut row: HouseholdRow = self.index.get(&keys::household(household.id))?.unwrap_or_default();
            row.change(household.after, personal.of_household(household.id), change.sequence);
            match household.after {
                Some(_) => self.index.put(keys::number(&row.facts.number), &household.id),
                None => self.index.remove(keys::number(&row.facts.number)),
            }
            let serial = if household.id.unit == self.unit { household.id.serial } else { 0 };
            let recording = &mut self.view.recording;
            recording.household_serial = recording.household_serial.max(serial);
            self.index.put(keys::household(household.id), &row);
        }
        for person in &core.persons {
            self.person(person, &personal, &change)?;
        }
        let recording = &mut self.view.recording;
        recording.sequence = change.sequence.0;
        recording.recorded_at = core.recorded_at;
        self.index.put(keys::RECORDING.to_vec(), recording);
        self.index.put(keys::own(change.sequence), &position.0);
        if let Some(capture) = change.capture {
            self.index.put(keys::capture(capture), &change.sequence);
        }
        let (core_bytes, recorded_at) = (change.core, core.recorded_at);
        self.view.unsealed.push_back(SealedChange {
            core: core_bytes,
            personal: change.personal,
            recorded_at,
        });
        Ok(())
    }

    fn person(
        &mut self,
        person: &PersonChange,
        personal: &Personal,
        change: &OwnChange,
    ) -> Result<(), StoreError> {
        let mut row: PersonRow = self.index.get(&keys::person(person.id))?.unwrap_or_default();
        self.name(person, &row, false);
        row.change(person.after, personal.of_person(person.id), change.sequence);
        if person.after.is_some() {
            self.name(person, &row, true);
        }
        if let Some(before) = person.before {
            self.index.remove(keys::member(before.household, person.id));
        }
        if let Some(after) = person.after {
            self.index.put(keys::member(after.household, person.id), &());
        }
        let recording = &mut self.view.recording;
        recording.persons += u64::from(person.after.is_some());
        recording.persons = recording.persons.saturating_sub(u64::from(person.before.is_some()));
        if person.id.unit == self.unit {
            recording.person_serial = recording.person_serial.max(person.id.serial);
        }
        self.index.put(keys::person(person.id), &row);
        Ok(())
    }

    /// Enters (or takes out) the numbers by which a person is found.
    fn name(&self, person: &PersonChange, row: &PersonRow, enter: bool) {
        let facts = &row.facts;
        for (number, key) in [
            (&facts.subject_code, keys::subject(&facts.subject_code)),
            (&facts.citizen_number, keys::citizen(&facts.citizen_number)),
        ] {
            match (number.is_empty(), enter) {
                (true, _) => {}
                (false, true) => self.index.put(key, &person.id),
                (false, false) => self.index.remove(key),
            }
        }
    }

    fn sealed(
        &mut self,
        batch: &Batch,
        position: Position,
        judged: Option<Judged>,
    ) -> Result<(), StoreError> {
        let (header, judged) = Self::read_again(batch, position, judged)?;
        self.view.unsealed.drain(..(header.changes as usize).min(self.view.unsealed.len()));
        self.advance(batch, &header, &judged, position, None, header.recorded_to.millis())
    }

    fn accepted(
        &mut self,
        accepted: &AcceptedBatch,
        position: Position,
        judged: Option<Judged>,
    ) -> Result<(), StoreError> {
        let (header, judged) = Self::read_again(&accepted.batch, position, judged)?;
        let child = Some(accepted.child);
        self.advance(&accepted.batch, &header, &judged, position, child, accepted.accepted_at_ms)
    }

    fn read_again(
        batch: &Batch,
        position: Position,
        judged: Option<Judged>,
    ) -> Result<(Header, Judged), StoreError> {
        match judged {
            Some(judged) => {
                let header = batch.header.decode_trusted().map_err(|fault| damaged(position, &fault))?;
                Ok((header, judged))
            }
            None => reread(batch).map_err(|fault| damaged(position, &fault)),
        }
    }

    fn advance(
        &mut self,
        batch: &Batch,
        header: &Header,
        judged: &Judged,
        position: Position,
        child: Option<UnitId>,
        received_at_ms: u64,
    ) -> Result<(), StoreError> {
        let (origin, hash) = (header.origin, batch.hash());
        let head = self.view.chains.get(&origin).map(|chain| chain.head).unwrap_or_default();
        check_link(&head, header, hash, None).map_err(|fault| damaged(position, &fault))?;
        for quarantined in &judged.quarantined {
            self.index.put(keys::quarantined(origin, quarantined.sequence), &quarantined.reason);
        }
        self.count(origin, &judged.counted);
        let chain = self.view.chains.entry(origin).or_default();
        chain.head = danso_core::chain::Head::after(header, hash);
        chain.child = child;
        chain.received_at_ms = received_at_ms;
        chain.quarantined += judged.quarantined.len() as u64;
        self.index.put(keys::chain(origin), chain);
        self.index.put(keys::batch(origin, header.number), &BatchRow { position: position.0, hash });
        Ok(())
    }

    fn count(&mut self, origin: UnitId, deltas: &[Delta]) {
        for Tally { unit, month, cell, value } in self.view.count(origin, deltas) {
            let key = keys::tally(unit, month, cell);
            if value == 0 {
                self.index.remove(key);
            } else {
                self.index.put(key, &value);
            }
        }
    }

    fn parent_receipt(&mut self, signed: &Signed) -> Result<(), StoreError> {
        let receipt: Receipt = signed
            .decode_trusted()
            .map_err(|_| StoreError::Index("a stored receipt is unreadable".to_owned()))?;
        let mut new = 0;
        if receipt.origin == self.unit {
            for quarantined in &receipt.quarantined {
                let key = keys::quarantined(self.unit, quarantined.sequence);
                new += u64::from(self.index.get::<Reason>(&key)?.is_none());
                self.index.put(key, &quarantined.reason);
            }
        }
        let chain: &mut ChainRow = self.view.chains.entry(receipt.origin).or_default();
        chain.acknowledged = chain.acknowledged.max(receipt.number);
        chain.quarantined += new;
        self.index.put(keys::chain(receipt.origin), chain);
        Ok(())
    }

    fn evidence(&mut self, evidence: &Evidence, position: Position) {
        self.index.put(keys::evidence(position), &evidence.origin);
        if evidence.hold {
            let chain = self.view.chains.entry(evidence.origin).or_default();
            chain.held = Some(evidence.code.clone());
            self.index.put(keys::chain(evidence.origin), chain);
        }
    }
}
