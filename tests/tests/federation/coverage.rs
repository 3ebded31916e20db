//! What an answer says of its completeness.

use super::{caught_up, question};
use danso_core::{domain::Sex, rollup::Measure};
use danso_node::operations::{Counted, Node};
use danso_tests::{Recorder, Tree, tree::central, unit, until};

/// Births of this month so far: only units that were heard of just now are complete.
fn births_now(node: &Node) -> Counted {
    node.count(&question(Measure::Births, &[], node.today().month(), &[])).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_names_the_commune_that_is_offline() {
    let mut tree = Tree::four();
    tree.start_all().await;
    let (first, offline) = (unit("00001"), unit("00037"));
    let today = tree.node(central()).today().to_string();
    let mut recorder = Recorder::new(tree.node(offline));
    let home = recorder.household("2026-01-01").await;
    recorder.birth(&today, home, "Trẻ", Sex::Male).await;
    let mut recorder = Recorder::new(tree.node(first));
    let home = recorder.household("2026-01-01").await;
    caught_up(&tree, central()).await;
    let top = tree.node(central());
    // Two of the four communes never recorded anything; their heartbeats say so and make them complete.
    until("all four communes are heard of", || births_now(&top).provenance.reported == 4).await;
    let complete = births_now(&top).provenance;
    assert_eq!((complete.expected, complete.late.as_slice()), (4, [].as_slice()));

    tree.stop(offline).await;
    until("the commune is late", || births_now(&top).provenance.reported == 3).await;
    let counted = births_now(&top);
    let partial = &counted.provenance;
    assert_eq!(super::total(&counted), 1, "what the commune had sent is counted all the same");
    assert_eq!(partial.expected, 4);
    assert_eq!(partial.late.len(), 1);
    assert_eq!((partial.late[0].unit, partial.late[0].name.as_str()), (offline, "Phường Phúc Tân"));
    assert_eq!(partial.oldest_watermark_ms, partial.late[0].watermark_ms);
    assert!(partial.late[0].watermark_ms >= complete.oldest_watermark_ms);
    assert!(partial.late[0].watermark_ms + tree.limits.late_after_ms <= partial.answered_at_ms);
    assert_eq!(partial.heads, complete.heads, "an absence changes no head");

    // The others go on; the digest of the heads says that something new was counted.
    recorder.birth(&today, home, "Trẻ", Sex::Female).await;
    until("the birth is at central", || super::total(&births_now(&top)) == 2).await;
    let after = births_now(&top);
    assert_ne!(after.provenance.heads, partial.heads);
    let again = births_now(&top);
    assert_eq!((again.provenance.heads, again.rows), (after.provenance.heads, after.rows));
    assert_eq!(after.provenance.reported, 3);

    tree.start(offline).await;
    until("the commune is back", || births_now(&top).provenance.late.is_empty()).await;
    assert_eq!(births_now(&top).provenance.heads, again.provenance.heads);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_that_ended_before_a_commune_went_offline_stays_complete() {
    let mut tree = Tree::four();
    tree.start_all().await;
    let top = tree.node(central());
    until("all four communes are heard of", || births_now(&top).provenance.reported == 4).await;
    tree.stop(unit("00037")).await;
    until("the commune is late now", || births_now(&top).provenance.reported == 3).await;
    let last_month = top.today().month().plus(-1);
    let closed = top.count(&question(Measure::Births, &[], last_month, &[])).unwrap().provenance;
    assert_eq!((closed.expected, closed.reported, closed.late.as_slice()), (4, 4, [].as_slice()));
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commune_that_never_reported_is_late_since_ever() {
    let mut tree = Tree::four();
    for code in ["01", "001"].map(unit).into_iter().chain([central(), unit("00001")]) {
        tree.start(code).await;
    }
    let top = tree.node(central());
    until("one commune is heard of", || births_now(&top).provenance.reported == 1).await;
    let provenance = births_now(&top).provenance;
    let late: Vec<_> = provenance.late.iter().map(|late| (late.unit, late.watermark_ms)).collect();
    assert_eq!(late, ["00004", "00037", "00040"].map(|code| (unit(code), 0)));
    assert_eq!(provenance.oldest_watermark_ms, 0);
    tree.stop_all().await;
}
