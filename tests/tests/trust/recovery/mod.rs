//! What a node lost comes back from its parent.
//!
//! | file | holds |
//! |---|---|
//! | `old_backups.rs` | a folder put back from a backup |
//! | `dead_disks.rs` | a folder that is gone or cannot be read |
//! | `late_names.rs` | names that a tier had not |

mod dead_disks;
mod late_names;
mod old_backups;

use danso_core::{
    chain::Deed,
    domain::{HouseholdId, PersonId, Sex},
    rollup::difference,
};
use danso_node::operations::Node;
use danso_tests::{Recorder, Tree, entries::person, folder, tree::central, unit, until};
use danso_tier_config::UnitId;
use std::{
    path::PathBuf,
    process::{Command, Output},
};

/// Runs `danso rebuild --from-parent` for a unit's node, off the threads that serve the others.
pub(super) async fn rebuild(file: PathBuf) -> Output {
    tokio::task::spawn_blocking(move || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_danso-under-test"));
        command.args(["rebuild", "--from-parent", "--config"]).arg(file).output().unwrap()
    })
    .await
    .unwrap()
}

/// What the command printed; fails with it unless the command ended with `code`.
pub(super) fn printed(output: &Output, code: i32) -> String {
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

/// Waits until the node of `at` has all that the unit's node recorded.
pub(super) async fn has_all(tree: &Tree, at: UnitId, origin: UnitId) {
    until("everything recorded has come up", || {
        tree.changes(at, origin) == tree.node(origin).store.view().recording.sequence
    })
    .await;
}

fn names(node: &Node, question: &str) -> Vec<(PersonId, String)> {
    let found = node.store.persons_by_name(question, 10).unwrap();
    found.into_iter().map(|(id, row)| (id, row.facts.name)).collect()
}

/// The cells that a node counts otherwise than the commune that recorded.
fn differences(tree: &Tree, at: UnitId, origin: UnitId) -> usize {
    let (recorded, counted) = (tree.node(origin), tree.node(at));
    difference(&recorded.store.view().tallies, &counted.store.view().tallies).len()
}

fn size(node: &Node, household: HouseholdId) -> u16 {
    node.store.household(household).unwrap().unwrap().state.unwrap().size
}

/// The subjects of audit entries of a kind.
fn audited(node: &Node, deed: Deed) -> Vec<String> {
    let entries = node.store.audit_entries(1, 1_000).unwrap();
    let entries =
        entries.iter().map(|signed| signed.decode_trusted::<danso_core::chain::AuditEntry>().unwrap());
    entries.filter(|entry| entry.deed == deed).map(|entry| entry.subject).collect()
}

/// A commune that recorded a household, was copied, recorded a person more, and is stopped with the copy in
/// its folder's place. Everything it recorded is at central.
struct Restored {
    tree: Tree,
    commune: UnitId,
    home: HouseholdId,
    lost: PersonId,
}

async fn restored() -> Restored {
    restored_after(false).await
}

/// The same, perhaps with the ledger key rotated after the backup was made.
async fn restored_after(rotates: bool) -> Restored {
    let mut tree = Tree::four();
    tree.start_all().await;
    let commune = unit("00001");
    let home = Recorder::new(tree.node(commune)).household("2026-01-01").await;
    has_all(&tree, central(), commune).await;
    tree.stop(commune).await;
    let (data, backup) = (tree.home(commune).join("data"), tree.path("backup"));
    folder::copy(&data, &backup);
    let recorder = Recorder::new(tree.start(commune).await);
    if rotates {
        tree.client(commune).await.rotate_key().await.unwrap();
    }
    let lost = recorder.register("2026-01-02", home, person("Nguyễn An", Sex::Male, "1990-01-01")).await;
    has_all(&tree, central(), commune).await;
    tree.stop(commune).await;
    folder::put_back(&backup, &data);
    Restored { tree, commune, home, lost }
}
