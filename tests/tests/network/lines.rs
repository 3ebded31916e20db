//! Bad lines between a commune and its parent: all that was recorded arrives, each change once.

use super::{import, in_the_end, linked, start_behind};
use danso_core::{chain::BatchNumber, domain::Sex, rollup::difference};
use danso_node::operations::Node;
use danso_tests::{
    Recorder, Tree,
    line::{Line, Quality},
    tree::central,
    unit, until,
};
use std::{sync::Arc, time::Duration};

/// 2 s one way, 30 % lost, 16 kbit/s.
const BAD: Quality = Quality { delay: Duration::from_secs(2), bytes_a_second: 2_000, lost_percent: 30 };

/// The chain of a commune at another node is the commune's own, and its tallies are its own.
fn assert_whole(top: &Node, commune: &Node) {
    let origin = commune.unit();
    let (above, own) = (top.store.view(), commune.store.view());
    assert_eq!(above.chains[&origin].head, own.chains[&origin].head);
    assert_eq!(own.chains[&origin].head.next.0 - 1, own.recording.sequence);
    assert_eq!(difference(&own.tallies, &above.tallies), []);
}

/// A line to the province's node in the tree.
async fn line(tree: &Tree, quality: Quality) -> Line {
    let province = tree.address(unit("01"));
    Line::open(province, province, quality).await
}

async fn delivers_over_a_bad_line(households: u64, minutes: u64) {
    let mut tree = Tree::three();
    tree.limits = danso_tier_config::Limits::default();
    let (province, commune) = (unit("01"), unit("00001"));
    for unit in [central(), province] {
        tree.start(unit).await;
    }
    let line = line(&tree, BAD).await;
    let node = start_behind(&mut tree, commune, line.address()).await;
    // Before the link stands, so that it is a full batch that goes first.
    import(&tree.client(commune).await, 1, households).await;
    let recorded = node.store.view().recording.sequence;
    assert_eq!(recorded, 4 * households);
    let top = tree.node(central());
    in_the_end("all changes are at central", minutes, || tree.changes(central(), commune) == recorded).await;
    in_the_end("the receipts came back", minutes, || {
        let view = node.store.view();
        view.chains[&commune].acknowledged == view.chains[&commune].head.number
    })
    .await;
    assert_whole(&top, &node);
    println!("{recorded} changes, {} bytes, {} connections", line.carried(), line.opened());
    line.cut();
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commune_behind_two_seconds_and_losses_and_16_kbit_delivers() {
    delivers_over_a_bad_line(10, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes half an hour"]
async fn full_batches_pass_two_seconds_and_losses_and_16_kbit() {
    delivers_over_a_bad_line(1_000, 60).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_behind_a_cut_line_arrives_batch_by_batch_once() {
    let mut tree = Tree::three();
    let (province, commune) = (unit("01"), unit("00001"));
    let top = tree.start(central()).await;
    tree.start(province).await;
    let line = line(&tree, Quality::default()).await;
    let child = start_behind(&mut tree, commune, line.address()).await;
    let mut recorder = Recorder::new(Arc::clone(&child));
    let home = recorder.household("2026-01-01").await;
    until("the commune is linked", || tree.changes(central(), commune) == 1).await;
    line.cut();
    until("the commune has noticed", || !linked(&child)).await;
    for day in 1..=30 {
        recorder.birth(&format!("2026-04-{day:02}"), home, &format!("Trẻ {day}"), Sex::Male).await;
        until("the day is sealed", || tree.changes(commune, commune) == 1 + day).await;
    }
    let batches = tree.head(commune, commune);
    assert!(batches >= 30, "{batches} batches");
    assert_eq!(tree.changes(central(), commune), 1);
    line.restore();
    until("all batches are at central", || tree.head(central(), commune) == batches).await;
    assert_whole(&top, &child);
    // Each batch once: the ledger of each tier has as many records of it as the chain has numbers.
    for number in 1..=batches {
        let number = BatchNumber(number);
        let own = child.store.batch(commune, number).unwrap().unwrap();
        for above in [&top, &tree.node(province)] {
            assert_eq!(above.store.batch(commune, number).unwrap().unwrap().batch.hash(), own.batch.hash());
        }
    }
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_dies_before_its_receipt_arrives_gives_the_same_receipt_again() {
    let mut tree = Tree::three();
    let (province, commune) = (unit("01"), unit("00001"));
    tree.start(central()).await;
    tree.start(province).await;
    let line = line(&tree, Quality::default()).await;
    let child = start_behind(&mut tree, commune, line.address()).await;
    until("the commune is linked", || linked(&child)).await;
    line.lose_answers();
    import(&tree.client(commune).await, 1, 5).await;
    until("the province has all of it", || tree.changes(province, commune) == 20).await;
    let batches = tree.head(province, commune);
    let receipt = |tree: &Tree| {
        let held = tree.node(province).store.batch(commune, BatchNumber(batches));
        held.unwrap().unwrap().receipt.expect("the province has signed")
    };
    let signed = receipt(&tree);
    assert_eq!(child.store.view().chains[&commune].acknowledged, BatchNumber(0));

    tree.stop(province).await;
    tree.start(province).await;
    line.cut();
    line.restore();
    in_the_end("the receipt arrives", 3, || {
        child.store.view().chains[&commune].acknowledged == BatchNumber(batches)
    })
    .await;
    assert_eq!(receipt(&tree), signed, "byte for byte");
    assert_whole(&tree.node(province), &child);
    until("central has it, too", || tree.changes(central(), commune) == 20).await;
    assert_whole(&tree.node(central()), &child);
    tree.stop_all().await;
}
