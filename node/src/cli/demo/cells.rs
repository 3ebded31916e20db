//! Cells of counts: what a node counts, sums over them, and what the simulation says.

use super::{
    books::{Book, Period},
    layout::Layout,
};
use crate::{cli::failure::Failure, transport::client::NodeClient};
use danso_core::rollup::{Dimension, Measure};
use danso_proto::v1::CountRequest;
use std::collections::BTreeMap;

/// Counts by measure and by the values of its dimensions. A cell that is missing is 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cells(pub BTreeMap<(Measure, Vec<String>), i64>);

/// All dimensions of a measure; age groups follow from ages.
fn dimensions(measure: Measure) -> Vec<Dimension> {
    let all = Dimension::ALL.iter().copied();
    all.filter(|dimension| *dimension != Dimension::AgeGroup && measure.has(*dimension)).collect()
}

impl Cells {
    /// Adds to a cell.
    pub fn add(&mut self, measure: Measure, keys: Vec<String>, count: i64) {
        *self.0.entry((measure, keys)).or_default() += count;
    }

    /// All cells that a node counts: of every unit named, or of all that it knows without units.
    pub async fn of(
        client: &NodeClient,
        units: Option<Vec<String>>,
        period: &Period,
    ) -> Result<Self, Failure> {
        let mut cells = Self::default();
        for measure in Measure::ALL.iter().copied() {
            let mut group_by = dimensions(measure);
            group_by.retain(|dimension| units.is_some() || *dimension != Dimension::Unit);
            let request = CountRequest {
                measure: measure.code(),
                units: units.clone().unwrap_or_default(),
                month_from: period.start.plus(-1).to_string(),
                month_to: period.last().to_string(),
                group_by: group_by.iter().map(|dimension| dimension.code()).collect(),
                ..CountRequest::default()
            };
            for row in client.count(request).await?.rows {
                cells.add(measure, row.keys, row.count);
            }
        }
        Ok(cells)
    }

    /// The sum over all values of the dimensions that are not kept.
    pub fn summed(&self, measures: &[Measure], kept: impl Fn(Measure, Dimension) -> bool) -> Self {
        let mut sums = Self::default();
        for ((measure, keys), count) in self.0.iter().filter(|((measure, _), _)| measures.contains(measure)) {
            let of = dimensions(*measure);
            let keys = keys.iter().zip(of).filter(|(_, dimension)| kept(*measure, *dimension));
            sums.add(*measure, keys.map(|(key, _)| key.clone()).collect(), *count);
        }
        sums
    }

    /// What the simulation says that each commune must count.
    pub fn simulated(layout: &Layout, books: &[Book], period: &Period) -> Self {
        let mut cells = Self::default();
        for (commune, book) in layout.communes().into_iter().zip(books) {
            let unit = layout.sites[commune].id().to_string();
            if let Some(first) = book.figures.first() {
                let eve = period.start.plus(-1).to_string();
                cells.add(Measure::Population, vec![unit.clone(), eve], first.population_start);
            }
            for (month, figures) in period.all().zip(&book.figures) {
                let keys = vec![unit.clone(), month.to_string()];
                let of = |sex: &str| [keys.as_slice(), &[sex.to_owned()]].concat();
                cells.add(Measure::Births, of("male"), figures.births_male);
                cells.add(Measure::Births, of("female"), figures.births_female);
                cells.add(Measure::Population, keys.clone(), figures.population_end);
                cells.add(Measure::Deaths, keys, figures.deaths);
            }
        }
        cells
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn sums_leave_out_what_is_not_kept() {
        let mut all = Cells::default();
        for (sex, count) in [("male", 2), ("female", 3)] {
            let keys = ["00001@2004-07-08", "2026-03", sex, "28", "1"].map(str::to_owned);
            all.add(Measure::Births, keys.to_vec(), count);
        }
        let months = all.summed(&[Measure::Births], |_, dimension| dimension == Dimension::Month);
        let mut expected = Cells::default();
        expected.add(Measure::Births, vec!["2026-03".to_owned()], 5);
        assert_eq!(months, expected);
    }
}
