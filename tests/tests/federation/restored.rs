//! Nodes that come back from an old backup, and links that are opened twice.

use super::caught_up;
use danso_core::{domain::Sex, rollup::Measure};
use danso_node::operations::{CountQuery, QueryError};
use danso_tests::{
    Recorder, Tree,
    entries::{date, person},
    folder,
    tree::central,
    unit, until,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_province_restored_from_an_old_backup_does_not_stop_the_others() {
    let mut tree = Tree::three();
    tree.start_all().await;
    let (province, silent, busy) = (unit("01"), unit("00001"), unit("00004"));
    Recorder::new(tree.node(silent)).household("2026-01-01").await;
    caught_up(&tree, central()).await;
    tree.stop(province).await;
    let (data, backup) = (tree.home(province).join("data"), tree.path("backup"));
    folder::copy(&data, &backup);
    tree.start(province).await;
    Recorder::new(tree.node(silent)).household("2026-01-02").await;
    until("central has both", || tree.changes(central(), silent) == 2).await;
    // The first commune dies; the province comes back without its second batch.
    tree.stop(silent).await;
    tree.stop(province).await;
    folder::put_back(&backup, &data);
    tree.start(province).await;
    Recorder::new(tree.node(busy)).household("2026-01-03").await;
    until("the other commune's change reaches central", || tree.changes(central(), busy) == 1).await;
    // What it lost came back from central, without waiting for the first commune.
    until("the province has the lost batch again", || tree.changes(province, silent) == 2).await;
    until("nothing is held", || tree.node(province).link.read().unwrap().held.is_empty()).await;
    tree.start(silent).await;
    Recorder::new(tree.node(silent)).household("2026-01-04").await;
    until("the first commune goes on", || tree.changes(central(), silent) == 3).await;
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_voided_once_even_if_its_state_came_back() {
    let mut tree = Tree::four();
    let node = tree.start(unit("00001")).await;
    let mut recorder = Recorder::new(node.clone());
    let home = recorder.household("2026-01-01").await;
    let woman = recorder.register("2026-01-01", home, person("Lê Thị Mai", Sex::Female, "1995-05-05")).await;
    let marry = || danso_core::domain::entry::Entry::Marriage(woman);
    let first = recorder.record("2026-02-01", marry()).await.sequence;
    let (_, ticket) = node.void(first).unwrap();
    ticket.unwrap().durable().await.unwrap();
    recorder.record("2026-03-01", marry()).await;
    let again = node.void(first).unwrap_err();
    assert_eq!(again.code(), "void_not_latest");
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_has_ended_is_no_zero() {
    let mut tree = Tree::four();
    let node = tree.start(central()).await;
    let query = CountQuery {
        measure: Measure::Population,
        units: vec![unit("01").to_string()],
        by_tier: None,
        months: None,
        filters: Vec::new(),
        group_by: Vec::new(),
        boundary: Some(date("2020-01-01")),
    };
    let error = node.count(&query).unwrap_err();
    assert!(matches!(error, QueryError::UnknownUnit { .. }), "{error}");
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_node_lets_its_folder_go_whoever_still_holds_a_handle() {
    let mut tree = Tree::four();
    let commune = unit("00001");
    let node = tree.start(commune).await;
    let home = Recorder::new(node.clone()).household("2026-01-01").await;
    tree.stop(commune).await;
    let options = danso_node::runtime::store_options(&tree.config(commune)).unwrap();
    let (store, report) = danso_node::store::Store::open(options, &mut |_, _| ()).unwrap();
    assert_eq!(report.rebuilt_because, None);
    assert!(store.household(home).unwrap().is_some());
    assert_eq!(node.store.household(home).err().map(|error| error.code()), Some("store_stopped"));
    store.close().await;
}
