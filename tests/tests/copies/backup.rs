//! Backups under load, one upon the other, and restored on a new computer.

use super::{DANSO, danso, danso_with, files, line, node_file, text};
use danso_core::domain::Sex;
use danso_node::{operations::RecordError, store::backup::BackupError};
use danso_tests::{Recorder, Tree, entries::person, tree::all_bytes, unit, until};
use danso_tier_config::UnitId;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

const NAME: &str = "Trần Thị Không Ai Biết";

/// A commune's node that runs, with names in its register.
pub async fn commune_running(tree: &mut Tree, commune: UnitId) -> Recorder {
    let node = tree.start(commune).await;
    let mut recorder = Recorder::new(node);
    let home = recorder.household("2026-01-01").await;
    recorder.register("2026-01-01", home, person(NAME, Sex::Female, "1990-01-01")).await;
    recorder
}

/// The folder of the backups of a test.
pub fn folder(tree: &Tree) -> PathBuf {
    tree.path("backups")
}

/// Makes a backup key without a passphrase and gives its file.
pub fn new_key(tree: &Tree, name: &str) -> String {
    let key = text(&tree.path(name));
    danso(&["backup", "key", "--out", &key]).unwrap();
    key
}

/// `danso backup create` with the public key.
pub fn create(tree: &Tree, unit: UnitId, key: &str, more: &[&str]) -> String {
    let (config, to, public) = (node_file(tree, unit), text(&folder(tree)), format!("{key}.pub"));
    let arguments = ["backup", "create", "--config", &config, "--to", &to, "--key", &public];
    danso(&[&arguments, more].concat()).unwrap()
}

/// `danso backup verify` with everything that helps it.
pub fn verify(tree: &Tree, unit: UnitId, key: &str) -> Result<String, danso_tests::Said> {
    let (config, from) = (node_file(tree, unit), text(&folder(tree)));
    danso(&["backup", "verify", "--from", &from, "--config", &config, "--key", key])
}

/// `danso backup restore`.
pub fn restore(tree: &Tree, unit: UnitId, key: &str, more: &[&str]) -> Result<String, danso_tests::Said> {
    let (config, from) = (node_file(tree, unit), text(&folder(tree)));
    danso(&[&["backup", "restore", "--from", &from, "--config", &config, "--key", key], more].concat())
}

/// A commune's node that runs and has one backup, and the key's file.
pub async fn backed_up() -> (Tree, UnitId, Recorder, String) {
    let mut tree = Tree::four();
    let commune = unit("00001");
    let recorder = commune_running(&mut tree, commune).await;
    let key = new_key(&tree, "backup.key");
    create(&tree, commune, &key, &[]);
    (tree, commune, recorder, key)
}

/// Stops everything and sets the data folder of a node aside.
pub async fn lose(tree: &mut Tree, unit: UnitId) {
    tree.stop_all().await;
    fs::rename(tree.home(unit).join("data"), tree.path("data-before")).unwrap();
}

/// What a verification of a stopped node's folder counts.
fn counted(tree: &Tree, unit: UnitId) -> (String, String) {
    let found = danso(&["verify", "--config", &node_file(tree, unit)]).unwrap();
    (line(&found, "tallies"), line(&found, "heads"))
}

/// Records households until told to stop; gives how many.
fn load(node: Arc<danso_node::operations::Node>, stop: Arc<AtomicBool>) -> tokio::task::JoinHandle<u64> {
    tokio::spawn(async move {
        let mut recorder = Recorder::new(node);
        let mut count = 0;
        while !stop.load(Ordering::Relaxed) {
            recorder.household("2026-02-01").await;
            count += 1;
        }
        count
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_is_restored_on_a_new_computer_with_its_keys_and_catches_up() {
    let mut tree = Tree::four();
    let (commune, district) = (unit("00001"), unit("001"));
    tree.start(district).await;
    drop(commune_running(&mut tree, commune).await);
    let key = new_key(&tree, "backup.key");
    let stop = Arc::new(AtomicBool::new(false));
    let loading = load(tree.node(commune), Arc::clone(&stop));
    until("something is being written", || tree.changes(district, commune) > 20).await;
    let made = create(&tree, commune, &key, &["--with-keys"]);
    let then = tree.changes(district, commune);
    until("more is written after it", || tree.changes(district, commune) > then + 20).await;
    stop.store(true, Ordering::Relaxed);
    let written = loading.await.unwrap();
    assert!(written > 40);
    until("all of it is at the district", || tree.changes(district, commune) == written + 2).await;
    let before = tree.node(commune).tallies_digest();
    tree.stop_all().await;
    // The computer burns, keys and all.
    fs::rename(tree.home(commune), tree.path("burnt")).unwrap();
    fs::create_dir(tree.home(commune)).unwrap();

    let restored = restore(&tree, commune, &key, &["--with-keys"]).unwrap();
    for figure in ["tallies", "heads"] {
        assert_eq!(line(&restored, figure), format!("{}, as signed", line(&made, figure)));
    }
    let (tallies, heads) = counted(&tree, commune);
    assert_eq!((tallies, heads), (line(&made, "tallies"), line(&made, "heads")));
    // It knows that it is a copy: nothing is written before the parent was heard.
    let node = tree.start(commune).await;
    let entry = danso_core::domain::entry::Entry::OpenHousehold {
        area: danso_core::domain::Area(1),
        kind: danso_core::domain::HouseholdKind::Family,
        facts: danso_core::domain::HouseholdFacts { number: "9999".to_owned(), address: "Tổ 1".to_owned() },
    };
    let refused = node.record(None, "2026-03-01".parse().unwrap(), entry).err().unwrap();
    assert!(matches!(refused, RecordError::ChainHeld), "{refused}");
    tree.start(district).await;
    until("what came after the backup is back", || tree.changes(commune, commune) == written + 2).await;
    until("it records again", || !tree.node(commune).store.own_chain_held()).await;
    assert_eq!(tree.node(commune).tallies_digest(), before);
    assert_eq!(tree.node(commune).store.restored_at_ms(), None);
    assert_eq!(tree.node(commune).store.persons_by_name("không ai biết", 10).unwrap().len(), 1);
    let mut recorder = Recorder::new(tree.node(commune));
    recorder.household("2026-04-01").await;
    until("and is heard", || tree.changes(district, commune) == written + 3).await;
    assert_eq!(tree.node(district).tallies_digest(), tree.node(commune).tallies_digest());
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_backup_adds_what_is_new_and_names_are_in_none() {
    let mut tree = Tree::four();
    let commune = unit("00001");
    let mut recorder = commune_running(&mut tree, commune).await;
    for _ in 0..200 {
        recorder.household("2026-01-02").await;
    }
    let key = new_key(&tree, "backup.key");
    create(&tree, commune, &key, &[]);
    let pieces = folder(&tree).join("pieces");
    let first: Vec<(PathBuf, Vec<u8>)> =
        files(&pieces).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    let first_bytes: usize = first.iter().map(|(_, bytes)| bytes.len()).sum();
    recorder.household("2026-01-03").await;
    create(&tree, commune, &key, &[]);
    for (path, bytes) in &first {
        assert!(fs::read(path).unwrap() == *bytes, "{} was changed", path.display());
    }
    let all: u64 = files(&pieces).iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    assert!(all as usize - first_bytes < first_bytes / 10, "{all} bytes after {first_bytes}");
    // Every piece of both is sealed: neither names nor what a ledger begins with shows.
    let bytes = all_bytes(&folder(&tree));
    for word in [NAME.as_bytes(), b"DANSOLGR"] {
        assert!(!bytes.windows(word.len()).any(|window| window == word));
    }
    let found = verify(&tree, commune, &key).unwrap();
    assert_eq!(found.matches(": whole").count(), 2, "{found}");
    assert!(found.contains("every record read"), "{found}");
    // The older one is as good as the newer.
    tree.stop_all().await;
    for number in ["1", "2"] {
        fs::rename(tree.home(commune).join("data"), tree.path(&format!("data-{number}"))).unwrap();
        let restored = restore(&tree, commune, &key, &["--number", number]).unwrap();
        assert!(restored.starts_with(&format!("restored  backup {number} of {commune}")), "{restored}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_newest_backups_are_kept_and_each_of_them_is_whole() {
    let mut tree = Tree::four();
    let commune = unit("00001");
    let mut recorder = commune_running(&mut tree, commune).await;
    let key = new_key(&tree, "backup.key");
    for round in 1..=5 {
        recorder.household("2026-01-03").await;
        // A whole one in the middle: the pieces before it are needed by no later backup.
        let more: &[&str] = if round == 3 { &["--keep", "2", "--whole"] } else { &["--keep", "2"] };
        create(&tree, commune, &key, more);
    }
    let names = |folder: &str| -> Vec<String> {
        let files = files(&super::backup::folder(&tree).join(folder));
        files.iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("manifests"), ["000004.manifest", "000005.manifest"]);
    assert!(names("pieces").iter().all(|name| name.as_str() >= "000003"), "{:?}", names("pieces"));
    assert!(names("pieces").iter().any(|name| name.starts_with("000003")));
    assert_eq!(verify(&tree, commune, &key).unwrap().matches(": whole").count(), 2);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_killed_leaves_those_before_it_and_the_next_one_whole() {
    let (mut tree, commune, mut recorder, key) = backed_up().await;
    let (config, to) = (node_file(&tree, commune), text(&folder(&tree)));
    let pieces = folder(&tree).join("pieces");
    for round in 0..12 {
        recorder.household("2026-01-03").await;
        let before = files(&pieces).len();
        let mut child = Command::new(DANSO)
            .args(["backup", "create", "--whole", "--config", &config, "--to", &to])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Somewhere between its first file and its last.
        tokio::task::block_in_place(|| {
            while files(&pieces).len() <= before + round % 3 && child.try_wait().unwrap().is_none() {
                std::thread::yield_now();
            }
        });
        let _ = child.kill();
        child.wait().unwrap();
        verify(&tree, commune, &key).unwrap();
    }
    // What a cut one leaves at worst: pieces that no list names, one of them half written.
    fs::write(pieces.join("000099-00000001-0.piece"), b"half").unwrap();
    fs::write(pieces.join("000099-00000002-0.piece.new"), b"half").unwrap();
    create(&tree, commune, &key, &["--keep", "1"]);
    assert!(files(&pieces).iter().all(|path| !text(path).contains("000099")));
    assert_eq!(verify(&tree, commune, &key).unwrap().matches(": whole").count(), 1);
    lose(&mut tree, commune).await;
    restore(&tree, commune, &key, &[]).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_was_cut_short_is_begun_anew() {
    let (mut tree, commune, _, key) = backed_up().await;
    tree.stop_all().await;
    let data = tree.home(commune).join("data");
    fs::rename(&data, tree.path("data-before")).unwrap();
    let half = tree.home(commune).join("data.restoring");
    fs::create_dir_all(half.join("ledger")).unwrap();
    fs::write(half.join("ledger/00000001.ledger"), b"half").unwrap();
    // A service manager made the empty folder.
    fs::create_dir(&data).unwrap();
    restore(&tree, commune, &key, &[]).unwrap();
    assert!(!half.exists());
    danso(&["verify", "--config", &node_file(&tree, commune)]).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_erased_while_the_ledger_is_copied_make_the_copy_begin_again() {
    let mut tree = Tree::four();
    let commune = unit("00001");
    let mut recorder = commune_running(&mut tree, commune).await;
    let node = tree.node(commune);
    let mut source = node.store.backup().await.unwrap();
    let actor = danso_node::operations::Actor::local();
    let (reference, today) = ("12/YC-2026".parse().unwrap(), node.today());
    let delete = danso_core::domain::requests::RequestKind::Delete;
    let found = node.store.persons_by_name("không ai biết", 10).unwrap();
    assert_eq!(found.len(), 1);
    let person = found[0].0;
    node.open_request(&actor, reference, person, delete, today).await.unwrap();
    node.erase(&actor, person, &"12/YC-2026".parse().unwrap()).await.unwrap();
    let part = source.parts()[0];
    assert!(matches!(source.copy(part), Err(BackupError::Moved)));
    // A copy that begins after that has all of it, and no name.
    recorder.household("2026-01-03").await;
    let key = new_key(&tree, "backup.key");
    create(&tree, commune, &key, &[]);
    lose(&mut tree, commune).await;
    restore(&tree, commune, &key, &[]).unwrap();
    let node = tree.start(commune).await;
    assert!(node.store.persons_by_name("không ai biết", 10).unwrap().is_empty());
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_under_a_passphrase_lies_beside_the_backups_and_opens_them_with_it_alone() {
    let mut tree = Tree::four();
    let commune = unit("00001");
    drop(commune_running(&mut tree, commune).await);
    let key = text(&tree.path("guarded.key"));
    let words = "nine buffaloes\nnine buffaloes\n";
    danso_with(&["backup", "key", "--out", &key, "--passphrase", "--password-stdin"], words).unwrap();
    let (config, to) = (node_file(&tree, commune), text(&folder(&tree)));
    danso(&["backup", "create", "--config", &config, "--to", &to, "--key", &key]).unwrap();
    // The timer knows the public half alone, and takes nothing away.
    let public = format!("{key}.pub");
    danso(&["backup", "create", "--config", &config, "--to", &to, "--key", &public]).unwrap();
    // The file itself is lost with the computer.
    fs::remove_file(Path::new(&key)).unwrap();
    lose(&mut tree, commune).await;
    let arguments = ["backup", "restore", "--from", &to, "--config", &config, "--password-stdin"];
    assert_eq!(super::code(danso_with(&arguments, "ten buffaloes\n")), "backup_passphrase");
    danso_with(&arguments, "nine buffaloes\n").unwrap();
}
