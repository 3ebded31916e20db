//! Counts of the units that a question names, each with its provenance.

use super::{node::Node, provenance::Provenance};
use danso_core::rollup::{Accept, CountError, Dimension, Measure, Question, Row, UnitGroup, count};
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
        let groups = self.groups(&directory, &asked, query.by_tier.as_deref(), boundary)?;
        self.count_groups(query, groups, scope, &directory, boundary)
    }

    /// The same where the answer needs so little that a thread of its own would take longer: a few recording units in
    /// a few months. `None` for all others.
    pub fn count_at_once(&self, query: &CountQuery, scope: UnitId) -> Option<Result<Counted, QueryError>> {
        let few_units = (1..=limits::COUNT_AT_ONCE_UNITS_MAX).contains(&query.units.len());
        let few_months =
            query.months.is_none_or(|(from, to)| to.since(from) < limits::COUNT_AT_ONCE_MONTHS_MAX);
        if !few_units || !few_months || query.by_tier.is_some() {
            return None;
        }
        let directory = self.directory();
        let boundary = query.boundary.unwrap_or_else(|| self.today());
        let asked = match self.resolve_within(&directory, &query.units, boundary, scope) {
            Ok(asked) => asked,
            Err(error) => return Some(Err(error)),
        };
        let at = directory.at(boundary);
        if !asked.iter().all(|unit| at.children(*unit).is_empty()) {
            return None;
        }
        let alone = |unit: UnitId| UnitGroup { key: unit.to_string(), units: vec![unit] };
        let groups = asked.into_iter().map(alone).collect();
        Some(self.count_groups(query, groups, scope, &directory, boundary))
    }

    fn count_groups(
        &self,
        query: &CountQuery,
        groups: Vec<UnitGroup>,
        scope: UnitId,
        directory: &Directory,
        boundary: Date,
    ) -> Result<Counted, QueryError> {
        let by_unit = query.by_tier.is_some() || query.group_by.contains(&Dimension::Unit);
        let mut group_by = query.group_by.clone();
        if by_unit && !group_by.contains(&Dimension::Unit) {
            group_by.insert(0, Dimension::Unit);
        }
        let last_month = self.today().month().plus(-1);
        let (from, to) = query.months.unwrap_or((last_month, last_month));
        let leaves: BTreeSet<UnitId> = groups.iter().flat_map(|group| group.units.iter().copied()).collect();
        if scope != self.unit() {
            // Boundaries of another day do not open what lies outside today.
            let strange = |leaf: &&UnitId| **leaf != scope && !self.lies_below(**leaf, scope);
            if let Some(unit) = leaves.iter().find(strange).copied() {
                return Err(QueryError::OutsideScope { unit, scope });
            }
        }
        let columns = group_by.iter().map(|dimension| dimension.word().to_owned()).collect();
        let question =
            Question { measure: query.measure, groups, from, to, filters: query.filters.clone(), group_by };
        // One guard for rows and heads: the digest names exactly what was counted.
        let view = self.store.view();
        let rows = count(&view.tallies, &question)?;
        let provenance = self.provenance_of(&view, directory, &leaves, to, boundary);
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
        let below = asked.iter().flat_map(|top| view.subtree(*top));
        let of_tier = |unit: &UnitId| view.unit(*unit).is_some_and(|unit| *unit.tier == *tier);
        let units: BTreeSet<UnitId> = below.filter(of_tier).collect();
        Ok(units.into_iter().map(group).collect())
    }
}
