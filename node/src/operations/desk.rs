//! Recording on the lowest tier: an entry becomes a change against the register, then durable.
//!
//! Entries queued but not applied yet are seen by those that follow through the staging rows, so that
//! many entries share one sync without waiting for each other.

use super::{
    forms::{self, CaptureKey, Home, Member, NotRecorded, Recorded},
    node::{Node, now_ms},
};
use crate::store::{HouseholdRow, OwnChange, PersonRow, Record, StoreError, Ticket};
use danso_core::{
    chain::SALT_BYTES,
    domain::{
        CaptureId, Change, HouseholdId, HouseholdState, PersonId, PersonState, Personal, Reach, RecordedAt,
        Sequence,
        entry::{Entry, Refusal, Register, change_of},
    },
};
use danso_tier_config::{Date, UnitId, limits};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::MutexGuard,
};

/// Rows of changes that are queued and not applied yet.
#[derive(Default)]
pub(super) struct Staging {
    generation: u64,
    /// The last sequence queued.
    sequence: u64,
    person_serial: u64,
    household_serial: u64,
    recorded_at: RecordedAt,
    persons: HashMap<PersonId, PersonRow>,
    households: HashMap<HouseholdId, HouseholdRow>,
    captures: BTreeMap<CaptureId, Sequence>,
}

impl Staging {
    /// Drops what was applied meanwhile; after a failed write drops everything.
    fn refresh(&mut self, node: &Node) {
        let generation = node.store.generation();
        let applied = node.store.view().recording;
        if self.generation != generation || self.sequence <= applied.sequence {
            *self = Self {
                generation,
                sequence: applied.sequence,
                person_serial: applied.person_serial,
                household_serial: applied.household_serial,
                recorded_at: applied.recorded_at,
                ..Self::default()
            };
        } else if self.captures.len() > 2 * limits::IMPORT_IN_FLIGHT_MAX {
            let waiting =
                |changed: Option<Sequence>| changed.is_some_and(|changed| changed.0 > applied.sequence);
            self.persons.retain(|_, row| waiting(row.changed));
            self.households.retain(|_, row| waiting(row.changed));
            self.captures.retain(|_, sequence| sequence.0 > applied.sequence);
        }
    }

    fn take(&mut self, sequence: Sequence, capture: Option<CaptureId>, change: &Change, rows: Rows) {
        self.sequence = sequence.0;
        self.recorded_at = change.core.recorded_at;
        if let Some(capture) = capture {
            self.captures.insert(capture, sequence);
        }
        for (id, row) in rows.persons {
            self.person_serial = self.person_serial.max(id.serial);
            self.persons.insert(id, row);
        }
        for (id, row) in rows.households {
            self.household_serial = self.household_serial.max(id.serial);
            self.households.insert(id, row);
        }
    }
}

/// The rows that a change leaves.
struct Rows {
    persons: Vec<(PersonId, PersonRow)>,
    households: Vec<(HouseholdId, HouseholdRow)>,
}

/// The register with staged rows over stored ones. Store errors are kept and end the run.
struct StagedRegister<'a> {
    node: &'a Node,
    staging: &'a Staging,
    failure: RefCell<Option<StoreError>>,
}

impl StagedRegister<'_> {
    fn ok<T: Default>(&self, found: Result<T, StoreError>) -> T {
        found.unwrap_or_else(|error| {
            self.failure.borrow_mut().get_or_insert(error);
            T::default()
        })
    }

    fn person_row(&self, id: PersonId) -> Option<PersonRow> {
        self.staging.persons.get(&id).cloned().or_else(|| self.ok(self.node.store.person(id)))
    }

    fn household_row(&self, id: HouseholdId) -> Option<HouseholdRow> {
        self.staging.households.get(&id).cloned().or_else(|| self.ok(self.node.store.household(id)))
    }

    fn rows_after(&self, change: &Change, sequence: Sequence) -> Rows {
        let none = Personal::default();
        let personal = change.personal.as_ref().unwrap_or(&none);
        let person = |change: &danso_core::domain::PersonChange| {
            let mut row = self.person_row(change.id).unwrap_or_default();
            row.state = change.after;
            row.changed = Some(sequence);
            if let Some((_, facts)) = personal.persons.iter().find(|(id, _)| *id == change.id) {
                row.facts = facts.clone();
            }
            (change.id, row)
        };
        let household = |change: &danso_core::domain::HouseholdChange| {
            let mut row = self.household_row(change.id).unwrap_or_default();
            row.state = change.after;
            row.changed = Some(sequence);
            if let Some((_, facts)) = personal.households.iter().find(|(id, _)| *id == change.id) {
                row.facts = facts.clone();
            }
            (change.id, row)
        };
        Rows {
            persons: change.core.persons.iter().map(person).collect(),
            households: change.core.households.iter().map(household).collect(),
        }
    }

    fn member(&self, id: PersonId) -> Option<Member> {
        let row = self.person_row(id)?;
        Some(Member { id, state: row.state?, facts: row.facts })
    }

    fn household_by_number(&self, number: &str) -> Option<Home> {
        let staged =
            self.staging.households.iter().find(|(_, row)| row.facts.number == number && row.state.is_some());
        let id =
            staged.map(|(id, _)| *id).or_else(|| self.ok(self.node.store.household_by_number(number)))?;
        let row = self.household_row(id)?;
        Some(Home { id, state: row.state?, facts: row.facts })
    }

    fn members(&self, household: HouseholdId) -> Vec<Member> {
        let mut ids: BTreeSet<PersonId> = self.ok(self.node.store.members(household)).into_iter().collect();
        ids.extend(self.staging.persons.keys());
        ids.into_iter()
            .filter_map(|id| self.member(id))
            .filter(|member| member.state.household == household)
            .collect()
    }

    fn by_number(&self, staged: impl Fn(&PersonRow) -> bool, stored: Option<PersonId>) -> Option<Member> {
        let staged = self.staging.persons.iter().find(|(_, row)| row.state.is_some() && staged(row));
        staged.map(|(id, _)| *id).or(stored).and_then(|id| self.member(id))
    }
}

impl Register for StagedRegister<'_> {
    fn person(&self, id: PersonId) -> Option<PersonState> {
        self.person_row(id).and_then(|row| row.state)
    }

    fn household(&self, id: HouseholdId) -> Option<HouseholdState> {
        self.household_row(id).and_then(|row| row.state)
    }

    fn next_person(&self) -> PersonId {
        PersonId { unit: self.node.unit(), serial: self.staging.person_serial + 1 }
    }

    fn next_household(&self) -> HouseholdId {
        HouseholdId { unit: self.node.unit(), serial: self.staging.household_serial + 1 }
    }
}

/// Why an entry was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A rule refuses it; nothing changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// This tier records nothing.
    #[error("this node's tier records no changes")]
    NotRecording,
}

impl RecordError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Store(error) => error.code(),
            Self::NotRecording => "not_recording",
        }
    }
}

fn salt() -> [u8; SALT_BYTES] {
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt).expect("the system gives random bytes");
    salt
}

impl Node {
    fn staging(&self) -> MutexGuard<'_, Staging> {
        let mut staging = self.staging.lock().expect("no recording panics");
        staging.refresh(self);
        staging
    }

    /// Records one entry. On return of the ticket's `durable` it survives every crash.
    ///
    /// A capture seen before records nothing again and gives the sequence it got then.
    pub fn record(
        &self,
        capture: Option<CaptureId>,
        on: Date,
        entry: Entry,
    ) -> Result<(Recorded, Option<Ticket>), RecordError> {
        if !self.records() {
            return Err(RecordError::NotRecording);
        }
        let mut staging = self.staging();
        if let Some(sequence) = capture.and_then(|capture| staging.captures.get(&capture).copied()) {
            return Ok((Recorded { sequence, person: None, household: None }, None));
        }
        if let Some(capture) = capture
            && let Some(sequence) = self.store.capture(capture)?
        {
            return Ok((Recorded { sequence, person: None, household: None }, None));
        }
        let sequence = Sequence(staging.sequence + 1);
        let recorded_at = staging.recorded_at.next(now_ms());
        let register = StagedRegister { node: self, staging: &staging, failure: RefCell::new(None) };
        let change = change_of(entry, on, recorded_at, sequence, &register);
        if let Some(error) = register.failure.take() {
            return Err(error.into());
        }
        let change = change?;
        let rows = register.rows_after(&change, sequence);
        let recorded = Recorded {
            sequence,
            person: change.core.persons.iter().find(|person| person.before.is_none()).map(|person| person.id),
            household: change.core.households.iter().find(|home| home.before.is_none()).map(|home| home.id),
        };
        let own = OwnChange {
            sequence,
            capture,
            core: change.core.encode(),
            personal: change.personal.as_ref().map(|personal| (salt(), personal.encode())),
        };
        let ticket = self.store.stage(vec![Record::Own(own).into()], staging.generation);
        staging.take(sequence, capture, &change, rows);
        Ok((recorded, Some(ticket)))
    }

    /// Undoes an own change, if nothing was built on it since.
    pub fn void(&self, sequence: Sequence) -> Result<(Recorded, Option<Ticket>), RecordError> {
        let change = self.store.own_change(sequence)?.ok_or(Refusal::UnknownPerson)?;
        let original = danso_core::domain::Core::decode(&change.core)
            .map_err(|_| Refusal::Rule(danso_core::domain::Reason::Malformed))?;
        let on = original.effective_on;
        self.record(None, on, Entry::Void { sequence, original: Box::new(original) })
    }
}

/// The desk of one import: records with few syncs, waits for all of them at the end.
pub struct ImportDesk<'a> {
    node: &'a Node,
    tickets: VecDeque<Ticket>,
    /// The error after which nothing more is taken; a failed look-up ends the run, too, for it must never
    /// read as "not seen before".
    failure: RefCell<Option<StoreError>>,
}

impl<'a> ImportDesk<'a> {
    /// A desk over a node's register. Blocks; use it off the async threads.
    pub fn new(node: &'a Node) -> Self {
        Self { node, tickets: VecDeque::new(), failure: RefCell::new(None) }
    }

    fn wait(&mut self, keep: usize) {
        while self.tickets.len() > keep {
            let ticket = self.tickets.pop_front().expect("there are more than `keep`");
            if let Err(error) = ticket.blocking_durable() {
                self.failed(error);
            }
        }
    }

    /// Waits until everything recorded is durable.
    pub fn finish(mut self) -> Result<(), StoreError> {
        self.wait(0);
        self.failure.into_inner().map_or(Ok(()), Err)
    }

    fn failed(&self, error: StoreError) {
        self.failure.borrow_mut().get_or_insert(error);
    }

    fn with<T>(&self, ask: impl FnOnce(&StagedRegister<'_>) -> T) -> T {
        let staging = self.node.staging();
        let register = StagedRegister { node: self.node, staging: &staging, failure: RefCell::new(None) };
        let answer = ask(&register);
        if let Some(error) = register.failure.into_inner() {
            self.failed(error);
        }
        answer
    }
}

impl forms::Desk for ImportDesk<'_> {
    fn household_by_number(&self, number: &str) -> Option<Home> {
        self.with(|register| register.household_by_number(number))
    }

    fn members(&self, household: HouseholdId) -> Vec<Member> {
        self.with(|register| register.members(household))
    }

    fn person_by_subject_code(&self, code: &str) -> Option<Member> {
        self.with(|register| {
            let stored = register.ok(self.node.store.person_by_subject_code(code));
            register.by_number(|row| row.facts.subject_code == code, stored)
        })
    }

    fn person_by_citizen_number(&self, number: &str) -> Option<Member> {
        self.with(|register| {
            let stored = register.ok(self.node.store.person_by_citizen_number(number));
            register.by_number(|row| row.facts.citizen_number == number, stored)
        })
    }

    fn captured(&self, key: CaptureKey) -> Option<CaptureId> {
        let staging = self.node.staging();
        let mut from = [0; 16];
        from[..key.len()].copy_from_slice(&key);
        let staged = staging.captures.range(CaptureId(from)..).next().map(|(capture, _)| *capture);
        let staged = staged.filter(|capture| capture.0.starts_with(&key));
        staged.or_else(|| {
            self.node.store.capture_of(&key).unwrap_or_else(|error| {
                self.failed(error);
                None
            })
        })
    }

    fn reach_of(&self, unit_code: &str, on: Date) -> Option<(Reach, UnitId)> {
        self.node.reach_of(unit_code, on)
    }

    fn record(
        &mut self,
        capture: Option<CaptureId>,
        on: Date,
        entry: Entry,
    ) -> Result<Recorded, NotRecorded> {
        if self.failure.borrow().is_some() {
            return Err(NotRecorded::Halted);
        }
        match self.node.record(capture, on, entry) {
            Ok((recorded, ticket)) => {
                self.tickets.extend(ticket);
                self.wait(limits::IMPORT_IN_FLIGHT_MAX);
                if self.failure.borrow().is_some() { Err(NotRecorded::Halted) } else { Ok(recorded) }
            }
            Err(RecordError::Refused(refusal)) => Err(NotRecorded::Refused(refusal)),
            Err(RecordError::Store(error)) => {
                self.failed(error);
                Err(NotRecorded::Halted)
            }
            Err(RecordError::NotRecording) => Err(NotRecorded::Halted),
        }
    }
}

impl Node {
    /// How far away the unit of a code is from this node's unit on a day.
    fn reach_of(&self, code: &str, on: Date) -> Option<(Reach, UnitId)> {
        let directory = self.directory();
        let view = directory.at(on);
        let own = self.unit();
        let found =
            self.config.hierarchy.tiers().iter().find_map(|tier| directory.find(code, &tier.name, on))?;
        let above = |unit: UnitId| view.ancestors(unit);
        let (ours, theirs) = (above(own), above(found));
        let shared = ours.iter().find(|unit| theirs.contains(unit) || **unit == found)?;
        let top_of_province =
            self.config.hierarchy.tiers().iter().rev().nth(1).map(|tier| tier.name.clone())?;
        let tier_of = |unit: UnitId| directory.unit(unit).map(|unit| unit.tier.clone());
        let reach = match tier_of(*shared) {
            Some(tier) if tier == top_of_province => Reach::SameProvince,
            Some(tier) if tier == self.config.hierarchy.top().name => Reach::OtherProvince,
            _ => Reach::SameDistrict,
        };
        Some((reach, found))
    }
}
