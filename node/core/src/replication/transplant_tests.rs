//! Changes made again on another chain, tried on registers in memory.

use super::*;
use crate::domain::{
    Area, Book, Education, Ethnicity, HouseholdFacts, HouseholdKind, Marital, PersonFacts, Residence, Sex,
    entry::{Entry, PersonData, change_of},
};
use danso_tier_config::{Date, UnitId};

pub(super) fn unit() -> UnitId {
    "00001@2025-07-01".parse().unwrap()
}

fn on() -> Date {
    "2026-01-05".parse().unwrap()
}

pub(super) fn at(sequence: u64) -> RecordedAt {
    RecordedAt::from_millis(1_770_000_000_000 + sequence)
}

/// A register and the changes that made it.
#[derive(Clone)]
pub(super) struct Branch {
    pub(super) book: Book,
    pub(super) cores: Vec<Core>,
}

impl Branch {
    fn new() -> Self {
        Self { book: Book::new(unit()), cores: Vec::new() }
    }

    pub(super) fn next(&self) -> Sequence {
        Sequence(self.cores.len() as u64 + 1)
    }

    pub(super) fn take(&mut self, core: Core) -> Sequence {
        let sequence = self.next();
        self.book.apply(&core);
        self.cores.push(core);
        sequence
    }

    pub(super) fn enter(&mut self, entry: Entry) -> Core {
        let sequence = self.next();
        let core = change_of(entry, on(), at(sequence.0), sequence, &self.book).unwrap().core;
        self.take(core.clone());
        core
    }

    pub(super) fn open(&mut self) -> HouseholdId {
        let (kind, facts) = (HouseholdKind::Family, HouseholdFacts::default());
        self.enter(Entry::OpenHousehold { area: Area(1), kind, facts }).households[0].id
    }

    pub(super) fn close(&mut self, household: HouseholdId) {
        self.enter(Entry::CloseHousehold(household));
    }

    pub(super) fn register(&mut self, household: HouseholdId) -> PersonId {
        let person = PersonData {
            sex: Sex::Female,
            birth_date: "1990-02-03".parse().unwrap(),
            ethnicity: Ethnicity::KINH,
            education: Education::Primary,
            marital: Marital::NeverMarried,
            residence: Residence::Present,
            method: None,
            facts: PersonFacts::default(),
        };
        self.enter(Entry::Register { household, person }).persons[0].id
    }

    pub(super) fn die(&mut self, person: PersonId) {
        self.enter(Entry::Death { person, birth_date: None });
    }

    pub(super) fn void(&mut self, sequence: u64) {
        let original = Box::new(self.cores[sequence as usize - 1].clone());
        self.enter(Entry::Void { sequence: Sequence(sequence), original });
    }

    pub(super) fn size(&self, household: HouseholdId) -> u16 {
        self.book.households[&household].size
    }
}

/// Makes what `old` has from `since` on again on `new`. Gives the changes refused.
pub(super) fn transplant(old: &Branch, since: u64, new: &mut Branch) -> Vec<(u64, Conflict)> {
    let mut moved = Transplant::new(Sequence(since));
    let mut refused = Vec::new();
    for (place, core) in old.cores.iter().enumerate().skip(since as usize - 1) {
        let from = Sequence(place as u64 + 1);
        let next = new.next();
        match moved.replant(core, at(next.0), next, &new.book) {
            Ok(made) => {
                let sequence = new.take(made.clone());
                moved.recorded((from, core), sequence, made);
            }
            Err(conflict) => {
                moved.refused(from, core);
                refused.push((from.0, conflict));
            }
        }
    }
    refused
}

/// One household with one person, on both branches.
pub(super) fn common() -> (Branch, HouseholdId, PersonId) {
    let mut branch = Branch::new();
    let home = branch.open();
    let person = branch.register(home);
    (branch, home, person)
}

#[test]
fn the_same_chain_made_again_is_the_same() {
    let (mut old, home, _) = common();
    let (mut new, ..) = common();
    let second = old.register(home);
    old.die(second);
    old.void(4);
    assert_eq!(transplant(&old, 3, &mut new), vec![]);
    assert_eq!(new.cores, old.cores);
}

#[test]
fn new_persons_get_new_serials_and_households_grow_by_the_difference() {
    let (mut old, home, _) = common();
    let mut new = old.clone();
    let lost = new.register(home);
    let late = old.register(home);
    assert_eq!(lost, late, "both gave the same serial");
    let other_home = old.open();
    old.register(other_home);
    old.die(late);
    assert_eq!(transplant(&old, 3, &mut new), vec![]);
    let ids: Vec<u64> = new.book.persons.keys().map(|id| id.serial).collect();
    assert_eq!(ids, [1, 2, 4], "the one who died had serial 3 here, {lost} lives");
    assert_eq!((new.size(home), new.size(other_home)), (2, 1));
}

#[test]
fn a_person_who_changed_on_the_other_chain_is_a_conflict() {
    let (mut old, home, person) = common();
    let mut new = old.clone();
    new.die(person);
    old.enter(Entry::Marriage(person));
    old.register(home);
    assert_eq!(transplant(&old, 3, &mut new), vec![(3, Conflict::PersonDiffers(person))]);
    assert_eq!(new.size(home), 1, "the newcomer is there, the dead one is not");
}

#[test]
fn nothing_moves_into_a_household_that_closed_on_the_other_chain() {
    let (mut old, home, person) = common();
    let mut new = old.clone();
    new.die(person);
    new.close(home);
    let late = old.register(home);
    old.die(late);
    old.void(4);
    let closed = Conflict::HouseholdDiffers(home);
    assert_eq!(transplant(&old, 3, &mut new), vec![(3, closed), (4, closed), (5, closed)]);
    assert_eq!(new.cores.len(), 4);
}

#[test]
fn a_death_of_a_person_who_was_refused_names_the_change_it_builds_on() {
    let (mut old, home, _) = common();
    let mut moved = Transplant::new(Sequence(3));
    let new = old.clone();
    let late = old.register(home);
    old.die(late);
    moved.refused(Sequence(3), &old.cores[2]);
    let refused = moved.replant(&old.cores[3], at(9), Sequence(3), &new.book);
    assert_eq!(refused, Err(Conflict::BuildsOn(Sequence(3))));
}

#[test]
fn a_void_follows_what_it_undoes() {
    let (mut old, home, person) = common();
    let mut new = old.clone();
    new.register(home);
    let late = old.register(home);
    old.void(3);
    old.die(person);
    old.void(5);
    assert_eq!(transplant(&old, 3, &mut new), vec![]);
    let Event::Voided { sequence, .. } = new.cores[4].event else { panic!("no void") };
    assert_eq!(sequence, Sequence(4));
    assert_eq!(new.book.persons.keys().map(|id| id.serial).collect::<Vec<_>>(), [1, 2]);
    assert_eq!((new.size(home), late.serial), (2, 2));
}

#[test]
fn names_go_with_the_new_ids() {
    let (mut old, home, person) = common();
    let mut new = old.clone();
    new.register(home);
    let late = old.register(home);
    let facts = PersonFacts { name: "Lan".into(), ..PersonFacts::default() };
    let personal = Personal { persons: vec![(late, facts.clone()), (person, facts)], ..Personal::default() };
    let moved = Transplant::new(Sequence(3));
    let made = moved.replant(&old.cores[2], at(4), Sequence(4), &new.book).unwrap();
    let ids: Vec<u64> =
        moved.personal(&old.cores[2], &made, &personal).persons.iter().map(|(id, _)| id.serial).collect();
    assert_eq!(ids, [3, 1]);
}
