//! Thousands of children come at once, and come back at once when their parent was killed: it takes them all,
//! stays small, and goes on serving those who are there.

use super::{
    DANSO, asked,
    crowd::{Tally, code, country, equipped},
    in_the_end,
};
use danso_core::domain::{HouseholdId, Sex};
use danso_node::transport::{client::NodeClient, tls::Role};
use danso_proto::v1::ListUnitsRequest;
use danso_tests::{Process, Recorder, Tree, tree::central, unit, until};
use danso_tier_config::UnitId;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// Most data that the parent may have, in kilobytes; the system refuses it more.
const DATA_KB_MAX: u64 = 1_500_000;
/// Most memory that it may have used, in kilobytes.
const MEMORY_KB_MAX: u64 = 700_000;
/// Patience with a loaded machine.
const MINUTES: u64 = 15;

/// The program under a limit of its data, with as many files as the system lets it open.
fn limited(tree: &Tree) -> PathBuf {
    let path = tree.path("danso-limited");
    let text = format!(
        "#!/bin/sh\nulimit -n \"$(ulimit -H -n)\"\nulimit -d {DATA_KB_MAX} || exit 1\nexec '{DANSO}' \"$@\"\n"
    );
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// A figure of a process, in kilobytes.
fn kilobytes(process: &Process, figure: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with(figure)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Time that a process has had of the computer, its own and the system's for it.
fn computing(process: &Process) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap();
    let after_name = stat.rsplit(')').next().unwrap();
    let ticks = |place: usize| after_name.split_whitespace().nth(place).unwrap().parse::<u64>().unwrap();
    // The 14th and 15th value, in hundredths of a second (proc_pid_stat(5)).
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}

/// Who asks the parent something, each time with a new connection.
#[derive(Clone)]
struct Operator {
    address: String,
    unit: UnitId,
    keys: PathBuf,
}

impl Operator {
    async fn client(&self) -> Option<NodeClient> {
        NodeClient::connect(&self.address, self.unit, &self.keys).await.ok()
    }

    /// Whether node and register answer.
    async fn asks(&self) -> Option<()> {
        let client = self.client().await?;
        client.node_info().await.ok()?;
        client.list_units(ListUnitsRequest::default()).await.ok().map(drop)
    }

    /// How many children the parent has.
    async fn children(&self) -> Option<usize> {
        let status = self.client().await?.replication_status().await.ok()?;
        Some(status.children.iter().filter(|child| child.connected).count())
    }

    /// Asks over and over; gives how often it was answered and how long the slowest answer took.
    async fn keeps_asking(self, over: Arc<AtomicBool>) -> (u64, Duration) {
        let (mut answers, mut slowest) = (0, Duration::ZERO);
        while !over.load(SeqCst) {
            let since = Instant::now();
            asked("the parent answers", MINUTES, || async { self.asks().await.is_some() }).await;
            slowest = slowest.max(since.elapsed());
            answers += 1;
        }
        (answers, slowest)
    }
}

/// A commune that is a real node, and records.
struct Clerk {
    recorder: Recorder,
    home: HouseholdId,
    births: u64,
}

impl Clerk {
    /// One birth more is counted at central.
    async fn records(&mut self, tree: &Tree) {
        let commune = unit("00001");
        self.births += 1;
        self.recorder.birth("2026-03-09", self.home, &format!("Trẻ {}", self.births), Sex::Female).await;
        let counted = || tree.changes(central(), commune) == 1 + self.births;
        in_the_end("a birth of the storm is counted", MINUTES, counted).await;
    }
}

/// Waits until all are linked, while somebody records and somebody asks; tells what it cost.
async fn weathered(tree: &Tree, parent: &Process, operator: &Operator, tally: &Tally, clerk: &mut Clerk) {
    let children = tree.directory.rows().len() - Tree::three().directory.rows().len();
    let (before, computed) = (kilobytes(parent, "VmHWM:"), computing(parent));
    let (births, tried) = (clerk.births, tally.attempts.load(SeqCst));
    let over = Arc::new(AtomicBool::new(false));
    let asking = tokio::spawn(operator.clone().keeps_asking(Arc::clone(&over)));
    let since = Instant::now();
    let mut linked = 0;
    // Its clerk's own commune is a child, too. As the parent counts them: what the crowd believes may be over.
    while linked < children + 1 {
        clerk.records(tree).await;
        assert!(since.elapsed() < Duration::from_mins(MINUTES), "{linked} of {children} are linked");
        if tally.linked.load(SeqCst) == children as u64 {
            linked = operator.children().await.unwrap_or(0);
        }
    }
    let took = since.elapsed();
    over.store(true, SeqCst);
    let (answers, slowest) = asking.await.unwrap();
    let memory = kilobytes(parent, "VmHWM:");
    println!(
        "{children} children linked after {took:.1?}; {} attempts, ended: {:?}; the parent computed {:.1?}; \
         {} births counted meanwhile; {answers} questions answered, the slowest after {slowest:.1?}; \
         {before} kB of memory before, {memory} kB at most",
        tally.attempts.load(SeqCst) - tried,
        std::mem::take(&mut *tally.refusals.lock().unwrap()),
        computing(parent).saturating_sub(computed),
        clerk.births - births,
    );
    assert!(clerk.births > births && answers > 0);
    assert!(memory < MEMORY_KB_MAX, "{memory} kB");
}

async fn storm(children: usize) {
    let mut tree = country(children);
    let (province, commune) = (unit("01"), unit("00001"));
    let crowd = equipped(&tree, children);
    tree.start(central()).await;
    let (danso, file) = (limited(&tree), tree.node_file(province));
    let start = || Process::start(danso.to_str().unwrap(), &file);
    let mut parent = start();
    let mut recorder = Recorder::new(tree.start(commune).await);
    let home = recorder.household("2026-01-01").await;
    until("a commune is linked before the storm", || tree.changes(central(), commune) == 1).await;
    let mut clerk = Clerk { recorder, home, births: 0 };

    // The first time: each brings its key and a batch.
    let (tally, address) = (Arc::new(Tally::default()), tree.address(province).to_string());
    let operator = Operator {
        address: address.clone(),
        unit: province,
        keys: tree.person_keys(Role::Operator, province),
    };
    let mut lives = JoinSet::new();
    for child in crowd {
        lives.spawn(child.live(province, address.clone(), Arc::clone(&tally)));
    }
    weathered(&tree, &parent, &operator, &tally, &mut clerk).await;
    let all = || (0..children).all(|number| tree.changes(central(), code(number)) == 1);
    in_the_end("central has the birth of every commune", MINUTES, all).await;

    // All lose it at once, and come back at once.
    parent.kill();
    parent = start();
    weathered(&tree, &parent, &operator, &tally, &mut clerk).await;
    assert!(all() && parent.runs());
    lives.shutdown().await;
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_children_come_back_at_once_and_the_parent_serves_all() {
    storm(500).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes some minutes"]
async fn every_commune_of_the_country_comes_back_at_once_to_one_parent_and_it_serves_all() {
    storm(3_321).await;
}
