//! The units of the subtree as they stand here: one by one as far as there is room, and as sums over all of them.
//!
//! It is the look that the dashboard and `danso status` show, and it is shared with them.

use super::{
    counted::LookedUp,
    declared::{
        CHANGES_QUARANTINED, CLOCK_OFFSET, FINDINGS, Meter, UNIT_BEHIND, UNIT_CERTIFICATE, UNIT_CONTACT,
        UNIT_DISK_FREE, UNIT_HELD, UNIT_LINK, UNIT_QUARANTINED, UNIT_WATERMARK, UNITS, UNITS_UNTOLD,
        UNSENT_SINCE,
    },
    scrape::{one, seconds},
};
use crate::operations::{
    Node,
    lag::{Severity, UnitStanding},
};
use danso_tier_config::limits;

/// A metric of each unit: what it reads of how the unit stands; `None` where it says nothing.
type Column = (Meter, fn(&UnitStanding) -> Option<f64>);

/// Seconds of a day.
const DAY_SECONDS: f64 = 86_400.0;

/// Of units whose tier records.
const CHAINS: &[Column] = &[
    (UNIT_WATERMARK, |unit| Some(seconds(unit.watermark_ms))),
    (UNIT_BEHIND, |unit| Some(unit.changes_behind as f64)),
    (UNIT_QUARANTINED, |unit| Some(unit.quarantined as f64)),
    (UNIT_HELD, |unit| Some(f64::from(u8::from(!unit.held_code.is_empty())))),
];

/// Of every unit but the node's own, of which it tells by itself.
const BELOW: &[Column] = &[
    (UNIT_CONTACT, |unit| Some(seconds(unit.last_contact_ms))),
    (UNIT_LINK, |unit| unit.connected.map(|open| f64::from(u8::from(open)))),
    (CLOCK_OFFSET, |unit| unit.clock_offset_ms.map(|ms| ms as f64 / 1_000.0)),
    (UNIT_DISK_FREE, |unit| unit.disk.map(|disk| disk.free_bytes as f64)),
    (UNIT_CERTIFICATE, |unit| Some(f64::from(unit.certificate_days?) * DAY_SECONDS)),
];

/// Counts recording units that stand so.
type State = (&'static str, fn(&UnitStanding, u64) -> bool);

const STATES: &[State] = &[
    ("all", |_, _| true),
    ("linked", |unit, _| unit.connected == Some(true)),
    ("silent", |unit, _| unit.is_unknown()),
    ("late", |unit, late_after_ms| unit.behind_ms.is_some_and(|behind| behind > late_after_ms)),
    ("held", |unit, _| !unit.held_code.is_empty()),
    ("quarantined", |unit, _| unit.quarantined > 0),
];

const SEVERITIES: [Severity; 3] = [Severity::Note, Severity::Warning, Severity::Critical];

impl Node {
    /// What is told of the units.
    pub(super) fn units_looked_up(&self) -> Vec<LookedUp> {
        let standings = self.standings_lately();
        let mut units: Vec<&UnitStanding> = standings.iter().collect();
        // Upper tiers first, then by id: the same ones are told every time.
        units.sort_by_key(|unit| (unit.records, unit.unit));
        let late_after_ms = self.limits().late_after_ms;
        let count = |holds: fn(&UnitStanding, u64) -> bool| {
            units.iter().filter(|unit| unit.records && holds(unit, late_after_ms)).count() as f64
        };
        let states = STATES.iter().map(|(state, holds)| (vec![(*state).to_owned()], count(*holds)));
        let findings = SEVERITIES.iter().map(|severity| {
            let all = units.iter().flat_map(|unit| &unit.findings);
            let count = all.filter(|finding| finding.severity == *severity).count();
            (vec![severity.as_str().to_owned()], count as f64)
        });
        let quarantined: u64 = units.iter().map(|unit| unit.quarantined).sum();
        let untold = units.len().saturating_sub(limits::METER_UNITS_MAX);
        let mut found = vec![
            LookedUp { meter: UNITS, samples: states.collect() },
            LookedUp { meter: FINDINGS, samples: findings.collect() },
            one(UNITS_UNTOLD, untold as f64),
            one(CHANGES_QUARANTINED, quarantined as f64),
        ];
        if self.config.parent.is_some() {
            // This node is the last stop of every way.
            let waiting = units.iter().filter_map(|unit| unit.hops.last()?.oldest_unsent_ms);
            found.push(one(UNSENT_SINCE, seconds(waiting.min().unwrap_or(0))));
        }
        units.truncate(limits::METER_UNITS_MAX);
        let own = self.unit();
        found.extend(CHAINS.iter().map(|column| told(column, &units, |unit| unit.records)));
        found.extend(BELOW.iter().map(|column| told(column, &units, |unit| unit.unit != own)));
        found
    }
}

fn told((meter, of): &Column, units: &[&UnitStanding], which: impl Fn(&UnitStanding) -> bool) -> LookedUp {
    let units = units.iter().filter(|unit| which(unit));
    let samples = units.filter_map(|unit| Some((vec![unit.unit.to_string()], of(unit)?))).collect();
    LookedUp { meter: *meter, samples }
}
