//! `kill -9` at every tier while communes import without pause.

use super::{differences_of, question, verified};
use danso_core::rollup::{Measure, Tallies};
use danso_node::{
    runtime,
    store::Store,
    transport::client::{ImportFile, NodeClient},
};
use danso_proto::v1::{HeadsRequest, ImportForm, ImportSummary, NodeInfoAnswer};
use danso_tests::{
    Dice, Process, Tree, entries::register_csv, eventually, tree::central, unit, wait::moment,
};
use danso_tier_config::UnitId;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

pub const DANSO: &str = env!("CARGO_BIN_EXE_danso-under-test");
/// Rows of one imported file: one household.
const ROWS: u64 = 3;
/// Longest time under load before a kill, in milliseconds.
const LOAD_MS: u64 = 150;

/// How a node is reached, without the tree: loads run on tasks of their own.
#[derive(Clone)]
struct Door {
    unit: UnitId,
    address: String,
    keys: PathBuf,
}

impl Door {
    async fn client(&self) -> Option<NodeClient> {
        NodeClient::connect(&self.address, self.unit, &self.keys).await.ok()
    }

    async fn info(&self) -> NodeInfoAnswer {
        let answer = || async { self.client().await?.node_info().await.ok() };
        eventually(&format!("{} answers", self.unit), answer).await
    }

    /// Of each chain here: number, hash, changes, and the number acknowledged by the parent.
    async fn heads(&self) -> BTreeMap<String, (u64, Vec<u8>, u64, u64)> {
        let ask = || async { self.client().await?.heads(HeadsRequest::default()).await.ok() };
        let answer = eventually(&format!("{} tells its heads", self.unit), ask).await;
        let row = |head: danso_proto::v1::HeadRow| {
            assert_eq!(head.held_code, "", "{} is held at {}", head.origin, self.unit);
            (head.origin, (head.number, head.hash.to_vec(), head.changes, head.acknowledged_number))
        };
        answer.heads.into_iter().map(row).collect()
    }
}

/// What a commune was told is recorded.
#[derive(Default)]
struct Acknowledged {
    files: AtomicU64,
    sequence: AtomicU64,
}

/// Imports household after household until told to stop. A file without an answer is sent again, the same.
async fn load(door: Door, acknowledged: Arc<Acknowledged>, stop: Arc<AtomicBool>) {
    while !stop.load(SeqCst) {
        let number = acknowledged.files.load(SeqCst) + 1;
        let summary: ImportSummary = eventually("a file is imported", || async {
            let as_of = Some("2026-01-01".parse().unwrap());
            let content = register_csv(number, 1, ROWS).into_bytes().into();
            let file = ImportFile { form: ImportForm::Register, as_of, content };
            door.client().await?.import(file, &mut |_| ()).await.ok()
        })
        .await;
        assert_eq!((summary.rows, summary.refused), (ROWS, 0));
        assert_eq!(summary.recorded + summary.already_known, ROWS);
        acknowledged.sequence.fetch_max(summary.last_sequence, SeqCst);
        acknowledged.files.store(number, SeqCst);
    }
}

/// One node as a process.
struct Victim {
    door: Door,
    file: PathBuf,
    process: Process,
}

impl Victim {
    fn start(tree: &Tree, unit: UnitId) -> Self {
        let door = Door { unit, address: tree.address(unit).to_string(), keys: tree.keys(unit) };
        let file = tree.node_file(unit);
        Self { door, process: Process::start(DANSO, &file), file }
    }

    async fn kill_and_restart(&mut self) {
        assert!(self.process.runs(), "{} ended by itself", self.door.unit);
        self.process.kill();
        self.process = Process::start(DANSO, &self.file);
        self.door.info().await;
    }
}

/// Kills nodes `rounds` times, tier after tier, and checks what everyone was told.
async fn kill_under_load(rounds: u64) {
    let mut dice = Dice::thrown();
    let tree = Tree::four();
    let communes = [unit("00001"), unit("00004")];
    let tiers = [communes[0], unit("001"), unit("01"), central(), communes[1]];
    let mut victims: Vec<Victim> = tiers.iter().map(|unit| Victim::start(&tree, *unit)).collect();
    for victim in &victims {
        victim.door.info().await;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let mut told = BTreeMap::new();
    let mut loads = Vec::new();
    for victim in victims.iter().filter(|victim| communes.contains(&victim.door.unit)) {
        let acknowledged = Arc::new(Acknowledged::default());
        told.insert(victim.door.unit, Arc::clone(&acknowledged));
        loads.push(tokio::spawn(load(victim.door.clone(), acknowledged, Arc::clone(&stop))));
    }
    for round in 0..rounds {
        let place = (round % tiers.len() as u64) as usize;
        moment(Duration::from_micros(dice.below(LOAD_MS * 1_000))).await;
        // What was acknowledged before the kill: to those who record, and by this node to its child.
        let recorded: BTreeMap<UnitId, u64> =
            told.iter().map(|(unit, told)| (*unit, told.sequence.load(SeqCst))).collect();
        let child = (1..=3).contains(&place).then(|| victims[place - 1].door.clone());
        let promised = match &child {
            Some(child) => child.heads().await,
            None => BTreeMap::new(),
        };
        let victim = &mut victims[place];
        victim.kill_and_restart().await;
        if let Some(sequence) = recorded.get(&victim.door.unit) {
            let found = victim.door.info().await.last_sequence;
            assert!(found >= *sequence, "round {round}: {sequence} changes acknowledged, {found} found");
        }
        let found = victim.door.heads().await;
        for (origin, (.., acknowledged)) in
            promised.iter().filter(|(_, (.., acknowledged))| *acknowledged > 0)
        {
            let number = found.get(origin).map_or(0, |head| head.0);
            let at = victim.door.unit;
            assert!(
                number >= *acknowledged,
                "round {round}: {at} signed for {acknowledged} of {origin}, has {number}"
            );
        }
        for (origin, (number, hash, ..)) in &promised {
            let same = found.get(origin).is_none_or(|head| head.0 != *number || head.1 == *hash);
            assert!(same, "round {round}: batch {number} of {origin} is another one at {}", victim.door.unit);
        }
    }
    stop.store(true, SeqCst);
    for load in loads {
        load.await.unwrap();
    }
    all_arrived(&victims, &told).await;
    for victim in &mut victims {
        victim.process.kill();
    }
    check_stores(&tree, &tiers, &told).await;
}

/// Waits until every tier has the communes' chains to their ends; every person was recorded exactly once.
async fn all_arrived(victims: &[Victim], told: &BTreeMap<UnitId, Arc<Acknowledged>>) {
    for (unit, told) in told {
        let own = victims.iter().find(|victim| victim.door.unit == *unit).unwrap();
        let info = own.door.info().await;
        assert_eq!(info.persons, told.files.load(SeqCst) * ROWS);
        assert_eq!(info.last_sequence, told.files.load(SeqCst) * (ROWS + 1));
        let origin = unit.to_string();
        let whole =
            || async { own.door.heads().await.remove(&origin).filter(|head| head.2 == info.last_sequence) };
        let (number, hash, changes, _) = eventually("the commune has sealed everything", whole).await;
        for above in &victims[1..=3] {
            let arrived = || async {
                let head = above.door.heads().await.remove(&origin)?;
                ((head.0, &head.1, head.2) == (number, &hash, changes)).then_some(())
            };
            eventually(&format!("{} has the chain of {origin}", above.door.unit), arrived).await;
        }
        for below in std::iter::once(own).chain(&victims[1..=2]) {
            let signed_for = || async {
                let head = below.door.heads().await.remove(&origin)?;
                (head.3 == number).then_some(())
            };
            eventually(&format!("{} has the receipt for all of {origin}", below.door.unit), signed_for).await;
        }
    }
}

/// Every index equals its ledger, and every tier counts what the communes count.
async fn check_stores(tree: &Tree, tiers: &[UnitId], told: &BTreeMap<UnitId, Arc<Acknowledged>>) {
    let (mut recorded, mut above) = (Tallies::default(), Vec::new());
    for unit in tiers {
        let report = verified(tree, *unit).unwrap();
        assert_eq!(report.differences, Vec::<String>::new(), "{unit}");
        let options = runtime::store_options(&tree.config(*unit)).unwrap();
        let (store, _) = Store::open(options, &mut |_, _| ()).unwrap();
        if told.contains_key(unit) {
            for tally in store.view().tallies.iter() {
                recorded.load(tally.unit, tally.month, tally.cell, tally.value);
            }
        } else {
            above.push(store.view().tallies.clone());
        }
        store.close().await;
    }
    assert!(!recorded.is_empty());
    for tallies in above {
        assert_eq!(differences_of(&recorded, &tallies), []);
    }
    // The same through a node that serves: as many persons as there were rows.
    let running = runtime::start(tree.config(central()), &mut |_, _| ()).await.unwrap();
    let counted =
        running.node.count(&question(Measure::Population, &[], "2026-03".parse().unwrap(), &[])).unwrap();
    let rows: u64 = told.values().map(|told| told.files.load(SeqCst) * ROWS).sum();
    assert_eq!(super::total(&counted), rows as i64);
    println!("{rows} rows recorded under kills");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_kills_at_each_node_lose_nothing_acknowledged() {
    kill_under_load(5 * 50).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a quarter of an hour"]
async fn a_thousand_kills_at_all_tiers_lose_nothing_acknowledged() {
    kill_under_load(1_000).await;
}
