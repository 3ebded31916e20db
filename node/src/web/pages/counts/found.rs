//! What the page shows, read from the node at one time.

use super::asked::month;
use crate::{
    operations::{CountQuery, Counted, Node, Provenance, QueryError},
    web::{
        failure::Failure,
        fields::Asked,
        pages::pyramid::{self, Group},
    },
};
use danso_core::{
    domain::Reach,
    rollup::{Accept, Dimension, Measure},
};
use danso_tier_config::{Month, UnitId, View};

/// Events of a month beside the population.
pub(super) const EVENTS: [(Measure, &str, &str); 6] = [
    (Measure::Births, "Sinh", "Births"),
    (Measure::Deaths, "Chết", "Deaths"),
    (Measure::Arrivals, "Chuyển đến", "Arrivals"),
    (Measure::Departures, "Chuyển đi", "Departures"),
    (Measure::Marriages, "Người kết hôn", "Persons married"),
    (Measure::Divorces, "Người ly hôn", "Persons divorced"),
];

/// Everything that the page shows.
pub(super) struct Found {
    pub unit: UnitId,
    pub name: String,
    pub above: Vec<(UnitId, String)>,
    pub month: Month,
    /// Whether the month goes on.
    pub begun_only: bool,
    pub groups: Vec<Group>,
    pub households: i64,
    pub events: Vec<i64>,
    pub below: Vec<Below>,
    pub provenance: Provenance,
}

/// A unit just below, and how much of it is known.
pub(super) struct Below {
    pub unit: UnitId,
    pub name: String,
    pub population: i64,
    /// Units in it that record, and those of them that have reported.
    pub expected: u64,
    pub reported: u64,
    /// Whether none of them ever did.
    pub silent: bool,
}

/// A question for a total, or by some dimensions.
fn query(units: &[UnitId], month: Month, measure: Measure, group_by: &[Dimension]) -> CountQuery {
    CountQuery {
        measure,
        units: units.iter().map(ToString::to_string).collect(),
        by_tier: None,
        months: Some((month, month)),
        filters: Vec::new(),
        group_by: group_by.to_vec(),
        boundary: None,
    }
}

fn total(counted: &Counted) -> i64 {
    counted.rows.iter().map(|row| row.count).sum()
}

/// The moves that cross a unit's border: all of them at a unit that records, those to and from abroad at the top.
fn crossing(at: &View<'_>, unit: UnitId) -> &'static [Reach] {
    match (at.children(unit).is_empty(), at.ancestors(unit).len()) {
        (true, _) => Reach::ALL,
        (_, 0) => &[Reach::Abroad],
        (_, 1) => &[Reach::OtherProvince, Reach::Abroad],
        _ => &[Reach::SameProvince, Reach::OtherProvince, Reach::Abroad],
    }
}

/// Counts what the address asks for, within the subtree of `scope`. Blocks.
pub(super) fn look(node: &Node, scope: UnitId, asked: &Asked) -> Result<Found, Failure> {
    let (directory, today) = (node.directory(), node.today());
    let names: Vec<String> =
        Some(asked.text("unit")).filter(|text| !text.is_empty()).map(str::to_owned).into_iter().collect();
    let unit = node.resolve_within(&directory, &names, today, scope)?.first().copied().unwrap_or(scope);
    let month = month(asked, today.month())?;
    let at = directory.at(today);
    let name = |unit: UnitId| directory.name(unit).unwrap_or_default().to_owned();
    let count = |query: &CountQuery| node.count_within(query, scope);
    let population =
        count(&query(&[unit], month, Measure::Population, &[Dimension::Sex, Dimension::AgeGroup]))?;
    let households = total(&count(&query(&[unit], month, Measure::Households, &[]))?);
    let crossing = crossing(&at, unit).iter().map(|reach| Accept::parse(Dimension::Reach, reach.word()));
    let crossing = crossing.collect::<Result<Vec<_>, _>>().map_err(QueryError::from)?;
    let events: Result<Vec<i64>, QueryError> = EVENTS
        .iter()
        .map(|(measure, ..)| {
            let mut asked = query(&[unit], month, *measure, &[]);
            if measure.has(Dimension::Reach) {
                asked.filters.push((Dimension::Reach, crossing.clone()));
            }
            Ok(total(&count(&asked)?))
        })
        .collect();
    let children = at.children(unit);
    let mut below = Vec::new();
    if !children.is_empty() {
        let late = &population.provenance.late;
        for row in count(&query(&children, month, Measure::Population, &[Dimension::Unit]))?.rows {
            let Some(unit) = row.keys.first().and_then(|key| key.parse::<UnitId>().ok()) else { continue };
            let expected = at.leaves_below(unit).len() as u64;
            let of_it = || late.iter().filter(|late| at.is_within(late.unit, unit));
            below.push(Below {
                unit,
                name: name(unit),
                population: row.count,
                expected,
                reported: expected.saturating_sub(of_it().count() as u64),
                silent: of_it().filter(|late| late.watermark_ms == 0).count() as u64 == expected,
            });
        }
    }
    let mut above: Vec<_> =
        at.ancestors(unit).into_iter().filter(|above| at.is_within(*above, scope)).collect();
    above.reverse();
    Ok(Found {
        unit,
        name: name(unit),
        above: above.into_iter().map(|unit| (unit, name(unit))).collect(),
        month,
        begun_only: month == today.month(),
        groups: pyramid::groups(&population.rows),
        households,
        events: events?,
        below,
        provenance: population.provenance,
    })
}
