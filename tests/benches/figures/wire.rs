//! Bytes on the wire of each hop, counted by a proxy in each line: gRPC, HTTP/2 and TLS included, TCP and IP not.

use crate::{
    cascade::{birth, here, homes},
    pipeline::{client, process, wait_for},
    samples::line,
};
use danso_core::domain::HouseholdId;
use danso_node::{operations::Node, runtime, transport::client::NodeClient};
use danso_tests::{
    Process, Tree,
    entries::date,
    line::{Line, Quality},
    tree::central,
    unit,
};
use danso_tier_config::{Limits, NodeConfig, Policy, UnitId};
use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

const BATCH: usize = 1_000;
const BATCHES: usize = 30;
const ALONE: usize = 200;
const IDLE: Duration = Duration::from_secs(20);
/// Longer than a batch takes to fill, so that all of them are full.
const AGE_MS: u64 = 60_000;

/// Four tiers with a counted line between each two, the lowest in this process.
struct Lines {
    tree: Tree,
    hops: Vec<(String, Line)>,
    top: NodeClient,
    node: Arc<Node>,
    homes: Vec<HouseholdId>,
    _above: Vec<Process>,
}

/// Bytes so far of each hop, up and down.
type Bytes = Vec<(u64, u64)>;

impl Lines {
    async fn start(tree: Tree) -> Self {
        let way = [central(), unit("01"), unit("001"), here()];
        let mut hops = Vec::new();
        let mut above = vec![process(&tree, way[0])];
        for pair in way.windows(2) {
            let [parent, child] = pair else { unreachable!("windows of two") };
            let (from, to) = (tree.address(*child), tree.address(*parent));
            let carries = Line::open(from, to, Quality::default()).await;
            let config = behind(&tree, *child, &carries);
            let policy = config.up().unwrap_or(Policy::Names);
            hops.push((format!("{child} to {parent}, policy {policy}"), carries));
            if *child != here() {
                above.push(process_of(&tree, &config));
            }
        }
        hops.reverse();
        let running = runtime::start(behind(&tree, here(), &hops[0].1), &mut |_, _| ()).await.unwrap();
        let node = Arc::clone(&running.node);
        let mut tree = tree;
        tree.running.insert(here(), running);
        let top = client(&tree, central()).await;
        let homes = homes(&node).await;
        let lines = Self { tree, hops, top, node, homes, _above: above };
        lines.settled().await;
        lines
    }

    async fn settled(&self) {
        let recorded = self.node.store.view().recording.sequence;
        wait_for(&self.top, here(), recorded).await;
    }

    fn bytes(&self) -> Bytes {
        let of = |line: &Line| (line.carried_there(), line.carried() - line.carried_there());
        self.hops.iter().map(|(_, line)| of(line)).collect()
    }

    /// Records births in transactions, each counted at central before the next begins where `wait` says so.
    async fn record(&self, from: usize, transaction: usize, transactions: usize, wait: bool) {
        for part in 0..transactions {
            let mut last = None;
            for at in 0..transaction {
                let birth = birth(&self.homes, from + part * transaction + at);
                last = self.node.record(None, date("2025-10-15"), birth).unwrap().1;
            }
            last.unwrap().durable().await.unwrap();
            if wait {
                self.settled().await;
            }
        }
        self.settled().await;
    }

    fn show(&self, what: &str, events: usize, before: &Bytes) {
        for ((hop, _), (now, was)) in self.hops.iter().zip(self.bytes().iter().zip(before)) {
            let per = |now: u64, was: u64| (now - was) as f64 / events as f64;
            let value = format!("{:.1} up, {:.1} down", per(now.0, was.0), per(now.1, was.1));
            line(&format!("bytes {what}, {hop}"), &value);
        }
    }

    /// The parts of the latest own batch, which was one event.
    fn show_alone(&self) {
        let number = self.node.store.view().chains[&here()].head.number;
        let batch = self.node.store.batch(here(), number).unwrap().unwrap().batch;
        let length = |frame: &Option<Vec<u8>>| frame.as_ref().map_or(0, Vec::len);
        let (header, personal, cores) = (&batch.header, length(&batch.personal), length(&batch.cores));
        let value = format!(
            "header {}, signature {}, personal frame {personal}, frame of cores {cores}",
            header.bytes.len(),
            header.signature.len()
        );
        line("bytes of the last of these batches", &value);
    }

    async fn end(mut self) {
        self.node.store.close().await;
        self.tree.stop_all().await;
    }
}

/// The file of a node whose parent is at the other end of a line.
fn behind(tree: &Tree, unit: UnitId, line: &Line) -> NodeConfig {
    let mut config = tree.config(unit);
    config.parent.as_mut().unwrap().address = line.address().to_string();
    config
}

fn process_of(tree: &Tree, config: &NodeConfig) -> Process {
    let home = tree.home(config.unit);
    let file = home.join("node.toml");
    fs::write(&file, config.to_toml(&home)).unwrap();
    Process::start(env!("CARGO_BIN_EXE_danso-under-test"), &file)
}

pub async fn run() {
    let mut tree = Tree::four();
    tree.limits = Limits { batch_age_ms: AGE_MS, ..Limits::default() };
    let lines = Lines::start(tree).await;
    let before = lines.bytes();
    lines.record(0, BATCH, BATCHES, false).await;
    lines.show("an event, births in batches of 1,000", BATCH * BATCHES, &before);
    lines.end().await;
    let mut tree = Tree::four();
    tree.limits = Limits::default();
    let lines = Lines::start(tree).await;
    let before = lines.bytes();
    let since = Instant::now();
    lines.record(0, 1, ALONE, true).await;
    let took = since.elapsed().as_secs_f64();
    lines.show("an event, each alone and counted before the next", ALONE, &before);
    line("time of these events", &format!("{took:.1} s"));
    lines.show_alone();
    let before = lines.bytes();
    tokio::time::sleep(IDLE).await;
    lines.show("a second, idle", IDLE.as_secs() as usize, &before);
    lines.end().await;
}
