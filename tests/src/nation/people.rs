//! A commune's register and the chain sealed from it.

use super::{
    made::{Made, Stand},
    plan::{BATCH, RECORDED_MS},
};
use danso_core::{
    chain::{Batch, Digest, Head, Header, LedgerKey, SALT_BYTES, SealInput, SealedChange, seal},
    demography::simulate::{self, simulate},
    domain::{
        Area, Book, Core, HouseholdFacts, HouseholdId, HouseholdKind, PersonId, RecordedAt, Residence,
        Sequence,
        entry::{Entry, PersonData, Register, change_of},
        form::{EventForm, NewPerson, PersonReference, RegisterRow},
    },
    rollup::claim,
};
use danso_tier_config::{Date, UnitId};
use std::collections::HashMap;

/// Writes a commune's books and seals them.
struct Office {
    unit: UnitId,
    key: LedgerKey,
    book: Book,
    by_number: HashMap<String, HouseholdId>,
    by_name: HashMap<(String, String), (PersonId, Date)>,
    head: Head,
    recorded_ms: u64,
    waiting: Vec<SealedChange>,
    cores: Vec<Core>,
}

/// A commune as its province gets it.
pub(super) struct Commune {
    /// The chain of its register.
    pub register: Vec<Batch>,
    /// The batches of its month.
    pub month: Vec<Batch>,
    /// What is in them.
    pub made: Made,
}

/// Makes a commune: its register, then the first `events` changes of its month.
pub(super) fn commune(plan: &simulate::Plan, unit: UnitId, key: LedgerKey, events: usize) -> Commune {
    let simulated = simulate(plan);
    let before = Stand::of_rows(&simulated.register);
    let mut made = Made { before, ..Made::default() };
    let mut office = Office::new(unit, key);
    let mut register = Vec::new();
    let as_of = plan.start.first_day().plus_days(-1);
    for row in simulated.register {
        office.register(as_of, &row, &mut register);
    }
    office.seal(&mut register);
    made.changes = office.head.next.0 - 1;
    made.batches = register.len() as u64;
    office.recorded_ms = RECORDED_MS[1];
    let mut month = Vec::new();
    for row in simulated.events {
        let done = office.written() - made.changes;
        if done as usize >= events {
            break;
        }
        made.births += i64::from(matches!(row.event, EventForm::Birth { .. }));
        made.deaths += i64::from(matches!(row.event, EventForm::Death(_)));
        office.event(row.on, row.event, &mut month);
    }
    made.events = office.written() - made.changes;
    office.seal(&mut month);
    made.after = Stand::of_book(&office.book);
    Commune { register, month, made }
}

impl Office {
    fn new(unit: UnitId, key: LedgerKey) -> Self {
        Self {
            unit,
            key,
            book: Book::new(unit),
            by_number: HashMap::new(),
            by_name: HashMap::new(),
            head: Head::default(),
            recorded_ms: RECORDED_MS[0],
            waiting: Vec::new(),
            cores: Vec::new(),
        }
    }

    /// Changes written so far.
    fn written(&self) -> u64 {
        self.head.next.0 - 1 + self.waiting.len() as u64
    }

    fn take(&mut self, on: Date, entry: Entry, out: &mut Vec<Batch>) {
        let sequence = Sequence(self.written() + 1);
        let recorded_at = RecordedAt::from_millis(self.recorded_ms + sequence.0);
        let change =
            change_of(entry, on, recorded_at, sequence, &self.book).expect("simulated rows keep the rules");
        self.book.apply(&change.core);
        let personal = change.personal.map(|personal| (self.salt(sequence), personal.encode()));
        self.waiting.push(SealedChange { core: change.core.encode(), personal, recorded_at });
        self.cores.push(change.core);
        if self.waiting.len() == BATCH {
            self.seal(out);
        }
    }

    /// As random as a salt must look to a compressor, and the same in every run.
    fn salt(&self, sequence: Sequence) -> [u8; SALT_BYTES] {
        let digest = Digest::of(&[&self.unit.to_key(), &sequence.0.to_be_bytes()]);
        digest.0[..SALT_BYTES].try_into().expect("a digest is longer than a salt")
    }

    fn seal(&mut self, out: &mut Vec<Batch>) {
        if self.waiting.is_empty() {
            return;
        }
        let deltas = claim(&self.cores);
        let input = SealInput { origin: self.unit, head: self.head, changes: &self.waiting, deltas: &deltas };
        let batch = seal(&input, &self.key);
        let header: Header = batch.header.decode_trusted().expect("sealed just now");
        self.head = Head::after(&header, batch.hash());
        self.waiting.clear();
        self.cores.clear();
        out.push(batch);
    }

    fn household(
        &mut self,
        on: Date,
        (number, address): (&str, &str),
        (area, kind): (u16, HouseholdKind),
        out: &mut Vec<Batch>,
    ) -> HouseholdId {
        if let Some(id) = self.by_number.get(number) {
            return *id;
        }
        let id = self.book.next_household();
        let facts = HouseholdFacts { number: number.to_owned(), address: address.to_owned() };
        self.take(on, Entry::OpenHousehold { area: Area(area), kind, facts }, out);
        self.by_number.insert(number.to_owned(), id);
        id
    }

    fn known(&mut self, household: &str, name: &str, birth: Date) {
        let key = (household.to_owned(), name.to_owned());
        self.by_name.insert(key, (self.book.next_person(), birth));
    }

    fn register(&mut self, on: Date, row: &RegisterRow, out: &mut Vec<Batch>) {
        let place = (row.area, row.household_kind);
        let household = self.household(on, (&row.person.household, &row.address), place, out);
        self.known(&row.person.household, &row.person.name, row.person.birth_date);
        let person = row.person();
        self.take(on, Entry::Register { household, person }, out);
    }

    fn newcomer(&mut self, person: &NewPerson, residence: Residence) -> PersonData {
        self.known(&person.household, &person.name, person.birth_date);
        person.person(residence)
    }

    fn find(&self, person: &PersonReference) -> (PersonId, Date) {
        self.by_name[&(person.household.clone(), person.name.clone())]
    }

    fn event(&mut self, on: Date, event: EventForm, out: &mut Vec<Batch>) {
        let entry = match event {
            EventForm::Birth { child, mother_birth, order, place } => {
                let household = self.by_number[&child.household];
                let child = self.newcomer(&child, Residence::Present);
                Entry::Birth { household, child, order, mother_birth, place }
            }
            EventForm::Arrival { person, area, residence, reach, .. } => {
                let place = (area.unwrap_or(1), HouseholdKind::Family);
                let household = self.household(on, (&person.household, ""), place, out);
                Entry::Arrival { household, person: self.newcomer(&person, residence), reach, from: None }
            }
            EventForm::NewbornScreening { person, results } => {
                Entry::NewbornScreening { person: self.find(&person).0, results }
            }
            EventForm::Death(person) => {
                let (person, birth) = self.find(&person);
                Entry::Death { person, birth_date: Some(birth) }
            }
            EventForm::Departure { person, reach, .. } => {
                Entry::Departure { person: self.find(&person).0, reach, to: None }
            }
            EventForm::Marriage(person) => Entry::Marriage(self.find(&person).0),
            EventForm::Divorce(person) => Entry::Divorce(self.find(&person).0),
            EventForm::MethodStarted { person, method } => {
                Entry::MethodStarted { person: self.find(&person).0, method }
            }
            EventForm::MethodStopped(person) => Entry::MethodStopped { person: self.find(&person).0 },
            EventForm::Pregnancy { person, outcome, order } => {
                Entry::Pregnancy { person: self.find(&person).0, outcome, order }
            }
            EventForm::PrenatalScreening { person, week, results } => {
                Entry::PrenatalScreening { person: self.find(&person).0, week, results }
            }
            EventForm::ElderlyCheck(person) => Entry::ElderlyCheck(self.find(&person).0),
            EventForm::Correction {
                person,
                new_name,
                new_birth_date,
                new_sex,
                new_education,
                new_marital,
                new_residence,
            } => {
                let (id, birth) = self.find(&person);
                let name = new_name.unwrap_or(person.name);
                self.by_name.insert((person.household, name), (id, new_birth_date.unwrap_or(birth)));
                Entry::Correction {
                    person: id,
                    sex: new_sex,
                    birth_date: new_birth_date,
                    ethnicity: None,
                    education: new_education,
                    marital: new_marital,
                    residence: new_residence,
                    facts: None,
                }
            }
        };
        self.take(on, entry, out);
    }
}
