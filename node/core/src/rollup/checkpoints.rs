//! The cells of a stock as of the end of certain months, so that a question need not add up all history.
//!
//! Held in memory only; they follow from the tallies, and no answer depends on where they lie. Reading up to a
//! checkpoint without it would take at least twice as many entries as it has cells when it is placed: so all of them
//! together have about as many cells as there are tallies at most, and a question reads about two checkpoints and a month at most.

use super::column::{Entry, add, merge, up_to};
use danso_tier_config::limits;

/// Fewest tallies between two checkpoints; few in tests, so that small registers have several.
const TALLIES_MIN: usize = if cfg!(test) { 3 } else { limits::CHECKPOINT_TALLIES_MIN };

/// A stock's cells as of the end of a month.
#[derive(Debug, Clone)]
pub(super) struct Checkpoint {
    /// Index of the month.
    pub month: u16,
    /// Sorted, no zeros; every key bears that month.
    pub cells: Vec<Entry>,
}

/// The checkpoints of one stock.
#[derive(Debug, Clone, Default)]
pub(super) struct Checkpoints {
    /// In order of their months.
    all: Vec<Checkpoint>,
    /// Tallies after the last one at which another may be worth its cells.
    wanted: usize,
    /// Additions that came late, to months before the last one, since all were placed.
    late: usize,
}

impl Checkpoints {
    /// The last one at a month or before it.
    pub fn before(&self, month: u16) -> Option<&Checkpoint> {
        let later = self.all.partition_point(|checkpoint| checkpoint.month <= month);
        self.all[..later].last()
    }

    /// Takes over sorted additions that the tallies have got.
    pub fn follow(&mut self, tallies: &[Entry], additions: &[Entry]) {
        if let Some(last) = self.all.last() {
            let late = up_to(additions, last.month);
            self.correct(&additions[..late]);
            self.late += late;
            if self.late > self.wanted() {
                // Late ones may lie anywhere: between two checkpoints there could be too many by now.
                *self = Self::default();
            }
        }
        self.place(tallies);
    }

    fn correct(&mut self, additions: &[Entry]) {
        let Some((first, _)) = additions.first() else { return };
        let from = self.all.partition_point(|checkpoint| checkpoint.month < first.month_index());
        for Checkpoint { month, cells } in &mut self.all[from..] {
            let before = &additions[..up_to(additions, *month)];
            let mut changes: Vec<Entry> =
                before.iter().map(|(key, amount)| (key.in_month(*month), *amount)).collect();
            merge(&mut changes);
            add(cells, &changes, |_, _| ());
        }
    }

    /// Sets checkpoints after the last one, wherever they are worth their cells. The last month of all has none,
    /// since it still grows.
    pub fn place(&mut self, tallies: &[Entry]) {
        while let Some(month) = self.next(tallies) {
            let (from, known) = match self.all.last() {
                Some(last) => (up_to(tallies, last.month), last.cells.as_slice()),
                None => (0, [].as_slice()),
            };
            let since = &tallies[from..up_to(tallies, month)];
            let mut cells: Vec<Entry> =
                known.iter().chain(since).map(|(key, amount)| (key.in_month(month), *amount)).collect();
            let read = cells.len();
            merge(&mut cells);
            if read >= 2 * cells.len() {
                self.wanted = cells.len();
                cells.shrink_to_fit();
                self.all.push(Checkpoint { month, cells });
            } else {
                self.wanted = 2 * cells.len() - known.len();
            }
        }
    }

    /// The month at whose end the next one may be due; `None` while too few tallies lie before the last month.
    fn next(&self, tallies: &[Entry]) -> Option<u16> {
        let from = self.all.last().map_or(0, |last| up_to(tallies, last.month));
        let month = tallies.get(from + self.wanted() - 1)?.0.month_index();
        let last = tallies.last()?.0.month_index();
        (month < last).then_some(month)
    }

    fn wanted(&self) -> usize {
        self.wanted.max(TALLIES_MIN)
    }
}

#[cfg(test)]
impl Checkpoints {
    /// Takes all of them away.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// The month and the cells of each.
    pub fn all(&self) -> &[Checkpoint] {
        &self.all
    }
}
