//! Peers that vanish without a word: each side notices within a minute, and the link comes back by itself.

use super::{DANSO, import, in_the_end, linked, start_behind};
use danso_node::operations::Node;
use danso_tests::{
    Process, Recorder, Tree,
    line::{Line, Quality},
    tree::central,
    unit, until,
};
use danso_tier_config::{Limits, UnitId, limits};
use std::{process::Command, sync::Arc};

/// A loaded machine is slower than the limits say; that they are below a minute is tested by themselves.
const MINUTES: u64 = 3;

#[test]
fn the_limits_notice_a_vanished_peer_within_a_minute() {
    let (line, stream) = (limits::LINE_SILENCE_MS_MAX, limits::STREAM_SILENCE_MS_MAX);
    assert!(line <= 60_000, "a line that brings nothing ends after {line} ms");
    assert!(stream <= 60_000, "a stream that brings nothing ends after {stream} ms");
    // Whoever is there says something several times before that, also on an idle line.
    assert!(3 * limits::KEEPALIVE_MS <= line && 3 * limits::WORD_MS <= line);
    assert!(3 * Limits::default().heartbeat_ms <= line);
}

fn has_child(parent: &Node, child: UnitId) -> bool {
    parent.linked_children().contains_key(&child)
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ends_notice_a_line_that_swallows_everything_and_link_again() {
    let mut tree = Tree::three();
    let (province, commune) = (unit("01"), unit("00001"));
    let parent = tree.start(province).await;
    let top = tree.start(central()).await;
    let line = Line::open(tree.address(province), tree.address(province), Quality::default()).await;
    let child = start_behind(&mut tree, commune, line.address()).await;
    until("the commune is linked", || linked(&child) && has_child(&parent, commune)).await;
    // Somebody who asks over the same line, and waits for answers there.
    let asking = Line::open(tree.address(province), tree.address(province), Quality::default()).await;
    let keys = tree.keys(commune);
    let client =
        danso_node::transport::client::NodeClient::connect(&asking.address().to_string(), province, &keys)
            .await
            .unwrap();
    client.node_info().await.unwrap();

    line.fall_silent();
    asking.fall_silent();
    Recorder::new(Arc::clone(&child)).household("2026-01-01").await;
    let asked = tokio::spawn(async move { client.node_info().await });
    in_the_end("the commune notices", MINUTES, || !linked(&child)).await;
    in_the_end("the province notices", MINUTES, || !has_child(&parent, commune)).await;
    in_the_end("who asks is answered with an error", MINUTES, || asked.is_finished()).await;
    assert_eq!(asked.await.unwrap().unwrap_err().code, "net_timeout");

    line.restore();
    in_the_end("it is linked again", MINUTES, || linked(&child) && has_child(&parent, commune)).await;
    until("what was recorded meanwhile is at central", || tree.changes(central(), commune) == 1).await;
    assert_eq!(tree.changes(province, commune), 1);
    assert!(has_child(&top, province));
    tree.stop_all().await;
}

/// Stops a process where it stands, its connections open, or lets it go on.
fn signal(process: &Process, signal: &str) {
    assert!(Command::new("kill").args([signal, &process.id().to_string()]).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn both_neighbours_notice_a_node_that_hangs_and_link_again_when_it_goes_on() {
    let mut tree = Tree::three();
    let (province, commune) = (unit("01"), unit("00001"));
    let top = tree.start(central()).await;
    let hanging = Process::start(DANSO, &tree.node_file(province));
    let child = tree.start(commune).await;
    until("all are linked", || linked(&child) && has_child(&top, province)).await;

    signal(&hanging, "-STOP");
    import(&tree.client(commune).await, 1, 2).await;
    in_the_end("the commune notices", MINUTES, || !linked(&child)).await;
    in_the_end("central notices", MINUTES, || !has_child(&top, province)).await;
    assert_eq!(tree.changes(central(), commune), 0);

    signal(&hanging, "-CONT");
    in_the_end("all are linked again", MINUTES, || linked(&child) && has_child(&top, province)).await;
    until("what was recorded meanwhile is at central", || tree.changes(central(), commune) == 8).await;
    let status = tree.client(province).await.replication_status().await.unwrap();
    assert!(status.parent_connected && status.children.iter().all(|child| child.connected));
    tree.stop_all().await;
}
