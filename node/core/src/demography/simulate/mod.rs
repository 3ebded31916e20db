//! A simulated commune: its A0 book at the first day of a month and the P0 rows of the months after.
//!
//! Ages, sexes, births, deaths, marriages and methods follow Viet Nam's figures of 2019-2020
//! (`tables.rs`), so that counts, rates and speed can be tried at the size of the real programme.
//! The register is composed from the age structure: couples first, then their children, then their
//! parents. Afterwards each month draws what may happen to whom, and an agenda lets it happen in
//! the order of days if it still can.
//!
//! | file | holds |
//! |---|---|
//! | `dice.rs` | the seeded stream of chance |
//! | `tables.rs` | the national figures drawn from |
//! | `names.rs` | Vietnamese names |
//! | `numbers.rs` | insurance, citizen and telephone numbers |
//! | `world.rs` | persons and households as simulated, and how a row names them |
//! | `people.rs` | ages, marital status and couples of the first day |
//! | `homes.rs` | who lives with whom on the first day |
//! | `facts.rs` | names, numbers and the other basic data of the first day |
//! | `book.rs` | the A0 book written from the world |
//! | `months.rs` | what is drawn each month, and the agenda |
//! | `family.rs` | births, deaths, marriages, divorces |
//! | `health.rs` | methods, pregnancies, screenings, elderly checks, corrections |
//! | `moves.rs` | arrivals and departures |
//! | `check.rs` | (tests) a small register that replays the rows and finds contradictions |
//! | `accept.rs` | (tests) the rows taken through the domain's rules |
//!
//! Invariants:
//! 1. The same plan gives the same rows, whenever and wherever the same program runs.
//! 2. Rows stand in the order of their dates; nobody acts before arriving or after dying or leaving.
//! 3. Within a household no two persons ever share a name, so a household number and a name name one person.
//! 4. Insurance and citizen numbers are unique in the commune.
//! 5. `figures` is what a register that took every row must count.

#[cfg(test)]
mod accept;
mod book;
#[cfg(test)]
mod check;
mod dice;
mod facts;
mod family;
mod health;
mod homes;
mod months;
mod moves;
mod names;
mod numbers;
mod people;
mod tables;
#[cfg(test)]
mod tests;
mod world;

use super::MonthFigures;
use crate::domain::{
    Reach,
    form::{EventRow, RegisterRow},
};
use danso_tier_config::Month;

/// Another unit that people come from and go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// Its official code, written into arrivals and departures.
    pub code: String,
    /// How far a move between it and the simulated commune goes.
    pub reach: Reach,
}

/// What to simulate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Official code of the commune; varies all draws and keeps its insurance and citizen numbers apart
    /// from those of other communes.
    pub unit_code: String,
    /// Two-digit code of the province, the root of citizen numbers (0-99).
    pub province: u8,
    /// Name of the commune, written into addresses; may be empty.
    pub place: String,
    /// Streets and residential groups (tổ dân phố) rather than hamlets (thôn) in addresses.
    pub urban: bool,
    /// Areas of collaborators; at least 1 is used.
    pub area_count: u16,
    /// Persons in the register at the first day, exactly.
    pub persons: u32,
    /// Months of events.
    pub months: u16,
    /// First month of events; the register stands at its first day.
    pub start: Month,
    /// Seed of all draws.
    pub seed: u64,
    /// Units that moves name; where none fits the distance of a move, its code stays empty.
    pub neighbours: Vec<Neighbour>,
}

impl Plan {
    /// A rural commune with one area per 400 persons and no neighbours.
    pub fn new(unit_code: &str, persons: u32, months: u16, start: Month, seed: u64) -> Self {
        Self {
            unit_code: unit_code.to_owned(),
            province: 1,
            place: String::new(),
            urban: false,
            area_count: persons.div_ceil(400).clamp(1, 999) as u16,
            persons,
            months,
            start,
            seed,
            neighbours: Vec::new(),
        }
    }
}

/// A simulated commune.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commune {
    /// The A0 book at the first day: by area, household number and line.
    pub register: Vec<RegisterRow>,
    /// All P0 rows in the order of their dates.
    pub events: Vec<EventRow>,
    /// What each month must count, from [`Plan::start`] on.
    pub figures: Vec<MonthFigures>,
}

impl Commune {
    /// The P0 rows of one month.
    pub fn events_of(&self, month: Month) -> &[EventRow] {
        let before = |limit: Month| self.events.partition_point(|row| row.on < limit.first_day());
        &self.events[before(month)..before(month.plus(1))]
    }
}

/// Simulates a commune. Pure: the same plan gives the same rows.
///
/// All rows are held in memory; the time grows with persons × months.
pub fn simulate(plan: &Plan) -> Commune {
    let mut world = world::World::new(plan);
    people::populate(&mut world);
    homes::settle(&mut world);
    facts::describe(&mut world);
    months::prepare(&mut world);
    let register = book::write(&mut world);
    months::run(&mut world);
    Commune { register, events: world.events, figures: world.figures }
}
