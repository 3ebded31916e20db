//! Own changes of a folder that is set aside which are on no chain that counts, recorded once more.

use super::{
    super::{Actor, Node, RecordError, staging::StagedRegister},
    Former,
};
use crate::store::{OwnChange, StoreError, Ticket};
use danso_core::{
    domain::{
        Change, Core, Event, HouseholdFacts, HouseholdId, PersonFacts, PersonId, Personal, RecordedAt,
        Sequence, requests::RequestId,
    },
    replication::{Conflict, Transplant},
};
use danso_tier_config::limits;
use std::collections::VecDeque;

/// A change that was not recorded again.
#[derive(Clone)]
pub struct Conflicting {
    /// Its sequence in the folder before.
    pub sequence: Sequence,
    /// What it was; `None` where it cannot be read.
    pub core: Option<Core>,
    /// Whom it names, from itself or from the register before.
    pub persons: Vec<(PersonId, PersonFacts)>,
    /// Which households it names.
    pub households: Vec<(HouseholdId, HouseholdFacts)>,
    /// Why.
    pub conflict: Conflict,
}

/// What became of the changes.
#[derive(Clone, Default)]
pub struct Again {
    /// Recorded again.
    pub recorded: u64,
    /// In the register already, by their capture ids.
    pub known: u64,
    /// Not recorded, with the reasons.
    pub conflicts: Vec<Conflicting>,
    /// Requests of persons that were closed, because their person was not recorded again.
    pub requests_closed: Vec<RequestId>,
}

impl Node {
    /// Records own changes of the folder before again that are not on the chain held here: with new sequences,
    /// and new serials for persons and households that came with them; requests of persons go over with them.
    /// Blocks; durable on return.
    ///
    /// The own chain must be held, so that nothing else is recorded meanwhile. Errors: `at_rest_locked` where
    /// one of both folders cannot be read, else what a write has.
    pub fn record_again(&self, actor: &Actor, former: &Former) -> Result<Again, RecordError> {
        self.store.require_key()?;
        former.store.require_key()?;
        let since = former.parts_at(&self.store)?;
        let last = former.store.view().recording.sequence;
        let mut again = Again::default();
        let mut transplant = Transplant::new(since);
        let mut tickets = VecDeque::new();
        for sequence in (since.0..=last).map(Sequence) {
            let change = former.store.own_change(sequence)?;
            let change =
                change.ok_or_else(|| StoreError::Index(format!("own change {sequence} is missing")))?;
            self.one_again(actor, former, &mut transplant, &change, &mut again, &mut tickets)?;
            wait(&mut tickets, limits::IMPORT_IN_FLIGHT_MAX)?;
        }
        wait(&mut tickets, 0)?;
        again.requests_closed = self.carry_requests(former, |person| transplant.person_now(person))?;
        Ok(again)
    }

    fn one_again(
        &self,
        actor: &Actor,
        former: &Former,
        transplant: &mut Transplant,
        old: &OwnChange,
        again: &mut Again,
        tickets: &mut VecDeque<Ticket>,
    ) -> Result<(), RecordError> {
        let core = Core::decode(&old.core).ok();
        let personal = old.personal.as_ref().map(|(_, bytes)| Personal::decode(bytes)).transpose().ok();
        let (Some(core), Some(personal)) = (core.clone(), personal) else {
            again.conflicts.push(conflicting(former, old.sequence, core, None, Conflict::Unreadable)?);
            return Ok(());
        };
        let mut staging = self.staging();
        if let Some(capture) = old.capture {
            let queued = staging.sequence_of(capture);
            if queued.or(self.store.capture(capture)?).is_some() {
                // Its persons have ids of their own here: what builds on it is for the officer to say.
                transplant.refused(old.sequence, &core);
                again.known += 1;
                return Ok(());
            }
        }
        let sequence = staging.next_sequence();
        let recorded_at: RecordedAt = staging.recorded_after(self.now_ms());
        let register = StagedRegister::new(self, &staging);
        let replanted = transplant.replant(&core, recorded_at, sequence, &register).and_then(|new| {
            let personal = personal.as_ref().map(|personal| transplant.personal(&core, &new, personal));
            check(&register, &new, personal.as_ref())?;
            Ok(Change { core: new, personal })
        });
        if let Some(error) = register.failure() {
            return Err(error.into());
        }
        let change = match replanted {
            Ok(change) => change,
            Err(conflict) => {
                transplant.refused(old.sequence, &core);
                let found = conflicting(former, old.sequence, Some(core), personal.as_ref(), conflict)?;
                again.conflicts.push(found);
                return Ok(());
            }
        };
        let rows = register.rows_after(&change, sequence);
        let recorded = change.core.clone();
        let (_, ticket) = self.stage_change(&mut staging, actor, old.capture, change, rows)?;
        tickets.push_back(ticket);
        transplant.recorded((old.sequence, &core), sequence, recorded);
        again.recorded += 1;
        Ok(())
    }
}

fn wait(tickets: &mut VecDeque<Ticket>, keep: usize) -> Result<(), StoreError> {
    while tickets.len() > keep {
        tickets.pop_front().expect("there are more than `keep`").blocking_durable()?;
    }
    Ok(())
}

/// What the register knows beyond states: numbers that are taken, and what was built on a change to be undone.
fn check(register: &StagedRegister<'_>, core: &Core, personal: Option<&Personal>) -> Result<(), Conflict> {
    if let Event::Voided { sequence, original } = &core.event
        && !register.is_latest(*sequence, original)
    {
        return Err(Conflict::VoidNotLatest);
    }
    let Some(personal) = personal else { return Ok(()) };
    for (id, facts) in &personal.persons {
        let by_code = (!facts.subject_code.is_empty())
            .then(|| register.person_by_subject_code(&facts.subject_code))
            .flatten();
        let by_number = (!facts.citizen_number.is_empty())
            .then(|| register.person_by_citizen_number(&facts.citizen_number))
            .flatten();
        if [by_code, by_number].into_iter().flatten().any(|found| found.id != *id) {
            return Err(Conflict::NumberTaken);
        }
    }
    for (id, facts) in &personal.households {
        let found = (!facts.number.is_empty()).then(|| register.household_by_number(&facts.number)).flatten();
        if found.is_some_and(|found| found.id != *id) {
            return Err(Conflict::NumberTaken);
        }
    }
    Ok(())
}

fn conflicting(
    former: &Former,
    sequence: Sequence,
    core: Option<Core>,
    personal: Option<&Personal>,
    conflict: Conflict,
) -> Result<Conflicting, StoreError> {
    let mut persons = Vec::new();
    let mut households = Vec::new();
    for change in core.iter().flat_map(|core| &core.persons) {
        let named = personal.and_then(|personal| personal.of_person(change.id)).cloned();
        let facts = match named {
            Some(facts) => facts,
            None => former.store.person(change.id)?.map(|row| row.facts).unwrap_or_default(),
        };
        persons.push((change.id, facts));
    }
    for change in core.iter().flat_map(|core| &core.households) {
        let named = personal.and_then(|personal| personal.of_household(change.id)).cloned();
        let facts = match named {
            Some(facts) => facts,
            None => former.store.household(change.id)?.map(|row| row.facts).unwrap_or_default(),
        };
        households.push((change.id, facts));
    }
    Ok(Conflicting { sequence, core, persons, households, conflict })
}
