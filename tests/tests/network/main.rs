//! The network between nodes at its worst: real nodes behind lines that are slow, lossy, cut, silent or
//! crowded. What is recorded arrives at central exactly once, whatever the line does.
//!
//! | file | holds |
//! |---|---|
//! | `lines.rs` | bad lines: 2 s, 30 % loss, 16 kbit/s; cut for a month; answers lost |
//! | `half_open.rs` | peers that vanish without a word |
//! | `storm.rs` | thousands of children that come at once, and come back at once |
//! | `crowd.rs` | those children: links spoken by the test |
//! | `moved.rs` | a parent with another address |
//! | `hosts.rs` | the same on hosts in network namespaces |
//!
//! Where the machine permits no namespaces, the tests of `hosts.rs` say on the standard error that they were
//! skipped; with `DANSO_HOSTS_REQUIRED` set they fail.

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod crowd;
mod half_open;
mod hosts;
mod lines;
mod moved;
mod storm;

use danso_node::{
    operations::Node,
    runtime,
    transport::client::{ImportFile, NodeClient},
};
use danso_proto::v1::{ImportForm, ImportSummary};
use danso_tests::{Tree, entries::register_csv, wait::moment};
use danso_tier_config::UnitId;
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

/// The program under test.
const DANSO: &str = env!("CARGO_BIN_EXE_danso-under-test");

/// Waits until `condition` holds; for what lasts longer on a bad line than [`danso_tests::until`] waits.
async fn in_the_end(what: &str, minutes: u64, mut condition: impl FnMut() -> bool) {
    let since = Instant::now();
    while !condition() {
        assert!(since.elapsed() < Duration::from_mins(minutes), "waited in vain: {what}");
        moment(Duration::from_millis(20)).await;
    }
}

/// The same for a question that is asked over and over.
async fn asked<F: Future<Output = bool>>(what: &str, minutes: u64, mut question: impl FnMut() -> F) {
    let since = Instant::now();
    while !question().await {
        assert!(since.elapsed() < Duration::from_mins(minutes), "waited in vain: {what}");
        moment(Duration::from_millis(100)).await;
    }
}

/// Starts a unit's node whose parent is at another address than the tree says.
async fn start_behind(tree: &mut Tree, unit: UnitId, address: SocketAddr) -> Arc<Node> {
    let mut config = tree.config(unit);
    config.parent.as_mut().unwrap().address = address.to_string();
    let running = runtime::start(config, &mut |_, _| ()).await.unwrap();
    let node = Arc::clone(&running.node);
    tree.running.insert(unit, running);
    node
}

/// Whether a node's link to its parent stands.
fn linked(node: &Node) -> bool {
    node.link.read().unwrap().connected
}

/// Records the households `first..first + households` of three persons each.
async fn import(client: &NodeClient, first: u64, households: u64) -> ImportSummary {
    let content = register_csv(first, households, 3).into_bytes().into();
    let as_of = Some("2026-01-01".parse().unwrap());
    let file = ImportFile { form: ImportForm::Register, as_of, content };
    let summary = client.import(file, &mut |_| ()).await.unwrap();
    assert_eq!((summary.rows, summary.refused), (3 * households, 0));
    summary
}
