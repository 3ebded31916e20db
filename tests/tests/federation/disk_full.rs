//! A node whose disk is full: what it cannot keep is refused with `disk_full`, it answers questions, others do not
//! notice, and it goes on by itself; also after `kill -9` at the fullest moment and a start on the full disk.

use super::{caught_up, question, total, verified};
use danso_core::rollup::Measure;
use danso_node::transport::client::{ImportFile, NodeClient};
use danso_proto::v1::{ImportForm, ImportSummary, NodeInfoAnswer};
use danso_tests::{
    Process, Recorder, SmallDisk, Tree, entries::register_csv, eventually, tree::central, unit, until,
};
use danso_tier_config::{UnitId, limits};
use std::fs;

const DANSO: &str = env!("CARGO_BIN_EXE_danso-under-test");
/// Households and rows of one file.
const HOUSEHOLDS: u64 = 500;
const ROWS: u64 = 4 * HOUSEHOLDS;

async fn client(tree: &Tree, at: UnitId) -> NodeClient {
    let (address, keys) = (tree.address(at).to_string(), tree.keys(at));
    let connect = || async { NodeClient::connect(&address, at, &keys).await.ok() };
    eventually("a client connects", connect).await
}

async fn info(tree: &Tree, at: UnitId) -> NodeInfoAnswer {
    eventually("the node answers", || async { client(tree, at).await.node_info().await.ok() }).await
}

/// Imports the file of a number; the code where it was refused.
async fn import(tree: &Tree, at: UnitId, number: u64) -> Result<ImportSummary, String> {
    let content = register_csv(number * HOUSEHOLDS + 1, HOUSEHOLDS, 4).into_bytes().into();
    let as_of = Some("2026-01-01".parse().unwrap());
    let file = ImportFile { form: ImportForm::Register, as_of, content };
    client(tree, at).await.import(file, &mut |_| ()).await.map_err(|error| error.code)
}

/// Imports files from a number on until one is refused for want of space, and gives its number.
async fn filled(tree: &Tree, at: UnitId, first: u64) -> u64 {
    let mut number = first;
    loop {
        match import(tree, at, number).await {
            Ok(summary) => {
                assert_eq!((summary.recorded + summary.already_known, summary.refused), (ROWS, 0));
            }
            Err(code) => {
                assert_eq!(code, "disk_full");
                return number;
            }
        }
        number += 1;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_what_it_cannot_keep_and_the_node_goes_on_when_there_is_space() {
    let mut tree = Tree::three();
    let (commune, other) = (unit("00001"), unit("00004"));
    // Until the very last byte: a node that minds the limit stops long before.
    tree.limits.disk_low_bytes = 0;
    let Some(disk) = SmallDisk::mounted(&tree.home(commune).join("data"), 256) else { return };
    for at in [central(), unit("01"), other] {
        tree.start(at).await;
    }
    let node_file = tree.node_file(commune);
    let mut process = Process::start(DANSO, &node_file);
    info(&tree, commune).await;
    assert_eq!(import(&tree, commune, 0).await.unwrap().recorded, ROWS);

    // Until nothing goes in any more. What was answered before is there.
    disk.fill();
    let mut files = filled(&tree, commune, 1).await;
    assert!(process.runs());
    let full = info(&tree, commune).await;
    assert!(full.persons >= files * ROWS, "{} of {} rows", full.persons, files * ROWS);
    // Others do not notice.
    let mut recorder = Recorder::new(tree.node(other));
    recorder.household("2026-01-01").await;
    caught_up(&tree, central()).await;

    // At the fullest moment.
    process.kill();
    let mut process = Process::start(DANSO, &node_file);
    let again = info(&tree, commune).await;
    assert!(again.persons >= files * ROWS, "{} of {} rows", again.persons, files * ROWS);
    let log = fs::read_to_string(node_file.with_file_name("log.txt")).unwrap();
    assert!(log.contains("gave up the ballast"));
    files = filled(&tree, commune, files).await;
    assert!(process.runs());

    // The same file again when there is space: what went in before is recognised.
    disk.free();
    let summary =
        eventually("it takes files again", || async { import(&tree, commune, files).await.ok() }).await;
    assert_eq!((summary.recorded + summary.already_known, summary.refused), (ROWS, 0));
    let ballast = tree.home(commune).join("data/BALLAST");
    let whole = || fs::metadata(&ballast).is_ok_and(|file| file.len() == limits::BALLAST_BYTES);
    until("the ballast is back", whole).await;
    let told = info(&tree, commune).await;
    assert_eq!(told.persons, (files + 1) * ROWS, "every row once");
    until("central has all of it", || tree.changes(central(), commune) == told.last_sequence).await;
    let counted = tree.node(central());
    let counted = counted.count(&question(Measure::Population, &["00001"], "2026-03".parse().unwrap(), &[]));
    assert_eq!(total(&counted.unwrap()) as u64, told.persons);
    assert!(process.runs());
    process.kill();
    tree.stop_all().await;
    assert_eq!(verified(&tree, commune).unwrap().differences, Vec::<String>::new());
}
