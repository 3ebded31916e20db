//! Counts and indicators at central with the communes of a whole nation, through real TLS, beside a bare echo.
//!
//! | file | holds |
//! |---|---|
//! | `cells.rs` | what a commune adds to the counts |
//! | `top.rs` | central in a process of its own, with months of a nation in its memory |
//! | `asking.rs` | clients and what they see |
//! | `echo.rs` | the bare echo |
//!
//! The tallies are put into central's memory: through its ledger and index a nation would take hours. All that a
//! question meets is real: TLS, certificates, rights, directory, provenance, counts, encoding. `DANSO_COMMUNES` makes
//! the nation smaller, `DANSO_BENCH_WAIT` leaves central running for so many seconds at the end, for a profile of it.

mod asking;
mod cells;
mod echo;
mod top;

use crate::{
    pipeline::client,
    samples::{line, millis, percentile},
};
use asking::{Asked, channels, measure};
use danso_node::transport::client::NodeClient;
use danso_proto::v1::{
    CountRequest, Dimension, IndicatorsRequest, Measure, PublishReleaseRequest,
    statistics_client::StatisticsClient,
};
use danso_tests::{country::Country, tree::central};
use danso_tier_config::Month;
use echo::{Echo, Stand};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use top::Top;

const PROVINCES: usize = 34;
const COMMUNES: usize = 3_321;
const CLIENTS: usize = 8;
/// How long clients ask for one figure.
const LONG: Duration = Duration::from_secs(4);
/// Turns in which ours and the echo are measured.
const TURNS: usize = 3;
/// How often a large answer is asked for.
const LARGE: usize = 15;
/// Months of history of the whole nation.
const NATION_MONTHS: i32 = 24;
/// Months of history after which the same is asked; the last only for one province.
const STAGES: [i32; 4] = [6, 12, 24, 120];

fn first() -> Month {
    "2024-01".parse().unwrap()
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

fn population(units: Vec<String>, month: Month) -> CountRequest {
    CountRequest {
        measure: Measure::Population.into(),
        units,
        month_from: month.to_string(),
        ..CountRequest::default()
    }
}

/// One commune's population in one month, each time of another commune.
async fn communes(nation: &Country, communes: Arc<Vec<String>>, month: Month) -> Asked {
    let channels = channels(nation, nation.tree.address(central()), CLIENTS).await;
    measure(channels, LONG, move |channel, number| {
        let unit = communes[number % communes.len()].clone();
        async move {
            let answer = StatisticsClient::new(channel).count(population(vec![unit], month)).await;
            assert!(answer.unwrap().get_ref().rows[0].count > 10_000);
        }
    })
    .await
}

/// The indicators of a province in the latest release.
async fn indicators(nation: &Country) -> Asked {
    let units: Vec<String> = nation.provinces.iter().map(|(unit, _)| unit.to_string()).collect();
    let channels = channels(nation, nation.tree.address(central()), CLIENTS).await;
    measure(channels, LONG, move |channel, number| {
        let unit = units[number % units.len()].clone();
        async move {
            let request = IndicatorsRequest { units: vec![unit], ..IndicatorsRequest::default() };
            let answer = StatisticsClient::new(channel).indicators(request).await.unwrap();
            assert!(!answer.get_ref().rows.is_empty());
        }
    })
    .await
}

/// A large answer, one after the other.
async fn large(top: &NodeClient, what: &str, request: CountRequest) {
    let (mut samples, mut rows) = (Vec::new(), 0);
    for _ in 0..LARGE {
        let since = Instant::now();
        rows = top.count(request.clone()).await.unwrap().rows.len();
        samples.push(since.elapsed());
    }
    let (p50, worst) = (percentile(&mut samples, 50), percentile(&mut samples, 100));
    line(&format!("{what}, {rows} rows"), &format!("p50 {}, worst {}", millis(p50), millis(worst)));
}

fn by(tier: &str, units: Vec<String>, month: Month) -> CountRequest {
    CountRequest {
        by_tier: tier.to_owned(),
        group_by: vec![Dimension::Sex.into(), Dimension::AgeGroup.into()],
        ..population(units, month)
    }
}

/// Ours and the echo in turns.
async fn beside_echo(nation: &Country, echo: &Echo, month: Month) {
    let units = Arc::new(nation.communes().iter().map(ToString::to_string).collect::<Vec<_>>());
    let mut ratios: Vec<[f64; 2]> = Vec::new();
    for turn in 1..=TURNS {
        let bare = echo.measure(nation, CLIENTS, LONG).await;
        let count = communes(nation, Arc::clone(&units), month).await;
        let figure = indicators(nation).await;
        line(&format!("bare echo with TLS, {CLIENTS} clients, turn {turn}"), &bare.words());
        line(&format!("one commune's population in one month, {CLIENTS} clients"), &count.words());
        line(&format!("indicators of one province, {CLIENTS} clients"), &figure.words());
        ratios.push([count.rate / bare.rate, figure.rate / bare.rate]);
    }
    for (at, what) in ["one commune's population", "indicators of one province"].into_iter().enumerate() {
        let mut all: Vec<f64> = ratios.iter().map(|ratio| ratio[at]).collect();
        all.sort_by(f64::total_cmp);
        line(
            &format!("{what}: share of the echo's queries a second, median of turns"),
            &format!("{:.2}", all[TURNS / 2]),
        );
    }
}

/// Whether this process was one of the servers, which has ended.
pub fn is_served() -> bool {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match Stand::of(&arguments) {
        Some(stand) => stand.serve(),
        None => return top::serve(&arguments),
    }
    true
}

pub async fn run() {
    let nation = Country::new(PROVINCES, setting("DANSO_COMMUNES", COMMUNES));
    let mut central_process = Top::start(&nation);
    let top = client(&nation.tree, central()).await;
    let all: Vec<String> = nation.communes().iter().map(ToString::to_string).collect();
    let (all, one) = (Arc::new(all.clone()), Arc::new(all[..nation.provinces[0].1.len()].to_vec()));
    for months in STAGES {
        let since = Instant::now();
        let tallies = central_process.fill(months);
        let (last, took) = (first().plus(months), since.elapsed().as_secs_f64());
        line(
            &format!(
                "register and {months} months of {} events in memory after {took:.0} s",
                cells::events_a_month()
            ),
            &format!("{tallies} tallies, {} MB", central_process.resident_mb()),
        );
        if months == NATION_MONTHS {
            top.publish_release(PublishReleaseRequest { month: last.to_string() }).await.unwrap();
            beside_echo(&nation, &Echo::start(&nation), last).await;
            let province = vec![nation.provinces[0].0.to_string()];
            large(&top, "a province by commune, sex and age group", by("commune", province, last)).await;
            large(&top, "the nation by province, sex and age group", by("province", vec![], last)).await;
        }
        let asked = if months > NATION_MONTHS { &one } else { &all };
        let answer = communes(&nation, Arc::clone(asked), last).await;
        line(&format!("one commune's population after {months} months of history"), &answer.words());
    }
    tokio::time::sleep(Duration::from_secs(setting("DANSO_BENCH_WAIT", 0) as u64)).await;
}
