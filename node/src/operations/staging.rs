//! Rows of changes that are queued and not applied yet; `staging/register.rs` lays them over the stored register.

mod register;

pub(super) use register::StagedRegister;

use super::{forms::CaptureKey, node::Node};
use danso_core::domain::{
    CaptureId, Change, HouseholdFacts, HouseholdId, HouseholdState, PersonFacts, PersonId, PersonState,
    RecordedAt, Sequence,
};
use danso_tier_config::limits;
use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
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
    /// Who was queued as living there, some of them more than once.
    members: HashMap<HouseholdId, Vec<PersonId>>,
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
            self.empty();
            self.generation = generation;
            self.sequence = applied.sequence;
            self.person_serial = applied.person_serial;
            self.household_serial = applied.household_serial;
            self.recorded_at = applied.recorded_at;
        } else if self.persons.len() + self.households.len() > limits::STAGED_ROWS_MAX {
            self.prune(applied);
        }
    }

    /// Drops all rows, and keeps room for as many as a form or a batch of them has.
    fn empty(&mut self) {
        fn empty<Key: Eq + Hash, Row>(rows: &mut HashMap<Key, Row>) {
            rows.clear();
            rows.shrink_to(limits::STAGED_ROWS_KEPT);
        }
        empty(&mut self.persons);
        empty(&mut self.households);
        empty(&mut self.members);
        empty(&mut self.household_numbers);
        empty(&mut self.subject_codes);
        empty(&mut self.citizen_numbers);
        self.captures.clear();
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
            ids.sort_unstable();
            ids.dedup();
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
                let members = self.members.entry(state.household).or_default();
                if members.last() != Some(&id) {
                    members.push(id);
                }
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
