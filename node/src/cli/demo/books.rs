//! What the communes record: simulated registers and the P0 sheets of the months after.

use super::layout::{Layout, Site};
use crate::{
    cli::{
        failure::Failure,
        files::{self, Access},
    },
    operations::forms::{self, Style},
    transport::client::{ImportFile, NodeClient},
};
use danso_core::{
    demography::{MonthFigures, Neighbour, Plan, simulate},
    domain::Reach,
};
use danso_proto::v1::{ImportForm, ImportSummary};
use danso_tier_config::{Date, Month};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

/// Which months are simulated, for how many persons.
#[derive(Debug, Clone, Copy)]
pub(super) struct Period {
    /// First month of events.
    pub start: Month,
    /// Months of events.
    pub months: u16,
    /// Persons in each commune's register.
    pub persons: u32,
    /// The same seed gives the same rows.
    pub seed: u64,
}

impl Period {
    /// The months of events in order.
    pub fn all(&self) -> impl Iterator<Item = Month> + use<> {
        let start = self.start;
        (0..i32::from(self.months)).map(move |step| start.plus(step))
    }

    /// The last month of events.
    pub fn last(&self) -> Month {
        self.start.plus(i32::from(self.months) - 1)
    }

    /// The day whose end the registers show: the eve of the first month.
    pub fn eve(&self) -> Date {
        self.start.first_day().plus_days(-1)
    }

    /// Whether the line is cut in the `step`th month: the middle third, one month at least.
    pub fn is_cut(&self, step: usize) -> bool {
        let months = usize::from(self.months);
        let length = (months / 3).max(1);
        let from = months / 2 - length / 2;
        (from..from + length).contains(&step)
    }
}

/// A commune's files, and what counting them must give.
#[derive(Debug)]
pub(super) struct Book {
    /// The A0 book.
    pub register: Vec<u8>,
    /// The P0 sheet of every month.
    pub sheets: Vec<Vec<u8>>,
    /// The truth, month by month.
    pub figures: Vec<MonthFigures>,
}

impl Book {
    /// Simulates the commune of a site.
    pub fn of(layout: &Layout, site: &Site, period: &Period) -> Self {
        let commune = simulate(&plan(layout, site, period));
        let memory = "memory takes every write";
        let mut register = Vec::new();
        forms::write_register(&commune.register, Style::default(), &mut register).expect(memory);
        let sheet = |month: Month| {
            let mut sheet = Vec::new();
            forms::write_events(commune.events_of(month), Style::default(), &mut sheet).expect(memory);
            sheet
        };
        Self { register, sheets: period.all().map(sheet).collect(), figures: commune.figures }
    }

    /// Writes the files for people to look at.
    pub fn write(&self, layout: &Layout, site: &Site, period: &Period) -> Result<(), Failure> {
        let (folder, code) = (layout.books(), site.id().code);
        std::fs::create_dir_all(&folder).map_err(|error| {
            Failure::told("demo_folder", format!("cannot write {}: {error}", folder.display()))
        })?;
        let put = |name: String, content: &[u8]| {
            files::write(&folder.join(name), Access::Owner, |out| out.write_all(content))
        };
        put(format!("register-{code}.csv"), &self.register)?;
        let mut sheets = period.all().zip(&self.sheets);
        sheets.try_for_each(|(month, sheet)| put(format!("events-{code}-{month}.csv"), sheet))
    }
}

fn plan(layout: &Layout, site: &Site, period: &Period) -> Plan {
    let others =
        layout.communes().into_iter().map(|at| &layout.sites[at]).filter(|other| other.id() != site.id());
    let neighbours = others.map(|other| {
        let same_district = site.depth > 2 && other.unit.parent == site.unit.parent;
        let reach = if same_district { Reach::SameDistrict } else { Reach::SameProvince };
        Neighbour { code: other.id().code.to_string(), reach }
    });
    let code = site.id().code;
    Plan {
        place: site.unit.name.clone(),
        urban: site.unit.kind.is_urban(),
        neighbours: neighbours.collect(),
        ..Plan::new(code.as_str(), period.persons, period.months, period.start, period.seed)
    }
}

/// What sending files came to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Recorded {
    /// Rows recorded, durable.
    pub rows: u64,
    /// Seconds from the first byte sent to the last answer.
    pub seconds: f64,
}

impl Recorded {
    /// Adds what was recorded at another time.
    pub fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.seconds += other.seconds;
    }

    /// Rows a second, 0 where nothing was recorded.
    pub fn rate(&self) -> f64 {
        if self.rows == 0 { 0.0 } else { self.rows as f64 / self.seconds }
    }
}

/// Sends one file to each commune, all at the same time. `rows_done` counts along.
pub(super) async fn send_all(
    files: Vec<(NodeClient, ImportFile)>,
    rows_done: Arc<AtomicU64>,
) -> Result<Recorded, Failure> {
    let since = Instant::now();
    let sent: Vec<_> = files
        .into_iter()
        .map(|(client, file)| tokio::spawn(send(client, file, Arc::clone(&rows_done))))
        .collect();
    let mut rows = 0;
    for sent in sent {
        rows += sent.await.expect("sending a file does not panic")?;
    }
    Ok(Recorded { rows, seconds: since.elapsed().as_secs_f64() })
}

async fn send(client: NodeClient, file: ImportFile, rows_done: Arc<AtomicU64>) -> Result<u64, Failure> {
    let (mut before, mut faults) = (0, Vec::new());
    let summary = client
        .import(file, &mut |message| {
            rows_done.fetch_add(message.rows_done.saturating_sub(before), Ordering::Relaxed);
            before = message.rows_done.max(before);
            faults.extend(message.faults.into_iter().map(|fault| (fault.line, fault.column, fault.code)));
        })
        .await?;
    let ImportSummary { refused, recorded, .. } = summary;
    match faults.first() {
        Some((line, column, code)) => {
            let sentence =
                format!("a node refused {refused} simulated rows, first line {line}, {column}: {code}");
            Err(Failure::told("demo_rows_refused", sentence))
        }
        None => Ok(recorded),
    }
}

/// A register on its way to its commune.
pub(super) fn register_file(book: &Book, period: &Period) -> ImportFile {
    let content = book.register.clone().into();
    ImportFile { form: ImportForm::Register, as_of: Some(period.eve()), content }
}

/// A month's sheet on its way to its commune.
pub(super) fn sheet_file(book: &Book, step: usize) -> ImportFile {
    ImportFile { form: ImportForm::Events, as_of: None, content: book.sheets[step].clone().into() }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn the_line_is_cut_in_the_middle_third() {
        for (months, expected) in [(1, 0..1), (2, 1..2), (3, 1..2), (6, 2..4), (12, 4..8)] {
            let start = "2026-01".parse().unwrap();
            let period = Period { start, months, persons: 1, seed: 1 };
            let cut: Vec<usize> = (0..usize::from(months)).filter(|step| period.is_cut(*step)).collect();
            assert_eq!(cut, expected.collect::<Vec<_>>(), "{months}");
        }
    }
}
