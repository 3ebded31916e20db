//! Names that an upper tier lets go after a time: they are gone from its disk, and nothing else is.

use crate::{DANSO, arrived, household, import, record, verified};
use danso_core::chain::BatchNumber;
use danso_node::{
    host::{Clock, Host},
    operations::Node,
    runtime,
    transport::authority::{Authority, Validity},
};
use danso_tests::{Tree, tree::central, unit, until};
use danso_tier_config::UnitId;
use std::{
    fs,
    os::unix::fs::MetadataExt,
    process::Command,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// So much later the province looks at what it holds.
const LATER: Duration = Duration::from_hours(100 * 24);

/// Starts the province's node on a computer whose clock is ahead, with names kept for a month and a certificate of so
/// many days.
async fn start_later(tree: &mut Tree, at: UnitId, days: u32) -> Arc<Node> {
    let issuer = Authority::open(&tree.path("authority")).unwrap();
    let keys = issuer.issue_node(at, &[], Validity::days(SystemTime::now(), days)).unwrap();
    keys.write(&tree.keys(at), issuer.certificate_pem()).unwrap();
    let mut config = tree.config(at);
    config.personal_months = Some(1);
    let host = Host { clock: Clock::new(|| SystemTime::now() + LATER), ..Host::default() };
    let running = runtime::start_on(host, config, &mut |_, _| ()).await.unwrap();
    let node = Arc::clone(&running.node);
    tree.running.insert(at, running);
    node
}

/// Whether each batch of an origin has its names at a node, from the first one on.
fn named(node: &Node, origin: UnitId) -> Vec<bool> {
    let head = node.store.view().chains[&origin].head.number;
    let batch = |number| node.store.batch(origin, BatchNumber(number)).unwrap().unwrap();
    (1..=head.0).map(|number| batch(number).batch.personal.is_some()).collect()
}

/// Blocks of the disk that the ledger of a unit's node takes, in bytes.
fn ledger_bytes(tree: &Tree, at: UnitId) -> u64 {
    let segments = fs::read_dir(tree.home(at).join("data/ledger")).unwrap();
    segments.map(|entry| entry.unwrap().metadata().unwrap().blocks() * 512).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn old_names_go_where_the_parent_has_signed_and_everything_else_stays() {
    let mut tree = Tree::three();
    let (province, commune) = (unit("01"), unit("00001"));
    tree.limits.batch_changes = 100;
    tree.start_all().await;
    import(&tree, commune, 1, 200).await.unwrap();
    let recorded = tree.node(commune).store.view().recording.sequence;
    arrived(&tree, central(), commune, recorded).await;
    let node = tree.node(province);
    let signed = || {
        let view = node.store.view();
        let chain = &view.chains[&commune];
        (chain.acknowledged == chain.head.number).then_some(chain.head.number)
    };
    until("central has signed for all of it", || signed().is_some()).await;
    let acknowledged = signed().unwrap().0;
    drop(node);
    tree.stop(central()).await;
    import(&tree, commune, 1_000, 5).await.unwrap();
    record(&tree.node(commune), household(2_000)).await.unwrap();
    let recorded = tree.node(commune).store.view().recording.sequence;
    arrived(&tree, province, commune, recorded).await;
    let head = tree.head(province, commune);
    assert!(acknowledged > 5 && head > acknowledged, "{acknowledged} of {head}");
    tree.stop_all().await;
    let before = verified(&tree, province);
    assert_eq!(before.compacted, 0);

    // A clock beyond the certificate's end may be wrong: nothing is dropped by it.
    let node = start_later(&mut tree, province, 30).await;
    let dropped = node.compact_names().await.unwrap();
    assert_eq!((node.believes_clock(), dropped.batches, dropped.more), (false, 0, false));
    drop(node);
    tree.stop(province).await;
    assert_eq!(verified(&tree, province).compacted, 0);

    let node = start_later(&mut tree, province, 300).await;
    until("the old names are gone", || node.store.compacted(commune).unwrap().0 == acknowledged).await;
    let expected: Vec<bool> = (1..=head).map(|number| number > acknowledged).collect();
    assert_eq!(named(&node, commune), expected);
    let left = node.compact_names().await.unwrap();
    assert_eq!((left.batches, left.more), (0, false), "a repeat does nothing");
    let entries = node.store.audit_entries(1, 1_000).unwrap();
    let told = entries.iter().filter(|entry| {
        let text = String::from_utf8_lossy(&entry.bytes).into_owned();
        text.contains("retention: names of 00001@2025-07-01 from before")
    });
    assert!(told.count() > 0, "the audit log says what went");
    drop(node);
    tree.stop_all().await;

    // Signatures, heads and counts are what they were, and the check says how many batches have no names.
    let after = verified(&tree, province);
    assert_eq!((after.batches, after.tallies, after.heads), (before.batches, before.tallies, before.heads));
    assert_eq!(after.compacted, acknowledged);
    let output = Command::new(DANSO).args(["verify", "--config"]).arg(tree.node_file(province)).output();
    let printed = String::from_utf8(output.unwrap().stdout).unwrap();
    assert!(printed.contains(&format!("compacted {acknowledged} batches without names")), "{printed}");

    // The tree goes on; nobody asks for the names again, and the commune has them all.
    tree.start_all().await;
    record(&tree.node(commune), household(3_000)).await.unwrap();
    let recorded = tree.node(commune).store.view().recording.sequence;
    arrived(&tree, central(), commune, recorded).await;
    let node = tree.node(province);
    assert_eq!(node.store.view().chains[&commune].nameless, Default::default());
    assert_eq!(named(&node, commune)[..acknowledged as usize], expected[..acknowledged as usize]);
    assert!(named(&tree.node(commune), commune).iter().all(|named| *named));
    assert!(!tree.node(commune).store.has_nameless_persons().unwrap());
    drop(node);
    tree.stop_all().await;
    for at in [central(), province, commune] {
        verified(&tree, at);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_names_give_their_space_back_and_do_not_come_back_by_a_recovery() {
    let mut tree = Tree::three();
    let (province, commune) = (unit("01"), unit("00001"));
    tree.start_all().await;
    for book in 0..6 {
        import(&tree, commune, 1 + 1_000 * book, 250).await.unwrap();
    }
    let recorded = tree.node(commune).store.view().recording.sequence;
    arrived(&tree, central(), commune, recorded).await;
    let node = tree.node(province);
    until("central has signed for all of it", || {
        let view = node.store.view();
        view.chains[&commune].acknowledged == view.chains[&commune].head.number
    })
    .await;
    drop(node);
    tree.stop_all().await;
    let node = start_later(&mut tree, province, 300).await;
    let head = tree.head(province, commune);
    until("the old names are gone", || node.store.compacted(commune).unwrap().0 == head).await;
    drop(node);
    tree.stop_all().await;
    // One segment preallocated to be written on, and a closed one that has shrunk to what is left.
    let (with_names, without) = (ledger_bytes(&tree, commune), ledger_bytes(&tree, province));
    assert!(without < with_names + (1 << 20), "{without} bytes, with names {with_names}");

    // The commune's disk dies: what comes back counts, and says that names are missing.
    let counted = verified(&tree, commune).tallies;
    fs::remove_dir_all(tree.home(commune).join("data")).unwrap();
    tree.start(central()).await;
    tree.start(province).await;
    let mut rebuild = Command::new(DANSO);
    rebuild.args(["rebuild", "--from-parent", "--config"]).arg(tree.node_file(commune));
    let output = tokio::task::block_in_place(|| rebuild.output()).unwrap();
    let told =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert!(told.contains("some names did not come"), "{told}");
    let node = tree.start(commune).await;
    assert!(node.store.has_nameless_persons().unwrap());
    assert_eq!(node.store.view().recording.sequence, recorded);
    drop(node);
    tree.stop_all().await;
    assert_eq!(verified(&tree, commune).tallies, counted);
}
