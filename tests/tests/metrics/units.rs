//! The units below one by one, as far as there is room, and as sums over all of them.

use crate::ask::{check, samples, value};
use danso_tests::{
    Tree,
    forge::{ChildLink, Forger},
    tree::central,
    unit, until,
};
use danso_tier_config::{Directory, limits};
use std::fs;

const UNIT: &str = "danso_unit_quarantined_changes";

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_is_cut_off_held_or_silent_is_told_by_its_id() {
    let mut tree = Tree::four();
    let (district, commune, silent) = (unit("001"), unit("00001"), unit("00004"));
    let node = tree.start(district).await;
    let told = |name: &'static str, of: &str| value(&node.exposition(), name, Some(("unit", of)));
    let one = commune.to_string();
    assert_eq!(told("danso_unit_contact_timestamp_seconds", &one), Some(0.0));
    let mut forger = Forger::new(&tree, commune);
    let (mut link, _) = ChildLink::open(&tree, commune, district, &[commune]).await;
    let batch = forger.next(2);
    link.send_batch(&batch).await;
    link.receipt().await;
    until("the commune is linked", || told("danso_unit_link_up", &one) == Some(1.0)).await;
    assert!(told("danso_unit_contact_timestamp_seconds", &one) > Some(1.7e9));
    assert!(told("danso_unit_watermark_timestamp_seconds", &one) > Some(1.7e9));
    // Another batch in the place of the first: its chain contradicts itself.
    let mut other = Forger::new(&tree, commune);
    link.send_batch(&other.next(1)).await;
    assert_eq!(link.refusal().await.code, "batch_fork");
    drop(link);
    until("the cut is told", || told("danso_unit_link_up", &one) == Some(0.0)).await;
    let text = node.exposition();
    check(&text);
    let of = |name, of: &str| value(&text, name, Some(("unit", of)));
    assert_eq!(
        (of("danso_unit_held", &one), of("danso_unit_held", &silent.to_string())),
        (Some(1.0), Some(0.0))
    );
    assert_eq!(of("danso_unit_watermark_timestamp_seconds", &silent.to_string()), Some(0.0));
    let units = |state| value(&text, "danso_subtree_units", Some(("state", state)));
    let states = ["all", "linked", "silent", "held"].map(|state| units(state).unwrap() as u64);
    assert_eq!(states, [2, 0, 1, 1]);
    assert!(value(&text, "danso_subtree_findings", Some(("severity", "critical"))) >= Some(1.0));
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_units_than_there_is_room_for_are_summed_and_the_same_ones_told_every_time() {
    let mut tree = Tree::three();
    let most = limits::METER_UNITS_MAX;
    let (province, like) = (unit("01"), tree.directory.unit(unit("00001")).unwrap().clone());
    let mut rows = tree.directory.rows().to_vec();
    // With the two communes and the province itself that are there already.
    rows.extend((0..most).map(|number| {
        let id = unit(&(20_000 + number).to_string());
        Directory::simple_unit(id, "Xã", like.kind, &like.tier, Some(province))
    }));
    tree.directory = Directory::from_rows(rows, Vec::new()).unwrap();
    fs::write(tree.path("directory.csv"), tree.directory.to_csv()).unwrap();
    let node = tree.start(central()).await;
    let text = node.exposition();
    let told = |text: &str| -> Vec<String> {
        let of_unit = samples(text).into_iter().filter(|sample| sample.name == UNIT);
        of_unit.map(|sample| sample.labels["unit"].clone()).collect()
    };
    let all = value(&text, "danso_subtree_units", Some(("state", "all")));
    assert_eq!(all, Some((most + 2) as f64));
    // Central and the province come first, and record nothing.
    assert_eq!(value(&text, "danso_untold_units", None), Some(4.0));
    assert_eq!(told(&text).len(), most - 2);
    assert!(!told(&text).contains(&unit(&(20_000 + most - 1).to_string()).to_string()));
    let contacts = samples(&text).into_iter().filter(|sample| sample.name.contains("_contact_")).count();
    assert_eq!(contacts, most - 1, "of every unit but central itself");
    assert_eq!(told(&node.exposition()), told(&text));
    tree.stop_all().await;
}
