//! A stolen folder without its key, with the wrong one and with the right one; the key wrapped anew.

use danso_core::{chain::Deed, domain::Sex};
use danso_node::{
    runtime::{self, rewrap, store_options},
    store::{Store, StoreError, VerifyReport, at_rest::AtRestKey, verify},
};
use danso_tests::{Recorder, Tree, entries::person, tree::all_bytes, unit};
use danso_tier_config::{NodeConfig, UnitId};
use std::fs;

const NAME: &str = "Trần Thị Không Ai Biết";

/// A commune's node that recorded a name, stopped.
async fn recorded() -> (Tree, UnitId, VerifyReport) {
    let mut tree = Tree::four();
    let commune = unit("00001");
    let node = tree.start(commune).await;
    let mut recorder = Recorder::new(node);
    let home = recorder.household("2026-01-01").await;
    recorder.register("2026-01-01", home, person(NAME, Sex::Female, "1990-01-01")).await;
    tree.stop(commune).await;
    let report = verify(&store_options(&tree.config(commune)).unwrap(), &mut |_, _| ()).unwrap();
    (tree, commune, report)
}

/// The names that a folder gives, by its search.
async fn found(config: &NodeConfig) -> Result<usize, StoreError> {
    let (store, _) = Store::open(store_options(config).unwrap(), &mut |_, _| ())?;
    let found = store.persons_by_name("không ai biết", 10).map(|found| found.len());
    store.close().await;
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_folder_gives_no_name_without_its_key_and_all_with_it() {
    let (tree, commune, report) = recorded().await;
    let config = tree.config(commune);
    let bytes = all_bytes(&config.data);
    for word in [NAME.as_bytes(), b"Kh\xc3\xb4ng Ai"] {
        assert!(!bytes.windows(word.len()).any(|window| window == word));
    }
    let (key, away) = (config.keys.join("at-rest.key"), tree.path("at-rest.key"));
    fs::rename(&key, &away).unwrap();
    assert_eq!(found(&config).await.unwrap_err().code(), "at_rest_locked");
    AtRestKey::generate(&key).unwrap();
    let wrong = found(&config).await.unwrap_err();
    assert_eq!(wrong.code(), "at_rest_wrong_key");
    fs::rename(&away, &key).unwrap();
    assert_eq!(found(&config).await.unwrap(), 1);
    let again = verify(&store_options(&config).unwrap(), &mut |_, _| ()).unwrap();
    assert_eq!((again.tallies, again.heads, again.differences), (report.tallies, report.heads, Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_folder_is_not_begun_without_the_key_that_the_nodes_file_names() {
    let mut tree = Tree::four();
    let (district, commune) = (unit("001"), unit("00001"));
    tree.start(district).await;
    let mut config = tree.config(commune);
    config.at_rest = Some(tree.path("not-plugged-in/at-rest.key"));
    let started = runtime::start(config.clone(), &mut |_, _| ()).await;
    assert_eq!(started.err().unwrap().code(), "at_rest_key_unusable");
    let rebuilt = runtime::rebuild_from_parent(config.clone(), &mut |_, _| ()).await;
    assert_eq!(rebuilt.err().unwrap().code(), "at_rest_key_unusable");
    assert!(!config.data.join("FORMAT").exists());
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_without_the_key_finds_no_fault() {
    let (tree, commune, report) = recorded().await;
    let config = tree.config(commune);
    let (key, away) = (config.keys.join("at-rest.key"), tree.path("at-rest.key"));
    fs::rename(&key, &away).unwrap();
    let locked = verify(&store_options(&config).unwrap(), &mut |_, _| ()).unwrap();
    assert_eq!(
        (locked.tallies, locked.heads, locked.differences),
        (report.tallies, report.heads, Vec::new())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_wrapped_anew_takes_the_old_ones_place_and_is_noted() {
    let (mut tree, commune, _) = recorded().await;
    let config = tree.config(commune);
    let key = config.keys.join("at-rest.key");
    let old = AtRestKey::read(&key).unwrap();
    let rewrapped = rewrap(&config, None, &mut |_, _| ()).await.unwrap();
    assert_eq!((rewrapped.key.as_path(), rewrapped.setting_needed), (key.as_path(), false));
    let new = AtRestKey::read(&key).unwrap();
    assert!(new.name() != old.name());
    let aside = rewrapped.former.unwrap();
    assert!(AtRestKey::read(&aside).unwrap().name() == old.name());
    assert_eq!(found(&config).await.unwrap(), 1);
    // The old one opens it no more.
    let with_old = NodeConfig { at_rest: Some(aside.clone()), ..config.clone() };
    assert_eq!(found(&with_old).await.unwrap_err().code(), "at_rest_wrong_key");
    // A crash between the wrapping and the files: a repeat completes them.
    fs::rename(&key, config.keys.join("at-rest.key.next")).unwrap();
    fs::rename(&aside, &key).unwrap();
    let repeated = rewrap(&config, None, &mut |_, _| ()).await.unwrap();
    assert_eq!(repeated.former, Some(aside));
    assert!(AtRestKey::read(&key).unwrap().name() == new.name());

    let node = tree.start(commune).await;
    let last = node.store.view().audit.number;
    let page = node.audit_page(1, last).unwrap();
    let notes: Vec<_> = page.iter().filter(|(entry, _)| entry.deed == Deed::KeyChanged).collect();
    assert_eq!(notes.len(), 1);
    assert_eq!(notes[0].0.subject, format!("key at rest {} replaced by {}", old.name(), new.name()));
    let info = tree.client(commune).await.node_info().await.unwrap();
    assert_eq!(info.at_rest, "open");
    let running = rewrap(&config, None, &mut |_, _| ()).await.unwrap_err();
    assert_eq!(running.code(), "already_running");
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_another_place_is_named_in_the_nodes_file_and_until_then_the_node_is_locked() {
    let (mut tree, commune, _) = recorded().await;
    let config = tree.config(commune);
    let (key, stick) = (config.keys.join("at-rest.key"), tree.path("stick.key"));
    let rewrapped = rewrap(&config, Some(&stick), &mut |_, _| ()).await.unwrap();
    assert_eq!(
        (rewrapped.key.as_path(), rewrapped.former, rewrapped.setting_needed),
        (stick.as_path(), None, true)
    );
    assert_eq!(found(&config).await.unwrap_err().code(), "at_rest_wrong_key");
    fs::remove_file(&key).unwrap();
    tree.start(commune).await;
    let info = tree.client(commune).await.node_info().await.unwrap();
    assert_eq!(info.at_rest, "locked");
    tree.stop_all().await;
    let named = NodeConfig { at_rest: Some(stick), ..config.clone() };
    assert_eq!(found(&named).await.unwrap(), 1);
    let inside = rewrap(&named, Some(&config.data.join("key")), &mut |_, _| ()).await.unwrap_err();
    assert_eq!(inside.code(), "at_rest_key_inside");
}
