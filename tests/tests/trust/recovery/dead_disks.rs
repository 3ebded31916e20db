//! A folder that is gone or cannot be read: it is made anew from the parent and proved by the parent's receipt.

use super::{Restored, differences, has_all, names, printed, rebuild, restored};
use danso_core::domain::Sex;
use danso_tests::{Recorder, Tree, entries::person, tree::central, unit, until};
use std::{fs, path::Path, sync::Arc};

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_disk_is_rebuilt_with_names_and_proved_by_the_parents_receipt() {
    let mut tree = Tree::four();
    tree.start_all().await;
    let (commune, district) = (unit("00001"), unit("001"));
    let mut recorder = Recorder::new(tree.node(commune));
    let home = recorder.household("2026-01-01").await;
    let who = recorder.register("2026-01-02", home, person("Võ Thị Em", Sex::Female, "1990-01-01")).await;
    has_all(&tree, central(), commune).await;
    drop(recorder);
    tree.stop(commune).await;
    fs::remove_dir_all(tree.home(commune).join("data")).unwrap();

    let text = printed(&rebuild(tree.node_file(commune)).await, 0);
    let head = tree.node(district).head_of(commune);
    assert!(
        text.contains(&format!("{commune} batch {} {} as the parent signed", head.number, head.hash)),
        "{text}"
    );
    assert!(text.contains("recovered  2 changes"), "{text}");
    let node = tree.start(commune).await;
    assert_eq!(node.head_of(commune), head);
    assert_eq!(names(&node, "võ thị em"), [(who, "Võ Thị Em".to_owned())]);
    let next = Recorder::new(Arc::clone(&node)).birth("2026-02-01", home, "Gái", Sex::Female).await;
    assert_eq!(next.serial, who.serial + 1);
    has_all(&tree, central(), commune).await;
    assert_eq!(differences(&tree, central(), commune), 0);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_district_is_rebuilt_with_the_chains_and_keys_of_its_communes() {
    let mut tree = Tree::four();
    tree.start_all().await;
    let (district, communes) = (unit("001"), [unit("00001"), unit("00004")]);
    for commune in communes {
        Recorder::new(tree.node(commune)).household("2026-01-01").await;
        has_all(&tree, central(), commune).await;
    }
    let before = tree.node(district).store.view().heads_digest(communes);
    // The communes are away meanwhile: what the district has is what the province gave.
    for unit in communes.into_iter().chain([district]) {
        tree.stop(unit).await;
    }
    fs::remove_dir_all(tree.home(district).join("data")).unwrap();
    let text = printed(&rebuild(tree.node_file(district)).await, 0);
    assert_eq!(text.matches("as the parent signed").count(), 2, "{text}");
    let node = tree.start(district).await;
    assert_eq!(node.store.view().heads_digest(communes), before);
    for commune in communes {
        let held = node.store.batch(commune, node.head_of(commune).number).unwrap().unwrap();
        assert!(held.batch.personal.is_some(), "the province holds names");
        tree.start(commune).await;
        Recorder::new(tree.node(commune)).household("2026-01-05").await;
        has_all(&tree, central(), commune).await;
    }
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn own_batches_that_were_never_sent_go_over_as_they_were_sealed() {
    let mut tree = Tree::four();
    tree.start_all().await;
    let (commune, district) = (unit("00001"), unit("001"));
    let mut recorder = Recorder::new(tree.node(commune));
    recorder.household("2026-01-01").await;
    has_all(&tree, district, commune).await;
    tree.stop(district).await;
    recorder.household("2026-01-02").await;
    let node = tree.node(commune);
    until("it is sealed", || node.store.view().unsealed.is_empty()).await;
    let sealed = node.head_of(commune);
    drop((recorder, node));
    tree.stop(commune).await;
    tree.start(district).await;
    let text = printed(&rebuild(tree.node_file(commune)).await, 0);
    assert!(text.contains("1 own batches") && text.contains("0 changes again"), "{text}");
    let node = tree.start(commune).await;
    assert_eq!(node.head_of(commune), sealed);
    has_all(&tree, central(), commune).await;
    assert_eq!(tree.node(district).store.evidence_count().unwrap(), 0);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_without_its_parent_leaves_the_folder_as_it_is() {
    let Restored { mut tree, commune, .. } = restored().await;
    tree.stop(unit("001")).await;
    let data = tree.home(commune).join("data");
    let ledger = |data: &Path| fs::read(data.join("ledger/00000001.ledger")).unwrap();
    let before = ledger(&data);
    let text = printed(&rebuild(tree.node_file(commune)).await, 1);
    assert!(text.contains("error[net_"), "{text}");
    assert!(ledger(&data) == before, "the ledger changed");
    let text = printed(&rebuild(tree.node_file(central())).await, 1);
    assert!(text.contains("error[rebuild_no_parent]"), "{text}");
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_beyond_reading_is_set_aside_and_said_so() {
    let Restored { mut tree, commune, lost, .. } = restored().await;
    let ledger = tree.home(commune).join("data/ledger/00000001.ledger");
    let mut bytes = fs::read(&ledger).unwrap();
    bytes[40..80].fill(0x55);
    fs::write(&ledger, bytes).unwrap();
    let text = printed(&rebuild(tree.node_file(commune)).await, 0);
    assert!(text.contains("the old folder could not be read (ledger_damaged)"), "{text}");
    let node = tree.start(commune).await;
    assert_eq!(names(&node, "nguyễn an"), [(lost, "Nguyễn An".to_owned())]);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_node_is_not_rebuilt() {
    let mut tree = Tree::four();
    tree.start_all().await;
    let text = printed(&rebuild(tree.node_file(unit("00001"))).await, 1);
    assert!(text.contains("error[already_running]"), "{text}");
    tree.stop_all().await;
}
