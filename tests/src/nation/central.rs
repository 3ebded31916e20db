//! Central as a process: started, asked, stopped, killed, started again.

use super::{
    Made, Place,
    made::Stand,
    measure,
    plan::{MONTH, Province},
};
use crate::{process::Process, tree::central as unit, wait::moment};
use danso_node::transport::client::NodeClient;
use danso_proto::v1::{CountAnswer, CountRequest, Dimension, HeadsRequest, Measure};
use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

/// Pause between two attempts to reach it.
const PAUSE: Duration = Duration::from_millis(5);
/// How long it may take to start.
const PATIENCE: Duration = Duration::from_mins(10);

/// The node of central.
pub struct Central {
    process: Process,
    client: NodeClient,
    provinces: Vec<Province>,
}

/// What two nodes with the same heads and tallies have in common.
#[derive(PartialEq, Eq)]
pub struct Seen {
    heads: Vec<u8>,
    tallies: Vec<u8>,
}

fn note(place: &Place) -> PathBuf {
    place.home(unit()).join("pid.txt")
}

/// Ends the central that a killed run left behind. One that is being killed has no command any more, and its files
/// still: it is waited for.
async fn end_former(place: &Place) {
    let former = fs::read_to_string(note(place)).ok().and_then(|text| text.parse().ok());
    let Some(former) = former else { return };
    let of_here = place.home(unit()).join("node.toml").display().to_string();
    let since = Instant::now();
    while measure::is_there(former) && since.elapsed() < PATIENCE {
        let command = measure::command_of(former);
        if command.contains(&of_here) {
            measure::kill(former);
        } else if !command.is_empty() {
            return;
        }
        moment(PAUSE).await;
    }
}

impl Central {
    /// Starts it and waits until it answers. One that a killed run left is ended first.
    pub async fn start(place: &Place, danso: &str) -> Self {
        end_former(place).await;
        let mut process = Process::start(danso, &place.node_file(unit()));
        fs::write(note(place), process.id().to_string()).unwrap();
        let since = Instant::now();
        let client = loop {
            let reached =
                NodeClient::connect(&place.address(unit()).to_string(), unit(), &place.keys(unit())).await;
            match reached {
                Ok(client) => break client,
                Err(error) => {
                    assert!(process.runs() && since.elapsed() < PATIENCE, "{error}\n{}", process.log());
                }
            }
            moment(PAUSE).await;
        };
        client.node_info().await.unwrap();
        Self { process, client, provinces: place.plan.provinces.clone() }
    }

    /// Whether its process is there.
    pub(super) fn runs(&self) -> bool {
        measure::is_there(self.process.id())
    }

    /// Time of the processor that it has taken.
    pub(super) fn processor_ms(&self) -> u64 {
        measure::processor_ms(self.process.id())
    }

    /// The most memory that it ever had.
    pub(super) fn highest_bytes(&self) -> u64 {
        measure::memory_bytes(self.process.id(), "VmHWM")
    }

    /// The memory that it has.
    pub(super) fn resident_bytes(&self) -> u64 {
        measure::memory_bytes(self.process.id(), "VmRSS")
    }

    /// Stops it in good order and starts it again; gives how long each took.
    pub(super) async fn reopen(&mut self, place: &Place, danso: &str) -> (Duration, Duration) {
        let since = Instant::now();
        self.process.signal("TERM");
        assert!(self.process.wait().success(), "central did not stop in good order");
        let stopped = since.elapsed();
        let since = Instant::now();
        *self = Self::start(place, danso).await;
        (stopped, since.elapsed())
    }

    /// Kills it and starts it again; gives how long the start took.
    pub(super) async fn kill_and_start(&mut self, place: &Place, danso: &str) -> Duration {
        self.process.kill();
        let since = Instant::now();
        *self = Self::start(place, danso).await;
        since.elapsed()
    }

    /// Stops it in good order.
    pub fn stop(mut self) {
        self.process.signal("TERM");
        assert!(self.process.wait().success(), "central did not stop in good order");
    }

    /// Digests of its heads and tallies.
    pub async fn seen(&self) -> Seen {
        let answer = self.client.heads(HeadsRequest::default()).await.unwrap();
        Seen { heads: answer.digest.to_vec(), tallies: answer.tallies_digest.to_vec() }
    }

    /// Counts of a month by province, and perhaps by sex.
    async fn count(&self, measure: Measure, month: &str, by_sex: bool) -> BTreeMap<(String, String), i64> {
        let request = CountRequest {
            measure: measure.into(),
            by_tier: "province".to_owned(),
            month_from: month.to_owned(),
            group_by: by_sex.then(|| Dimension::Sex.into()).into_iter().collect(),
            ..CountRequest::default()
        };
        let CountAnswer { columns, rows, provenance } = self.client.count(request).await.unwrap();
        assert_eq!(provenance.unwrap().quarantined, 0, "nothing is left uncounted");
        let place = |name: &str| columns.iter().position(|column| column == name);
        let (of_unit, of_sex) = (place("unit").unwrap(), place("sex"));
        let key =
            |keys: &[String]| (keys[of_unit].clone(), of_sex.map(|at| keys[at].clone()).unwrap_or_default());
        rows.iter().map(|row| (key(&row.keys), row.count)).collect()
    }

    /// Asserts that it counts at the end of a month what was made, province by province and sex by sex.
    pub async fn expect(&self, month: &str, all: &[Made], stand: fn(&Made) -> Stand) {
        let persons = self.count(Measure::Population, month, true).await;
        let households = self.count(Measure::Households, month, false).await;
        for (province, made) in self.provinces.iter().zip(all) {
            let (unit, expected) = (province.unit.to_string(), stand(made));
            let of = |sex: &str| persons[&(unit.clone(), sex.to_owned())];
            let households = households[&(unit.clone(), String::new())];
            let found = Stand { men: of("male"), women: of("female"), households };
            assert_eq!(found, expected, "central counts something else of {unit} at the end of {month}");
        }
        assert_eq!((persons.len(), households.len()), (2 * all.len(), all.len()));
    }

    /// Asserts that it counts the births and deaths of the month.
    pub async fn expect_events(&self, all: &[Made]) {
        let births = self.count(Measure::Births, MONTH, false).await;
        let deaths = self.count(Measure::Deaths, MONTH, false).await;
        for (province, made) in self.provinces.iter().zip(all) {
            let of =
                |counts: &BTreeMap<_, i64>| counts.get(&(province.unit.to_string(), String::new())).copied();
            let found = (of(&births).unwrap_or(0), of(&deaths).unwrap_or(0));
            assert_eq!(found, (made.births, made.deaths), "births and deaths of {}", province.unit);
        }
    }
}
