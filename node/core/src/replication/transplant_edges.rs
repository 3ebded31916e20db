//! Numbers that are taken on the other chain, closings, voids and refusals of changes made again.

use super::{
    tests::{at, common, transplant, unit},
    *,
};
use crate::domain::{Area, HouseholdFacts, HouseholdKind, Marital, entry::Entry};

#[test]
fn names_of_a_household_go_with_its_new_id() {
    let (mut old, home, person) = common();
    let mut new = old.clone();
    let taken = new.open();
    let opened = old.open();
    assert_eq!(taken, opened, "both gave the same serial");
    let facts = |name: &str| HouseholdFacts { address: name.into(), ..HouseholdFacts::default() };
    let households = vec![(opened, facts("new")), (home, facts("old"))];
    let personal = Personal { households, note: "a note".into(), ..Personal::default() };
    let mut moved = Transplant::new(Sequence(3));
    let next = new.next();
    let made = moved.replant(&old.cores[2], at(77), next, &new.book).unwrap();
    assert_eq!(made.recorded_at, at(77));
    let named = moved.personal(&old.cores[2], &made, &personal);
    let ids: Vec<u64> = named.households.iter().map(|(id, _)| id.serial).collect();
    assert_eq!(ids, [opened.serial + 1, home.serial]);
    assert_eq!((named.households[0].1.address.as_str(), named.note.as_str()), ("new", "a note"));
    // Later changes that only name it find it, too.
    moved.recorded((Sequence(3), &old.cores[2]), next, made.clone());
    old.enter(Entry::Marriage(person));
    let later = moved.personal(&old.cores[3], &old.cores[3], &personal);
    assert_eq!(later.households[0].0.serial, opened.serial + 1);
}

#[test]
fn a_household_whose_number_is_taken_gets_another_and_its_members_live_in_that_one() {
    let (mut old, ..) = common();
    let mut new = old.clone();
    let taken = new.open();
    let opened = old.open();
    let member = old.register(opened);
    old.enter(Entry::Marriage(member));
    assert_eq!(transplant(&old, 3, &mut new), vec![]);
    let moved_in = new.book.persons[&member].household;
    assert_eq!(moved_in.serial, taken.serial + 1);
    assert_eq!((new.size(taken), new.size(moved_in)), (0, 1));
    assert_eq!(new.book.persons[&member].marital, Marital::Married);
}

#[test]
fn a_household_closes_again_and_a_void_opens_it_again() {
    let (mut old, ..) = common();
    let mut new = old.clone();
    let home = old.open();
    old.close(home);
    let mut closed = new.clone();
    assert_eq!(transplant(&old, 3, &mut closed), vec![]);
    assert!(!closed.book.households.contains_key(&home));
    old.void(4);
    assert_eq!(transplant(&old, 3, &mut new), vec![]);
    assert_eq!(new.size(home), 0);
    assert_eq!(new.cores, old.cores);
}

#[test]
fn a_void_of_a_change_on_both_chains_undoes_that_very_change() {
    let (mut old, home, person) = common();
    let mut new = old.clone();
    new.open();
    old.void(2);
    assert_eq!(transplant(&old, 3, &mut new), vec![]);
    let Event::Voided { sequence, .. } = new.cores[3].event else { panic!("no void") };
    assert_eq!(sequence, Sequence(2));
    assert!(!new.book.persons.contains_key(&person));
    assert_eq!(new.size(home), 0);
}

#[test]
fn a_change_of_a_person_in_a_household_that_was_refused_names_its_opening() {
    let (mut old, ..) = common();
    let new = old.clone();
    let home = old.open();
    let member = old.register(home);
    old.enter(Entry::Marriage(member));
    let mut moved = Transplant::new(Sequence(3));
    moved.refused(Sequence(3), &old.cores[2]);
    let refused = moved.replant(&old.cores[4], at(9), Sequence(3), &new.book);
    assert_eq!(refused, Err(Conflict::BuildsOn(Sequence(3))));
}

#[test]
fn what_a_change_left_as_it_was_stays_as_it_is_now() {
    let state = |area, kind, size| HouseholdState { area: Area(area), kind, size };
    let (family, collective) = (HouseholdKind::Family, HouseholdKind::Collective);
    let then = state(1, family, 2);
    let now = state(2, collective, 5);
    assert_eq!(moved(then, now, state(1, family, 3)), Some(state(2, collective, 6)));
    assert_eq!(moved(then, now, state(3, family, 2)), Some(state(3, collective, 5)));
    assert_eq!(moved(then, then, state(1, collective, 0)), Some(state(1, collective, 0)));
    assert_eq!(moved(state(1, family, 6), now, state(1, family, 0)), None, "less than nobody");
    assert_eq!(moved(state(1, family, 0), state(1, family, u16::MAX), then), None);
}

#[test]
fn every_conflict_has_a_word_and_a_sentence() {
    let home = HouseholdId { unit: unit(), serial: 1 };
    let person = PersonId { unit: unit(), serial: 1 };
    let rule = Conflict::Rule(Reason::VoidTarget);
    assert_eq!(
        (rule.word(), rule.vietnamese()),
        (Reason::VoidTarget.code(), Reason::VoidTarget.vietnamese())
    );
    let others = [
        (Conflict::PersonDiffers(person), "person_differs", "sổ hiện ghi khác về người này"),
        (Conflict::HouseholdDiffers(home), "household_differs", "hộ không còn như khi ghi thay đổi"),
        (
            Conflict::BuildsOn(Sequence(1)),
            "builds_on_another",
            "dựa trên một thay đổi khác không ghi lại được",
        ),
        (Conflict::VoidNotLatest, "void_not_latest", "đã có thay đổi sau thay đổi cần hủy"),
        (Conflict::NumberTaken, "number_taken", "số này đã có trong sổ"),
        (Conflict::Unreadable, "unreadable", "không đọc được"),
    ];
    for (conflict, word, sentence) in others {
        assert_eq!((conflict.word(), conflict.vietnamese()), (word, sentence));
    }
}
