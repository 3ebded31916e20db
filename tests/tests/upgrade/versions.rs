//! Two nodes speak the newest version of the protocol that both know; those that have none in common say so at both
//! ends, with what mends it.

use crate::DANSO;
use danso_core::replication::Spoken;
use danso_tests::{
    Recorder, Tree, eventually,
    forge::{ChildLink, hello},
    liar::Liar,
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
        let error = eventually("the child says why", || async {
            let error = node.link.read().unwrap().error.clone();
            error.starts_with("protocol_version: ").then_some(error)
        })
        .await;
        assert!(
            error.contains(&format!("the parent speaks replication versions {version} to {version}")),
            "{error}"
        );
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
