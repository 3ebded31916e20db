//! Folders that a node must not touch: damaged, foreign, newer, in use, not writable.

use super::{files, verified};
use danso_node::{
    runtime::{self, RuntimeError},
    store::StoreError,
};
use danso_tests::{Process, Recorder, Tree, skipped, unit, until};
use danso_tier_config::UnitId;
use std::{fs, os::unix::fs::MetadataExt, path::PathBuf, sync::Arc};

const DANSO: &str = env!("CARGO_BIN_EXE_danso-under-test");

/// A commune that recorded some households, sealed them and stopped, and its data folder.
pub async fn stopped_commune() -> (Tree, UnitId, PathBuf) {
    let mut tree = Tree::three();
    let commune = unit("00001");
    let node = tree.start(commune).await;
    let mut recorder = Recorder::new(Arc::clone(&node));
    for _ in 0..20 {
        recorder.household("2026-01-01").await;
    }
    // Else the next start seals the rest.
    until("it is sealed", || node.store.view().unsealed.is_empty()).await;
    drop((node, recorder));
    tree.stop(commune).await;
    let data = tree.home(commune).join("data");
    (tree, commune, data)
}

async fn refusal(tree: &Tree, at: UnitId) -> RuntimeError {
    match runtime::start(tree.config(at), &mut |_, _| ()).await {
        Ok(running) => {
            running.stop().await;
            panic!("{at} started");
        }
        Err(error) => error,
    }
}

/// The used part of the only segment: its file, and where its records end.
fn segment(data: &std::path::Path) -> (PathBuf, usize) {
    let mut all: Vec<_> = files(&data.join("ledger")).into_iter().collect();
    assert_eq!(all.len(), 1, "a small ledger is one segment");
    let (path, bytes) = all.remove(0);
    let used = bytes.len() - bytes.iter().rev().take_while(|byte| **byte == 0).count();
    (path, used)
}

fn flip(path: &std::path::Path, place: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[place] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_in_the_ledger_is_named_and_nothing_starts() {
    let (tree, commune, data) = stopped_commune().await;
    let (path, used) = segment(&data);
    for part in 1..10 {
        let place = used * part / 10;
        flip(&path, place);
        let error = refusal(&tree, commune).await;
        assert_eq!(error.code(), "ledger_damaged", "byte {place} of {used}");
        let message = error.to_string();
        assert!(message.contains("segment 00000001 is damaged at byte "), "{message}");
        assert_eq!(verified(&tree, commune).unwrap_err().code(), "ledger_damaged");
        flip(&path, place);
    }
    let running = runtime::start(tree.config(commune), &mut |_, _| ()).await.unwrap();
    assert_eq!(running.node.store.view().recording.sequence, 20);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_is_found_even_without_an_index() {
    let (tree, commune, data) = stopped_commune().await;
    let (path, used) = segment(&data);
    fs::remove_dir_all(data.join("index")).unwrap();
    flip(&path, used / 2);
    assert_eq!(refusal(&tree, commune).await.code(), "ledger_damaged");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_folder_of_another_unit_is_refused_and_left_alone() {
    let (tree, commune, data) = stopped_commune().await;
    let other = unit("00004");
    fs::rename(&data, tree.home(other).join("data")).unwrap();
    let before = files(&tree.home(other).join("data"));
    let error = refusal(&tree, other).await;
    assert_eq!(error.code(), "folder_other_unit");
    assert!(error.to_string().contains(&format!("belongs to {commune}, not to {other}")), "{error}");
    assert!(files(&tree.home(other).join("data")) == before, "something was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_folder_is_refused_and_left_alone() {
    let (tree, commune, data) = stopped_commune().await;
    fs::write(data.join("FORMAT"), format!("danso 3 {commune}\n")).unwrap();
    let before = files(&data);
    let error = refusal(&tree, commune).await;
    assert_eq!(error.code(), "folder_newer_format");
    assert!(error.to_string().contains(&data.join("FORMAT").display().to_string()), "{error}");
    assert!(files(&data) == before, "something was written");
    fs::write(data.join("FORMAT"), "a diary\n").unwrap();
    assert_eq!(refusal(&tree, commune).await.code(), "folder_not_danso");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_a_folder_is_refused() {
    let mut tree = Tree::three();
    let commune = unit("00001");
    tree.start(commune).await;
    let mut second = Process::start(DANSO, &tree.node_file(commune));
    until("the second process has ended", || !second.runs()).await;
    let log = fs::read_to_string(tree.home(commune).join("log.txt")).unwrap();
    assert!(log.contains("error[already_running]"), "{log}");
    assert_eq!(verified(&tree, commune).unwrap_err().code(), "already_running");
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_written_is_named() {
    let tree = Tree::three();
    let commune = unit("00001");
    // A file where the folder's parent should be stops everybody, root included.
    let blocked = tree.home(commune).join("file");
    fs::write(&blocked, "").unwrap();
    let mut config = tree.config(commune);
    config.data = blocked.join("data");
    let error = runtime::start(config, &mut |_, _| ()).await.err().unwrap();
    assert_folder(&error, &blocked.join("data"));

    let locked = tree.home(commune).join("data");
    fs::create_dir(&locked).unwrap();
    if fs::metadata(&locked).unwrap().uid() == 0 {
        skipped("a read-only folder", "root may write everywhere");
        return;
    }
    let mut rights = fs::metadata(&locked).unwrap().permissions();
    rights.set_readonly(true);
    fs::set_permissions(&locked, rights).unwrap();
    assert_folder(&refusal(&tree, commune).await, &locked);
}

fn assert_folder(error: &RuntimeError, expected: &std::path::Path) {
    let RuntimeError::Store(StoreError::Folder { code: "folder_unusable", path, .. }) = error else {
        panic!("expected an unusable folder, found {error:?}");
    };
    assert!(path.starts_with(expected), "{}", path.display());
    assert!(error.to_string().contains(&expected.display().to_string()), "{error}");
}
