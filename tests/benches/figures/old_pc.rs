//! A commune's node on an old PC: 30,000 persons and a year of events, 512 MiB, one core.

use crate::{
    pipeline::{client, import, process},
    samples::{commune, line, millis, percentile},
};
use danso_core::domain::form::EventRow;
use danso_node::{
    operations::forms::{Style, write_events},
    transport::{client::NodeClient, tls::Role},
};
use danso_proto::v1::{HeadsRequest, ImportForm};
use danso_tests::{Cage, Process, Tree, unit};
use danso_tier_config::{Limits, Month, UnitId};
use std::{
    fs,
    time::{Duration, Instant},
};

const MEMORY_BYTES: u64 = 512 << 20;
const CORE: usize = 1;
const PERSONS: u32 = 30_000;
/// Months that lie in the file; those after come one by one.
const MONTHS: u16 = 12;
/// Events recorded one by one in each part.
const ALONE: usize = 500;
const IDLE: Duration = Duration::from_secs(40);
/// What the kernel counts a processor's time in.
const TICKS_A_SECOND: f64 = 100.0;

pub async fn run() {
    let here = unit("00001");
    let mut tree = Tree::four();
    tree.limits = Limits::default();
    tree.open_web(here);
    let cage = Cage::build(tree.folder.path(), env!("CARGO_BIN_EXE_danso-under-test"), MEMORY_BYTES, CORE);
    line("an old PC", &format!("{}; pages are served; limits of the node as shipped", cage.limits()));
    let start = || Process::start(cage.program(), &tree.node_file(here));
    let (simulated, register, _) = commune("00001", PERSONS, MONTHS + 8, 5);
    let year_end = "2024-01".parse::<Month>().unwrap().plus(MONTHS.into()).first_day();
    let (year, later) = simulated.events.split_at(simulated.events.partition_point(|row| row.on < year_end));
    let mut later = later.iter();
    let mut node = start();
    let filling = client(&tree, here).await;
    let since = Instant::now();
    import(&filling, ImportForm::Register, &register, Some("2024-01-01")).await;
    let recorded = import(&filling, ImportForm::Events, &file(year), None).await;
    line(
        &format!("{PERSONS} persons and a year of events from files, {recorded} changes"),
        &millis(since.elapsed()),
    );
    line("memory after it, no parent there", &memory(&node));
    let officer = officer(&tree, here).await;
    let mut alone = one_by_one(&officer, &mut later, ALONE).await;
    line_of("one event of an officer, durable, no parent there", &mut alone);
    node.kill();
    let since = Instant::now();
    node = start();
    answered(&tree, here).await;
    line("start after kill -9 until it answers", &millis(since.elapsed()));
    line("memory just after the start", &memory(&node));
    first(&tree, here, &mut later).await;
    busy(&tree, here, &node, &mut later).await;
    idle(&node, "idle after that", IDLE).await;
    node.signal("TERM");
    node.wait();
    let since = Instant::now();
    node = start();
    answered(&tree, here).await;
    line("start after an orderly stop until it answers", &millis(since.elapsed()));
    idle(&node, "idle after that start", IDLE).await;
    first(&tree, here, &mut later).await;
    let peak = cage.peak_bytes().map_or("not known".to_owned(), |bytes| format!("{} MiB", bytes >> 20));
    line("most memory of the group in all this, cached files included", &peak);
    drop(node);
}

/// The longest answer of all: numbers of persons are read from the ledger once they are asked for.
async fn first(tree: &Tree, here: UnitId, later: &mut std::slice::Iter<'_, EventRow>) {
    let officer = officer(tree, here).await;
    let took = one_by_one(&officer, later, 1).await;
    line("the first event of an officer after that start, durable", &millis(took[0]));
}

/// Everything is still to be sent when the parent appears; events are recorded until it is.
async fn busy(tree: &Tree, here: UnitId, node: &Process, later: &mut std::slice::Iter<'_, EventRow>) {
    let _parent = process(tree, unit("001"));
    let officer = officer(tree, here).await;
    let mut samples = Vec::new();
    let mut most = 0.0_f64;
    let since = Instant::now();
    while samples.len() < ALONE || owes(&officer, here).await {
        samples.extend(one_by_one(&officer, later, 20).await);
        most = most.max(megabytes(node, "status", "VmRSS"));
        assert!(later.len() > 0, "there are too few events for so slow a machine");
    }
    line("all of it sent and signed for by the parent, events recorded meanwhile", &millis(since.elapsed()));
    line_of("one event of an officer, durable, while it is sent", &mut samples);
    line("most memory meanwhile", &format!("{most:.0} MB"));
}

/// Whether the parent has not signed for everything sealed.
async fn owes(client: &NodeClient, here: UnitId) -> bool {
    let heads = client.heads(HeadsRequest::default()).await.unwrap().heads;
    let own = heads.iter().find(|head| head.origin == here.to_string());
    own.is_none_or(|head| head.acknowledged_number + 1 < head.number)
}

async fn officer(tree: &Tree, here: UnitId) -> NodeClient {
    let keys = tree.person_keys(Role::Officer, here);
    answered(tree, here).await;
    tree.client_as(here, &keys).await
}

async fn answered(tree: &Tree, here: UnitId) {
    client(tree, here).await.node_info().await.unwrap();
}

fn file(events: &[EventRow]) -> Vec<u8> {
    let mut file = Vec::new();
    write_events(events, Style::default(), &mut file).unwrap();
    file
}

async fn one_by_one(
    officer: &NodeClient,
    events: &mut std::slice::Iter<'_, EventRow>,
    count: usize,
) -> Vec<Duration> {
    let mut samples = Vec::new();
    for event in events.take(count) {
        let one = file(std::slice::from_ref(event));
        let since = Instant::now();
        import(officer, ImportForm::Events, &one, None).await;
        samples.push(since.elapsed());
    }
    samples
}

fn line_of(figure: &str, samples: &mut [Duration]) {
    let count = samples.len();
    line(&format!("{figure}, {count} times, p50"), &millis(percentile(samples, 50)));
    line(&format!("{figure}, p99"), &millis(percentile(samples, 99)));
}

async fn idle(node: &Process, when: &str, time: Duration) {
    tokio::time::sleep(Duration::from_secs(5)).await;
    let before = ticks(node);
    tokio::time::sleep(time).await;
    let used = (ticks(node) - before) / TICKS_A_SECOND / time.as_secs_f64();
    line(&format!("{when}: share of the core in {} s", time.as_secs()), &format!("{:.2} %", used * 100.0));
    line(&format!("{when}: memory"), &memory(node));
}

/// Time of the processor that a process used, in ticks.
fn ticks(node: &Process) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", node.id())).unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()
}

/// A figure in kB out of a file that the system has of a process, in MB.
pub fn megabytes(node: &Process, file: &str, name: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{}/{file}", node.id())).unwrap();
    let found = text.lines().find(|line| line.split(':').next() == Some(name)).unwrap();
    found.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

fn memory(node: &Process) -> String {
    let [resident, anonymous] = ["VmRSS", "RssAnon"].map(|name| megabytes(node, "status", name));
    let share = megabytes(node, "smaps_rollup", "Pss");
    format!(
        "{resident:.0} MB resident ({anonymous:.0} of it its own, the rest files), {share:.0} MB its share"
    )
}

/// Resident memory of a process.
pub fn resident(process: &Process) -> String {
    format!("{:.0} MB", megabytes(process, "status", "VmRSS"))
}
