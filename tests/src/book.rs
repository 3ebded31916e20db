//! A commune's register in memory and the signed chain sealed from it; no node runs.

use crate::entries::{date, person};
use danso_core::{
    chain::{Batch, Head, Header, LedgerKey, SALT_BYTES, SealInput, SealedChange, seal},
    domain::{
        Area, BirthPlace, Book, Change, Core, HouseholdFacts, HouseholdId, HouseholdKind, Reach, RecordedAt,
        Sequence, Sex,
        entry::{Entry, PersonData, change_of},
        verdict,
    },
    rollup::{Tallies, claim},
};
use danso_tier_config::{Date, UnitId};

/// Unix milliseconds before the first change of every book: 2026-06-01.
const BEFORE_MS: u64 = 1_780_272_000_000;

/// A register and its chain.
pub struct ChainBook {
    unit: UnitId,
    key: LedgerKey,
    register: Book,
    /// Every core written, the wrong ones included.
    pub cores: Vec<Core>,
    head: Head,
    waiting: Vec<SealedChange>,
}

fn nth<T: Copy>(items: impl Iterator<Item = T>, number: u16) -> Option<T> {
    let items: Vec<T> = items.collect();
    (!items.is_empty()).then(|| items[usize::from(number) % items.len()])
}

impl ChainBook {
    pub fn new(unit: UnitId, key: LedgerKey) -> Self {
        let (cores, waiting) = (Vec::new(), Vec::new());
        Self { unit, key, register: Book::new(unit), cores, head: Head::default(), waiting }
    }

    fn change(&self, on: Date, entry: Entry) -> Option<Change> {
        let sequence = Sequence(self.cores.len() as u64 + 1);
        let recorded_at = RecordedAt::from_millis(BEFORE_MS + sequence.0);
        change_of(entry, on, recorded_at, sequence, &self.register).ok()
    }

    fn take(&mut self, change: Change) {
        let salt = [self.cores.len() as u8; SALT_BYTES];
        let personal = change.personal.as_ref().map(|personal| (salt, personal.encode()));
        let (core, recorded_at) = (change.core.encode(), change.core.recorded_at);
        self.waiting.push(SealedChange { core, personal, recorded_at });
        self.cores.push(change.core);
    }

    /// Writes an entry; one that the register refuses changes nothing and gives false.
    pub fn write(&mut self, on: &str, entry: Entry) -> bool {
        let Some(change) = self.change(date(on), entry) else {
            return false;
        };
        self.register.apply(&change.core);
        self.take(change);
        true
    }

    /// Writes a change that every tier stores and none counts: it lies years ahead.
    pub fn write_wrong(&mut self) {
        let entry = match self.register.households.keys().next() {
            Some(household) => {
                let person = person("Nguyễn Văn Bình", Sex::Male, "1990-01-01");
                Entry::Register { household: *household, person }
            }
            None => Entry::OpenHousehold { area: Area(1), kind: HouseholdKind::Family, facts: facts(9_999) },
        };
        let mut change = self.change(date("2026-01-01"), entry).unwrap();
        change.core.effective_on = date("2031-01-01");
        assert!(verdict(&change.core, Sequence(1)).is_err());
        self.take(change);
    }

    /// Writes something chosen by two numbers.
    pub fn write_any(&mut self, kind: u8, pick: u16) {
        let on = format!("2026-0{}-{:02}", 1 + pick % 5, 1 + pick % 28);
        let sex = Sex::ALL[usize::from(pick % 2)];
        let household = nth(self.register.households.keys().copied(), pick);
        let resident = nth(self.register.persons.keys().copied(), pick);
        let born = format!("{}-{:02}-11", 1950 + pick % 70, 1 + pick % 12);
        let entry = match (kind % 8, household, resident) {
            (7, ..) => return self.write_wrong(),
            (2 | 3, Some(household), _) => {
                Entry::Register { household, person: person("Nguyễn Văn Bình", sex, &born) }
            }
            (4, Some(household), _) => birth(household, sex, &on),
            (5, _, Some(person)) => Entry::Death { person, birth_date: None },
            (6, _, Some(person)) => Entry::Departure { person, reach: Reach::OtherProvince, to: None },
            _ => Entry::OpenHousehold { area: Area(1), kind: HouseholdKind::Family, facts: facts(pick) },
        };
        self.write(&on, entry);
    }

    /// Seals everything written since the last batch; `None` where there is nothing.
    pub fn seal(&mut self) -> Option<Batch> {
        if self.waiting.is_empty() {
            return None;
        }
        let cores = &self.cores[self.cores.len() - self.waiting.len()..];
        let deltas = claim(cores);
        let input = SealInput { origin: self.unit, head: self.head, changes: &self.waiting, deltas: &deltas };
        let batch = seal(&input, &self.key);
        let header: Header = batch.header.verify(self.key.public()).unwrap();
        self.head = Head::after(&header, batch.hash());
        self.waiting.clear();
        Some(batch)
    }

    /// The cores that count, each with its unit.
    pub fn counted(&self) -> impl Iterator<Item = (UnitId, &Core)> {
        let sequenced = (1..).map(Sequence).zip(&self.cores);
        sequenced
            .filter(|(sequence, core)| verdict(core, *sequence).is_ok())
            .map(|(_, core)| (self.unit, core))
    }
}

/// A plain recount of several books.
pub fn recount(books: &[ChainBook]) -> Tallies {
    Tallies::recount(books.iter().flat_map(ChainBook::counted))
}

fn facts(number: u16) -> HouseholdFacts {
    HouseholdFacts { number: number.to_string(), address: "Tổ 1".to_owned() }
}

/// A birth to a mother born in 1995.
pub fn birth(household: HouseholdId, sex: Sex, on: &str) -> Entry {
    let child =
        PersonData { education: danso_core::domain::Education::None, ..person("Nguyễn An", sex, on) };
    Entry::Birth { household, child, order: 1, mother_birth: date("1995-05-05"), place: BirthPlace::Facility }
}
