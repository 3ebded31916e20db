//! Little room on the disk: nothing new is taken long before a write fails, questions are answered, children keep
//! what they have, and all goes on by itself.

use crate::{DANSO, arrived, client, household, import, record, verified};
use danso_node::{
    host::{DiskWatch, Host, Room, Step, Steps},
    operations::{Node, RoomState},
};
use danso_proto::v1::{CountRequest, Measure};
use danso_tests::{
    Process, SmallDisk, Tree, eventually,
    forge::{ChildLink, Forger},
    tree::central,
    unit, until,
};
use danso_tier_config::UnitId;
use std::{
    fs::File,
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// The limit of these tests, in bytes.
const LIMIT: u64 = 1_000;

/// A disk that says that it has so many bytes left, and takes everything all the same.
struct Left(AtomicU64);

impl Left {
    fn set(&self, bytes: u64) {
        self.0.store(bytes, Ordering::Relaxed);
    }
}

impl Steps for Left {
    fn before(&self, _: Step, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn room(&self, _: &Path) -> Option<Room> {
        Some(Room { left_bytes: self.0.load(Ordering::Relaxed), size_bytes: u64::MAX })
    }

    fn writes(&self, _: &Path, _: &File, _: u64, bytes: usize) -> usize {
        bytes
    }
}

/// Starts a unit's node on such a disk.
async fn start(tree: &mut Tree, at: UnitId, left: u64) -> (Arc<Node>, Arc<Left>) {
    tree.limits.disk_low_bytes = LIMIT;
    let disk = Arc::new(Left(AtomicU64::new(left)));
    let host = Host { disk: DiskWatch::new(Arc::clone(&disk) as Arc<dyn Steps>), ..Host::default() };
    (tree.start_on(at, host).await, disk)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_little_room_records_nothing_and_answers_until_there_is_more() {
    let mut tree = Tree::three();
    let at = unit("00001");
    let (node, disk) = start(&mut tree, at, 10 * LIMIT).await;
    import(&tree, at, 1, 5).await.unwrap();

    disk.set(LIMIT - 1);
    until("it has noticed", || node.room().0 == RoomState::Low).await;
    assert_eq!(record(&node, household(701)).await, Err("disk_low"));
    assert_eq!(import(&tree, at, 100, 5).await.unwrap_err(), "disk_low");
    let client = client(&tree, at).await;
    assert_eq!(client.node_info().await.unwrap().persons, 20);
    let counted = CountRequest { measure: Measure::Population.into(), ..CountRequest::default() };
    client.count(counted).await.expect("questions are answered");
    // A file that went in before adds nothing and is no new work.
    assert_eq!(import(&tree, at, 1, 5).await.unwrap().already_known, 20);

    // A little more than the limit is not enough: it would go back and forth.
    disk.set(LIMIT);
    let scarce = node.blocking(|node| node.look_at_room()).await;
    assert_eq!((scarce, record(&node, household(702)).await), (RoomState::Low, Err("disk_low")));
    disk.set(2 * LIMIT);
    until("it goes on by itself", || node.room().0 == RoomState::Enough).await;
    assert_eq!(record(&node, household(703)).await, Ok(()));
    assert_eq!(import(&tree, at, 100, 5).await.unwrap().recorded, 20);
    tree.stop_all().await;
    verified(&tree, at);
}

#[tokio::test(flavor = "multi_thread")]
async fn children_of_a_node_with_little_room_keep_their_batches_and_none_is_marked_as_refused() {
    let mut tree = Tree::three();
    let (parent, at) = (unit("01"), unit("00001"));
    tree.start(central()).await;
    // It starts so: nothing is taken before the first look.
    let (province, disk) = start(&mut tree, parent, 10).await;
    tree.limits.disk_low_bytes = 0;
    let commune = tree.start(at).await;
    for number in 1..=50 {
        record(&commune, household(number)).await.unwrap();
    }
    eventually("the child shows why", || async {
        commune.link.read().unwrap().error.starts_with("disk_low: ").then_some(())
    })
    .await;
    assert_eq!(tree.changes(parent, at), 0);
    assert!(commune.link.read().unwrap().held.is_empty() && !commune.store.own_chain_held());
    assert_eq!(province.store.evidence().unwrap().len(), 0);
    record(&commune, household(51)).await.unwrap();

    disk.set(u64::MAX / 4);
    let recorded = commune.store.view().recording.sequence;
    arrived(&tree, parent, at, recorded).await;
    arrived(&tree, central(), at, recorded).await;
    tree.stop_all().await;
    for unit in [central(), parent, at] {
        verified(&tree, unit);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_durable_gets_its_receipt_with_little_room_and_what_is_new_gets_a_refusal() {
    let mut tree = Tree::three();
    let (parent, at) = (unit("01"), unit("00001"));
    let (node, disk) = start(&mut tree, parent, 10 * LIMIT).await;
    let mut forger = Forger::new(&tree, at);
    let (mut link, _) = ChildLink::open(&tree, at, parent, &[at]).await;
    let first = forger.next(3);
    link.send_batch(&first).await;
    let receipt = link.receipt().await;

    disk.set(0);
    until("it has noticed", || node.room().0 == RoomState::Low).await;
    link.send_batch(&first).await;
    assert_eq!(link.receipt().await, receipt, "the same receipt again");
    let second = forger.next(3);
    link.send_batch(&second).await;
    let refusal = link.refusal().await;
    assert_eq!((refusal.code.as_str(), refusal.origin), ("disk_low", at.to_string()));
    disk.set(10 * LIMIT);
    until("it goes on by itself", || node.room().0 == RoomState::Enough).await;
    link.send_batch(&second).await;
    link.receipt().await;
    tree.stop_all().await;
    verified(&tree, parent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_really_fills_is_refused_before_it_is_full() {
    let mut tree = Tree::three();
    let at = unit("00001");
    tree.limits.disk_low_bytes = 64 << 20;
    let Some(disk) = SmallDisk::mounted(&tree.home(at).join("data"), 256) else { return };
    let mut process = Process::start(DANSO, &tree.node_file(at));
    import(&tree, at, 1, 10).await.unwrap();

    disk.fill_but(40);
    process.logged("little room is left on the disk").await;
    assert_eq!(import(&tree, at, 100, 10).await.unwrap_err(), "disk_low");
    // Also after a start: it does not take what it refused before.
    process.kill();
    let mut process = Process::start(DANSO, &tree.node_file(at));
    assert_eq!(client(&tree, at).await.node_info().await.unwrap().persons, 40);
    assert_eq!(import(&tree, at, 100, 10).await.unwrap_err(), "disk_low");

    disk.free();
    process.logged("there is room on the disk again").await;
    assert_eq!(import(&tree, at, 100, 10).await.unwrap().recorded, 40);
    assert!(!process.log().contains("disk_full"), "{}", process.log());
    process.kill();
    verified(&tree, at);
}
