//! The bar while it works, and the table at the end.

use super::{Central, Made, Place, measure, month::Took};
use crate::tree::central as unit;
use std::{
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

/// Width of the bar.
const WIDTH: u64 = 30;
/// Pause between two looks of the bar, and where nobody looks between two lines.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(10)];

/// Share done, rate, time left. What is made and what is linked count half each.
pub(super) struct Bar {
    what: &'static str,
    total: u64,
    made: u64,
    linked: u64,
    skipped: u64,
    since: Instant,
    shown: Option<Instant>,
    terminal: bool,
}

impl Bar {
    pub fn new(what: &'static str, total: u64) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let since = Instant::now();
        Self { what, total, made: 0, linked: 0, skipped: 0, since, shown: None, terminal }
    }

    /// What an earlier run did.
    pub fn skip(&mut self, changes: u64) {
        self.skipped += 2 * changes;
    }

    pub fn made(&mut self, changes: u64) {
        self.made += changes;
        self.show();
    }

    pub fn linked(&mut self, changes: u64) {
        self.linked += changes;
        self.show();
    }

    fn show(&mut self) {
        let pause = PAUSES[usize::from(!self.terminal)];
        if self.shown.is_some_and(|shown| shown.elapsed() < pause) {
            return;
        }
        self.shown = Some(Instant::now());
        let (now, seconds) = (self.made + self.linked, self.since.elapsed().as_secs_f64());
        let done = (now + self.skipped).min(2 * self.total);
        let rate = now as f64 / 2.0 / seconds.max(0.001);
        let left = (2 * self.total - done) as f64 / 2.0 / rate.max(1.0);
        let filled = (done * WIDTH / (2 * self.total).max(1)) as usize;
        let bar = format!("{}{}", "#".repeat(filled), ".".repeat(WIDTH as usize - filled));
        let percent = done * 50 / self.total.max(1);
        self.say(&format!(
            "{} [{bar}] {percent:3} %  {rate:.0} changes a second  {left:.0} s left",
            self.what
        ));
    }

    fn say(&self, text: &str) {
        let end = if self.terminal { '\r' } else { '\n' };
        let _ = write!(std::io::stderr(), "{text}   {end}");
    }

    pub fn end(&self) {
        self.say(&format!("{}: done in {:.0} s", self.what, self.since.elapsed().as_secs_f64()));
        let _ = writeln!(std::io::stderr());
    }
}

/// The lines of the table.
pub(super) struct Figures {
    times: f64,
    lines: Vec<[String; 4]>,
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.3} GB", bytes as f64 / 1e9)
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

impl Figures {
    pub fn new(place: &Place) -> Self {
        Self { times: place.plan.times(), lines: Vec::new() }
    }

    /// A line; `whole` is what it would be at full scale.
    fn line(&mut self, what: &str, found: String, whole: String, goal: &str) {
        self.lines.push([what.to_owned(), found, whole, goal.to_owned()]);
    }

    fn times(&self, time: Duration) -> String {
        seconds(time.mul_f64(self.times))
    }

    /// What the load took of central.
    pub fn load(&mut self, place: &Place, central: &Central) {
        let [took, processor, highest] = place.took();
        let (took, processor) = (Duration::from_millis(took), Duration::from_millis(processor));
        self.line("links of all provinces, one after the other", seconds(took), self.times(took), "30 min");
        self.line("central's processor time of it", seconds(processor), self.times(processor), "");
        let highest = highest.max(central.highest_bytes());
        self.line("central's memory at its highest", gigabytes(highest), String::new(), "4 GB");
    }

    /// What central counts, found equal to what was made.
    pub fn counted(&mut self, all: &[Made]) {
        let sum = Made::sum(all);
        let counted = format!("{} and {}", sum.before.persons(), sum.before.households);
        self.line("persons and households, equal at central by province and sex", counted, String::new(), "");
        let changes = format!("{} in {}", sum.changes, sum.batches);
        self.line("changes and batches", changes, String::new(), "");
        let took = self.lines[0][1].trim_end_matches(" s").parse::<f64>().unwrap_or(0.0);
        self.line(
            "changes a second of the links",
            format!("{:.0}", sum.changes as f64 / took),
            String::new(),
            "71,800",
        );
    }

    pub fn reopened(&mut self, stopped: Duration, started: Duration) {
        self.line("central stops in good order", seconds(stopped), String::new(), "");
        self.line("it starts until it answers", seconds(started), self.times(started), "30 s");
    }

    pub fn month(&mut self, took: Took) {
        let what = format!("a month: {} changes in {} batches", took.events, took.batches);
        self.line(&what, seconds(took.time), self.times(took.time), "2 min");
        let processor = Duration::from_millis(took.processor_ms);
        self.line("central's processor time of it", seconds(processor), self.times(processor), "");
    }

    pub fn killed(&mut self, started: Duration) {
        self.line("killed, it starts until it answers", seconds(started), self.times(started), "30 s");
    }

    pub fn size(&mut self, place: &Place, central: &Central, all: &[Made]) {
        let data = place.config(unit()).data;
        let sum = Made::sum(all);
        let changes = sum.changes + sum.events;
        for (what, folder) in [("ledger", data.join("ledger")), ("index", data.join("index")), ("disk", data)]
        {
            let bytes = measure::disk_bytes(&folder);
            let goal = if what == "disk" { "10 GB" } else { "" };
            self.line(
                &format!("central's {what}"),
                gigabytes(bytes),
                gigabytes((bytes as f64 * self.times) as u64),
                goal,
            );
            let each = format!("{:.1}", bytes as f64 / changes as f64);
            self.line(
                &format!("bytes a change, {what}"),
                each,
                String::new(),
                if what == "disk" { "40" } else { "" },
            );
        }
        let resident = central.resident_bytes();
        self.line(
            "central's memory after its start",
            gigabytes(resident),
            gigabytes((resident as f64 * self.times) as u64),
            "4 GB",
        );
    }

    pub fn print(&self) {
        println!("| figure | found | times {:.1} | goal |\n|---|---|---|---|", self.times);
        for [what, found, whole, goal] in &self.lines {
            println!("| {what} | {found} | {whole} | {goal} |");
        }
    }
}
