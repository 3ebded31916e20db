//! Damage, its name by `danso verify`, the repair by `danso rebuild`, and life goes on.

use crate::{
    DANSO,
    scene::{caught_up, data, record, state, stopped, verified},
};
use danso_tests::{Tree, folder, tree::central, unit};
use danso_tier_config::UnitId;
use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    path::Path,
    process::{Command, Output},
};

/// Runs the program on a node; gives its exit code, and stdout and stderr together.
pub fn danso(tree: &Tree, at: UnitId, arguments: &[&str]) -> (i32, String) {
    let file = tree.node_file(at);
    let output = Command::new(DANSO).args(arguments).arg("--config").arg(file).output().unwrap();
    let Output { status, stdout, stderr } = output;
    let text = String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap();
    (status.code().unwrap_or(-1), text)
}

/// Flips a bit in the middle of the used part of a file.
pub fn flip(path: &Path) {
    let bytes = fs::read(path).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    let handle = File::options().write(true).open(path).unwrap();
    handle.write_all_at(&[bytes[used / 2] ^ 0x20], used as u64 / 2).unwrap();
}

/// The ledger of one segment.
pub fn segment(tree: &Tree, at: UnitId) -> std::path::PathBuf {
    data(tree, at).join("ledger/00000001.ledger")
}

/// The lines of `danso verify` with its digests.
fn digests(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.starts_with("tallies ") || line.starts_with("heads ")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_ledger_is_named_rebuilt_from_the_parent_and_goes_on() {
    let mut tree = stopped().await;
    let (commune, district) = (unit("00001"), unit("001"));
    for at in [commune, district] {
        let before = verified(&tree, at, &data(&tree, at)).unwrap();
        flip(&segment(&tree, at));
        let (code, text) = danso(&tree, at, &["verify"]);
        assert_eq!(code, 1, "{text}");
        assert!(text.contains("error[ledger_damaged]: segment 00000001 is damaged at byte "), "{text}");
        assert!(text.contains("; it held "), "{text}");
        // The index cannot be mended while the ledger is not whole.
        let (code, text) = danso(&tree, at, &["rebuild"]);
        assert!(code == 1 && text.contains("error[ledger_damaged]"), "{text}");
        tree.start(parent(&tree, at)).await;
        let (code, text) = tokio::task::block_in_place(|| danso(&tree, at, &["rebuild", "--from-parent"]));
        assert_eq!(code, 0, "{text}");
        tree.stop(parent(&tree, at)).await;
        let (code, text) = danso(&tree, at, &["verify"]);
        assert_eq!(code, 0, "{text}");
        let expected = [format!("tallies  {}", before.tallies), format!("heads    {}", before.heads)];
        assert_eq!(digests(&text), expected);
    }
    tree.start_all().await;
    record(&tree, commune, 3).await;
    caught_up(&tree, commune).await;
    assert_eq!(tree.node(central()).tallies_digest(), tree.node(unit("01")).tallies_digest());
    tree.stop_all().await;
}

fn parent(tree: &Tree, at: UnitId) -> UnitId {
    tree.config(at).parent.unwrap().unit
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_index_is_named_and_rebuilt_from_the_ledger() {
    let tree = stopped().await;
    let commune = unit("00001");
    let before = verified(&tree, commune, &data(&tree, commune)).unwrap();
    let (good, _) = state(&tree, commune, &data(&tree, commune)).await.unwrap();
    flip(&data(&tree, commune).join("index/db"));
    let (code, text) = danso(&tree, commune, &["verify"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("error[verify_differs]") && text.contains("differs  index: "), "{text}");
    let (code, text) = danso(&tree, commune, &["rebuild"]);
    assert_eq!(code, 0, "{text}");
    let (code, text) = danso(&tree, commune, &["verify"]);
    assert_eq!(code, 0, "{text}");
    let expected = [format!("tallies  {}", before.tallies), format!("heads    {}", before.heads)];
    assert_eq!(digests(&text), expected);
    let (found, report) = state(&tree, commune, &data(&tree, commune)).await.unwrap();
    assert!(found == good && report.rebuilt_because.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_checked_in_its_place_while_the_node_runs() {
    let mut tree = stopped().await;
    let commune = unit("00001");
    let backup = tree.path("backup");
    folder::copy(&data(&tree, commune), &backup);
    let path = backup.display().to_string();
    tree.start(commune).await;
    let (code, text) = danso(&tree, commune, &["verify"]);
    assert!(code == 1 && text.contains("error[already_running]"), "{text}");
    let (code, good) = danso(&tree, commune, &["verify", "--data", &path]);
    assert_eq!(code, 0, "{good}");
    flip(&backup.join("ledger/00000001.ledger"));
    let (code, text) = danso(&tree, commune, &["verify", "--data", &path]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("error[ledger_damaged]"), "{text}");
    fs::remove_file(backup.join("AT-REST")).unwrap();
    let (code, text) = danso(&tree, commune, &["verify", "--data", &path]);
    assert!(code == 1 && text.contains("error[at_rest_missing]"), "{text}");
    tree.stop_all().await;
}
