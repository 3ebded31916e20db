//! The units below as they stand here: one by one as far as there is room, and as sums over all of them.

use super::{
    counted::LookedUp,
    declared::{
        CHANGES_QUARANTINED, CLOCK_OFFSET, Meter, UNIT_BEHIND, UNIT_CONTACT, UNIT_HELD, UNIT_QUARANTINED,
        UNIT_WATERMARK, UNITS, UNITS_UNTOLD,
    },
    scrape::{one, seconds},
};
use crate::operations::Node;
use danso_tier_config::{UnitId, limits};
use std::collections::BTreeSet;

/// A recording unit as it stands here.
#[derive(Debug, Clone, Copy, Default)]
struct Standing {
    watermark_ms: u64,
    contact_ms: u64,
    behind: u64,
    quarantined: u64,
    held: bool,
}

/// A metric of each unit: what it reads of how the unit stands.
type Column = (Meter, fn(&Standing) -> f64);

const COLUMNS: &[Column] = &[
    (UNIT_WATERMARK, |unit| seconds(unit.watermark_ms)),
    (UNIT_CONTACT, |unit| seconds(unit.contact_ms)),
    (UNIT_BEHIND, |unit| unit.behind as f64),
    (UNIT_QUARANTINED, |unit| unit.quarantined as f64),
    (UNIT_HELD, |unit| f64::from(u8::from(unit.held))),
];

impl Node {
    /// Every recording unit at or below this node's, and those of which it has a chain, in the order of their ids.
    fn units_told(&self) -> Vec<(UnitId, Standing)> {
        let directory = self.directory();
        let leaves = directory.at(self.today()).leaves_below(self.unit());
        // Copies: `watermark_ms` reads the same locks, and a second guard behind a waiting writer waits for ever.
        let heard = self.heard.read().expect("no holder of the watermarks panics").clone();
        let held = self.link.read().expect("no holder of the link panics").held.clone();
        let view = self.store.view();
        let units: BTreeSet<UnitId> = leaves.into_iter().chain(view.chains.keys().copied()).collect();
        let standing = |unit: UnitId| {
            let chain = view.chains.get(&unit);
            let heard = heard.get(&unit).copied().unwrap_or_default();
            let number = chain.map_or(0, |chain| chain.head.number.0);
            Standing {
                watermark_ms: self.watermark_ms(&view, unit),
                contact_ms: heard.heard_at_ms.max(chain.map_or(0, |chain| chain.received_at_ms)),
                behind: heard.number.saturating_sub(number),
                quarantined: chain.map_or(0, |chain| chain.quarantined),
                held: chain.is_some_and(|chain| chain.held.is_some()) || held.contains_key(&unit),
            }
        };
        units.into_iter().map(|unit| (unit, standing(unit))).collect()
    }

    /// What is told of the units.
    pub(super) fn units_looked_up(&self) -> Vec<LookedUp> {
        let units = self.units_told();
        let late_ms = self.now_ms().saturating_sub(self.config.limits.late_after_ms);
        let late = |unit: &Standing| unit.watermark_ms > 0 && unit.watermark_ms < late_ms;
        let count = |which: &dyn Fn(&Standing) -> bool| {
            units.iter().filter(|(_, standing)| which(standing)).count() as f64
        };
        let states = [
            ("all", units.len() as f64),
            ("silent", count(&|unit| unit.watermark_ms == 0)),
            ("late", count(&late)),
            ("held", count(&|unit| unit.held)),
            ("quarantined", count(&|unit| unit.quarantined > 0)),
        ];
        let quarantined: u64 = units.iter().map(|(_, standing)| standing.quarantined).sum();
        let told = &units[..units.len().min(limits::METER_UNITS_MAX)];
        let label = |unit: UnitId| vec![unit.to_string()];
        let states = states.map(|(state, count)| (vec![state.to_owned()], count));
        let offsets = self.clock_offsets().into_iter().take(limits::METER_UNITS_MAX);
        let mut found = vec![
            LookedUp { meter: UNITS, samples: states.into() },
            one(UNITS_UNTOLD, (units.len() - told.len()) as f64),
            one(CHANGES_QUARANTINED, quarantined as f64),
            LookedUp {
                meter: CLOCK_OFFSET,
                samples: offsets.map(|(unit, ms)| (label(unit), ms as f64 / 1_000.0)).collect(),
            },
        ];
        found.extend(COLUMNS.iter().map(|(meter, of)| LookedUp {
            meter: *meter,
            samples: told.iter().map(|(unit, standing)| (label(*unit), of(standing))).collect(),
        }));
        found
    }
}
