//! Many wait for their records at once, and commit for each other. Real threads.

use super::{
    super::{writer::Order, *},
    options,
};
use danso_core::chain::Deed;
use std::thread;

const WAITERS: usize = 8;
const RECORDS: usize = 200;

fn note(waiter: usize, record: usize) -> Staged {
    let text = format!("record {record} of waiter {waiter}");
    Record::Note(AuditNote::text("a test", Deed::PersonalWritten, text, 1)).into()
}

fn open() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(options(&folder.path().join("data")), &mut |_, _| ()).unwrap();
    (folder, store)
}

/// Each waits for every record of his before the next. Gives how many of them were made durable.
fn wait_all(store: &Store) -> usize {
    let wait = |waiter| {
        let record = |record: &usize| {
            store.stage(vec![note(waiter, *record)], store.generation()).blocking_durable().is_ok()
        };
        (0..RECORDS).take_while(record).count()
    };
    thread::scope(|threads| {
        let waiters: Vec<_> = (0..WAITERS).map(|waiter| threads.spawn(move || wait(waiter))).collect();
        waiters.into_iter().map(|waiter| waiter.join().unwrap()).sum()
    })
}

#[tokio::test]
async fn all_that_many_wait_for_is_written_once_and_found_again() {
    let (folder, store) = open();
    let before = store.view().audit.number;
    assert_eq!(wait_all(&store), WAITERS * RECORDS);
    let after = store.view().audit.number;
    assert_eq!(after - before, (WAITERS * RECORDS) as u64);
    store.close().await;
    drop(store);
    let (store, _) = Store::open(options(&folder.path().join("data")), &mut |_, _| ()).unwrap();
    assert_eq!(store.view().audit.number, after);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_while_the_store_is_closed_hears_that_it_stopped_and_loses_nothing_acknowledged() {
    let (folder, store) = open();
    let before = store.view().audit.number;
    let waiting = store.clone();
    let written = tokio::task::spawn_blocking(move || wait_all(&waiting));
    let mut changed = store.changed();
    for _ in 0..WAITERS {
        changed.changed().await.unwrap();
    }
    store.close().await;
    let written = written.await.unwrap() as u64;
    drop(store);
    let (store, _) = Store::open(options(&folder.path().join("data")), &mut |_, _| ()).unwrap();
    assert_eq!(store.view().audit.number - before, written);
    store.close().await;
}

#[test]
fn a_panic_of_who_carries_out_an_order_stops_the_store() {
    let (_folder, store) = open();
    let (orders, seat) = store.orders.parts();
    let done = oneshot::channel();
    orders.send(Order::Keep { work: Box::new(|_| panic!("a test")), done: done.0 });
    let _ = seat.turn();
    let stopped = store.stage(vec![note(0, 0)], store.generation()).blocking_durable();
    assert!(matches!(stopped, Err(StoreError::Stopped)));
    let failure = store.failure().borrow().clone().unwrap();
    assert!(failure.to_string().contains("panicked"), "{failure}");
}
