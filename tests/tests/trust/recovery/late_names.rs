//! Names that a tier had not, and has once they can be had.

use super::{has_all, printed, rebuild};
use danso_core::domain::Sex;
use danso_node::operations::Node;
use danso_tests::{Recorder, Tree, entries::person, tree::central, unit, until};
use std::fs;

#[tokio::test(flavor = "multi_thread")]
async fn names_that_the_parent_above_never_had_come_late_from_below() {
    let mut tree = Tree::three();
    tree.start_all().await;
    let (province, commune) = (unit("01"), unit("00001"));
    let mut recorder = Recorder::new(tree.node(commune));
    let home = recorder.household("2026-01-01").await;
    recorder.register("2026-01-02", home, person("Đỗ Giang", Sex::Male, "1990-01-01")).await;
    has_all(&tree, central(), commune).await;
    drop(recorder);
    tree.stop(commune).await;
    tree.stop(province).await;
    fs::remove_dir_all(tree.home(province).join("data")).unwrap();
    printed(&rebuild(tree.node_file(province)).await, 0);
    let node = tree.start(province).await;
    let head = node.head_of(commune).number;
    let named =
        |node: &Node, number| node.store.batch(commune, number).unwrap().unwrap().batch.personal.is_some();
    assert!(!named(&node, head), "central holds no names");
    assert_eq!(node.store.view().chains[&commune].nameless.1, head);
    tree.start(commune).await;
    until("the names came", || named(&node, head)).await;
    until("none is missing", || node.store.view().chains[&commune].nameless == Default::default()).await;
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_a_locked_tier_held_back_follow_when_it_is_unlocked() {
    let mut tree = Tree::four();
    tree.start_all().await;
    let (province, district, commune) = (unit("01"), unit("001"), unit("00001"));
    tree.stop(district).await;
    let (key, away) = (tree.keys(district).join("at-rest.key"), tree.path("away.key"));
    fs::rename(&key, &away).unwrap();
    tree.start(district).await;
    let mut recorder = Recorder::new(tree.node(commune));
    recorder.household("2026-01-01").await;
    has_all(&tree, province, commune).await;
    let upper = tree.node(province);
    let named = |number| upper.store.batch(commune, number).unwrap().unwrap().batch.personal.is_some();
    let head = upper.head_of(commune).number;
    assert!(!named(head), "the district cannot read the names");
    tree.stop(district).await;
    fs::rename(&away, &key).unwrap();
    tree.start(district).await;
    until("the names follow", || named(head)).await;
    until("none is missing", || upper.store.view().chains[&commune].nameless == Default::default()).await;
    tree.stop_all().await;
}
