//! What can be asked of the tallies, and why a question has no answer.

use super::{
    accept::Accept,
    dimension::{Dimension, Measure},
};
use danso_tier_config::{Month, UnitId, limits};

/// Units that are counted together, one row of an answer by unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitGroup {
    /// How the row names it.
    pub key: String,
    /// The recording units whose tallies are summed; one named twice counts once.
    pub units: Vec<UnitId>,
}

/// A question: what to count, where, when and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What is counted.
    pub measure: Measure,
    /// Where. Without [`Dimension::Unit`] in `group_by` all groups are one, and a unit in two counts once.
    pub groups: Vec<UnitGroup>,
    /// The first month.
    pub from: Month,
    /// The last month, included.
    pub to: Month,
    /// Accepted values; every filter must accept a cell, by any of its values.
    pub filters: Vec<(Dimension, Vec<Accept>)>,
    /// The columns of the answer. Without [`Dimension::Month`] flows are summed over the months and stocks
    /// are the state at the end of the last.
    pub group_by: Vec<Dimension>,
}

/// One row of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Values in the order of [`Question::group_by`].
    pub keys: Vec<String>,
    /// The count.
    pub count: i64,
}

/// A question that has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CountError {
    /// The measure is not known by that dimension.
    #[error("{} cannot be counted by {}", .measure.word(), .dimension.word())]
    DimensionNotOfMeasure {
        /// What was to be counted.
        measure: Measure,
        /// By what.
        dimension: Dimension,
    },
    /// A dimension stands twice in `group_by`.
    #[error("{} stands twice among the columns", .dimension.word())]
    DimensionTwice {
        /// Which.
        dimension: Dimension,
    },
    /// A filter on units or months, which the question names itself.
    #[error("{} cannot be filtered", .dimension.word())]
    FilterDimension {
        /// Which.
        dimension: Dimension,
    },
    /// A filter's value that the dimension does not have, or a filter without values.
    #[error("a filter on {} accepts no value it has", .dimension.word())]
    FilterValue {
        /// Which.
        dimension: Dimension,
    },
    /// The first month lies after the last.
    #[error("first month {from} is after last month {to}")]
    MonthsReversed {
        /// The first month.
        from: Month,
        /// The last month.
        to: Month,
    },
    /// More months than one count may span.
    #[error("{months} months exceed {}", limits::COUNT_MONTHS_MAX)]
    TooManyMonths {
        /// How many were asked for.
        months: i32,
    },
    /// More rows than one answer may have.
    #[error("more than {} rows", limits::COUNT_ROWS_MAX)]
    TooManyRows,
}

impl CountError {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub fn code(self) -> &'static str {
        match self {
            Self::DimensionNotOfMeasure { .. } => "dimension_not_of_measure",
            Self::DimensionTwice { .. } => "dimension_twice",
            Self::FilterDimension { .. } => "filter_dimension",
            Self::FilterValue { .. } => "filter_value",
            Self::MonthsReversed { .. } => "months_reversed",
            Self::TooManyMonths { .. } => "too_many_months",
            Self::TooManyRows => "too_many_rows",
        }
    }
}

impl Question {
    /// Whether it can be answered at all: its months, dimensions and filters. Tallies are not looked at.
    pub fn check(&self) -> Result<(), CountError> {
        let Self { measure, from, to, .. } = *self;
        if from > to {
            return Err(CountError::MonthsReversed { from, to });
        }
        let months = to.since(from) + 1;
        if months > limits::COUNT_MONTHS_MAX {
            return Err(CountError::TooManyMonths { months });
        }
        let filtered = self.filters.iter().map(|(dimension, _)| dimension);
        for dimension in self.group_by.iter().chain(filtered) {
            if !measure.has(*dimension) {
                return Err(CountError::DimensionNotOfMeasure { measure, dimension: *dimension });
            }
        }
        for (position, dimension) in self.group_by.iter().enumerate() {
            if self.group_by[..position].contains(dimension) {
                return Err(CountError::DimensionTwice { dimension: *dimension });
            }
        }
        for (dimension, accepts) in &self.filters {
            if matches!(dimension, Dimension::Unit | Dimension::Month) {
                return Err(CountError::FilterDimension { dimension: *dimension });
            }
            if accepts.is_empty() {
                return Err(CountError::FilterValue { dimension: *dimension });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    fn question(measure: Measure) -> Question {
        let (from, to) = (month("2025-07"), month("2025-12"));
        Question { measure, groups: vec![], from, to, filters: vec![], group_by: vec![] }
    }

    #[test]
    fn months_out_of_bounds_are_refused() {
        let (from, to) = (month("2026-01"), month("2025-12"));
        let reversed = Question { from, ..question(Measure::Births) };
        assert_eq!(reversed.check(), Err(CountError::MonthsReversed { from, to }));
        let century = Question { from: to.plus(1 - limits::COUNT_MONTHS_MAX), ..question(Measure::Births) };
        assert_eq!(century.check(), Ok(()));
        let more = Question { from: to.plus(-limits::COUNT_MONTHS_MAX), ..question(Measure::Births) };
        assert_eq!(more.check(), Err(CountError::TooManyMonths { months: limits::COUNT_MONTHS_MAX + 1 }));
    }

    #[test]
    fn dimensions_that_a_measure_does_not_have_are_refused() {
        let (measure, dimension) = (Measure::Households, Dimension::Sex);
        let refusal = CountError::DimensionNotOfMeasure { measure, dimension };
        let refused = Err(refusal);
        assert_eq!(Question { group_by: vec![dimension], ..question(measure) }.check(), refused);
        let men = Accept::parse(dimension, "male").unwrap();
        assert_eq!(Question { filters: vec![(dimension, vec![men])], ..question(measure) }.check(), refused);
        assert_eq!(refusal.to_string(), "households cannot be counted by sex");
    }

    #[test]
    fn columns_and_filters_make_sense() {
        let twice = vec![Dimension::Sex, Dimension::Age, Dimension::Sex];
        assert_eq!(
            Question { group_by: twice, ..question(Measure::Deaths) }.check(),
            Err(CountError::DimensionTwice { dimension: Dimension::Sex })
        );
        assert_eq!(
            Question { filters: vec![(Dimension::Sex, vec![])], ..question(Measure::Deaths) }.check(),
            Err(CountError::FilterValue { dimension: Dimension::Sex })
        );
        let months = vec![(Dimension::Month, vec![Accept::ages(1, 2)])];
        assert_eq!(
            Question { filters: months, ..question(Measure::Deaths) }.check(),
            Err(CountError::FilterDimension { dimension: Dimension::Month })
        );
    }
}
