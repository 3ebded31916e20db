//! Audit logs in ledgers that were written anew with the right check sums: the first bad entry is named.

use super::audit::{copy, note};
use danso_node::{
    operations::{Actor, now_ms},
    runtime::{keys, read_directory},
    store::{
        AuditGrounds, AuditReport,
        ledger::{Kind, Ledger, Options, Position},
        verify_audit,
    },
};
use danso_tests::{Recorder, Tree, unit};
use danso_tier_config::{Date, UnitId};
use std::{fs, path::Path, process::Command};

/// What somebody does to the records of a ledger.
type Edit = fn(&mut Vec<(Kind, Vec<u8>)>);

const AUDIT: Kind = Kind(16);
const OFFICE: Kind = Kind(15);

/// Writes a stopped node's ledger anew, with the right check sums, and removes what is derived from it.
fn rewrite(data: &Path, edit: impl FnOnce(&mut Vec<(Kind, Vec<u8>)>)) {
    let folder = data.join("ledger");
    let mut records: Vec<(Kind, Vec<u8>)> = {
        let (ledger, _) = Ledger::open(&folder, Options::default()).unwrap();
        let read = ledger.reader().iter_from(Position::START).map(Result::unwrap);
        read.map(|record| (record.kind, record.payload)).collect()
    };
    edit(&mut records);
    fs::remove_dir_all(&folder).unwrap();
    let (mut ledger, _) = Ledger::open(&folder, Options::default()).unwrap();
    let borrowed: Vec<(Kind, &[u8])> =
        records.iter().map(|(kind, bytes)| (*kind, bytes.as_slice())).collect();
    ledger.append(&borrowed).unwrap();
    ledger.sync().unwrap();
    fs::remove_dir_all(data.join("index")).unwrap();
}

/// Places of the audit entries among the records, in order.
fn places(records: &[(Kind, Vec<u8>)]) -> Vec<usize> {
    (0..records.len()).filter(|place| records[*place].0 == AUDIT).collect()
}

/// The check of a stopped node's folder.
fn checked(tree: &Tree, at: UnitId) -> AuditReport {
    let config = tree.config(at);
    let signing = keys::read(&config.keys, at).unwrap();
    let directory = read_directory(&config).unwrap();
    let today = Date::in_vietnam(now_ms());
    let is_above = |above, unit| above != unit && directory.at(today).is_within(unit, above);
    let grounds =
        AuditGrounds { authority: signing.authority, own: &signing.registrations, is_above: &is_above };
    verify_audit(&config.data, at, &grounds, &mut |_, _| ()).unwrap()
}

/// A commune's node that ran alone and left at least eight entries, two keys among them.
async fn with_a_log() -> (Tree, UnitId) {
    let mut tree = Tree::three();
    let commune = unit("00001");
    let node = tree.start(commune).await;
    for number in 0..6 {
        note(&node, number).await;
        if number == 3 {
            node.rotate_key(&Actor::local()).await.unwrap();
        }
    }
    Recorder::new(node.clone()).household("2026-01-01").await;
    assert_eq!(node.verify_audit().unwrap(), AuditReport { head: node.store.view().audit, broken: None });
    let head = node.store.view().audit;
    tree.stop(commune).await;
    assert_eq!(checked(&tree, commune), AuditReport { head, broken: None });
    (tree, commune)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_altered_removed_swapped_or_inserted_is_named_by_its_number() {
    let (mut tree, commune) = with_a_log().await;
    let data = tree.home(commune).join("data");
    let kept = tree.path("kept");
    copy(&data, &kept);
    let edits: [(&str, u64, Edit); 5] = [
        ("altered", 3, |records| {
            let place = places(records)[2];
            records[place].1[40] ^= 1;
        }),
        ("altered in its signature", 8, |records| {
            let place = places(records)[7];
            *records[place].1.last_mut().unwrap() ^= 1;
        }),
        ("removed", 2, |records| {
            let place = places(records)[1];
            records.remove(place);
        }),
        ("swapped", 4, |records| {
            let places = places(records);
            records.swap(places[3], places[4]);
        }),
        ("inserted", 6, |records| {
            let place = places(records)[4];
            let again = records[place].clone();
            records.insert(place + 1, again);
        }),
    ];
    for (what, number, edit) in edits {
        fs::remove_dir_all(&data).unwrap();
        copy(&kept, &data);
        rewrite(&data, edit);
        assert_eq!(checked(&tree, commune).broken, Some(number), "{what}");
        // The node itself finds it, too, and records on; but it reads by number, whatever the order on the disk.
        let expected = (!["swapped", "inserted"].contains(&what)).then_some(number);
        let node = tree.start(commune).await;
        assert_eq!(node.verify_audit().unwrap().broken, expected, "{what}");
        let answer = tree.client(commune).await.verify_audit().await.unwrap();
        assert_eq!(answer.broken_at, expected.unwrap_or_default(), "{what}");
        tree.stop(commune).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_names_the_first_bad_entry_and_fails() {
    let (mut tree, commune) = with_a_log().await;
    let file = tree.node_file(commune);
    let verify = || {
        let output = Command::new(env!("CARGO_BIN_EXE_danso-under-test"))
            .args(["audit", "verify", "--config"])
            .arg(&file)
            .output()
            .unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), told)
    };
    let (code, out, told) = verify();
    assert_eq!((code, out.starts_with("entries  ")), (Some(0), true), "{told}");
    // While the node runs, it is asked instead.
    tree.start(commune).await;
    let (code, out, told) = verify();
    assert_eq!((code, out.contains("\nparent   ")), (Some(0), true), "{told}");
    tree.stop(commune).await;
    rewrite(&tree.home(commune).join("data"), |records| {
        let place = places(records)[4];
        records[place].1[40] ^= 1;
    });
    let (code, _, told) = verify();
    assert_eq!(code, Some(1));
    assert!(told.contains("error[audit_broken]: the audit log breaks at entry 5\n"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_cut_off_behind_the_index_is_found_without_a_parent() {
    let (tree, commune) = with_a_log().await;
    let data = tree.home(commune).join("data");
    let (index, aside) = (data.join("index"), tree.path("index"));
    let last = checked(&tree, commune).head.number;
    copy(&index, &aside);
    rewrite(&data, |records| {
        // Everything stays where it was: the last entry becomes another record of its length.
        let place = *places(records).last().unwrap();
        records[place].0 = OFFICE;
    });
    assert_eq!(checked(&tree, commune).broken, None, "a ledger alone does not show its missing end");
    copy(&aside, &index);
    assert_eq!(checked(&tree, commune).broken, Some(last));
}
