//! The edges of a link: what an outbox ignores, holds and takes up again; who may speak for whom, and when.

use super::*;
use crate::chain::{BatchNumber, Digest};
use danso_tier_config::{Date, Directory, Kind, TierName, Unit, UnitId, limits};

fn unit(code: &str) -> UnitId {
    format!("{code}@2025-07-01").parse().unwrap()
}

fn nothing_here(_: UnitId, _: BatchNumber) -> Option<Digest> {
    None
}

/// Unit 1 with so many batches, of which the parent has none.
fn live(head: u64, window: u32) -> Outbox {
    let mut outbox = Outbox::new();
    outbox.held_here(unit("1"), BatchNumber(head));
    outbox.welcomed([], window, nothing_here);
    outbox
}

fn refused(code: &str, expected: u64) -> Answer {
    Answer::Refused { code: code.into(), expected: BatchNumber(expected) }
}

fn next(outbox: &mut Outbox) -> Option<u64> {
    outbox.next_batch().map(|(_, number)| number.0)
}

#[test]
fn a_parent_that_has_nothing_of_an_origin_contradicts_nothing() {
    let mut outbox = Outbox::new();
    outbox.held_here(unit("1"), BatchNumber(2));
    let none = (unit("1"), BatchNumber(0), Digest::default());
    assert_eq!(outbox.welcomed([none], 10, nothing_here), []);
    assert_eq!((next(&mut outbox), next(&mut outbox), next(&mut outbox)), (Some(1), Some(2), None));
}

#[test]
fn a_lost_connection_sends_nothing_of_what_is_left() {
    let mut outbox = live(5, 3);
    assert_eq!((next(&mut outbox), next(&mut outbox)), (Some(1), Some(2)));
    outbox.names_asked(unit("1"), BatchNumber(1), BatchNumber(2));
    outbox.answered(unit("1"), Answer::Received(BatchNumber(1)));
    outbox.lost();
    assert_eq!((outbox.next_batch(), outbox.next_names()), (None, None));
    assert_eq!(outbox.waiting(), 4);
}

#[test]
fn names_of_no_batch_or_of_one_that_is_not_here_are_not_sent() {
    for (first, last) in [(0, 2), (1, 3), (0, 3)] {
        let mut outbox = live(2, 9);
        while outbox.next_batch().is_some() {}
        outbox.names_asked(unit("1"), BatchNumber(first), BatchNumber(last));
        assert_eq!(outbox.next_names(), None, "{first} to {last}");
        outbox.names_asked(unit("1"), BatchNumber(1), BatchNumber(2));
        assert_eq!(outbox.next_names(), Some((unit("1"), BatchNumber(1))));
    }
}

#[test]
fn only_a_gap_with_a_number_rewinds_and_everything_else_holds() {
    for (code, expected) in [("batch_gap", 0), ("batch_fork", 2), ("batch_signature", 0)] {
        let mut outbox = live(3, 9);
        while outbox.next_batch().is_some() {}
        outbox.answered(unit("1"), refused(code, expected));
        assert_eq!(outbox.next_batch(), None);
        let status = OutboxStatus { waiting: 3, held: Some(code.into()) };
        assert_eq!(outbox.status(unit("1")), Some(status));
        assert!(outbox.holds_any() && outbox.is_idle());
    }
    let mut outbox = live(3, 9);
    while outbox.next_batch().is_some() {}
    outbox.answered(unit("1"), refused("batch_gap", 1));
    assert!(!outbox.holds_any() && !outbox.is_idle());
    assert_eq!(next(&mut outbox), Some(1));
}

#[test]
fn what_came_from_below_while_a_chain_was_fetched_back_is_sent() {
    let mut outbox = live(1, 9);
    let parent_ahead = (unit("1"), BatchNumber(6), Digest::default());
    assert_eq!(outbox.welcomed([parent_ahead], 9, nothing_here), [(unit("1"), "parent_ahead")]);
    outbox.recovered(unit("1"), BatchNumber(9), BatchNumber(6));
    assert_eq!((next(&mut outbox), next(&mut outbox)), (Some(7), Some(8)));
    assert_eq!(outbox.waiting(), 3);
}

#[test]
fn a_parent_that_asks_for_the_same_batch_without_end_holds_its_origin() {
    let mut outbox = live(9, 3);
    for _ in 0..limits::REWINDS_MAX {
        assert_eq!(next(&mut outbox), Some(1));
        outbox.answered(unit("1"), refused("batch_gap", 1));
        assert!(!outbox.holds_any());
    }
    assert_eq!(next(&mut outbox), Some(1));
    outbox.answered(unit("1"), refused("batch_gap", 1));
    assert_eq!(outbox.status(unit("1")), Some(OutboxStatus { waiting: 9, held: Some("batch_gap".into()) }));
    // A receipt in between shows that it goes on.
    let often = limits::REWINDS_MAX + 9;
    let mut outbox = live(often, 3);
    for number in 1..often {
        assert_eq!(next(&mut outbox), Some(number));
        outbox.answered(unit("1"), refused("batch_gap", number));
        outbox.answered(unit("1"), Answer::Received(BatchNumber(number)));
    }
    assert!(!outbox.holds_any());
}

#[test]
fn what_waits_is_counted_over_all_origins() {
    let mut outbox = live(3, 9);
    outbox.held_here(unit("2"), BatchNumber(4));
    assert_eq!(outbox.waiting(), 7);
    outbox.answered(unit("1"), Answer::Received(BatchNumber(2)));
    outbox.answered(unit("3"), Answer::Received(BatchNumber(2)));
    assert_eq!(outbox.waiting(), 5);
    assert_eq!(outbox.status(unit("1")), Some(OutboxStatus { waiting: 1, held: None }));
    assert_eq!(outbox.status(unit("3")), None);
    assert!(!outbox.holds_any());
}

fn row(id: UnitId, name: &str, (kind, tier): (&str, &str), parent: Option<UnitId>) -> Unit {
    let tier: TierName = tier.parse().unwrap();
    Directory::simple_unit(id, name, kind.parse::<Kind>().unwrap(), &tier, parent)
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// Provinces 01 and 02; communes 00001 under 01, 00002 under 02; 00003 moves from 01 to 02 with the year 2026,
/// and 00004 of 01 ends with it.
fn directory() -> Directory {
    let country = Directory::country();
    let province = |code, name| row(unit(code), name, ("thành phố", "province"), Some(country));
    let commune = |code, name, parent| row(unit(code), name, ("phường", "commune"), Some(unit(parent)));
    let last = Some(day("2025-12-31"));
    let before = Unit { valid_to: last, ..commune("00003", "Phường Ba", "01") };
    let after = Unit { valid_from: day("2026-01-01"), ..commune("00003", "Phường Ba", "02") };
    let ended = Unit { valid_to: last, ..commune("00004", "Phường Bốn", "01") };
    let rows = vec![
        row(country, "Việt Nam", ("trung ương", "central"), None),
        province("01", "Thành phố Một"),
        province("02", "Thành phố Hai"),
        commune("00001", "Phường Một", "01"),
        commune("00002", "Phường Hai", "02"),
        before,
        after,
        ended,
    ];
    Directory::from_rows(rows, Vec::new()).unwrap()
}

#[test]
fn a_child_speaks_for_itself_and_what_lies_within_it_and_for_nobody_else() {
    let directory = directory();
    let country = Directory::country();
    let speaks = |parent, child, origin| {
        may_speak_for(&directory, day("2025-10-01"), parent, unit(child), unit(origin))
    };
    for origin in ["01", "00001", "00003", "00004"] {
        assert!(speaks(country, "01", origin), "{origin}");
    }
    for origin in ["02", "00002", "00009"] {
        assert!(!speaks(country, "01", origin), "{origin}");
    }
    assert!(speaks(unit("01"), "00001", "00001"));
    // Not a child: a grandchild, a child of another, the unit itself, a stranger.
    assert!(!speaks(country, "00001", "00001"));
    assert!(!speaks(unit("02"), "00001", "00001"));
    assert!(!speaks(unit("01"), "01", "01"));
    assert!(!speaks(country, "09", "09"));
    assert!(!may_speak_for(&directory, day("2025-10-01"), country, country, country));
}

#[test]
fn a_unit_that_moved_is_spoken_for_by_its_parent_of_the_day() {
    let directory = directory();
    let speaks = |on, child, origin| {
        may_speak_for(&directory, day(on), Directory::country(), unit(child), unit(origin))
    };
    assert!(speaks("2025-12-31", "01", "00003") && !speaks("2025-12-31", "02", "00003"));
    assert!(speaks("2026-01-01", "02", "00003") && !speaks("2026-01-01", "01", "00003"));
}

#[test]
fn a_unit_that_ended_speaks_and_is_spoken_for_as_on_its_last_day() {
    let directory = directory();
    for on in ["2025-12-31", "2026-01-01", "2030-05-05"] {
        let speaks =
            |parent, child, origin| may_speak_for(&directory, day(on), parent, unit(child), unit(origin));
        assert!(speaks(Directory::country(), "01", "00004"), "{on}");
        assert!(speaks(unit("01"), "00004", "00004"), "{on}");
        assert!(!speaks(Directory::country(), "02", "00004"), "{on}");
        assert!(!speaks(unit("02"), "00004", "00004"), "{on}");
    }
}
