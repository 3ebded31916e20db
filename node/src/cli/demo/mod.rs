//! `danso demo`: a small country on this computer. Every node is a process of its own with real keys and
//! folders; communes record, one of them loses its line, and in the end central is compared with what the
//! communes recorded, cell by cell.
//!
//! | file | holds |
//! |---|---|
//! | `folder.rs` | the folder it works in |
//! | `tiers.rs` | the units of both hierarchies |
//! | `layout.rs` | folders, keys, ports and node files |
//! | `books.rs` | simulated registers and P0 sheets, and their way into the communes |
//! | `processes.rs` | the nodes as processes |
//! | `proxy.rs` | the line that is cut and restored |
//! | `look.rs` | where every node stands |
//! | `screen.rs` | the table, redrawn on a terminal |
//! | `stage.rs` | nodes, clients, waiting |
//! | `story.rs` | what happens, in order |
//! | `cells.rs`, `compare.rs` | the comparison at the end |
//! | `keep.rs` | what is printed when the nodes are left running |
//!
//! Invariants:
//! 1. However the demo ends, by a failure, a signal or in good order, no node outlives it unless `--keep` says so.
//! 2. Every wait has a condition and a bound: it fails when nothing has moved for too long.
//! 3. The comparison asks the nodes as anyone would; it also knows the truth, which no node does.

mod books;
mod cells;
mod compare;
mod folder;
mod keep;
mod layout;
mod look;
mod processes;
mod proxy;
mod screen;
mod stage;
mod story;
mod tiers;

use super::{
    failure::{Failure, Outcome},
    output, wait,
};
use crate::operations::now_ms;
use books::{Book, Period};
use clap::value_parser;
use danso_tier_config::Date;
use folder::Folder;
use layout::Layout;
use processes::Processes;
use screen::thousands;
use std::path::{Path, PathBuf};
use tiers::Tiers;
use tokio::signal::unix::{SignalKind, signal};

/// The folder of a demo that is kept, unless another is named.
const KEPT_FOLDER: &str = "danso-demo";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The programme's four tiers or today's three
    #[arg(long, value_enum, default_value_t = Tiers::Four)]
    tiers: Tiers,
    /// Leave the nodes running and print how to ask them
    #[arg(long)]
    keep: bool,
    /// An empty or new folder to work in, which stays; without it a temporary one, with --keep ./danso-demo
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Persons in the register of each commune
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = value_parser!(u32).range(1..=100_000))]
    persons: u32,
    /// Months of events, the last being the last month that has ended
    #[arg(long, value_name = "M", default_value_t = 6, value_parser = value_parser!(u16).range(1..=12))]
    months: u16,
    /// The same seed gives the same registers and events
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// First port of the nodes; without it free ones
    #[arg(long, value_name = "P", value_parser = value_parser!(u16).range(1..))]
    port: Option<u16>,
}

impl Arguments {
    fn period(&self, today: Date) -> Period {
        let start = today.month().plus(-i32::from(self.months));
        Period { start, months: self.months, persons: self.persons, seed: self.seed }
    }

    fn folder(&self) -> Result<Folder, Failure> {
        match &self.folder {
            Some(named) => Folder::named(named),
            None if self.keep => Folder::named(Path::new(KEPT_FOLDER)),
            None => Folder::temporary(),
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let period = arguments.period(Date::in_vietnam(now_ms()));
    // Before the nodes, so that it goes after them.
    let folder = arguments.folder()?;
    let layout = Layout::plan(arguments.tiers, &folder, arguments.port)?;
    output::data(&opening(&layout, &folder, &period))?;
    wait(async {
        let mut processes = Processes::default();
        let ended = tokio::select! {
            ended = play(&layout, &period, &mut processes, arguments.keep) => ended,
            ended = interrupted() => ended,
        };
        if arguments.keep && ended.is_ok() {
            output::data(&keep::shown(&layout, &period, &processes.leave()))?;
        }
        ended?.outcome()
    })
}

/// Makes files and books and plays the story.
async fn play(
    layout: &Layout,
    period: &Period,
    processes: &mut Processes,
    keep: bool,
) -> Result<compare::Comparison, Failure> {
    let (layout_too, period_too) = (layout.clone(), *period);
    let made = tokio::task::spawn_blocking(move || make(&layout_too, &period_too));
    let books = made.await.expect("making the books does not panic")?;
    story::play(layout, period, &books, processes, keep).await
}

fn make(layout: &Layout, period: &Period) -> Result<Vec<Book>, Failure> {
    layout.make()?;
    let mut books = Vec::new();
    for commune in layout.communes() {
        let site = &layout.sites[commune];
        let book = Book::of(layout, site, period);
        book.write(layout, site, period)?;
        books.push(book);
    }
    Ok(books)
}

/// Waits for Ctrl-C, the end of the session or a request to end.
async fn interrupted<T>() -> Result<T, Failure> {
    let failed = |error| Failure::told("signals_unavailable", format!("cannot wait for signals: {error}"));
    let mut end = signal(SignalKind::terminate()).map_err(failed)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(failed)?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = end.recv() => {}
        _ = hangup.recv() => {}
    }
    Err(Failure::told("demo_interrupted", "the demo was interrupted, its nodes are ended"))
}

fn opening(layout: &Layout, folder: &Folder, period: &Period) -> String {
    let communes = layout.communes().len();
    let stays = if folder.is_temporary() { "removed at the end" } else { "stays" };
    let (cut, parent) = layout.cut();
    let build = if cfg!(debug_assertions) { "\nbuild     unoptimised: times say little" } else { "" };
    format!(
        "danso demo: {} nodes on this computer, each a process with its own certificate and folder\n\
         folder    {} ({stays})\n\
         registers {communes} communes, {} persons each, as of {}, seed {}\n\
         events    {} to {}; in the middle the line from {} to {} is cut{build}\n\n\
         preparing keys, node files and registers\n",
        layout.sites.len(),
        folder.path().display(),
        thousands(u64::from(period.persons)),
        period.eve(),
        period.seed,
        period.start,
        period.last(),
        layout.sites[cut].unit.name,
        layout.sites[parent].unit.name,
    )
}
