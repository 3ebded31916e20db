//! A whole nation made, signed by its communes and loaded through its provinces into central.
//!
//! Each commune is simulated, recorded in a register in memory and sealed with a ledger key of its own. Province
//! after province takes the batches of its communes through the acceptance of a real node in this process, then runs
//! and sends them over its link (gRPC, mutual TLS) to central, which is a process of its own and never stops. What is
//! not real: the hop from commune to province has no line, and the month's batches go to central as the province would
//! forward them, not out of its store, which is gone by then.
//!
//! | file | holds |
//! |---|---|
//! | `plan.rs` | how many units and persons at a scale |
//! | `place.rs` | the folder: directory, keys, node files, what is done |
//! | `people.rs` | a commune's register and chain |
//! | `made.rs` | what was made of a province, counted without any tally |
//! | `fill.rs` | a province's store, filled |
//! | `link.rs` | a province linked to central until all is acknowledged |
//! | `month.rs` | a month of all communes sent to central |
//! | `central.rs` | central as a process: started, asked, stopped |
//! | `measure.rs` | what the system tells of a process and a folder |
//! | `screen.rs` | the bar and the table |
//!
//! Invariants:
//! 1. The same plan makes the same batches, byte for byte: a run that was killed goes on from what the nodes hold.
//! 2. What central counts is compared with what was written down, not with another tally.

mod central;
mod fill;
mod link;
mod made;
mod measure;
mod month;
mod people;
mod place;
mod plan;
mod screen;

pub use central::Central;
pub use made::Made;
pub use place::Place;
pub use plan::{Plan, Province};

use central::Seen;
use screen::{Bar, Figures};
use std::path::Path;

/// Makes and loads the nation, or goes on with it, and prints what it took. `danso` is the program of central.
///
/// Ends with a panic where central counts anything else than was made.
pub async fn run(plan: Plan, folder: &Path, danso: &str) {
    let place = Place::open(plan, folder);
    let mut central = Central::start(&place, danso).await;
    let mut bar = Bar::new("registers", place.plan.changes());
    for province in &place.plan.provinces {
        if place.is_linked(province) {
            place.drop_data(province);
            bar.skip(place.made(province).changes);
            continue;
        }
        let made = match place.made_if_filled(province) {
            Some(made) => made,
            None => fill::fill(&place, province, &mut bar).await,
        };
        link::link(&place, province, &made, &central, &mut bar).await;
    }
    bar.end();
    let mut figures = Figures::new(&place);
    figures.load(&place, &central);
    let all: Vec<Made> = place.plan.provinces.iter().map(|province| place.made(province)).collect();
    central.expect(plan::REGISTERED, &all, made::Stand::before).await;
    figures.counted(&all);
    let before = central.seen().await;
    let (stopped, started) = central.reopen(&place, danso).await;
    figures.reopened(stopped, started);
    same(&before, &central.seen().await);
    figures.month(month::send(&place, &central, &all).await);
    central.expect(plan::MONTH, &all, made::Stand::after).await;
    central.expect_events(&all).await;
    let before = central.seen().await;
    figures.killed(central.kill_and_start(&place, danso).await);
    same(&before, &central.seen().await);
    figures.size(&place, &central, &all);
    central.stop();
    figures.print();
}

fn same(before: &Seen, after: &Seen) {
    assert!(before == after, "central has other heads or tallies after a new start");
}
