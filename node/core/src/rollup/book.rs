//! A commune's register in memory for tests, and entries written into it by chance.

use super::*;
use crate::domain::{
    BirthPlace, Book, Core, Ethnicity, Event, HouseholdFacts, HouseholdKind, Marital, Method, PersonFacts,
    PregnancyOutcome, Reach, RecordedAt, Residence, Sequence, Sex,
    entry::{Entry, PersonData, Refusal, change_of},
    state::{Area, Education},
};
use danso_tier_config::{Date, UnitId};
use proptest::prelude::*;

pub(super) fn unit() -> UnitId {
    "00004@2025-07-01".parse().unwrap()
}

pub(super) fn start() -> Date {
    "2024-11-20".parse().unwrap()
}

/// A commune's register, and the cores of all that was written into it.
#[derive(Clone)]
pub(super) struct Office {
    pub(super) book: Book,
    pub(super) cores: Vec<Core>,
    /// Sequences that are no voids and were not voided.
    pub(super) standing: Vec<Sequence>,
}

impl Default for Office {
    fn default() -> Self {
        Self { book: Book::new(unit()), cores: Vec::new(), standing: Vec::new() }
    }
}

impl Office {
    pub(super) fn write(&mut self, entry: Entry, on: Date) -> Result<(), Refusal> {
        let sequence = Sequence(self.cores.len() as u64 + 1);
        let recorded_at = RecordedAt::from_millis(4_000_000_000_000 + sequence.0);
        let core = change_of(entry, on, recorded_at, sequence, &self.book)?.core;
        self.book.apply(&core);
        match &core.event {
            Event::Voided { sequence, .. } => self.standing.retain(|standing| standing != sequence),
            _ => self.standing.push(sequence),
        }
        self.cores.push(core);
        Ok(())
    }

    pub(super) fn core(&self, sequence: Sequence) -> &Core {
        &self.cores[sequence.0 as usize - 1]
    }

    pub(super) fn void(&mut self, sequence: Sequence) -> Result<(), Refusal> {
        let original = self.core(sequence).clone();
        let on = original.effective_on;
        self.write(Entry::Void { sequence, original: Box::new(original) }, on)
    }

    pub(super) fn tallies(&self) -> Tallies {
        Tallies::recount(self.cores.iter().map(|core| (unit(), core)))
    }

    /// Cores that still count: neither voids nor voided.
    pub(super) fn standing(&self) -> impl Iterator<Item = &Core> {
        self.standing.iter().map(|sequence| self.core(*sequence))
    }
}

/// One thing to write, chosen by numbers; what does not fit the register is refused and skipped.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) kind: u8,
    pub(super) pick: u16,
    pub(super) other: u16,
    pub(super) days: u16,
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0u8..30, any::<u16>(), any::<u16>(), 0u16..25);
    let step = step.prop_map(|(kind, pick, other, days)| Step { kind, pick, other, days });
    prop::collection::vec(step, 20..120)
}

pub(super) fn nth<T: Copy>(items: impl Iterator<Item = T>, number: u16) -> Option<T> {
    let items: Vec<T> = items.collect();
    (!items.is_empty()).then(|| items[usize::from(number) % items.len()])
}

fn person(step: Step, birth_date: Date) -> PersonData {
    let sex = Sex::ALL[usize::from(step.pick % 2)];
    PersonData {
        sex,
        birth_date,
        ethnicity: Ethnicity::KINH,
        education: Education::None,
        marital: Marital::ALL[usize::from(step.other % 4)],
        residence: Residence::ALL[usize::from(step.other % 3)],
        method: (sex == Sex::Female && step.other % 4 == 1).then_some(Method::Pill),
        facts: PersonFacts::default(),
    }
}

fn entry(step: Step, on: Date, office: &Office) -> Option<Entry> {
    let Step { kind, pick, other, .. } = step;
    let household = nth(office.book.households.keys().copied(), pick);
    let resident = nth(office.book.persons.keys().copied(), pick);
    let born = on.plus_days(-(i32::from(other) % 33_000));
    let reach = Reach::ALL[usize::from(other % 4)];
    let facts = HouseholdFacts::default();
    Some(match kind {
        0..=1 => {
            let kind = HouseholdKind::ALL[usize::from(other % 2)];
            Entry::OpenHousehold { area: Area(1), kind, facts }
        }
        2..=9 => Entry::Register { household: household?, person: person(step, born) },
        10..=11 => {
            let child = PersonData { marital: Marital::NeverMarried, method: None, ..person(step, on) };
            let mother_birth = on.plus_days(-6_000 - i32::from(other) % 9_000);
            let order = (other % 30) as u8 + 1;
            Entry::Birth { household: household?, child, order, mother_birth, place: BirthPlace::Home }
        }
        12 => {
            let person = resident?;
            let birth = office.book.persons[&person].birth.first_day();
            Entry::Death { person, birth_date: Some(birth).filter(|birth| *birth <= on) }
        }
        13..=14 => Entry::Marriage(resident?),
        15 => Entry::Divorce(resident?),
        16 => Entry::Departure { person: resident?, reach, to: None },
        17..=18 => Entry::Arrival { household: household?, person: person(step, born), reach, from: None },
        19..=20 => Entry::Correction {
            person: resident?,
            sex: None,
            birth_date: Some(born).filter(|_| other % 3 == 0),
            ethnicity: None,
            education: None,
            marital: Some(Marital::ALL[usize::from(other % 4)]).filter(|_| other % 3 != 0),
            residence: Some(Residence::ALL[usize::from(other % 3)]),
            facts: None,
        },
        21..=22 => {
            let person = nth(
                office.book.persons.iter().filter(|(_, s)| s.sex == Sex::Female).map(|(id, _)| *id),
                pick,
            );
            Entry::MethodStarted { person: person?, method: Method::ALL[usize::from(other % 8)] }
        }
        23 => {
            let person =
                nth(office.book.persons.iter().filter(|(_, s)| s.method.is_some()).map(|(id, _)| *id), pick);
            Entry::MethodStopped { person: person? }
        }
        24..=25 => {
            let leaver = resident?;
            let from = office.book.persons[&leaver].household;
            Entry::SplitHousehold { from, members: vec![leaver], area: Area(2), facts }
        }
        26 => {
            let empty = office.book.households.iter().filter(|(_, state)| state.size == 0).map(|(id, _)| *id);
            Entry::CloseHousehold(nth(empty, pick)?)
        }
        27 => Entry::Review(household?),
        28 => Entry::Pregnancy { person: resident?, outcome: PregnancyOutcome::Pregnant, order: 1 },
        _ => {
            let sequence = nth(office.standing.iter().copied(), pick)?;
            Entry::Void { sequence, original: Box::new(office.core(sequence).clone()) }
        }
    })
}

/// Writes the steps, time going on between them; `seen` looks at the office after each.
pub(super) fn write(steps: &[Step], with_voids: bool, mut seen: impl FnMut(Date, &Office)) -> Office {
    let mut office = Office::default();
    let mut on = start();
    let first = [0, 2, 2, 2, 2].map(|kind| Step { kind, pick: 7 * u16::from(kind), other: 9_125, days: 0 });
    for step in first.iter().chain(steps).filter(|step| with_voids || step.kind < 29) {
        on = on.plus_days(i32::from(step.days));
        if let Some(entry) = entry(*step, on, &office) {
            let date = match &entry {
                Entry::Void { original, .. } => original.effective_on,
                _ => on,
            };
            // A refusal changes nothing, here as in life.
            let _ = office.write(entry, date);
        }
        seen(on, &office);
    }
    office
}
