//! A folder that a newer danso wrote is refused by an older one, which says who wrote it and what mends it; nothing
//! in it is changed.

use crate::{DANSO, client, import};
use danso_tests::{Process, Tree, eventually, tree::all_bytes, unit};
use danso_tier_config::UnitId;
use std::{fs, path::PathBuf, process::Command};

const NEWER: &str = "danso 9.3.1";

/// A commune's folder as a newer program left it.
async fn newer(tree: &Tree, at: UnitId) -> PathBuf {
    let mut process = Process::start(DANSO, &tree.node_file(at));
    import(tree, at, 1, 10).await.unwrap();
    process.signal("TERM");
    assert!(process.wait().success());
    let data = tree.home(at).join("data");
    let own = fs::read_to_string(data.join("VERSION")).unwrap();
    assert_eq!(own, concat!("danso ", env!("CARGO_PKG_VERSION"), "\n"));
    fs::write(data.join("VERSION"), format!("{NEWER}\n")).unwrap();
    data
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_folder_is_refused_with_the_program_that_wrote_it_and_what_to_do() {
    let tree = Tree::three();
    let at = unit("00001");
    let data = newer(&tree, at).await;
    let format = fs::read_to_string(data.join("FORMAT")).unwrap();
    // Further words of a newer program are no reason to take it for something else.
    fs::write(data.join("FORMAT"), format!("danso 3 {at} and more\n")).unwrap();
    let before = all_bytes(&data);

    let mut process = Process::start(DANSO, &tree.node_file(at));
    let rescue = eventually("the node tells its advice", || async {
        client(&tree, at).await.node_info().await.ok().and_then(|info| info.rescue)
    })
    .await;
    assert_eq!(rescue.code, "folder_newer_format");
    for sentence in [&rescue.cause, &rescue.vietnamese, &rescue.english] {
        assert!(sentence.contains(NEWER), "{sentence}");
        assert!(sentence.contains(concat!("danso ", env!("CARGO_PKG_VERSION"))), "{sentence}");
    }
    process.signal("TERM");
    assert_eq!(process.wait().code(), Some(1));

    // So do the commands that look at a folder.
    for command in [["run", "--no-rescue"].as_slice(), &["verify"], &["rebuild"]] {
        let run = || {
            let mut run = Command::new(DANSO);
            run.args(command).arg("--config").arg(tree.node_file(at)).output().unwrap()
        };
        let output = tokio::task::block_in_place(run);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{command:?}: {told}");
        assert!(told.contains("error[folder_newer_format]"), "{command:?}: {told}");
        assert_eq!(told.matches(NEWER).count(), 1, "{command:?}: {told}");
        assert_eq!(told.matches("is newer than this danso's").count(), 1, "{command:?}: {told}");
    }
    assert!(all_bytes(&data) == before, "an older program changed a newer folder");

    // The right program finds everything.
    fs::write(data.join("FORMAT"), format).unwrap();
    let process = Process::start(DANSO, &tree.node_file(at));
    assert_eq!(client(&tree, at).await.node_info().await.unwrap().persons, 40);
    drop(process);
    let own = concat!("danso ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(fs::read_to_string(data.join("VERSION")).unwrap(), own, "who writes it now is noted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_of_a_newer_format_names_the_program_that_wrote_it() {
    let tree = Tree::three();
    let at = unit("00001");
    let data = newer(&tree, at).await;
    // A segment whose header names the next format, with its check sum.
    let segment = data.join("ledger/00000001.ledger");
    let mut bytes = fs::read(&segment).unwrap();
    bytes[8] += 1;
    let sum = crc32(&bytes[..28]);
    bytes[28..32].copy_from_slice(&sum.to_le_bytes());
    fs::write(&segment, bytes).unwrap();
    let mut process = Process::start(DANSO, &tree.node_file(at));
    let rescue = eventually("the node tells its advice", || async {
        client(&tree, at).await.node_info().await.ok().and_then(|info| info.rescue)
    })
    .await;
    assert_eq!(rescue.code, "ledger_newer_format", "{}", rescue.cause);
    assert!(rescue.cause.contains(NEWER) && rescue.vietnamese.contains(NEWER), "{rescue:?}");
    process.kill();
}

/// The check sum of segment headers (IEEE 802.3).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg()))
    })
}
