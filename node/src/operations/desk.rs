//! Recording on the lowest tier: an entry becomes a change against the register, then durable.
//!
//! Entries queued but not applied yet are seen by those that follow through the staging rows, so that
//! many entries share one sync without waiting for each other.

use super::{
    actor::Actor,
    forms::Recorded,
    node::Node,
    staging::{Rows, StagedRegister, Staging},
};
use crate::store::{AuditNote, OwnChange, Record, Staged, StoreError, Subject, Ticket};
use danso_core::{
    chain::{Deed, SALT_BYTES},
    domain::{
        CaptureId, Change, Personal, Reach, Reason, Sequence,
        entry::{Entry, Refusal, change_of},
    },
};
use danso_tier_config::{Date, UnitId, limits};
use std::{cell::RefCell, sync::MutexGuard};

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
    /// The parent holds other batches of this node's chain; recording on would fork it.
    #[error(
        "nothing is recorded: the parent holds batches of this unit that this node does not have; \
         they come back by themselves, or by danso rebuild --from-parent"
    )]
    ChainHeld,
}

impl RecordError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Store(error) => error.code(),
            Self::NotRecording => "not_recording",
            Self::ChainHeld => "parent_ahead",
        }
    }
}

thread_local! {
    /// Salts that were drawn and not given out.
    static DRAWN: RefCell<Vec<[u8; SALT_BYTES]>> = const { RefCell::new(Vec::new()) };
}

/// A salt that was never given out before. The system is asked for many at once: a call takes as long as encoding a
/// change.
fn salt() -> [u8; SALT_BYTES] {
    DRAWN.with_borrow_mut(|drawn| {
        drawn.pop().unwrap_or_else(|| {
            let mut salts = [[0; SALT_BYTES]; limits::SALTS_DRAWN];
            getrandom::fill(salts.as_flattened_mut()).expect("the system gives random bytes");
            drawn.extend_from_slice(&salts[1..]);
            salts[0]
        })
    })
}

/// A change in bytes: its core, and what is personal of it. Refused beyond their limits.
fn encoded(change: &Change) -> Result<(Vec<u8>, Option<Vec<u8>>), Refusal> {
    let core = change.core.encode();
    let personal = change.personal.as_ref().map(Personal::encode);
    let personal_bytes = personal.as_ref().map_or(0, Vec::len);
    if core.len() > limits::CORE_BYTES_MAX || personal_bytes > limits::PERSONAL_BYTES_MAX {
        return Err(Refusal::Rule(Reason::TooManyPersons));
    }
    Ok((core, personal))
}

fn recorded(sequence: Sequence, change: &Change) -> Recorded {
    let person = change.core.persons.iter().find(|person| person.before.is_none()).map(|person| person.id);
    let household = change.core.households.iter().find(|home| home.before.is_none()).map(|home| home.id);
    Recorded { sequence, person, household }
}

impl Node {
    pub(super) fn staging(&self) -> MutexGuard<'_, Staging> {
        let mut staging = self.staging.lock().expect("no recording panics");
        staging.refresh(self);
        staging
    }

    /// Records one entry of somebody at this computer; as [`Node::record_as`].
    pub fn record(
        &self,
        capture: Option<CaptureId>,
        on: Date,
        entry: Entry,
    ) -> Result<(Recorded, Option<Ticket>), RecordError> {
        self.record_as(&Actor::local(), capture, on, entry)
    }

    /// Records one entry. On return of the ticket's `durable` it survives every crash, and so does the word of
    /// who wrote it, where it names somebody.
    ///
    /// A capture seen before records nothing again and gives the sequence it got then.
    /// Errors: `at_rest_locked` without the key at rest, `parent_ahead` while the own chain is held, `disk_low` while
    /// the disk has little room.
    pub fn record_as(
        &self,
        actor: &Actor,
        capture: Option<CaptureId>,
        on: Date,
        entry: Entry,
    ) -> Result<(Recorded, Option<Ticket>), RecordError> {
        self.store.require_key()?;
        if !self.records() {
            return Err(RecordError::NotRecording);
        }
        let mut staging = self.staging();
        // Asked with the staging in hand: who holds the chain waits for those who have it.
        if self.store.own_chain_held() {
            return Err(RecordError::ChainHeld);
        }
        if let Some((sequence, queued)) = self.sequence_of(&staging, capture)? {
            // What is only queued is durable when everything queued before this order is.
            let ticket = queued.then(|| self.store.stage(Vec::new(), staging.generation()));
            return Ok((Recorded { sequence, person: None, household: None }, ticket));
        }
        let (change, rows) = self.change_of(&staging, on, entry)?;
        let (recorded, ticket) = self.stage_change(&mut staging, actor, capture, change, rows)?;
        Ok((recorded, Some(ticket)))
    }

    /// The change that a capture became, and whether it is only queued yet.
    fn sequence_of(
        &self,
        staging: &Staging,
        capture: Option<CaptureId>,
    ) -> Result<Option<(Sequence, bool)>, StoreError> {
        let Some(capture) = capture else { return Ok(None) };
        if let Some(queued) = staging.sequence_of(capture) {
            return Ok(Some((queued, true)));
        }
        Ok(self.store.capture(capture)?.map(|sequence| (sequence, false)))
    }

    /// The next change that an entry makes against the register as staged, and the rows that it leaves.
    fn change_of(&self, staging: &Staging, on: Date, entry: Entry) -> Result<(Change, Rows), RecordError> {
        let sequence = staging.next_sequence();
        let now = self.now_ms();
        let recorded_at = staging.recorded_after(now);
        let register = StagedRegister::new(self, staging);
        let voids = match &entry {
            Entry::Void { sequence, original } => Some((*sequence, original.clone())),
            // The rules judge by the time of recording, which stays ahead once the clock was.
            _ if on > Date::in_vietnam(now).plus_days(limits::EFFECTIVE_AHEAD_DAYS_MAX) => {
                return Err(Refusal::Rule(Reason::EffectiveInFuture).into());
            }
            _ => None,
        };
        let change = change_of(entry, on, recorded_at, sequence, &register);
        if let Some((target, original)) = voids
            && !register.is_latest(target, &original)
        {
            return Err(Refusal::VoidNotLatest.into());
        }
        if let Some(error) = register.failure() {
            return Err(error.into());
        }
        let change = change?;
        let rows = register.rows_after(&change, sequence);
        Ok((change, rows))
    }

    /// What would come of an entry; it is laid over a staging of the caller's own and nowhere else.
    pub(super) fn try_out(
        &self,
        staging: &mut Staging,
        capture: Option<CaptureId>,
        on: Date,
        entry: Entry,
    ) -> Result<Recorded, RecordError> {
        self.store.require_key()?;
        if !self.records() {
            return Err(RecordError::NotRecording);
        }
        if let Some((sequence, _)) = self.sequence_of(staging, capture)? {
            return Ok(Recorded { sequence, person: None, household: None });
        }
        self.require_room()?;
        let (change, rows) = self.change_of(staging, on, entry)?;
        encoded(&change)?;
        let sequence = staging.next_sequence();
        staging.take(sequence, capture, &change, rows);
        Ok(recorded(sequence, &change))
    }

    /// Queues a change that was made against the register as staged, as the next one.
    pub(super) fn stage_change(
        &self,
        staging: &mut Staging,
        actor: &Actor,
        capture: Option<CaptureId>,
        change: Change,
        rows: Rows,
    ) -> Result<(Recorded, Ticket), RecordError> {
        self.require_room()?;
        let sequence = staging.next_sequence();
        let (core, personal) = encoded(&change)?;
        let personal = personal.map(|bytes| (salt(), bytes));
        let written = personal.is_some().then(|| {
            let (actor, subject) = (actor.words(), Subject::Changes(sequence, sequence));
            AuditNote { actor, deed: Deed::PersonalWritten, subject, at_ms: self.now_ms() }
        });
        let recorded = recorded(sequence, &change);
        staging.take(sequence, capture, &change, rows);
        let own = OwnChange { sequence, capture, core, personal };
        let mut records = Vec::with_capacity(2);
        records.push(Staged::own(own, change));
        records.extend(written.map(|note| Record::Note(note).into()));
        let ticket = self.store.stage(records, staging.generation());
        Ok((recorded, ticket))
    }

    /// Undoes an own change, if nothing was built on it since.
    pub fn void(&self, sequence: Sequence) -> Result<(Recorded, Option<Ticket>), RecordError> {
        let change = self.store.own_change(sequence)?.ok_or(Refusal::UnknownPerson)?;
        let original =
            danso_core::domain::Core::decode(&change.core).map_err(|_| Refusal::Rule(Reason::Malformed))?;
        let on = original.effective_on;
        self.record(None, on, Entry::Void { sequence, original: Box::new(original) })
    }
}

impl Node {
    /// How far away the unit of a code is from this node's unit on a day.
    pub(super) fn reach_of(&self, code: &str, on: Date) -> Option<(Reach, UnitId)> {
        let directory = self.directory();
        let view = directory.at(on);
        let own = self.unit();
        let found =
            self.config.hierarchy.tiers().iter().find_map(|tier| directory.find(code, &tier.name, on))?;
        // Whoever stays within the unit has not moved.
        if found == own {
            return None;
        }
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
