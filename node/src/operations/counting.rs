//! Counts with their provenance: coverage, watermarks, late units, boundary date, digest of the heads.

use super::node::Node;
use danso_core::{
    chain::{BatchNumber, Digest},
    rollup::{Accept, CountError, Dimension, Measure, Question, Row, UnitGroup, count},
};
use danso_tier_config::{Date, Directory, Month, UnitId, limits};
use std::collections::BTreeSet;

/// A count as asked for, checked word by word but not against the directory.
#[derive(Debug, Clone)]
pub struct CountQuery {
    /// What to count.
    pub measure: Measure,
    /// Unit ids or codes; empty for this node's own unit.
    pub units: Vec<String>,
    /// One row for every unit of this tier below them.
    pub by_tier: Option<String>,
    /// First and last month; `None` for the last month that has ended.
    pub months: Option<(Month, Month)>,
    /// Accepted values by dimension.
    pub filters: Vec<(Dimension, Vec<Accept>)>,
    /// Columns.
    pub group_by: Vec<Dimension>,
    /// Whose boundaries; `None` for today's.
    pub boundary: Option<Date>,
}

/// A unit whose figures are not complete for the period asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LateUnit {
    /// Which.
    pub unit: UnitId,
    /// Its name.
    pub name: String,
    /// Up to when its chain is known, Unix milliseconds; 0 when it never reported.
    pub watermark_ms: u64,
}

/// How complete and how old an answer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// Recording units that were to report.
    pub expected: u32,
    /// How many of them did, for the whole period.
    pub reported: u32,
    /// The oldest watermark, Unix milliseconds.
    pub oldest_watermark_ms: u64,
    /// The units that did not.
    pub late: Vec<LateUnit>,
    /// Whose boundaries were used.
    pub boundary: Date,
    /// Digest of the heads counted.
    pub heads: Digest,
    /// Changes stored but not counted.
    pub quarantined: u64,
    /// When it was answered, Unix milliseconds.
    pub answered_at_ms: u64,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Counted {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Rows.
    pub rows: Vec<Row>,
    /// How complete and how old.
    pub provenance: Provenance,
}

/// Why a question has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum QueryError {
    /// The question itself.
    #[error(transparent)]
    Count(#[from] CountError),
    /// No unit of that id or code at the boundary date.
    #[error("no unit {name} on {on}")]
    UnknownUnit {
        /// As asked.
        name: String,
        /// At which date.
        on: Date,
    },
    /// The unit lies outside this node's subtree.
    #[error("{unit} is not below {node}, ask a node above both")]
    OutsideSubtree {
        /// The unit asked for.
        unit: UnitId,
        /// This node.
        node: UnitId,
    },
    /// The unit lies outside of what the caller may see here.
    #[error("{unit} is not below {scope}, the unit of the account or certificate that asks")]
    OutsideScope {
        /// The unit asked for.
        unit: UnitId,
        /// The topmost unit that the caller sees.
        scope: UnitId,
    },
    /// No such tier in the hierarchy.
    #[error("no tier {name}, there are {known}")]
    UnknownTier {
        /// As asked.
        name: String,
        /// The tiers there are.
        known: String,
    },
    /// More units than one question may name.
    #[error("{count} units exceed {}, ask by tier", limits::COUNT_UNITS_MAX)]
    TooManyUnits {
        /// How many were named.
        count: usize,
    },
    /// A word or value that is not understood.
    #[error("{what} {value:?} is not understood")]
    NotUnderstood {
        /// Which field.
        what: &'static str,
        /// As given.
        value: String,
    },
}

impl QueryError {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Count(error) => error.code(),
            Self::UnknownUnit { .. } => "unknown_unit",
            Self::OutsideSubtree { .. } | Self::OutsideScope { .. } => "outside_subtree",
            Self::UnknownTier { .. } => "unknown_tier",
            Self::NotUnderstood { .. } => "query_not_understood",
            Self::TooManyUnits { .. } => "too_many_units",
        }
    }
}

impl Node {
    /// Answers a count. The same heads and boundary date give the same rows.
    pub fn count(&self, query: &CountQuery) -> Result<Counted, QueryError> {
        self.count_within(query, self.unit())
    }

    /// The same for a caller who sees one unit and those below it: no unit named means that one.
    pub fn count_within(&self, query: &CountQuery, scope: UnitId) -> Result<Counted, QueryError> {
        let directory = self.directory();
        let boundary = query.boundary.unwrap_or_else(|| self.today());
        let asked = self.resolve_within(&directory, &query.units, boundary, scope)?;
        let by_unit = query.by_tier.is_some() || query.group_by.contains(&Dimension::Unit);
        let groups = self.groups(&directory, &asked, query.by_tier.as_deref(), boundary)?;
        let mut group_by = query.group_by.clone();
        if by_unit && !group_by.contains(&Dimension::Unit) {
            group_by.insert(0, Dimension::Unit);
        }
        let last_month = self.today().month().plus(-1);
        let (from, to) = query.months.unwrap_or((last_month, last_month));
        let leaves: BTreeSet<UnitId> = groups.iter().flat_map(|group| group.units.iter().copied()).collect();
        // Boundaries of another day do not open what lies outside today.
        let strange = leaves.iter().find(|leaf| **leaf != scope && !self.lies_below(**leaf, scope));
        if let Some(unit) = strange.copied().filter(|_| scope != self.unit()) {
            return Err(QueryError::OutsideScope { unit, scope });
        }
        let columns = group_by.iter().map(|dimension| dimension.word().to_owned()).collect();
        let question =
            Question { measure: query.measure, groups, from, to, filters: query.filters.clone(), group_by };
        // One guard for rows and heads: the digest names exactly what was counted.
        let view = self.store.view();
        let rows = count(&view.tallies, &question)?;
        let provenance = self.provenance_of(&view, &directory, &leaves, to, boundary);
        Ok(Counted { columns, rows, provenance })
    }

    /// Units by id or code, within the subtree of `scope`; none named means `scope`, which lies within this
    /// node's subtree.
    pub fn resolve_within(
        &self,
        directory: &Directory,
        names: &[String],
        on: Date,
        scope: UnitId,
    ) -> Result<Vec<UnitId>, QueryError> {
        if names.is_empty() {
            return Ok(vec![scope]);
        }
        if names.len() > limits::COUNT_UNITS_MAX {
            return Err(QueryError::TooManyUnits { count: names.len() });
        }
        let units: Result<BTreeSet<UnitId>, QueryError> =
            names.iter().map(|name| self.resolve_one(directory, name, on, scope)).collect();
        Ok(units?.into_iter().collect())
    }

    /// A unit by its id, or by its code on a day; anywhere in the directory.
    pub fn find(&self, directory: &Directory, name: &str, on: Date) -> Option<UnitId> {
        if let Ok(unit) = name.parse::<UnitId>() {
            return directory.unit(unit).map(|found| found.id);
        }
        self.config.hierarchy.tiers().iter().find_map(|tier| directory.find(name, &tier.name, on))
    }

    fn resolve_one(
        &self,
        directory: &Directory,
        name: &str,
        on: Date,
        scope: UnitId,
    ) -> Result<UnitId, QueryError> {
        let unknown = || QueryError::UnknownUnit { name: name.chars().take(40).collect(), on };
        let unit = self.find(directory, name, on).ok_or_else(unknown)?;
        let at = directory.at(on);
        // A unit that has ended, or has not begun, is no zero.
        at.unit(unit).ok_or_else(unknown)?;
        if !at.is_within(unit, self.unit()) {
            Err(QueryError::OutsideSubtree { unit, node: self.unit() })
        } else if !at.is_within(unit, scope) {
            Err(QueryError::OutsideScope { unit, scope })
        } else {
            Ok(unit)
        }
    }

    fn groups(
        &self,
        directory: &Directory,
        asked: &[UnitId],
        by_tier: Option<&str>,
        on: Date,
    ) -> Result<Vec<UnitGroup>, QueryError> {
        let view = directory.at(on);
        let group = |unit: UnitId| {
            let units = view.leaves_below(unit);
            UnitGroup { key: unit.to_string(), units: if units.is_empty() { vec![unit] } else { units } }
        };
        let Some(tier) = by_tier else {
            return Ok(asked.iter().copied().map(group).collect());
        };
        if self.config.hierarchy.tier(tier).is_none() {
            let known: Vec<&str> = self.config.hierarchy.tiers().iter().map(|tier| &*tier.name).collect();
            return Err(QueryError::UnknownTier { name: tier.to_owned(), known: known.join(", ") });
        }
        let units = view.units_of_tier(tier);
        let inside = |unit: &UnitId| asked.iter().any(|top| view.is_within(*unit, *top));
        Ok(units.into_iter().filter(inside).map(group).collect())
    }

    /// Up to when an origin's chain is known here, Unix milliseconds; 0 when it never reported.
    pub fn watermark_ms(&self, view: &crate::store::View, origin: UnitId) -> u64 {
        let chain = view.chains.get(&origin);
        let head = chain.map(|chain| chain.head).unwrap_or_default();
        let received = chain.map_or(0, |chain| chain.received_at_ms);
        // A chain whose PC is ahead of time does not make this node's figures newer than now.
        let applied = if head.number > BatchNumber(0) { head.recorded_to.millis().min(received) } else { 0 };
        if origin == self.unit() && self.records() {
            return if view.unsealed.is_empty() { self.now_ms() } else { applied };
        }
        let last = self.heard.read().expect("no holder of the watermarks panics").get(&origin).copied();
        match last {
            Some(last) if last.number <= head.number.0 => applied.max(last.as_of_ms),
            _ => applied,
        }
    }

    /// Provenance of an answer over these recording units for a period that ends with `last`.
    pub fn provenance_of(
        &self,
        view: &crate::store::View,
        directory: &Directory,
        leaves: &BTreeSet<UnitId>,
        last: Month,
        boundary: Date,
    ) -> Provenance {
        let now = self.now_ms();
        let due = end_of_month_ms(last).min(now.saturating_sub(self.limits().late_after_ms));
        let mut late = Vec::new();
        let (mut oldest, mut quarantined) = (u64::MAX, 0);
        for unit in leaves {
            let watermark_ms = self.watermark_ms(view, *unit);
            oldest = oldest.min(watermark_ms);
            quarantined += view.chains.get(unit).map_or(0, |chain| chain.quarantined);
            if watermark_ms < due || watermark_ms == 0 {
                let name = directory.name(*unit).unwrap_or_default().to_owned();
                late.push(LateUnit { unit: *unit, name, watermark_ms });
            }
        }
        Provenance {
            expected: leaves.len() as u32,
            reported: (leaves.len() - late.len()) as u32,
            oldest_watermark_ms: if leaves.is_empty() { 0 } else { oldest },
            late,
            boundary,
            heads: view.heads_digest(leaves.iter().copied()),
            quarantined,
            answered_at_ms: now,
        }
    }
}

/// The first moment after a month in Vietnam, Unix milliseconds.
fn end_of_month_ms(month: Month) -> u64 {
    let epoch = Date::new(1970, 1, 1).expect("a day of the calendar");
    let days = u64::from(month.plus(1).first_day().days().saturating_sub(epoch.days()));
    (days * 86_400_000).saturating_sub(7 * 3_600_000)
}
