//! Events from commune files to central's counts through four durable tiers, one process a tier.

use crate::{
    disk::{SLED_SETTLES, show_all},
    samples::{commune, line},
};
use danso_node::transport::client::{ImportFile, NodeClient};
use danso_proto::v1::{HeadsRequest, ImportForm};
use danso_tests::{Process, Tree, tree::central, unit};
use danso_tier_config::UnitId;
use std::time::{Duration, Instant};

const PERSONS: u32 = 30_000;
const MONTHS: u16 = 24;

pub async fn client(tree: &Tree, unit: UnitId) -> NodeClient {
    let since = Instant::now();
    loop {
        match NodeClient::connect(&tree.address(unit).to_string(), unit, &tree.keys(unit)).await {
            Ok(client) => return client,
            Err(error) => assert!(since.elapsed() < Duration::from_mins(1), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub fn process(tree: &Tree, unit: UnitId) -> Process {
    Process::start(env!("CARGO_BIN_EXE_danso-under-test"), &tree.node_file(unit))
}

pub async fn import(client: &NodeClient, form: ImportForm, bytes: &[u8], as_of: Option<&str>) -> u64 {
    let content = bytes.to_vec().into();
    let file = ImportFile { form, as_of: as_of.map(|text| text.parse().unwrap()), content };
    let summary = client.import(file, &mut |_| ()).await.unwrap();
    assert_eq!(summary.refused, 0, "{summary:?}");
    summary.last_sequence
}

async fn changes_at(client: &NodeClient, origin: UnitId) -> u64 {
    let answer = client.heads(HeadsRequest::default()).await.unwrap();
    answer.heads.iter().find(|head| head.origin == origin.to_string()).map_or(0, |head| head.changes)
}

/// Waits until a node has counted so many changes of an origin: a head changes with its counts, under one lock.
pub async fn wait_for(client: &NodeClient, origin: UnitId, changes: u64) {
    while changes_at(client, origin).await < changes {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub async fn run() {
    let tree = Tree::four();
    let way = [central(), unit("01"), unit("001"), unit("00001")];
    let _processes: Vec<Process> = way.iter().map(|unit| process(&tree, *unit)).collect();
    let top = client(&tree, central()).await;
    let below = client(&tree, unit("00001")).await;
    let (simulated, register, events) = commune("00001", PERSONS, MONTHS, 11);
    let since = Instant::now();
    let registered = import(&below, ImportForm::Register, &register, Some("2024-01-01")).await;
    let durable = since.elapsed();
    wait_for(&top, unit("00001"), registered).await;
    let rate = |count: u64, took: Duration| format!("{:.0} a second", count as f64 / took.as_secs_f64());
    line("register file of 30,000 persons to durable changes at the commune", &rate(registered, durable));
    line("the same until counted at central, four durable tiers", &rate(registered, since.elapsed()));
    let since = Instant::now();
    let total = import(&below, ImportForm::Events, &events, None).await;
    wait_for(&top, unit("00001"), total).await;
    let label = format!("event file of {} rows until counted at central", simulated.events.len());
    line(&label, &rate(total - registered, since.elapsed()));
    tokio::time::sleep(SLED_SETTLES).await;
    show_all(&tree, total);
}
