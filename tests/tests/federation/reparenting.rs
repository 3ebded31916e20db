//! A commune that stays the same unit and goes on under another parent: its chain, its key and its counts go on.
//!
//! The order is that of an office: central publishes the directory, the new parent invites, the commune's node is
//! stopped, its file names the new parent, it enrols with the keys it has, and starts.

use super::{births, differences, question, total};
use danso_core::{
    domain::{HouseholdId, Sex},
    rollup::Measure,
};
use danso_node::{
    operations::{Actor, CountQuery, Node},
    runtime,
};
use danso_tests::{Grown, Recorder, tree::central, unit, until};
use danso_tier_config::{Directory, NodeConfig, Parent, UnitId};
use std::{fs, sync::Arc};

const DANSO: &str = env!("CARGO_BIN_EXE_danso-under-test");
/// The last day under the former parent, and the first under the new one.
const MOVED: (&str, &str) = ("2026-06-30", "2026-07-01");

/// The directory in which a unit stands under another parent from a day on.
fn moved_in(directory: &Directory, who: UnitId, to: UnitId) -> Directory {
    let mut rows = directory.rows().to_vec();
    let row = rows.iter_mut().find(|row| row.id == who).unwrap();
    row.valid_to = Some(MOVED.0.parse().unwrap());
    let after = danso_tier_config::Unit {
        parent: Some(to),
        valid_from: MOVED.1.parse().unwrap(),
        valid_to: None,
        ..row.clone()
    };
    rows.push(after);
    Directory::from_rows(rows, Vec::new()).unwrap()
}

/// Publishes the directory and waits until every running node has it but the one that moves: its former parent
/// lets it in no more, and the new one tells it.
async fn publish(tree: &Grown, directory: &Directory, who: UnitId, to: UnitId) {
    tree.node(central()).publish_directory(directory).await.unwrap();
    fs::write(tree.path("directory.csv"), directory.to_csv()).unwrap();
    until("every node has the directory", || {
        let others = tree.running.iter().filter(|(unit, _)| **unit != who);
        others.into_iter().all(|(_, running)| running.node.directory().last_parent(who) == Some(to))
    })
    .await;
}

/// Enrols a stopped unit at its new parent with the keys it has, and starts it there.
async fn go_on_under(tree: &mut Grown, who: UnitId, to: UnitId) -> Arc<Node> {
    let token = tree.node(to).invite(who, 24, false, tree.root(), &Actor::local()).await.unwrap().0;
    let parent = Some(Parent { unit: to, address: tree.address(to).to_string() });
    let config = NodeConfig { parent, ..tree.config(who) };
    let file = tree.home(who).join("node.toml");
    fs::write(&file, config.to_toml(&tree.home(who))).unwrap();
    let file = file.display().to_string();
    let token = token.expose();
    tokio::task::block_in_place(|| tree.run(&["enrol", "--config", &file, "--token", &token])).unwrap();
    let running = runtime::start(config, &mut |_, _| ()).await.unwrap();
    let node = Arc::clone(&running.node);
    tree.running.insert(who, running);
    node
}

async fn recorded(tree: &Grown, at: UnitId, births: u64) -> (Recorder, HouseholdId) {
    let mut recorder = Recorder::new(tree.node(at));
    let home = recorder.household("2026-01-01").await;
    for _ in 0..births {
        recorder.birth("2026-03-03", home, "Trẻ", Sex::Female).await;
    }
    (recorder, home)
}

/// Births of a unit in March, and in July, by the boundaries of a day.
fn counted(node: &Node, of: &str, on: &str) -> (i64, i64) {
    let ask = |month: &str| {
        let question = question(Measure::Births, &[of], month.parse().unwrap(), &[]);
        total(&node.count(&CountQuery { boundary: Some(on.parse().unwrap()), ..question }).unwrap())
    };
    (ask("2026-03"), ask("2026-07"))
}

async fn all_there(tree: &Grown, at: &[UnitId], origin: UnitId, changes: u64) {
    for at in at {
        until(&format!("{at} has all of {origin}"), || tree.changes(*at, origin) == changes).await;
    }
}

/// Every batch of an origin at a node has its names.
fn named(node: &Node, origin: UnitId) -> bool {
    let head = node.store.view().chains[&origin].head.number;
    (1..=head.0).all(|number| {
        let found = node.store.batch(origin, danso_core::chain::BatchNumber(number)).unwrap();
        found.is_some_and(|found| found.batch.personal.is_some())
    })
}

fn held(tree: &Grown, at: UnitId) -> Vec<UnitId> {
    tree.node(at).link.read().unwrap().held.keys().copied().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commune_that_moved_to_another_district_goes_on_there_with_its_chain_and_its_rotated_key() {
    let mut tree = Grown::four(DANSO).await;
    let (from, to, commune) = (unit("001"), unit("002"), unit("00001"));
    let (stays, other) = (unit("00004"), unit("00037"));
    for child in [unit("01"), from, to, commune, stays, other] {
        tree.enrol(child).await.unwrap();
        tree.start(child).await;
    }
    let (recorder, home) = recorded(&tree, commune, 2).await;
    drop(recorder);
    recorded(&tree, other, 1).await;
    tree.node(commune).rotate_key(&Actor::local()).await.unwrap();
    Recorder::new(tree.node(commune)).birth("2026-03-04", home, "Trẻ", Sex::Male).await;
    all_there(&tree, &[from, unit("01"), central()], commune, 4).await;
    all_there(&tree, &[central()], other, 2).await;
    assert_eq!(total(&births(&tree.node(central()), &["001"], &[])), 3);

    // It still records between the directory's change and its own.
    let directory = moved_in(&tree.directory, commune, to);
    publish(&tree, &directory, commune, to).await;
    Recorder::new(tree.node(commune)).birth("2026-07-02", home, "Trẻ", Sex::Male).await;
    tree.stop(commune).await;
    let node = go_on_under(&mut tree, commune, to).await;
    Recorder::new(node).birth("2026-07-03", home, "Trẻ", Sex::Female).await;
    all_there(&tree, &[to, unit("01"), central()], commune, 6).await;
    assert!(named(&tree.node(to), commune), "the new district has what the register names");

    for at in [central(), unit("01")] {
        let node = tree.node(at);
        assert_eq!(counted(&node, "001", MOVED.0), (3, 2), "{at}");
        assert_eq!(counted(&node, "002", MOVED.0), (1, 0), "{at}");
        assert_eq!(counted(&node, "001", MOVED.1), (0, 0), "{at}");
        assert_eq!(counted(&node, "002", MOVED.1), (4, 2), "{at}");
    }
    assert_eq!(counted(&tree.node(to), "002", MOVED.1), (4, 2));
    assert_eq!(differences(&tree, central()), []);

    // The former parent goes on with the others, and says nothing more of the one that left.
    tree.stop(from).await;
    let config = tree.config(from);
    tree.running.insert(from, runtime::start(config, &mut |_, _| ()).await.unwrap());
    recorded(&tree, stays, 1).await;
    all_there(&tree, &[central()], stays, 2).await;
    assert_eq!(held(&tree, from), []);
    assert_eq!(tree.node(from).unacknowledged(), 0);
    // And once more from the start, with what is on the disks.
    tree.stop_all().await;
    for at in [commune, from, to, unit("01"), central()] {
        tree.verify(at);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commune_that_moved_to_another_province_is_whole_there_and_once_at_central() {
    let mut tree = Grown::two_provinces(DANSO).await;
    let (from, to, commune, other) = (unit("01"), unit("02"), unit("00001"), unit("00040"));
    for child in [from, to, commune, other] {
        tree.enrol(child).await.unwrap();
        tree.start(child).await;
    }
    let (recorder, home) = recorded(&tree, commune, 3).await;
    drop(recorder);
    recorded(&tree, other, 1).await;
    all_there(&tree, &[from, central()], commune, 4).await;
    all_there(&tree, &[central()], other, 2).await;

    // Not all of it had gone up when it moved: the former parent is away.
    tree.stop(from).await;
    Recorder::new(tree.node(commune)).birth("2026-07-02", home, "Trẻ", Sex::Male).await;
    let directory = moved_in(&tree.directory, commune, to);
    tree.stop(commune).await;
    publish(&tree, &directory, commune, to).await;
    let node = go_on_under(&mut tree, commune, to).await;
    all_there(&tree, &[to, central()], commune, 5).await;
    until("the new province has the names", || named(&tree.node(to), commune)).await;
    drop(node);
    let node = tree.node(central());
    assert_eq!(counted(&node, "01", MOVED.0), (3, 1));
    assert_eq!(counted(&node, "02", MOVED.1), (4, 1));
    assert_eq!(counted(&node, "01", MOVED.1), (0, 0));
    assert_eq!(counted(&tree.node(to), "02", MOVED.1), (4, 1));
    assert_eq!(differences(&tree, central()), []);
    // The former province comes back with its copy and changes nothing.
    let config = tree.config(from);
    tree.running.insert(from, runtime::start(config, &mut |_, _| ()).await.unwrap());
    until("it is linked", || tree.node(from).link.read().unwrap().connected).await;
    until("it has the directory", || tree.node(from).directory().last_parent(commune) == Some(to)).await;
    recorded(&tree, other, 1).await;
    all_there(&tree, &[central()], other, 4).await;
    assert_eq!(counted(&tree.node(from), "01", MOVED.0), (3, 0), "what it took is still there");
    assert_eq!(tree.changes(central(), commune), 5);
    tree.stop_all().await;
    for at in [commune, from, to, central()] {
        tree.verify(at);
    }
}
