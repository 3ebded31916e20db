//! Central compared with what the communes recorded, cell by cell.

use super::{
    books::{Book, Period},
    cells::Cells,
    layout::Layout,
    screen::thousands,
};
use crate::{
    cli::{
        failure::{Failure, Outcome},
        sheet::{Sheet, Side},
    },
    transport::client::NodeClient,
};
use danso_core::rollup::{Dimension, Measure};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

/// Differing cells that are printed.
const PRINTED_MAX: usize = 10;

/// A cell that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Difference {
    what: String,
    cell: String,
    expected: i64,
    found: i64,
}

/// What was compared and what differs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    /// Name, cells and differences of every comparison.
    lines: Vec<(String, usize, usize)>,
    /// The first differences.
    first: Vec<Difference>,
}

impl Comparison {
    /// Compares every cell that stands on either side.
    fn compare(&mut self, what: &str, expected: &Cells, found: &Cells) {
        let all: BTreeSet<_> = expected.0.keys().chain(found.0.keys()).collect();
        let mut differences = 0;
        for key in &all {
            let count = |cells: &Cells| cells.0.get(*key).copied().unwrap_or_default();
            let (expected, found) = (count(expected), count(found));
            if expected == found {
                continue;
            }
            differences += 1;
            if self.first.len() < PRINTED_MAX {
                let cell = format!("{} {}", key.0.word(), key.1.join(" "));
                self.first.push(Difference { what: what.to_owned(), cell, expected, found });
            }
        }
        self.lines.push((what.to_owned(), all.len(), differences));
    }

    fn total(&self) -> (usize, usize) {
        self.lines.iter().fold((0, 0), |(cells, differ), line| (cells + line.1, differ + line.2))
    }

    /// The comparisons as a table, the first differing cells, and the total.
    pub fn shown(&self) -> String {
        let columns = [("comparison", Side::Left), ("cells", Side::Right), ("differences", Side::Right)];
        let mut sheet = Sheet::new(columns);
        for (what, cells, differences) in &self.lines {
            sheet.push([what.clone(), thousands(*cells as u64), thousands(*differences as u64)]);
        }
        let mut text = sheet.table();
        for Difference { what, cell, expected, found } in &self.first {
            writeln!(text, "differs: {what}: {cell}: expected {expected}, found {found}")
                .expect("writing to memory cannot fail");
        }
        let (cells, differences) = self.total();
        let (cells, differences) = (thousands(cells as u64), thousands(differences as u64));
        format!("{text}{cells} cells compared, {differences} differences")
    }

    /// Done if nothing differs.
    pub fn outcome(&self) -> Result<Outcome, Failure> {
        match self.total() {
            (_, 0) => Ok(Outcome::Done),
            (cells, differences) => {
                let sentence =
                    format!("{differences} of {cells} cells differ between what was recorded and counted");
                Err(Failure::told("demo_differs", sentence))
            }
        }
    }
}

/// Asks every node for all its cells and compares them: central with the communes one by one, every upper
/// node with the sum of its communes, and central with what was simulated.
pub(super) async fn compare(
    layout: &Layout,
    clients: &[NodeClient],
    books: &[Book],
    period: &Period,
) -> Result<Comparison, Failure> {
    let communes = layout.communes();
    let ids = |places: &[usize]| -> Vec<String> {
        places.iter().map(|at| layout.sites[*at].id().to_string()).collect()
    };
    let mut comparison = Comparison::default();
    let central = Cells::of(&clients[0], Some(ids(&communes)), period).await?;
    let mut recorded = BTreeMap::new();
    for commune in &communes {
        recorded.insert(*commune, Cells::of(&clients[*commune], Some(ids(&[*commune])), period).await?);
    }
    let together = |places: &[usize]| {
        let mut cells = Cells::default();
        for ((measure, keys), count) in places.iter().flat_map(|commune| &recorded[commune].0) {
            cells.add(*measure, keys.clone(), *count);
        }
        cells
    };
    comparison.compare("central by commune = the communes", &together(&communes), &central);
    for at in (0..layout.sites.len()).filter(|at| !communes.contains(at)) {
        let below = together(&layout.communes_below(at));
        let sums = below.summed(Measure::ALL, |_, dimension| dimension != Dimension::Unit);
        let found = Cells::of(&clients[at], None, period).await?;
        let what = format!("{} = the sum of its communes", layout.sites[at].unit.name);
        comparison.compare(&what, &sums, &found);
    }
    let truth = Cells::simulated(layout, books, period);
    let known = [Measure::Population, Measure::Births, Measure::Deaths];
    let found = central.summed(&known, |measure, dimension| match dimension {
        Dimension::Unit | Dimension::Month => true,
        Dimension::Sex => measure == Measure::Births,
        _ => false,
    });
    comparison.compare("central = what was simulated", &truth, &found);
    Ok(comparison)
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use std::process::ExitCode;

    fn cells(rows: &[(&str, &str, i64)]) -> Cells {
        let mut cells = Cells::default();
        for (month, sex, count) in rows {
            let keys = ["00001@2004-07-08", *month, *sex, "28", "1"].map(str::to_owned);
            cells.add(Measure::Births, keys.to_vec(), *count);
        }
        cells
    }

    fn compared(expected: &Cells, found: &Cells) -> Comparison {
        let mut comparison = Comparison::default();
        comparison.compare("central", expected, found);
        comparison
    }

    #[test]
    fn equal_cells_are_done_and_a_missing_cell_is_zero() {
        let recorded = cells(&[("2026-03", "male", 2), ("2026-03", "female", 0)]);
        let comparison = compared(&recorded, &cells(&[("2026-03", "male", 2)]));
        assert!(comparison.shown().ends_with("\n2 cells compared, 0 differences"), "{}", comparison.shown());
        assert_eq!(comparison.outcome().unwrap(), Outcome::Done);
    }

    #[test]
    fn a_differing_cell_is_printed_and_gives_exit_code_1() {
        let recorded = cells(&[("2026-03", "male", 2), ("2026-04", "male", 1)]);
        let counted = cells(&[("2026-03", "male", 2), ("2026-04", "female", 1)]);
        let comparison = compared(&recorded, &counted);
        let text = comparison.shown();
        assert!(text.ends_with("\n3 cells compared, 2 differences"), "{text}");
        let line = "differs: central: births 00001@2004-07-08 2026-04 male 28 1: expected 1, found 0\n";
        assert!(text.contains(line), "{text}");
        assert_eq!(comparison.outcome().unwrap_err().report(), ExitCode::FAILURE);
    }

    #[test]
    fn only_the_first_ten_differing_cells_are_printed() {
        let months: Vec<String> = (1..=12).map(|month| format!("2026-{month:02}")).collect();
        let rows: Vec<(&str, &str, i64)> = months.iter().map(|month| (month.as_str(), "male", 1)).collect();
        let text = compared(&cells(&rows), &Cells::default()).shown();
        assert_eq!(text.matches("differs: ").count(), PRINTED_MAX);
        assert!(text.ends_with("12 cells compared, 12 differences"), "{text}");
    }
}
