//! What is sent, in which order, and what an answer changes.

use super::{Answer, Outbox};
use crate::chain::{BatchNumber, Digest};
use danso_tier_config::UnitId;

fn unit(code: &str) -> UnitId {
    format!("{code}@2025-07-01").parse().unwrap()
}

fn digest(number: u64) -> Digest {
    Digest::of(&[&number.to_be_bytes()])
}

#[expect(clippy::unnecessary_wraps, reason = "the shape that `welcomed` asks for")]
fn hash(_: UnitId, number: BatchNumber) -> Option<Digest> {
    Some(digest(number.0))
}

fn live(heads: &[(&str, u64, u64)], window: u32) -> Outbox {
    let mut outbox = Outbox::new();
    for (code, here, _) in heads {
        outbox.held_here(unit(code), BatchNumber(*here));
    }
    let theirs = heads.iter().map(|(code, _, there)| (unit(code), BatchNumber(*there), digest(*there)));
    assert_eq!(outbox.welcomed(theirs.collect::<Vec<_>>(), window, hash), vec![]);
    outbox
}

fn sent(outbox: &mut Outbox) -> Vec<(String, u64)> {
    std::iter::from_fn(|| outbox.next_batch())
        .map(|(unit, number)| (unit.code.to_string(), number.0))
        .collect()
}

#[test]
fn nothing_is_sent_before_the_welcome_and_only_what_is_missing_after() {
    let mut outbox = Outbox::new();
    outbox.held_here(unit("1"), BatchNumber(3));
    assert_eq!(outbox.next_batch(), None);
    let mut outbox = live(&[("1", 3, 1)], 10);
    assert_eq!(sent(&mut outbox), [("1".into(), 2), ("1".into(), 3)]);
    assert!(!outbox.is_idle());
    outbox.answered(unit("1"), Answer::Received(BatchNumber(3)));
    assert!(outbox.is_idle());
}

#[test]
fn origins_take_turns_within_the_window() {
    let mut outbox = live(&[("1", 9, 0), ("2", 1, 0), ("3", 9, 0)], 5);
    let order = sent(&mut outbox);
    assert_eq!(order, [("1".into(), 1), ("2".into(), 1), ("3".into(), 1), ("1".into(), 2), ("3".into(), 2)]);
    outbox.answered(unit("1"), Answer::Received(BatchNumber(2)));
    assert_eq!(sent(&mut outbox).len(), 2);
}

#[test]
fn a_held_origin_does_not_stop_the_others() {
    let mut outbox = live(&[("1", 9, 0), ("2", 9, 0)], 4);
    assert_eq!(sent(&mut outbox).len(), 4);
    outbox.answered(unit("1"), Answer::Refused { code: "batch_fork".into(), expected: BatchNumber(0) });
    assert!(sent(&mut outbox).iter().all(|(code, _)| code == "2"));
    assert_eq!(outbox.status(unit("1")).unwrap().held.as_deref(), Some("batch_fork"));
}

#[test]
fn a_gap_rewinds_to_what_the_parent_expects() {
    let mut outbox = live(&[("1", 5, 2)], 10);
    assert_eq!(sent(&mut outbox).len(), 3);
    outbox.answered(unit("1"), Answer::Refused { code: "batch_gap".into(), expected: BatchNumber(4) });
    assert_eq!(sent(&mut outbox), [("1".into(), 4), ("1".into(), 5)]);
}

#[test]
fn a_lost_connection_sends_again_what_was_not_acknowledged() {
    let mut outbox = live(&[("1", 3, 0)], 10);
    assert_eq!(sent(&mut outbox).len(), 3);
    outbox.lost();
    assert_eq!(outbox.next_batch(), None);
    let one = (unit("1"), BatchNumber(1), digest(1));
    outbox.welcomed([one], 10, hash);
    assert_eq!(sent(&mut outbox), [("1".into(), 2), ("1".into(), 3)]);
}

#[test]
fn a_parent_that_knows_more_or_other_batches_is_noticed() {
    let mut outbox = Outbox::new();
    outbox.held_here(unit("1"), BatchNumber(2));
    outbox.held_here(unit("2"), BatchNumber(2));
    let ahead = (unit("1"), BatchNumber(5), Digest::default());
    let other = (unit("2"), BatchNumber(1), Digest::default());
    let found = outbox.welcomed([ahead, other], 10, hash);
    assert_eq!(found, [(unit("1"), "parent_ahead"), (unit("2"), "parent_diverges")]);
    assert_eq!(outbox.next_batch(), None);
}

#[test]
fn a_chain_that_came_back_goes_on() {
    let mut outbox = Outbox::new();
    outbox.held_here(unit("1"), BatchNumber(2));
    let found = outbox.welcomed([(unit("1"), BatchNumber(5), digest(5))], 10, hash);
    assert_eq!(found, [(unit("1"), "parent_ahead")]);
    outbox.recovered(unit("1"), BatchNumber(5), BatchNumber(5));
    assert!(!outbox.holds_any() && outbox.is_idle());
    outbox.held_here(unit("1"), BatchNumber(6));
    assert_eq!(sent(&mut outbox), [("1".into(), 6)]);
}

#[test]
fn names_of_a_held_origin_take_no_room() {
    let mut outbox = live(&[("1", 9, 9), ("2", 9, 9)], 2);
    outbox.names_asked(unit("1"), BatchNumber(1), BatchNumber(9));
    outbox.names_asked(unit("2"), BatchNumber(1), BatchNumber(9));
    assert_eq!(outbox.next_names(), Some((unit("1"), BatchNumber(1))));
    assert_eq!(outbox.next_names(), Some((unit("1"), BatchNumber(2))));
    assert_eq!(outbox.next_names(), None, "the window is full");
    outbox.answered(unit("1"), Answer::Refused { code: "origin_held".into(), expected: BatchNumber(0) });
    assert_eq!(outbox.next_names(), Some((unit("2"), BatchNumber(1))));
}

#[test]
fn names_go_after_what_is_missing_and_within_the_window() {
    let mut outbox = live(&[("1", 9, 9), ("2", 2, 1)], 2);
    outbox.names_asked(unit("1"), BatchNumber(3), BatchNumber(6));
    assert_eq!(outbox.next_names(), None, "a batch is missing");
    assert_eq!(sent(&mut outbox), [("2".into(), 2)]);
    assert_eq!(outbox.next_names(), Some((unit("1"), BatchNumber(3))));
    assert_eq!(outbox.next_names(), Some((unit("1"), BatchNumber(4))));
    assert_eq!(outbox.next_names(), None, "the window is full");
    outbox.answered(unit("1"), Answer::Received(BatchNumber(3)));
    assert_eq!(outbox.next_names(), Some((unit("1"), BatchNumber(5))));
    outbox.nameless(unit("1"), BatchNumber(5), true);
    outbox.answered(unit("1"), Answer::Received(BatchNumber(4)));
    assert_eq!(outbox.next_names(), None, "they are still on their way");
    outbox.names_again();
    assert_eq!(outbox.next_names(), Some((unit("1"), BatchNumber(5))));
    outbox.nameless(unit("1"), BatchNumber(5), false);
    assert_eq!(outbox.next_names(), Some((unit("1"), BatchNumber(6))));
    assert_eq!(outbox.next_names(), None);
}
