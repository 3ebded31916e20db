//! A full disk under the index: what was acknowledged stays, what cannot be kept is refused, and it goes on by
//! itself. What sled does here is written down in the decision on full disks.

use super::{super::*, options, small_disk::SmallDisk};
use danso_tier_config::limits;
use std::{
    path::Path,
    time::{Duration, Instant},
};

fn opened(disk: &SmallDisk) -> (Store, OpenReport) {
    Store::open(options(&disk.path().join("data")), &mut |_, _| ()).unwrap()
}

fn noted(number: u32) -> Staged {
    Record::Office(OfficeRecord { topic: Topic::Requests, bytes: number.to_le_bytes().to_vec() }).into()
}

async fn write(store: &Store, numbers: std::ops::Range<u32>) -> Result<(), StoreError> {
    store.write(numbers.map(noted).collect()).await
}

/// The numbers written so far.
fn numbers(store: &Store) -> Vec<u32> {
    let found = store.office(Topic::Requests).unwrap();
    found.iter().map(|bytes| u32::from_le_bytes(bytes.as_slice().try_into().unwrap())).collect()
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let since = Instant::now();
    while !condition() {
        assert!(since.elapsed() < Duration::from_mins(1), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn flushed(store: &Store) {
    until("the index is written", || store.inner.index.unflushed() == 0 && !store.inner.index.has_failed());
}

/// Whether the ballast has its full size.
fn ballast(data: &Path) -> bool {
    room::ballast_bytes(data) == limits::BALLAST_BYTES
}

#[tokio::test]
async fn an_index_without_space_waits_in_memory_and_is_written_when_there_is_some() {
    let Some(disk) = SmallDisk::mounted(64) else { return };
    let (store, _) = opened(&disk);
    write(&store, 0..50).await.unwrap();
    flushed(&store);
    disk.fill();
    // The ledger has reserved its space: what it takes is recorded, and read.
    write(&store, 50..60).await.unwrap();
    assert_eq!(numbers(&store), (0..60).collect::<Vec<_>>());
    // More than memory should hold is refused, whole, and nothing is lost by it.
    for key in 0..limits::INDEX_OVERLAY_KEYS_MAX as u64 {
        store.inner.index.remove([&[0xFF], key.to_be_bytes().as_slice()].concat());
    }
    let generation = store.generation();
    let refused = write(&store, 60..70).await.unwrap_err();
    assert_eq!(refused.code(), "disk_full");
    assert!(matches!(refused, StoreError::IndexFull(_)), "{refused}");
    assert!(store.generation() > generation, "what was built on the refused records is void");
    assert_eq!(numbers(&store), (0..60).collect::<Vec<_>>());
    disk.free();
    flushed(&store);
    write(&store, 60..70).await.unwrap();
    assert!(store.failure().borrow().is_none());
    store.close().await;
    drop(store);
    let (store, report) = opened(&disk);
    assert_eq!((report.rebuilt_because, report.replayed), (None, 0));
    assert_eq!(numbers(&store), (0..70).collect::<Vec<_>>());
    store.close().await;
}

#[tokio::test]
async fn a_database_that_met_a_full_disk_is_opened_anew_while_the_node_runs() {
    let Some(disk) = SmallDisk::mounted(64) else { return };
    let (store, _) = opened(&disk);
    write(&store, 0..50).await.unwrap();
    flushed(&store);
    disk.fill();
    // As if somebody else took the space between the look at it and the write.
    store.inner.index.blind.store(true, Ordering::Release);
    let data = disk.path().join("data");
    let mut next = 50;
    // It is opened again at once, with the ballast's room: without that its reads may fail.
    while data.join("BALLAST").exists() {
        assert!(next < 200_000, "sled never met the full disk");
        match write(&store, next..next + 500).await {
            Ok(()) => next += 500,
            Err(error) => assert!(matches!(error, StoreError::IndexFull(_)), "{error}"),
        }
    }
    store.inner.index.blind.store(false, Ordering::Release);
    until("reads work", || store.office(Topic::Requests).is_ok());
    assert_eq!(numbers(&store), (0..next).collect::<Vec<_>>());
    assert!(store.failure().borrow().is_none(), "the node goes on");
    disk.free();
    flushed(&store);
    assert_eq!(numbers(&store), (0..next).collect::<Vec<_>>());
    write(&store, next..next + 10).await.unwrap();
    assert!(store.failure().borrow().is_none());
    store.close().await;
    drop(store);
    let (store, report) = opened(&disk);
    assert_eq!(report.rebuilt_because, None);
    assert_eq!(numbers(&store), (0..next + 10).collect::<Vec<_>>());
    store.close().await;
}

#[tokio::test]
async fn a_start_on_a_full_disk_gives_up_the_ballast_and_makes_it_again_when_there_is_space() {
    let Some(disk) = SmallDisk::mounted(64) else { return };
    let (store, report) = opened(&disk);
    assert!(!report.ballast_dropped);
    write(&store, 0..50).await.unwrap();
    flushed(&store);
    disk.fill();
    write(&store, 50..60).await.unwrap();
    store.close().await;
    drop(store);
    let data = disk.path().join("data");
    assert!(ballast(&data));
    let (store, report) = opened(&disk);
    assert_eq!((report.ballast_dropped, report.rebuilt_because, report.replayed), (true, None, 10));
    assert!(!ballast(&data));
    assert_eq!(numbers(&store), (0..60).collect::<Vec<_>>());
    write(&store, 60..61).await.unwrap();
    store.close().await;
    drop(store);
    // And again and again: each start keeps what the next one needs.
    for _ in 0..3 {
        disk.fill();
        let (store, report) = opened(&disk);
        assert!(report.ballast_dropped);
        assert_eq!(numbers(&store), (0..61).collect::<Vec<_>>());
        store.close().await;
    }
    disk.fill();
    let (store, _) = opened(&disk);
    disk.free();
    until("the ballast is back", || ballast(&data));
    assert_eq!(store.inner.index.unflushed(), 0);
    store.close().await;
}

#[tokio::test]
async fn a_scrub_without_space_waits_and_stops_no_start() {
    let Some(disk) = SmallDisk::mounted(96) else { return };
    let (store, _) = opened(&disk);
    let long = || Record::Office(OfficeRecord { topic: Topic::Requests, bytes: vec![1; 200] });
    store.write(vec![long().into(), long().into()]).await.unwrap();
    let rows = store.inner.index.scan(keys::OFFICE).unwrap();
    let places: Vec<_> = rows.keys().map(|key| keys::position_of_key(key).unwrap()).collect();
    let [former, later] = places[..] else { panic!("two records are two rows") };
    // What a crash leaves between writing anew and scrubbing.
    store.inner.index.put(keys::scrub(former), &later.0);
    store.close().await;
    drop(store);
    disk.fill();
    let (store, _) = opened(&disk);
    write(&store, 0..1).await.unwrap();
    assert!(store.failure().borrow().is_none());
    let kind = |store: &Store| store.inner.reader.read(former).unwrap().kind;
    assert_ne!(kind(&store), ledger::Kind::SCRUBBED, "there was no space for it");
    disk.free();
    until("it is scrubbed", || kind(&store) == ledger::Kind::SCRUBBED);
    assert!(store.failure().borrow().is_none());
    store.close().await;
}
