//! `kill -9` at two moments that a loop by chance seldom meets: during the start, and between a parent's taking of
//! a batch and the receipt for it.

use super::{crash::DANSO, refusals::stopped_commune, verified};
use danso_core::chain::{Receipt, Signed};
use danso_node::transport::client::NodeClient;
use danso_proto::v1::HeadsRequest;
use danso_tests::{
    Dice, Process, Recorder, Tree, eventually,
    forge::{ChildLink, Forger},
    unit,
    wait::moment,
};
use danso_tier_config::UnitId;
use std::time::Duration;

/// Kills during a start.
const STARTS: u64 = 50;
/// By then a start is over, in microseconds.
const START_US: u64 = 400_000;
/// Kills of a parent that has just got a batch.
const BATCHES: u64 = 10;
/// By then it has taken the batch and answered, in microseconds.
const ACCEPT_US: u64 = 8_000;

#[tokio::test(flavor = "multi_thread")]
async fn fifty_kills_during_the_start_change_nothing() {
    let mut dice = Dice::thrown();
    let (mut tree, commune, _) = stopped_commune().await;
    let before = verified(&tree, commune).unwrap();
    let file = tree.node_file(commune);
    for _ in 0..STARTS {
        let mut process = Process::start(DANSO, &file);
        moment(Duration::from_micros(dice.below(START_US))).await;
        process.kill();
    }
    let report = verified(&tree, commune).unwrap();
    assert_eq!((report.tallies, report.heads), (before.tallies, before.heads));
    let node = tree.start(commune).await;
    assert_eq!(node.store.view().recording.sequence, 20);
    Recorder::new(node).household("2026-01-02").await;
    tree.stop(commune).await;
    assert_eq!(verified(&tree, commune).unwrap().differences, Vec::<String>::new());
}

async fn head(tree: &Tree, at: UnitId, origin: UnitId) -> u64 {
    let ask = || async {
        let client = NodeClient::connect(&tree.address(at).to_string(), at, &tree.keys(at)).await.ok()?;
        client.heads(HeadsRequest::default()).await.ok()
    };
    let answer = eventually("the parent tells its heads", ask).await;
    answer.heads.iter().find(|head| head.origin == origin.to_string()).map_or(0, |head| head.number)
}

fn accepted_at_ms(receipt: &Signed) -> u64 {
    receipt.decode_trusted::<Receipt>().unwrap().accepted_at_ms
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_killed_between_taking_a_batch_and_its_receipt_gives_the_same_receipt() {
    let mut dice = Dice::thrown();
    let tree = Tree::three();
    let (province, commune) = (unit("01"), unit("00001"));
    let file = tree.node_file(province);
    let mut parent = Process::start(DANSO, &file);
    head(&tree, province, commune).await;
    let mut forger = Forger::new(&tree, commune);
    let mut taken = 0;
    for number in 1..=BATCHES {
        let batch = forger.next(3);
        let (link, _) = ChildLink::open(&tree, commune, province, &[commune]).await;
        link.send_batch(&batch).await;
        moment(Duration::from_micros(dice.below(ACCEPT_US))).await;
        parent.kill();
        drop(link);
        let restarted_ms = danso_node::operations::now_ms();
        parent = Process::start(DANSO, &file);
        let held = head(&tree, province, commune).await;
        assert!(held == number || held == number - 1, "{held} batches, {number} were sent");
        let (mut link, welcome) = ChildLink::open(&tree, commune, province, &[commune]).await;
        drop(welcome);
        link.send_batch(&batch).await;
        let first = link.receipt().await;
        link.send_batch(&batch).await;
        assert_eq!(link.receipt().await, first, "a repeat of batch {number} got another receipt");
        if held == number {
            taken += 1;
            assert!(accepted_at_ms(&first) <= restarted_ms, "batch {number} was signed for twice");
        }
        assert_eq!(head(&tree, province, commune).await, number);
    }
    println!("{taken} of {BATCHES} batches were taken before the kill");
    parent.kill();
    let report = verified(&tree, province).unwrap();
    assert_eq!((report.batches, report.differences), (BATCHES, Vec::new()));
}
