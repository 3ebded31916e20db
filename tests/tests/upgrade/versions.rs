//! Two nodes speak the newest version of the protocol that both know; those that have none in common say so at both
//! ends, with what mends it.

use crate::DANSO;
use danso_core::replication::{Carried, Spoken};
use danso_node::wire::link;
use danso_proto::v1::child_message::Message as FromChild;
use danso_tests::{
    Recorder, Tree, eventually,
    forge::{ChildLink, hello},
    liar::{Liar, Line},
    tree::central,
    unit, until,
};
use danso_tier_config::limits;
use std::process::Command;

/// What `danso status` prints of a node.
fn status(tree: &Tree, at: danso_tier_config::UnitId) -> String {
    let file = tree.node_file(at);
    let run = || Command::new(DANSO).args(["status", "--config"]).arg(file).output().unwrap();
    String::from_utf8(tokio::task::block_in_place(run).stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_shows_which_child_speaks_another_version_until_its_program_is_replaced() {
    let mut tree = Tree::three();
    let (parent, child) = (unit("01"), unit("00001"));
    tree.start(parent).await;
    let newest = limits::PROTOCOL_VERSION;
    for (min, max, whose) in [(newest + 1, newest + 2, "at the parent"), (0, 0, "at the child")] {
        let mut other = hello(&tree, child, &[]);
        (other.protocol_version_min, other.protocol_version) = (min, max);
        let mut link = ChildLink::greet(&tree, child, parent, other).await.unwrap();
        let told = link.end().await;
        assert!(told.message().contains(&format!("install the newer danso {whose}")), "{told}");
        // The same words where the parent's people look.
        let shown = tree.client(parent).await.replication_status().await.unwrap();
        let shown = shown.children.iter().find(|shown| shown.unit == child.to_string()).unwrap();
        assert_eq!(shown.turned_away_code, "protocol_version");
        assert_eq!((shown.turned_away_sentence.as_str(), shown.connected), (told.message(), false));
        let printed = status(&tree, parent);
        let told_here = printed.lines().find(|line| line.starts_with("refused ")).unwrap();
        assert!(told_here.contains("00001@") && told_here.contains("protocol_version.md"), "{told_here}");
    }
    // The program is replaced, and all is well.
    tree.start(child).await;
    until("the child is linked", || tree.node(child).link.read().unwrap().connected).await;
    let shown = tree.client(parent).await.replication_status().await.unwrap();
    assert!(shown.children.iter().all(|shown| shown.turned_away_code.is_empty()), "{:?}", shown.children);
    assert!(!status(&tree, parent).contains("refused "));
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_shows_that_its_parent_speaks_another_version_and_goes_on_recording() {
    let mut tree = Tree::three();
    let (parent, child) = (unit("01"), unit("00001"));
    let mut older = Liar::serve(&tree, parent).await;
    let node = tree.start(child).await;
    let mut recorder = Recorder::new(std::sync::Arc::clone(&node));
    // A parent that answers in a version that was not offered.
    for version in [limits::PROTOCOL_VERSION + 1, 0] {
        let mut line = older.line().await;
        assert_eq!(
            (line.hello.protocol_version_min, line.hello.protocol_version),
            (Spoken::OURS.min, Spoken::OURS.max)
        );
        let welcome = older.welcome(&tree, &[central()], Vec::new());
        line.welcome(danso_proto::v1::Welcome { protocol_version: version, ..welcome }).await;
        // It sends nothing in a version that it does not know.
        line.hung_up().await;
        // Of this parent, not of the one before: what the last link told stays until this one has told its own.
        let said = format!("protocol_version: the parent speaks replication versions {version} to {version}");
        let error = eventually("the child says why", || async {
            let error = node.link.read().unwrap().error.clone();
            error.starts_with(&said).then_some(error)
        })
        .await;
        assert!(error.contains("install the newer danso at the "), "{error}");
        recorder.household("2026-01-01").await;
    }
    assert!(status(&tree, child).contains("not connected: protocol_version: "), "{}", status(&tree, child));

    // The parent's program is replaced by one that speaks a newer version beside this one.
    let mut line = older.line().await;
    line.welcome(older.welcome(&tree, &[central()], Vec::new())).await;
    let batch = line.batch().await;
    line.receipt(&older.receipt(&batch)).await;
    until("the child is linked", || node.link.read().unwrap().connected).await;
    assert_eq!(node.link.read().unwrap().error, "");
    drop(line);
    tree.stop_all().await;
}

/// The next batch message as it came.
async fn batch_sent(line: &mut Line) -> danso_proto::v1::Batch {
    loop {
        if let FromChild::Batch(batch) = line.next().await.expect("the child is there") {
            return batch;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_go_short_to_a_parent_that_knows_that_and_whole_to_an_older_one() {
    let mut tree = Tree::three();
    let (parent, child) = (unit("01"), unit("00001"));
    let mut other = Liar::serve(&tree, parent).await;
    let mut recorder = Recorder::new(tree.start(child).await);
    let mut heads = Vec::new();
    for version in [limits::PROTOCOL_SHORT_HEADERS - 1, limits::PROTOCOL_SHORT_HEADERS] {
        let mut line = other.line().await;
        let welcome = other.welcome(&tree, &[central()], heads.clone());
        line.welcome(danso_proto::v1::Welcome { protocol_version: version, ..welcome }).await;
        let mut carried = Carried::default();
        for place in 0..3 {
            recorder.household("2026-01-01").await;
            let message = batch_sent(&mut line).await;
            // The first of a stream has nothing to follow.
            let short = version >= limits::PROTOCOL_SHORT_HEADERS && place > 0;
            assert_eq!(message.previous_left_out, short, "version {version}, batch {place} of the stream");
            let sent = message.header.as_ref().unwrap().statement.len();
            let batch = link::carried_batch(message, &mut carried).unwrap();
            assert_eq!(batch.header.bytes.len() - sent, if short { 32 } else { 0 });
            let head = tree.node(child).head_of(child);
            assert_eq!(batch.hash(), head.hash);
            line.receipt(&other.receipt(&batch)).await;
            heads = vec![link::head_message(child, &head, head.number)];
        }
    }
    tree.stop_all().await;
}
