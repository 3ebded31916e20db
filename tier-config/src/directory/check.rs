//! Every rule that a directory must keep, each broken one reported with its line.

use super::{
    Directory,
    row::{Lineage, Unit},
};
use crate::{
    date::Date,
    fault::{Fault, Faults},
    tier::Hierarchy,
    unit::{UnitCode, UnitId},
};
use std::collections::{HashMap, HashSet};

/// Rows as read, each with its line, not yet checked.
pub(super) struct Rows<'a> {
    pub(super) file: &'a str,
    pub(super) units: Vec<(Unit, usize)>,
    pub(super) lineage: Vec<(Lineage, usize)>,
}

/// Rows by unit, oldest first, each with its line.
type ById<'a> = HashMap<UnitId, Vec<(&'a Unit, usize)>>;

impl Rows<'_> {
    /// The directory of these rows, or their faults together with those found before.
    pub(super) fn checked(self, hierarchies: &[Hierarchy], mut faults: Faults) -> Result<Directory, Faults> {
        let mut by_id: ById<'_> = HashMap::new();
        for (unit, line) in &self.units {
            by_id.entry(unit.id).or_default().push((unit, *line));
        }
        for rows in by_id.values_mut() {
            rows.sort_by_key(|(unit, _)| unit.valid_from);
        }
        let mut found = Vec::new();
        let mut report = |line: usize, key: &str, code: &'static str, message: String| {
            found.push(Fault { file: self.file.to_owned(), line, key: key.to_owned(), message, code });
        };
        periods(&by_id, &mut report);
        codes(&self.units, &mut report);
        tiers(&self.units, hierarchies, &mut report);
        parents(&self.units, &by_id, hierarchies, &mut report);
        cycles(&self.units, &by_id, &mut report);
        lineage(&self.lineage, &by_id, &mut report);
        faults.0.append(&mut found);
        faults.none_or(())?;
        let units = self.units.into_iter().map(|(unit, _)| unit).collect();
        let lineage = self.lineage.into_iter().map(|(edge, _)| edge).collect();
        Ok(Directory::indexed(units, lineage, hierarchies))
    }
}

/// Rows of one unit begin on the id's day, end after they begin and do not overlap.
fn periods(by_id: &ById<'_>, report: &mut impl FnMut(usize, &str, &'static str, String)) {
    for (id, rows) in by_id {
        let (first, line) = rows[0];
        if first.valid_from != id.valid_from {
            let message =
                format!("first row of {id} begins on {}, expected {}", first.valid_from, id.valid_from);
            report(line, "valid_from", "unit-period", message);
        }
        for (unit, line) in rows {
            if let Some(last) = unit.valid_to.filter(|last| *last < unit.valid_from) {
                let message = format!("{id} ends on {last}, before its first day {}", unit.valid_from);
                report(*line, "valid_to", "unit-period", message);
            }
            if unit.name.trim().is_empty() {
                report(*line, "name", "value-form", format!("{id} has no name"));
            }
        }
        for pair in rows.windows(2) {
            let ((earlier, first_line), (later, line)) = (pair[0], pair[1]);
            if earlier.valid_to.is_none_or(|last| last >= later.valid_from) {
                let message =
                    format!("{id} has two rows on {}, the other in line {first_line}", later.valid_from);
                report(line, "unit", "unit-duplicate", message);
            } else if earlier.valid_to.map(|last| last.plus_days(1)) != Some(later.valid_from) {
                let message = format!("{id} has a gap before {}", later.valid_from);
                report(line, "valid_from", "unit-period", message);
            }
        }
    }
}

/// One code means one unit at one tier on one day.
fn codes(units: &[(Unit, usize)], report: &mut impl FnMut(usize, &str, &'static str, String)) {
    let mut by_code: HashMap<(UnitCode, &str), Vec<(&Unit, usize)>> = HashMap::new();
    for (unit, line) in units {
        by_code.entry((unit.id.code, unit.tier.as_str())).or_default().push((unit, *line));
    }
    for ((code, tier), mut rows) in by_code {
        rows.sort_by_key(|(unit, _)| unit.valid_from);
        for pair in rows.windows(2) {
            let ((earlier, first_line), (later, line)) = (pair[0], pair[1]);
            let overlap = earlier.valid_to.is_none_or(|last| last >= later.valid_from);
            if overlap && earlier.id != later.id {
                let message = format!(
                    "code {code} of tier {tier} means two units on {}, the other in line {first_line}",
                    later.valid_from
                );
                report(line, "code", "code-overlap", message);
            }
        }
    }
}

fn tiers(
    units: &[(Unit, usize)],
    hierarchies: &[Hierarchy],
    report: &mut impl FnMut(usize, &str, &'static str, String),
) {
    let known: HashSet<&str> =
        hierarchies.iter().flat_map(Hierarchy::tiers).map(|tier| tier.name.as_str()).collect();
    for (unit, line) in units {
        if !known.contains(unit.tier.as_str()) {
            let near = crate::fault::nearest(&unit.tier, known.iter().copied());
            let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            report(*line, "tier", "tier-unknown", format!("no hierarchy has a tier `{}`{hint}", unit.tier));
        }
    }
}

/// A parent is known, of a higher tier and valid on every day of the child's row; only top tiers have none.
fn parents(
    units: &[(Unit, usize)],
    by_id: &ById<'_>,
    hierarchies: &[Hierarchy],
    report: &mut impl FnMut(usize, &str, &'static str, String),
) {
    for (unit, line) in units {
        let mut fault = |message: String| report(*line, "parent", "unit-parent", message);
        let Some(parent) = unit.parent else {
            if hierarchies.iter().any(|hierarchy| hierarchy.above(&unit.tier).is_some()) {
                fault(format!("{} of tier {} needs a parent", unit.id, unit.tier));
            }
            continue;
        };
        let Some(rows) = by_id.get(&parent) else {
            fault(format!("parent {parent} of {} is not in the directory", unit.id));
            continue;
        };
        if let Some(day) = uncovered(unit, rows) {
            fault(format!("parent {parent} is not valid on {day}, a day of {}", unit.id));
        }
        let above = |row: &Unit| hierarchies.iter().any(|known| known.is_above(&row.tier, &unit.tier));
        let known = |tier: &str| hierarchies.iter().any(|hierarchy| hierarchy.tier(tier).is_some());
        let wrong = rows.iter().find(|(row, _)| known(&row.tier) && known(&unit.tier) && !above(row));
        if let Some((row, _)) = wrong {
            fault(format!("parent {parent} of tier {} is not above tier {}", row.tier, unit.tier));
        }
    }
}

/// The first day of a row on which its parent (rows without gaps) is not valid.
fn uncovered(unit: &Unit, parent: &[(&Unit, usize)]) -> Option<Date> {
    let (first, last) = (parent.first()?.0.valid_from, parent.last()?.0.valid_to);
    if unit.valid_from < first {
        return Some(unit.valid_from);
    }
    let last = last?;
    match unit.valid_to {
        Some(end) if end <= last => None,
        _ => Some(last.plus_days(1).max(unit.valid_from)),
    }
}

/// No unit stands above itself, on any day.
fn cycles(
    units: &[(Unit, usize)],
    by_id: &ById<'_>,
    report: &mut impl FnMut(usize, &str, &'static str, String),
) {
    let mut clear: HashSet<(UnitId, Date)> = HashSet::new();
    for (unit, line) in units {
        let day = unit.valid_from;
        let mut path = vec![unit.id];
        let mut above = unit.parent;
        while let Some(parent) = above.filter(|parent| !clear.contains(&(*parent, day))) {
            if path.contains(&parent) {
                if parent == unit.id {
                    report(*line, "parent", "unit-cycle", format!("{parent} stands above itself on {day}"));
                }
                break;
            }
            path.push(parent);
            let row = by_id.get(&parent).and_then(|rows| rows.iter().find(|(row, _)| row.valid_on(day)));
            above = row.and_then(|(row, _)| row.parent);
        }
        if above.is_none_or(|parent| clear.contains(&(parent, day))) {
            clear.extend(path.into_iter().map(|id| (id, day)));
        }
    }
}

/// Both ends are known, the successor has a row from that day and the predecessor was there the day before.
fn lineage(
    edges: &[(Lineage, usize)],
    by_id: &ById<'_>,
    report: &mut impl FnMut(usize, &str, &'static str, String),
) {
    let mut seen = HashSet::new();
    for (edge, line) in edges {
        let mut fault = |message: String| report(*line, "predecessors", "unit-lineage", message);
        let Lineage { on, predecessor, successor, .. } = *edge;
        let begins = |(row, _): &(&Unit, usize)| row.valid_from == on;
        if !by_id.get(&successor).is_some_and(|rows| rows.iter().any(begins)) {
            fault(format!("successor {successor} has no row from {on}"));
        }
        let before = on.plus_days(-1);
        match by_id.get(&predecessor) {
            None => fault(format!("predecessor {predecessor} of {successor} is not in the directory")),
            Some(rows) if !rows.iter().any(|(row, _)| row.valid_on(before)) => {
                fault(format!("predecessor {predecessor} of {successor} is not valid on {before}"));
            }
            Some(_) => {}
        }
        if !seen.insert((on, predecessor, successor)) {
            fault(format!("predecessor {predecessor} of {successor} is given twice"));
        }
    }
}
