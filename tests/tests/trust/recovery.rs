//! What a node lost comes back from its parent: an old backup, a dead disk, names that came late.

use danso_core::{
    chain::Deed,
    domain::{CaptureId, HouseholdId, PersonId, Sex, entry::Entry},
    rollup::difference,
};
use danso_node::operations::{Node, RecordError};
use danso_tests::{
    Recorder, Tree,
    entries::{date, person},
    folder,
    tree::central,
    unit, until,
};
use danso_tier_config::UnitId;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
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

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_from_before_a_rotation_of_the_key_heals_too() {
    let Restored { mut tree, commune, home, .. } = restored_after(true).await;
    let known = tree.head(central(), commune);
    let node = tree.start(commune).await;
    until("the lost batch is back", || tree.head(commune, commune) == known).await;
    until("the chain goes on", || !node.store.own_chain_held()).await;
    let recorder = Recorder::new(Arc::clone(&node));
    recorder.register("2026-01-03", home, person("Lê Bình", Sex::Male, "1991-01-01")).await;
    has_all(&tree, central(), commune).await;
    assert_eq!(tree.node(unit("001")).store.evidence_count().unwrap(), 0);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_backup_heals_by_itself_and_records_on_without_a_fork() {
    let Restored { mut tree, commune, home, lost } = restored().await;
    let district = unit("001");
    let known = tree.head(district, commune);
    let node = tree.start(commune).await;
    until("the lost batch is back", || tree.head(commune, commune) == known).await;
    until("the chain goes on", || !node.store.own_chain_held()).await;
    assert_eq!(names(&node, "nguyen an"), [(lost, "Nguyễn An".to_owned())]);
    assert_eq!(node.link.read().unwrap().held.get(&commune), None);
    assert_eq!(
        audited(&node, Deed::ChainResolved),
        [format!("batches {known}-{known} of {commune} came back")]
    );

    let recorder = Recorder::new(Arc::clone(&node));
    let next = recorder.register("2026-01-03", home, person("Lê Bình", Sex::Male, "1991-01-01")).await;
    assert_eq!(next.serial, lost.serial + 1);
    has_all(&tree, central(), commune).await;
    assert_eq!(differences(&tree, central(), commune), 0);
    assert_eq!(tree.node(district).store.evidence_count().unwrap(), 0);
    // What came back is in the ledger: it is there again after a start.
    tree.stop(commune).await;
    let node = tree.start(commune).await;
    assert_eq!(names(&node, "an"), [(lost, "Nguyễn An".to_owned())]);
    assert_eq!(size(&node, home), 2);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_recorded_on_an_old_backup_is_recorded_again_on_the_parents_chain() {
    let Restored { mut tree, commune, home, lost } = restored().await;
    let (district, capture) = (unit("001"), CaptureId([7; 16]));
    tree.stop(district).await;
    let node = tree.start(commune).await;
    let late = person("Trần Chi", Sex::Female, "1992-01-01");
    let (recorded, ticket) = node
        .record(Some(capture), date("2026-01-04"), Entry::Register { household: home, person: late })
        .unwrap();
    ticket.unwrap().durable().await.unwrap();
    assert_eq!(recorded.person, Some(lost), "it got the serial of the one who was lost");
    tree.start(district).await;
    until("the contradiction is seen", || node.link.read().unwrap().held.contains_key(&commune)).await;
    let refused = node.record(None, date("2026-01-05"), Entry::Review(home)).unwrap_err();
    assert!(
        matches!(refused, RecordError::ChainHeld) && refused.to_string().contains("--from-parent"),
        "{refused}"
    );
    until("the parent is told", || tree.node(district).store.evidence_count().unwrap() == 1).await;
    assert_eq!(tree.node(district).store.view().chains[&commune].held, None);
    drop(node);
    tree.stop(commune).await;

    let text = printed(&rebuild(tree.node_file(commune)).await, 0);
    let head = tree.node(district).head_of(commune);
    assert!(
        text.contains(&format!("{commune} batch {} {} as the parent signed", head.number, head.hash)),
        "{text}"
    );
    assert!(text.contains("1 changes again") && text.contains("conflicts  0"), "{text}");
    assert!(
        fs::read_dir(tree.home(commune))
            .unwrap()
            .any(|entry| { entry.unwrap().file_name().to_string_lossy().starts_with("data.before-") })
    );

    let node = tree.start(commune).await;
    has_all(&tree, central(), commune).await;
    assert_eq!(names(&node, "nguyen an"), [(lost, "Nguyễn An".to_owned())]);
    let again = names(&node, "tran chi");
    assert_eq!(again, [(PersonId { serial: lost.serial + 1, ..lost }, "Trần Chi".to_owned())]);
    assert_eq!(size(&node, home), 2);
    assert!(node.store.capture(capture).unwrap().is_some(), "the phone's repetition is recognised");
    for at in [district, unit("01"), central()] {
        has_all(&tree, at, commune).await;
        assert_eq!(differences(&tree, at, commune), 0, "{at}");
    }
    assert!(audited(&node, Deed::ChainResolved)[0].contains("the log of the one before ends with entry"));
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_no_longer_fits_is_listed_for_the_officer_alone() {
    let mut tree = Tree::four();
    tree.start_all().await;
    let (commune, district) = (unit("00001"), unit("001"));
    let mut recorder = Recorder::new(tree.node(commune));
    let home = recorder.household("2026-01-01").await;
    let who = recorder.register("2026-01-02", home, person("Phạm Dung", Sex::Female, "1990-01-01")).await;
    has_all(&tree, district, commune).await;
    tree.stop(commune).await;
    let (data, backup) = (tree.home(commune).join("data"), tree.path("backup"));
    folder::copy(&data, &backup);
    Recorder::new(tree.start(commune).await).death("2026-02-01", who).await;
    has_all(&tree, central(), commune).await;
    tree.stop(commune).await;
    folder::put_back(&backup, &data);
    tree.stop(district).await;
    let recorder = Recorder::new(tree.start(commune).await);
    recorder.record("2026-02-02", Entry::Marriage(who)).await;
    tree.stop(commune).await;
    tree.start(district).await;

    let text = printed(&rebuild(tree.node_file(commune)).await, 3);
    assert!(text.contains("conflicts  1"), "{text}");
    let files = fs::read_dir(tree.home(commune)).unwrap().map(|entry| entry.unwrap().path());
    let file = files.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "csv")).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let list = fs::read_to_string(&file).unwrap();
    for wanted in ["person_differs", "Phạm Dung", "married", "1990-01-01"] {
        assert!(list.contains(wanted), "{wanted} is not in\n{list}");
    }
    assert!(!text.contains("Phạm Dung"), "a name on the screen");
    let node = tree.start(commune).await;
    assert_eq!(node.store.person(who).unwrap().unwrap().state, None);
    has_all(&tree, central(), commune).await;
    assert_eq!(differences(&tree, central(), commune), 0);
    tree.stop_all().await;
}

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
async fn a_parent_without_its_key_gives_no_register_back_that_names_nobody() {
    let Restored { mut tree, commune, .. } = restored().await;
    let district = unit("001");
    tree.stop(district).await;
    let (key, away) = (tree.keys(district).join("at-rest.key"), tree.path("away.key"));
    fs::rename(&key, &away).unwrap();
    tree.start(district).await;
    let node = tree.start(commune).await;
    let held = || node.link.read().unwrap().held.get(&commune).cloned();
    until("the chain stays held", || held().as_deref() == Some("at_rest_locked")).await;
    assert!(node.store.own_chain_held() && node.link.read().unwrap().connected);
    // With the key back it heals by itself.
    tree.stop(district).await;
    fs::rename(&away, &key).unwrap();
    tree.start(district).await;
    until("the lost batch is back", || names(&node, "nguyen an").len() == 1).await;
    until("the chain goes on", || !node.store.own_chain_held()).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn names_that_the_parent_above_never_had_come_late_from_below() {
    let mut tree = Tree::three();
    tree.start_all().await;
    let (province, commune) = (unit("01"), unit("00001"));
    let mut recorder = Recorder::new(tree.node(commune));
    let home = recorder.household("2026-01-01").await;
    recorder.register("2026-01-02", home, person("Đỗ Giang", Sex::Male, "1990-01-01")).await;
    has_all(&tree, central(), commune).await;
    drop(recorder);
    tree.stop(commune).await;
    tree.stop(province).await;
    fs::remove_dir_all(tree.home(province).join("data")).unwrap();
    printed(&rebuild(tree.node_file(province)).await, 0);
    let node = tree.start(province).await;
    let head = node.head_of(commune).number;
    let named =
        |node: &Node, number| node.store.batch(commune, number).unwrap().unwrap().batch.personal.is_some();
    assert!(!named(&node, head), "central holds no names");
    assert_eq!(node.store.view().chains[&commune].nameless.1, head);
    tree.start(commune).await;
    until("the names came", || named(&node, head)).await;
    until("none is missing", || node.store.view().chains[&commune].nameless == Default::default()).await;
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_a_locked_tier_held_back_follow_when_it_is_unlocked() {
    let mut tree = Tree::four();
    tree.start_all().await;
    let (province, district, commune) = (unit("01"), unit("001"), unit("00001"));
    tree.stop(district).await;
    let (key, away) = (tree.keys(district).join("at-rest.key"), tree.path("away.key"));
    fs::rename(&key, &away).unwrap();
    tree.start(district).await;
    let mut recorder = Recorder::new(tree.node(commune));
    recorder.household("2026-01-01").await;
    has_all(&tree, province, commune).await;
    let upper = tree.node(province);
    let named = |number| upper.store.batch(commune, number).unwrap().unwrap().batch.personal.is_some();
    let head = upper.head_of(commune).number;
    assert!(!named(head), "the district cannot read the names");
    tree.stop(district).await;
    fs::rename(&away, &key).unwrap();
    tree.start(district).await;
    until("the names follow", || named(head)).await;
    until("none is missing", || upper.store.view().chains[&commune].nameless == Default::default()).await;
    tree.stop_all().await;
}
