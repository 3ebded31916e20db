//! Rows of changes that are queued and not applied yet, laid over the stored register.

use super::{
    forms::{CaptureKey, Home, Member},
    node::Node,
};
use crate::store::StoreError;
use danso_core::domain::{
    CaptureId, Change, Core, HouseholdChange, HouseholdFacts, HouseholdId, HouseholdState, PersonChange,
    PersonFacts, PersonId, PersonState, Personal, RecordedAt, Sequence, entry::Register,
};
use danso_tier_config::limits;
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
};

/// What a queued change leaves of a person's or household's row.
#[derive(Clone)]
struct Queued<S, F> {
    state: Option<S>,
    /// `None` where they are those of the stored row.
    facts: Option<F>,
    changed: Sequence,
}

type QueuedPerson = Queued<PersonState, PersonFacts>;
type QueuedHousehold = Queued<HouseholdState, HouseholdFacts>;

/// What is queued. The numbers lead to rows that were queued under them; the row decides.
#[derive(Clone, Default)]
pub(super) struct Staging {
    generation: u64,
    /// The last sequence queued.
    sequence: u64,
    person_serial: u64,
    household_serial: u64,
    recorded_at: RecordedAt,
    persons: HashMap<PersonId, QueuedPerson>,
    households: HashMap<HouseholdId, QueuedHousehold>,
    captures: BTreeMap<CaptureId, Sequence>,
    members: HashMap<HouseholdId, BTreeSet<PersonId>>,
    household_numbers: HashMap<String, HouseholdId>,
    subject_codes: HashMap<String, PersonId>,
    citizen_numbers: HashMap<String, PersonId>,
}

impl Staging {
    /// Drops what was applied meanwhile; after a failed write drops everything.
    pub fn refresh(&mut self, node: &Node) {
        let generation = node.store.generation();
        let applied = node.store.applied();
        if self.generation != generation || self.sequence <= applied.0 {
            let applied = node.store.view().recording;
            *self = Self {
                generation,
                sequence: applied.sequence,
                person_serial: applied.person_serial,
                household_serial: applied.household_serial,
                recorded_at: applied.recorded_at,
                ..Self::default()
            };
        } else if self.persons.len() + self.households.len() > limits::STAGED_ROWS_MAX {
            self.prune(applied);
        }
    }

    fn prune(&mut self, applied: Sequence) {
        self.persons.retain(|_, row| row.changed > applied);
        self.households.retain(|_, row| row.changed > applied);
        self.captures.retain(|_, sequence| *sequence > applied);
        let Self { persons, households, members, household_numbers, subject_codes, citizen_numbers, .. } =
            self;
        household_numbers.retain(|_, id| households.contains_key(id));
        subject_codes.retain(|_, id| persons.contains_key(id));
        citizen_numbers.retain(|_, id| persons.contains_key(id));
        members.retain(|_, ids| {
            ids.retain(|id| persons.contains_key(id));
            !ids.is_empty()
        });
    }

    /// Drops what is kept of a person; the stored row says the rest.
    pub fn forget(&mut self, person: PersonId) {
        self.persons.remove(&person);
        self.subject_codes.retain(|_, id| *id != person);
        self.citizen_numbers.retain(|_, id| *id != person);
    }

    /// What queued records build on.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The number of the next change.
    pub fn next_sequence(&self) -> Sequence {
        Sequence(self.sequence + 1)
    }

    /// The moment of the next change when the PC's clock shows `now_ms`.
    pub fn recorded_after(&self, now_ms: u64) -> RecordedAt {
        self.recorded_at.next(now_ms)
    }

    /// The queued change that a capture became.
    pub fn sequence_of(&self, capture: CaptureId) -> Option<Sequence> {
        self.captures.get(&capture).copied()
    }

    /// The queued capture that begins with these bytes.
    pub fn capture_of(&self, beginning: CaptureKey) -> Option<CaptureId> {
        let mut from = [0; 16];
        from[..beginning.len()].copy_from_slice(&beginning);
        let found = self.captures.range(CaptureId(from)..).next().map(|(capture, _)| *capture);
        found.filter(|capture| capture.0.starts_with(&beginning))
    }

    /// Takes the rows of a change that was queued.
    pub fn take(&mut self, sequence: Sequence, capture: Option<CaptureId>, change: &Change, rows: Rows) {
        self.sequence = sequence.0;
        self.recorded_at = change.core.recorded_at;
        if let Some(capture) = capture {
            self.captures.insert(capture, sequence);
        }
        for (id, row) in rows.persons {
            self.person_serial = self.person_serial.max(id.serial);
            if let Some(state) = row.state {
                self.members.entry(state.household).or_default().insert(id);
                if let Some(facts) = &row.facts {
                    enter(&mut self.subject_codes, &facts.subject_code, id);
                    enter(&mut self.citizen_numbers, &facts.citizen_number, id);
                }
            }
            self.persons.insert(id, row);
        }
        for (id, row) in rows.households {
            self.household_serial = self.household_serial.max(id.serial);
            if let Some(facts) = &row.facts {
                enter(&mut self.household_numbers, &facts.number, id);
            }
            self.households.insert(id, row);
        }
    }
}

fn enter<T>(numbers: &mut HashMap<String, T>, number: &str, id: T) {
    if !number.is_empty() {
        numbers.insert(number.to_owned(), id);
    }
}

/// The rows that a change leaves.
pub(super) struct Rows {
    persons: Vec<(PersonId, QueuedPerson)>,
    households: Vec<(HouseholdId, QueuedHousehold)>,
}

/// The register with queued rows over stored ones. Store errors are kept and end the run.
pub(super) struct StagedRegister<'a> {
    node: &'a Node,
    staging: &'a Staging,
    failure: RefCell<Option<StoreError>>,
}

impl<'a> StagedRegister<'a> {
    pub fn new(node: &'a Node, staging: &'a Staging) -> Self {
        Self { node, staging, failure: RefCell::new(None) }
    }

    /// The first error of a look-up, if there was one.
    pub fn failure(&self) -> Option<StoreError> {
        self.failure.take()
    }

    fn ok<T: Default>(&self, found: Result<T, StoreError>) -> T {
        found.unwrap_or_else(|error| {
            self.failure.borrow_mut().get_or_insert(error);
            T::default()
        })
    }

    fn stored_facts(&self, id: PersonId) -> PersonFacts {
        self.ok(self.node.store.person(id)).unwrap_or_default().facts
    }

    fn stored_household_facts(&self, id: HouseholdId) -> HouseholdFacts {
        self.ok(self.node.store.household(id)).unwrap_or_default().facts
    }

    /// State and latest change of a person.
    fn standing(&self, id: PersonId) -> Option<(Option<PersonState>, Option<Sequence>)> {
        match self.staging.persons.get(&id) {
            Some(queued) => Some((queued.state, Some(queued.changed))),
            None => self.ok(self.node.store.standing(id)),
        }
    }

    /// The rows of everybody and everything that a change names, as it leaves them.
    pub fn rows_after(&self, change: &Change, sequence: Sequence) -> Rows {
        let none = Personal::default();
        let personal = change.personal.as_ref().unwrap_or(&none);
        let person = |change: &PersonChange| {
            let queued = self.staging.persons.get(&change.id).and_then(|queued| queued.facts.as_ref());
            let facts = personal.of_person(change.id).or(queued).cloned();
            // One who comes back by a void: the names are still in the row.
            let back = || change.before.is_none().then(|| self.stored_facts(change.id));
            (change.id, Queued { state: change.after, facts: facts.or_else(back), changed: sequence })
        };
        let household = |change: &HouseholdChange| {
            let queued = self.staging.households.get(&change.id).and_then(|queued| queued.facts.as_ref());
            let facts = personal.of_household(change.id).or(queued).cloned();
            let back = || change.before.is_none().then(|| self.stored_household_facts(change.id));
            (change.id, Queued { state: change.after, facts: facts.or_else(back), changed: sequence })
        };
        Rows {
            persons: change.core.persons.iter().map(person).collect(),
            households: change.core.households.iter().map(household).collect(),
        }
    }

    /// Whether a change is the latest of every person that it names.
    pub fn is_latest(&self, sequence: Sequence, change: &Core) -> bool {
        let latest = |id| self.standing(id).and_then(|(_, changed)| changed) == Some(sequence);
        change.persons.iter().all(|person| latest(person.id))
    }

    fn member(&self, id: PersonId) -> Option<Member> {
        let Some(queued) = self.staging.persons.get(&id) else {
            let row = self.ok(self.node.store.person(id))?;
            return Some(Member { id, state: row.state?, facts: row.facts });
        };
        let facts = queued.facts.clone().unwrap_or_else(|| self.stored_facts(id));
        Some(Member { id, state: queued.state?, facts })
    }

    /// The open household with a number.
    pub fn household_by_number(&self, number: &str) -> Option<Home> {
        let queued = self.staging.household_numbers.get(number).copied();
        let id = queued.or_else(|| self.ok(self.node.store.household_by_number(number)))?;
        let Some(queued) = self.staging.households.get(&id) else {
            let row = self.ok(self.node.store.household(id))?;
            return Some(Home { id, state: row.state?, facts: row.facts });
        };
        let facts = queued.facts.clone().unwrap_or_else(|| self.stored_household_facts(id));
        Some(Home { id, state: queued.state?, facts })
    }

    /// The residents of a household, in the order of their ids.
    pub fn members(&self, household: HouseholdId) -> Vec<Member> {
        let mut ids: BTreeSet<PersonId> = self.ok(self.node.store.members(household)).into_iter().collect();
        ids.extend(self.staging.members.get(&household).into_iter().flatten());
        let members = ids.into_iter().filter_map(|id| self.member(id));
        members.filter(|member| member.state.household == household).collect()
    }

    /// The resident with a health-insurance number.
    pub fn person_by_subject_code(&self, code: &str) -> Option<Member> {
        let queued = self.staging.subject_codes.get(code).copied();
        let id = queued.or_else(|| self.ok(self.node.store.person_by_subject_code(code)))?;
        self.member(id).filter(|member| member.facts.subject_code == code)
    }

    /// The resident with a personal identification number.
    pub fn person_by_citizen_number(&self, number: &str) -> Option<Member> {
        let queued = self.staging.citizen_numbers.get(number).copied();
        let id = queued.or_else(|| self.ok(self.node.store.person_by_citizen_number(number)))?;
        self.member(id).filter(|member| member.facts.citizen_number == number)
    }
}

impl Register for StagedRegister<'_> {
    fn person(&self, id: PersonId) -> Option<PersonState> {
        self.standing(id).and_then(|(state, _)| state)
    }

    fn household(&self, id: HouseholdId) -> Option<HouseholdState> {
        match self.staging.households.get(&id) {
            Some(queued) => queued.state,
            None => self.ok(self.node.store.household_state(id)),
        }
    }

    fn next_person(&self) -> PersonId {
        PersonId { unit: self.node.unit(), serial: self.staging.person_serial + 1 }
    }

    fn next_household(&self) -> HouseholdId {
        HouseholdId { unit: self.node.unit(), serial: self.staging.household_serial + 1 }
    }
}
