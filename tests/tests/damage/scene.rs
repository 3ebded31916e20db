//! A tree that recorded and stopped; the state of a folder; a folder in the place of a node's.

use danso_core::{
    chain::{AuditHead, Digest},
    domain::{HouseholdId, PersonId, Sex},
};
use danso_node::{
    runtime,
    store::{
        ChainRow, HouseholdRow, OpenReport, Options, PersonRow, Recording, Store, StoreError, VerifyReport,
        verify,
    },
};
use danso_tests::{Recorder, Tree, entries::person, tree::central, unit, until};
use danso_tier_config::UnitId;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Households that are recorded, each with two persons.
const HOUSEHOLDS: u64 = 12;

/// Everything of a store that must survive, as far as it can be compared.
#[derive(PartialEq)]
pub struct State {
    pub tallies: Digest,
    pub heads: Digest,
    pub recording: Recording,
    audit: AuditHead,
    chains: BTreeMap<UnitId, ChainRow>,
    persons: Vec<Option<PersonRow>>,
    households: Vec<Option<HouseholdRow>>,
}

impl State {
    pub fn of(store: &Store) -> Self {
        let unit = store.unit();
        let person = |serial| store.person(PersonId { unit, serial }).unwrap();
        let household = |serial| store.household(HouseholdId { unit, serial }).unwrap();
        let recording = store.view().recording;
        let (persons, households) = (
            (1..=recording.person_serial + 1).map(person).collect(),
            (1..=recording.household_serial + 1).map(household).collect(),
        );
        let view = store.view();
        Self {
            tallies: Digest(view.tallies.digest()),
            heads: view.heads_digest(view.chains.keys().copied()),
            recording,
            audit: view.audit,
            chains: view.chains.clone(),
            persons,
            households,
        }
    }

    /// Changes of a chain.
    pub fn changes(&self, origin: UnitId) -> u64 {
        self.chains.get(&origin).map_or(0, |chain| chain.head.next.0 - 1)
    }
}

/// How a node's store is opened in a folder.
pub fn options(tree: &Tree, at: UnitId, folder: &Path) -> Options {
    let mut config = tree.config(at);
    config.data = folder.to_path_buf();
    runtime::store_options(&config).unwrap()
}

/// Opens a folder as a node's.
pub fn open(tree: &Tree, at: UnitId, folder: &Path) -> Result<(Store, OpenReport), StoreError> {
    Store::open(options(tree, at, folder), &mut |_, _| ())
}

/// The state of an open store once it has sealed what waited for that.
pub async fn settled(store: &Store) -> State {
    until("everything recorded is sealed", || store.view().unsealed.is_empty()).await;
    State::of(store)
}

/// The state of a folder that opens.
pub async fn state(tree: &Tree, at: UnitId, folder: &Path) -> Result<(State, OpenReport), StoreError> {
    let (store, report) = open(tree, at, folder)?;
    let state = settled(&store).await;
    store.close().await;
    Ok((state, report))
}

pub fn verified(tree: &Tree, at: UnitId, folder: &Path) -> Result<VerifyReport, StoreError> {
    verify(&options(tree, at, folder), &mut |_, _| ())
}

/// The data folder of a node.
pub fn data(tree: &Tree, at: UnitId) -> PathBuf {
    tree.home(at).join("data")
}

/// A commune, its district, and central.
pub fn tiers() -> [UnitId; 3] {
    [unit("00001"), unit("001"), central()]
}

/// Records households with persons, and what happens to them.
pub async fn record(tree: &Tree, commune: UnitId, households: u64) {
    let mut recorder = Recorder::new(tree.node(commune));
    for number in 0..households {
        let home = recorder.household("2026-01-01").await;
        let woman = person("Lê Thị Mai", Sex::Female, "1995-05-05");
        let mother = recorder.register("2026-01-01", home, woman).await;
        recorder.birth("2026-03-02", home, "Nguyễn An", Sex::ALL[(number % 2) as usize]).await;
        if number % 5 == 0 {
            recorder.departure("2026-04-01", mother).await;
        }
    }
}

/// A four-tier tree of which one commune recorded, all counted, and all stopped.
pub async fn stopped() -> Tree {
    let mut tree = Tree::four();
    tree.start_all().await;
    record(&tree, unit("00001"), HOUSEHOLDS).await;
    caught_up(&tree, unit("00001")).await;
    tree.node(central()).publish_release("2026-03".parse().unwrap()).await.unwrap();
    tree.stop_all().await;
    tree
}

/// Waits until central has all, and every tier has signed for it.
pub async fn caught_up(tree: &Tree, commune: UnitId) {
    let recorded = tree.node(commune).store.view().recording.sequence;
    until("everything recorded has come up", || tree.changes(central(), commune) == recorded).await;
    until("all of it is acknowledged", || {
        tree.running.values().filter(|running| running.node.config.parent.is_some()).all(|running| {
            running.node.store.view().chains.values().all(|chain| chain.acknowledged == chain.head.number)
        })
    })
    .await;
}

/// The files of a folder, in an order that does not change, without those whose content is never read.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}
