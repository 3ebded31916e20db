//! Clocks that are years off: seen, counted, told, and of no influence on order and acceptance.

use super::{child, others_are_served, parent};
use danso_core::chain::Receipt;
use danso_node::operations::{Node, meters::CLOCKS_OFF, now_ms};
use danso_proto::v1::{
    ChildStatus, Heartbeat, Watermark, child_message::Message as FromChild,
    parent_message::Message as FromParent,
};
use danso_tests::{
    Tree,
    forge::{ChildLink, Forger, public_key},
    unit,
};

const YEAR_MS: u64 = 366 * 86_400_000;

/// Sends a heartbeat whose sender's clock says `sent_at_ms`, and waits until it was taken.
async fn beat(link: &mut ChildLink, sent_at_ms: u64) {
    let watermarks = vec![Watermark { origin: unit("00001").to_string(), number: 1, as_of_ms: sent_at_ms }];
    link.send(FromChild::Heartbeat(Heartbeat { watermarks, sent_at_ms, ..Heartbeat::default() })).await;
    while !matches!(link.next().await, Ok(Some(FromParent::Heartbeat(_)))) {}
}

async fn shown(tree: &Tree) -> ChildStatus {
    let status = tree.client(parent()).await.replication_status().await.unwrap();
    status.children.into_iter().find(|row| row.unit == child().to_string()).unwrap()
}

fn counted(node: &Node) -> u64 {
    node.meters.value(CLOCKS_OFF, &child().to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_years_off_is_shown_and_changes_neither_order_nor_acceptance() {
    let mut tree = Tree::four();
    let node = tree.start(parent()).await;
    let mut forger = Forger::new(&tree, unit("00001"));
    let (mut link, _) = ChildLink::open(&tree, child(), parent(), &[forger.origin]).await;
    let mut accepted = Vec::new();
    for (turn, offset_ms) in [(1, 2 * YEAR_MS as i64), (2, -2 * YEAR_MS as i64)] {
        beat(&mut link, now_ms().checked_add_signed(offset_ms).unwrap()).await;
        let child = shown(&tree).await;
        assert!(child.clock_off && child.connected);
        assert!(child.clock_offset_ms.abs_diff(offset_ms) < 60_000, "{}", child.clock_offset_ms);
        assert_eq!(counted(&node), turn);
        let batch = forger.next(1);
        link.send_batch(&batch).await;
        let receipt: Receipt = link.receipt().await.verify(public_key(&tree, parent())).unwrap();
        assert_eq!(receipt.quarantined, []);
        accepted.push((receipt.number.0, receipt.hash == batch.hash()));
    }
    assert_eq!(accepted, [(1, true), (2, true)]);
    // What it says of the future is not believed beyond this node's own clock.
    let heard = node.heard.read().unwrap()[&forger.origin];
    assert!(heard.as_of_ms <= now_ms());
    beat(&mut link, now_ms()).await;
    let right = shown(&tree).await;
    assert!(!right.clock_off);
    assert_eq!(counted(&node), 2);
    others_are_served(&tree).await;
    drop(link);
    tree.stop_all().await;
}
