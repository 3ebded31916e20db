//! Births recorded at a commune until central counts them: four durable tiers, one process a tier.
//!
//! The commune runs in the process of the bench, its parents in processes of their own. A transaction of 100 or
//! 1,000 waits until all of it is durable before the next begins, as one of a database does.

use crate::{
    disk::{SLED_SETTLES, show_all},
    pipeline::{client, process, wait_for},
    samples::{line, millis, percentile},
};
use danso_core::domain::{
    BirthPlace, Education, HouseholdId, Sex,
    entry::{Entry, PersonData},
};
use danso_node::{operations::Node, transport::client::NodeClient};
use danso_proto::v1::{CountRequest, Measure};
use danso_tests::{
    Process, Recorder, Tree,
    entries::{date, person},
    tree::central,
    unit,
};
use danso_tier_config::UnitId;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

const HOUSEHOLDS: usize = 2_000;
/// Changes a transaction, clients, changes in all.
const LOADS: [(usize, usize, usize); 4] =
    [(1, 1, 10_000), (1, 8, 60_000), (100, 1, 100_000), (1_000, 1, 200_000)];
const LATENCY_RATE: u32 = 200;
const LATENCY_EVENTS: u32 = 4_000;
const ALONE: usize = 10_000;

/// Four tiers, the lowest in this process.
pub struct Cascade {
    tree: Tree,
    node: Arc<Node>,
    top: NodeClient,
    homes: Vec<HouseholdId>,
    /// The processes of central, province and district.
    pub above: Vec<Process>,
}

/// The commune.
pub fn here() -> UnitId {
    unit("00001")
}

/// Households for births to come.
pub async fn homes(node: &Arc<Node>) -> Vec<HouseholdId> {
    let mut recorder = Recorder::new(Arc::clone(node));
    let mut homes = Vec::new();
    for _ in 0..HOUSEHOLDS {
        homes.push(recorder.household("2025-07-01").await);
    }
    homes
}

/// Starts them, with households for the births to come.
pub async fn start() -> Cascade {
    let mut tree = Tree::four();
    let above = [central(), unit("01"), unit("001")].map(|unit| process(&tree, unit)).into();
    let node = tree.start(here()).await;
    let top = client(&tree, central()).await;
    let homes = homes(&node).await;
    Cascade { tree, node, top, homes, above }
}

const FAMILIES: [&str; 8] = ["Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Vũ", "Đặng", "Bùi"];
const GIVEN: [&str; 8] = ["Hòa", "Bảo", "Đào", "Nga", "Tuấn", "Linh", "Sơn", "Thảo"];

/// The birth number `at` of a load: every one with another name, in another household.
pub fn birth(homes: &[HouseholdId], at: usize) -> Entry {
    let name = format!("{} Thị {} {}", FAMILIES[at % 8], GIVEN[at / 8 % 8], at % 997);
    let sex = if at.is_multiple_of(2) { Sex::Female } else { Sex::Male };
    let child = PersonData { education: Education::None, ..person(&name, sex, DAY) };
    let mother_birth = date(["1992-04-03", "1995-05-05", "1999-11-20"][at % 3]);
    Entry::Birth {
        household: homes[at % homes.len()],
        child,
        order: 1 + (at % 3) as u8,
        mother_birth,
        place: BirthPlace::Facility,
    }
}

const DAY: &str = "2025-10-15";

impl Cascade {
    /// Waits until central has counted everything recorded.
    pub async fn settled(&self) {
        let recorded = self.node.store.view().recording.sequence;
        wait_for(&self.top, here(), recorded).await;
    }

    /// Records so many births and waits until central has counted them. They are at hand before, as the rows that a
    /// client of PostgreSQL copies.
    pub async fn load(&self, batch: usize, clients: usize, count: usize) -> Duration {
        let (each, on) = (count / clients, date(DAY));
        let births = |from| (from..from + each).map(|at| birth(&self.homes, at)).collect::<Vec<_>>();
        let births: Vec<_> = (0..clients).map(|one| births(one * each)).collect();
        let since = Instant::now();
        let work = births.into_iter().map(|births| {
            let node = Arc::clone(&self.node);
            tokio::task::spawn_blocking(move || {
                let mut births = births.into_iter();
                for _ in 0..each / batch {
                    let recorded =
                        births.by_ref().take(batch).map(|birth| node.record(None, on, birth).unwrap().1);
                    recorded.last().flatten().expect("it is new").blocking_durable().unwrap();
                }
            })
        });
        for one in work.collect::<Vec<_>>() {
            one.await.unwrap();
        }
        self.settled().await;
        since.elapsed()
    }

    /// Births that central counts.
    pub async fn births(&self) -> i64 {
        let request = CountRequest {
            measure: Measure::Births.into(),
            month_from: DAY[..7].to_owned(),
            ..CountRequest::default()
        };
        let rows = self.top.count(request).await.unwrap().rows;
        rows.iter().map(|row| row.count).sum()
    }

    /// Stops the commune; the others end with their processes.
    pub async fn end(mut self) {
        self.node.store.close().await;
        self.tree.stop_all().await;
    }

    /// From the commune's answer to a visible change in central's count, at an even rate.
    async fn latency(&self) -> Vec<Duration> {
        let before = self.births().await;
        let since = Instant::now();
        let (node, homes) = (Arc::clone(&self.node), self.homes.clone());
        let recording = tokio::spawn(async move {
            let mut answered = Vec::new();
            for at in 0..LATENCY_EVENTS {
                tokio::time::sleep_until((since + Duration::from_secs(1) / LATENCY_RATE * at).into()).await;
                let (_, ticket) = node.record(None, date(DAY), birth(&homes, at as usize)).unwrap();
                ticket.unwrap().durable().await.unwrap();
                answered.push(Instant::now());
            }
            answered
        });
        let mut seen = Vec::new();
        while seen.len() < LATENCY_EVENTS as usize {
            let counted = self.births().await - before;
            seen.resize(counted as usize, Instant::now());
        }
        let answered = recording.await.unwrap();
        seen.iter().zip(answered).map(|(seen, answered)| seen.saturating_duration_since(answered)).collect()
    }
}

/// Bytes on disk of births that come alone, each counted at central before the next: nothing is shared by any two.
pub async fn alone() {
    let cascade = start().await;
    cascade.settled().await;
    for at in 0..ALONE {
        let (_, ticket) = cascade.node.record(None, date(DAY), birth(&cascade.homes, at)).unwrap();
        ticket.unwrap().durable().await.unwrap();
        cascade.settled().await;
    }
    tokio::time::sleep(SLED_SETTLES).await;
    let recorded = cascade.node.store.view().recording.sequence;
    line(
        "changes, of which births that came alone; the others opened households",
        &format!("{recorded}, {ALONE}"),
    );
    show_all(&cascade.tree, recorded);
    cascade.end().await;
}

/// Measures all loads, or those named as `100x1`, and last the latency, also named `latency`.
pub async fn run(wanted: &[String]) {
    let cascade = start().await;
    cascade.settled().await;
    let named = |name: &str| wanted.iter().any(|wanted| wanted == name);
    let all =
        !LOADS.iter().any(|(batch, clients, _)| named(&format!("{batch}x{clients}"))) && !named("latency");
    for (batch, clients, count) in LOADS {
        if !(all || named(&format!("{batch}x{clients}"))) {
            continue;
        }
        let took = cascade.load(batch, clients, count).await;
        let rate = count as f64 / took.as_secs_f64();
        let what = format!("births counted at central, {batch} a transaction, clients {clients}");
        line(&what, &format!("{rate:.0} a second"));
    }
    if !(all || named("latency")) {
        return cascade.end().await;
    }
    let mut samples = cascade.latency().await;
    for percent in [50, 99] {
        let what = format!("answer at the commune to central's count at {LATENCY_RATE} a second, p{percent}");
        line(&what, &millis(percentile(&mut samples, percent)));
    }
    cascade.end().await;
}
