//! How many units and persons at a scale: communes keep their real size, there are fewer of them.

use crate::unit;
use danso_core::demography::simulate;
use danso_tier_config::UnitId;

/// Persons and communes of 1 April 2024 and 1 July 2025; provinces of the latter.
const PERSONS: u64 = 101_110_000;
const HOUSEHOLDS: u64 = 28_150_000;
const COMMUNES: u64 = 3_321;
const PROVINCES: u64 = 34;
/// Events of the month.
const EVENTS: u64 = 1_500_000;

/// The month at whose end all registers stand.
pub const REGISTERED: &str = "2025-12";
/// The month of events.
pub const MONTH: &str = "2026-01";
/// When the registers were written down, and when the month was: Unix milliseconds of 2026-01-02 and 2026-02-02.
pub(super) const RECORDED_MS: [u64; 2] = [1_767_312_000_000, 1_769_990_400_000];
/// Changes of a batch, as a commune's node seals them.
pub(super) const BATCH: usize = 1_000;

/// A commune to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommunePlan {
    /// Its unit.
    pub unit: UnitId,
    /// Persons in its register.
    pub persons: u32,
    /// Changes of its month.
    pub events: usize,
}

/// A province and its communes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Province {
    /// Its unit.
    pub unit: UnitId,
    /// Its communes.
    pub communes: Vec<CommunePlan>,
}

/// What is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The nation is divided by this.
    pub scale: u64,
    /// Seed of all draws and keys.
    pub seed: u64,
    /// Its provinces.
    pub provinces: Vec<Province>,
    persons: u64,
}

impl Plan {
    /// The nation divided by `scale`: persons, communes and events; at least one commune. Where there are fewer
    /// communes than provinces, each has a province of its own. Of the provinces the first `most` are made.
    pub fn new(scale: u64, seed: u64, most: usize) -> Self {
        let communes = ((COMMUNES + scale / 2) / scale).max(1);
        let provinces = PROVINCES.min(communes);
        let share = |all: u64, at: u64| (all / scale) / communes + u64::from(at < (all / scale) % communes);
        let commune = |at: u64| CommunePlan {
            unit: unit(&format!("{:05}", at + 1)),
            persons: share(PERSONS, at) as u32,
            events: share(EVENTS, at) as usize,
        };
        let of_province = |number: u64| (0..communes).filter(move |at| at * provinces / communes == number);
        let province = |number: u64| Province {
            unit: unit(&format!("{:02}", number + 1)),
            communes: of_province(number).map(commune).collect(),
        };
        let provinces: Vec<Province> = (0..provinces).map(province).take(most).collect();
        let made = provinces.iter().flat_map(|province| &province.communes);
        let persons = made.map(|commune| u64::from(commune.persons)).sum();
        Self { scale, seed, provinces, persons }
    }

    /// About how many changes the registers are.
    pub fn changes(&self) -> u64 {
        self.persons * (PERSONS + HOUSEHOLDS) / PERSONS
    }

    /// How many such plans are a nation, by persons.
    pub fn times(&self) -> f64 {
        PERSONS as f64 / self.persons as f64
    }

    /// How a commune is simulated.
    pub(super) fn simulated(&self, commune: &CommunePlan) -> simulate::Plan {
        let code = commune.unit.code.to_string();
        let start = MONTH.parse().expect("a month");
        simulate::Plan {
            place: format!("Xã {code}"),
            ..simulate::Plan::new(&code, commune.persons, 1, start, self.seed)
        }
    }

    /// What tells one plan from another.
    pub(super) fn words(&self) -> String {
        format!("nation 1 scale {} seed {} provinces {}\n", self.scale, self.seed, self.provinces.len())
    }
}
