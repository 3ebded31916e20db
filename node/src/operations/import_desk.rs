//! The desk at which the rows of a file are recorded, or tried out.

use super::{
    actor::Actor,
    desk::RecordError,
    forms::{self, CaptureKey, Home, Member, NotRecorded, Recorded},
    node::Node,
    staging::{StagedRegister, Staging},
};
use crate::store::{StoreError, Ticket};
use danso_core::domain::{CaptureId, HouseholdId, Reach, entry::Entry};
use danso_tier_config::{Date, UnitId, limits};
use std::{cell::RefCell, collections::VecDeque};

/// The desk of one import: records with few syncs, waits for all of them at the end. A trial records nothing and
/// says what would come of it.
pub struct ImportDesk<'a> {
    node: &'a Node,
    actor: Actor,
    /// What a trial would have recorded, over what is queued; it grows with the file.
    trial: Option<Staging>,
    tickets: VecDeque<Ticket>,
    /// The error after which nothing more is taken; a failed look-up ends the run, too, for it must never
    /// read as "not seen before".
    failure: RefCell<Option<StoreError>>,
}

impl<'a> ImportDesk<'a> {
    /// A desk over a node's register. Blocks; use it off the async threads.
    pub fn new(node: &'a Node, actor: Actor) -> Self {
        Self { node, actor, trial: None, tickets: VecDeque::new(), failure: RefCell::new(None) }
    }

    /// A desk that answers as [`ImportDesk::new`] would and changes nothing.
    pub fn trial(node: &'a Node, actor: Actor) -> Self {
        let trial = Some(node.staging().clone());
        Self { trial, ..Self::new(node, actor) }
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
        self.with_staging(|staging| {
            let register = StagedRegister::new(self.node, staging);
            let answer = ask(&register);
            if let Some(error) = register.failure() {
                self.failed(error);
            }
            answer
        })
    }

    fn with_staging<T>(&self, ask: impl FnOnce(&Staging) -> T) -> T {
        match &self.trial {
            Some(trial) => ask(trial),
            None => ask(&self.node.staging()),
        }
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
        self.with(|register| register.person_by_subject_code(code))
    }

    fn person_by_citizen_number(&self, number: &str) -> Option<Member> {
        self.with(|register| register.person_by_citizen_number(number))
    }

    fn captured(&self, key: CaptureKey) -> Option<CaptureId> {
        let staged = self.with_staging(|staging| staging.capture_of(key));
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
        let outcome = match &mut self.trial {
            Some(staging) => self.node.try_out(staging, capture, on, entry).map(|recorded| (recorded, None)),
            None => self.node.record_as(&self.actor, capture, on, entry),
        };
        match outcome {
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
            Err(RecordError::NotRecording | RecordError::ChainHeld) => {
                self.failed(StoreError::OwnChainHeld);
                Err(NotRecorded::Halted)
            }
        }
    }
}
