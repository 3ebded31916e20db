//! A folder put back from a backup: what came after it is fetched, what was recorded on it is recorded again.

use super::{
    Restored, audited, differences, has_all, names, printed, rebuild, restored, restored_after, size,
};
use danso_core::{
    chain::Deed,
    domain::{CaptureId, PersonId, Sex, entry::Entry, requests::RequestKind},
};
use danso_node::operations::{Actor, Node, RecordError};
use danso_tests::{
    Recorder, Tree,
    entries::{date, person},
    folder,
    tree::central,
    unit, until,
};
use std::{fs, os::unix::fs::PermissionsExt, sync::Arc};

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
    ask_to_delete(&node, "so-1", lost).await;
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
    assert_eq!(asked(&node).await, [("so-1".to_owned(), lost.serial + 1, "open")], "of somebody else");
    assert_eq!(size(&node, home), 2);
    assert!(node.store.capture(capture).unwrap().is_some(), "the phone's repetition is recognised");
    for at in [district, unit("01"), central()] {
        has_all(&tree, at, commune).await;
        assert_eq!(differences(&tree, at, commune), 0, "{at}");
    }
    assert!(audited(&node, Deed::ChainResolved)[0].contains("the log of the one before ends with entry"));
    tree.stop_all().await;
}

async fn ask_to_delete(node: &Arc<Node>, id: &str, person: PersonId) {
    let (actor, today) = (Actor::local(), node.today());
    node.open_request(&actor, id.parse().unwrap(), person, RequestKind::Delete, today).await.unwrap();
}

/// Every request: its reference, the serial of its person, where it stands.
async fn asked(node: &Arc<Node>) -> Vec<(String, u64, &'static str)> {
    let all = node.list_requests(true).await.unwrap().into_iter();
    let told = all
        .map(|view| (view.request.id.to_string(), view.request.person.serial, view.request.state().word()));
    let mut told: Vec<_> = told.collect();
    told.sort();
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_a_person_who_is_not_recorded_again_is_closed_and_names_nobody_else() {
    let mut tree = Tree::four();
    tree.start_all().await;
    let (commune, district) = (unit("00001"), unit("001"));
    let mut recorder = Recorder::new(tree.node(commune));
    let home = recorder.household("2026-01-01").await;
    let stays = recorder.register("2026-01-02", home, person("Phạm Dung", Sex::Female, "1990-01-01")).await;
    has_all(&tree, district, commune).await;
    tree.stop(commune).await;
    let (data, backup) = (tree.home(commune).join("data"), tree.path("backup"));
    folder::copy(&data, &backup);
    let numbered = |name: &str| {
        let mut data = person(name, Sex::Male, "1985-01-01");
        data.facts.citizen_number = "001085000001".to_owned();
        data
    };
    let known =
        Recorder::new(tree.start(commune).await).register("2026-02-01", home, numbered("Lê Em")).await;
    has_all(&tree, central(), commune).await;
    tree.stop(commune).await;
    folder::put_back(&backup, &data);
    tree.stop(district).await;
    let node = tree.start(commune).await;
    let other = Recorder::new(Arc::clone(&node)).register("2026-02-01", home, numbered("Lê Anh")).await;
    assert_eq!(other, known, "the serial is given twice");
    ask_to_delete(&node, "so-1", stays).await;
    ask_to_delete(&node, "so-2", other).await;
    drop(node);
    tree.stop(commune).await;
    tree.start(district).await;

    let text = printed(&rebuild(tree.node_file(commune)).await, 3);
    assert!(text.contains("request so-2 is closed") && !text.contains("request so-1"), "{text}");
    let node = tree.start(commune).await;
    assert_eq!(names(&node, "le em"), [(known, "Lê Em".to_owned())]);
    let told = [("so-1".to_owned(), stays.serial, "open"), ("so-2".to_owned(), 0, "refused")];
    assert_eq!(asked(&node).await, told);
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
