//! A computer whose clock lies outside the dates of its certificate, or whose certificate has ended: it starts, records,
//! and does nothing by that clock that cannot be undone.

use danso_core::domain::{Area, HouseholdFacts, HouseholdKind, entry::Entry};
use danso_node::{
    host::{Clock, Host},
    operations::Node,
};
use danso_tests::{Recorder, Tree, tree::central, unit, until};
use danso_tier_config::UnitId;
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

const TWO_YEARS_S: i64 = 2 * 366 * 86_400;

fn commune() -> UnitId {
    unit("00001")
}

/// A clock that is off by so many seconds, until somebody sets it.
#[derive(Clone)]
struct Off(Arc<AtomicI64>);

impl Off {
    fn by(seconds: i64) -> Self {
        Self(Arc::new(AtomicI64::new(seconds)))
    }

    fn set(&self, seconds: i64) {
        self.0.store(seconds, Ordering::SeqCst);
    }

    fn host(&self) -> Host {
        let seconds = Arc::clone(&self.0);
        let clock = Clock::new(move || {
            let seconds = seconds.load(Ordering::SeqCst);
            let off = Duration::from_secs(seconds.unsigned_abs());
            if seconds < 0 { SystemTime::now() - off } else { SystemTime::now() + off }
        });
        Host { clock, ..Host::default() }
    }
}

/// The code for which a node has no line to its parent.
fn cut_for(node: &Node) -> String {
    let link = node.link.read().unwrap();
    link.error.split(':').next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_starts_and_records_outside_its_certificates_dates_and_links_once_its_clock_is_right() {
    for (seconds, code) in [(TWO_YEARS_S, "keys_expired"), (-TWO_YEARS_S, "keys_not_yet_valid")] {
        let mut tree = Tree::three();
        tree.start(central()).await;
        tree.start(unit("01")).await;
        let clock = Off::by(seconds);
        let node = tree.start_on(commune(), clock.host()).await;
        assert!(!node.believes_clock());
        // Returns once it is durable.
        Recorder::new(Arc::clone(&node)).household("2020-01-01").await;
        until("the line is cut for its reason", || cut_for(&node) == code).await;
        assert_eq!(tree.changes(central(), commune()), 0);

        // It was off when the node was started before, too: the ledger is read as ever.
        drop(node);
        tree.stop(commune()).await;
        let node = tree.start_on(commune(), clock.host()).await;
        clock.set(0);
        until("central has what was recorded", || tree.changes(central(), commune()) == 1).await;
        assert!(node.believes_clock());
        Recorder::new(Arc::clone(&node)).household("2020-01-02").await;
        // The times of recording stay ahead once they were; a slip of the pen is told by the clock all the same.
        let next_year = node.today().plus_days(366);
        let slip = Entry::OpenHousehold {
            area: Area(1),
            kind: HouseholdKind::Family,
            facts: HouseholdFacts { number: "0009".to_owned(), ..HouseholdFacts::default() },
        };
        assert_eq!(node.record(None, next_year, slip).unwrap_err().code(), "effective_in_future");
        until("central has what was recorded since", || tree.changes(central(), commune()) == 2).await;
        drop(node);
        tree.stop_all().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_month_is_closed_by_a_clock_outside_the_certificates_dates() {
    let mut tree = Tree::three();
    tree.start_all().await;
    Recorder::new(tree.node(commune())).household("2026-01-01").await;
    until("central has what was recorded", || tree.changes(central(), commune()) == 1).await;
    tree.stop_all().await;
    let clock = Off::by(TWO_YEARS_S);
    let top = tree.start_on(central(), clock.host()).await;
    assert_eq!((top.month_to_close().unwrap(), top.release_number()), (None, 0));
    clock.set(0);
    // Unless the task that closes months was quicker.
    assert!(top.month_to_close().unwrap().is_some() || top.release_number() == 1);
    drop(top);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_clock_that_was_ahead_recorded_is_seen_to_wait_once_it_is_right() {
    let mut tree = Tree::three();
    let clock = Off::by(TWO_YEARS_S);
    let node = tree.start_on(commune(), clock.host()).await;
    Recorder::new(Arc::clone(&node)).household("2020-01-01").await;
    until("it is sealed", || node.head_of(commune()).number.0 == 1).await;
    clock.set(0);
    let (waits, now) = (node.oldest_unsent_ms(), node.now_ms());
    assert!((1..=now).contains(&waits), "{waits} of {now}");
    until("time goes by", || node.now_ms() > now + 20).await;
    assert_eq!(node.oldest_unsent_ms(), waits, "its age does not grow");
    drop(node);
    tree.stop_all().await;
}
