//! The index lost or damaged: it comes back from the ledger, equal.

use super::{caught_up, files, verified};
use danso_core::{chain::Digest, domain::PersonId};
use danso_node::{
    runtime,
    store::{self, HouseholdRow, OpenReport, PersonRow, Store},
    transport::client::{ImportFile, NodeClient},
};
use danso_proto::v1::ImportForm;
use danso_tests::{Dice, Recorder, Tree, entries::register_csv, tree::central, unit};
use danso_tier_config::UnitId;
use std::{fs, path::Path};

/// Everything looked up that must survive, as far as it can be compared.
#[derive(PartialEq)]
struct State {
    tallies: Digest,
    heads: Digest,
    persons: Vec<Option<PersonRow>>,
    households: Vec<Option<HouseholdRow>>,
    recorded: store::Recording,
    acknowledged: Vec<(UnitId, u64, u64)>,
}

const PERSONS: u64 = 120;

fn state(store: &Store) -> State {
    let of = store.unit();
    let person = |serial| store.person(PersonId { unit: of, serial }).unwrap();
    let household = |serial| store.household(danso_core::domain::HouseholdId { unit: of, serial }).unwrap();
    let view = store.view();
    let chains = view.chains.iter();
    State {
        tallies: Digest(view.tallies.digest()),
        heads: view.heads_digest(view.chains.keys().copied()),
        persons: (1..=PERSONS + 2).map(person).collect(),
        households: (1..=PERSONS / 4 + 2).map(household).collect(),
        recorded: view.recording,
        acknowledged: chains.map(|(unit, row)| (*unit, row.acknowledged.0, row.quarantined)).collect(),
    }
}

fn open(tree: &Tree, at: UnitId) -> (Store, OpenReport) {
    Store::open(runtime::store_options(&tree.config(at)).unwrap(), &mut |_, _| ()).unwrap()
}

async fn import(client: &NodeClient, content: String) {
    let as_of = Some("2026-01-01".parse().unwrap());
    let file = ImportFile { form: ImportForm::Register, as_of, content: content.into_bytes().into() };
    let summary = client.import(file, &mut |_| ()).await.unwrap();
    assert_eq!((summary.recorded, summary.refused), (PERSONS, 0));
}

/// A tree that recorded, counted and stopped, with the state of each node.
async fn stopped_tree() -> (Tree, Vec<(UnitId, State)>) {
    let mut tree = Tree::four();
    tree.start_all().await;
    let commune = unit("00001");
    import(&tree.client(commune).await, register_csv(1, PERSONS / 4, 4)).await;
    let recorder = Recorder::new(tree.node(commune));
    recorder.death("2026-03-05", PersonId { unit: commune, serial: 7 }).await;
    recorder.departure("2026-03-06", PersonId { unit: commune, serial: 8 }).await;
    caught_up(&tree, central()).await;
    drop(recorder);
    tree.node(central()).publish_release("2026-03".parse().unwrap()).await.unwrap();
    tree.stop_all().await;
    let units = [commune, unit("001"), unit("01"), central()];
    let mut states = Vec::new();
    for at in units {
        let (store, report) = open(&tree, at);
        assert_eq!((report.rebuilt_because, report.cut_bytes), (None, 0));
        states.push((at, state(&store)));
        store.close().await;
    }
    let registered = states[0].1.persons.iter().flatten().count() as u64;
    assert_eq!(registered, PERSONS);
    (tree, states)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_index_is_rebuilt_to_equal_digests_and_rows() {
    let (mut tree, states) = stopped_tree().await;
    for (at, before) in &states {
        fs::remove_dir_all(tree.home(*at).join("data/index")).unwrap();
        let (store, report) = open(&tree, *at);
        assert_eq!(report.rebuilt_because.as_deref(), Some("it was missing"));
        assert!(report.replayed > 0);
        assert!(state(&store) == *before, "the rebuilt state of {at} differs");
        store.close().await;
        drop(store);
        let report = verified(&tree, *at).unwrap();
        assert_eq!(report.differences, Vec::<String>::new());
        assert_eq!((report.tallies, report.heads), (before.tallies, before.heads));
    }
    // And they work on together.
    tree.start_all().await;
    let march = tree.node(central()).latest_of("2026-03".parse().unwrap()).unwrap();
    assert_eq!(march.map(|release| release.number), Some(1));
    let mut recorder = Recorder::new(tree.node(unit("00001")));
    recorder.household("2026-04-01").await;
    caught_up(&tree, central()).await;
    assert_eq!(super::differences(&tree, central()), []);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rebuild_command_gives_an_equal_index() {
    let (tree, states) = stopped_tree().await;
    for (at, before) in &states {
        let options = runtime::store_options(&tree.config(*at)).unwrap();
        let (store, report) = store::rebuild(options, &mut |_, _| ()).unwrap();
        assert!(report.replayed > 0);
        assert!(state(&store) == *before, "the rebuilt state of {at} differs");
        store.close().await;
    }
}

/// Overwrites some bytes of what a folder's files use, each byte as likely as any other.
fn damage(folder: &Path, dice: &mut Dice) -> String {
    let used = |bytes: &[u8]| bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let all = files(folder);
    let mut place = dice.below(all.values().map(|bytes| used(bytes) as u64).sum()) as usize;
    for (path, mut bytes) in all {
        let end = used(&bytes);
        if place >= end {
            place -= end;
            continue;
        }
        let length = (1 + dice.below(64) as usize).min(end - place);
        bytes[place..place + length].iter_mut().for_each(|byte| *byte = dice.number() as u8);
        fs::write(&path, bytes).unwrap();
        return format!("{} at {place}, {length} bytes", path.file_name().unwrap().display());
    }
    unreachable!("the place lies in one of the files")
}

fn copy(from: &Path, to: &Path) {
    for (path, bytes) in files(from) {
        let target = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, bytes).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_index_is_noticed_or_harmless() {
    let (tree, states) = stopped_tree().await;
    let mut dice = Dice::thrown();
    let (at, before) = &states[0];
    let data = tree.home(*at).join("data");
    let kept = tree.path("kept-index");
    copy(&data.join("index"), &kept);
    for round in 0..20 {
        fs::remove_dir_all(data.join("index")).unwrap();
        copy(&kept, &data.join("index"));
        let damages: Vec<String> =
            (0..=dice.below(4)).map(|_| damage(&data.join("index"), &mut dice)).collect();
        let (store, report) = open(&tree, *at);
        println!("round {round}: {damages:?}: {:?}", report.rebuilt_because);
        assert!(state(&store) == *before, "the state differs");
        store.close().await;
    }
}
