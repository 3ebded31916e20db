//! Roll-up: what a change adds to the counts, the counts kept in memory, and the questions asked of them.
//! Everything here follows from cores alone, so every tier that has the cores finds the same numbers.
//!
//! | file | holds |
//! |---|---|
//! | `cuboid.rs`, `cell.rs` | cuboids, and the count cells of each |
//! | `packed.rs` | a cell as a number |
//! | `deltas.rs` | a core's additions to cells, and their leaves |
//! | `canonical.rs` | their canonical form |
//! | `tallies.rs` | sums per unit, effective month and cell; digests and differences |
//! | `column.rs` | the tallies of one unit and cuboid |
//! | `checkpoints.rs`, `checkpoint_tests.rs` | a stock's cells at the end of certain months: history costs nothing |
//! | `rows.rs`, `rows_tests.rs` | tallies as a store keeps them: neighbours share a row |
//! | `dimension.rs` | measures and dimensions, their words and the spelling of values |
//! | `accept.rs` | which values of a dimension a question accepts |
//! | `judge.rs`, `judge_tests.rs` | what a batch adds: verdicts, deltas claimed and counted |
//! | `question.rs` | a question and its check |
//! | `count.rs` | a question answered in rows |
//! | `sums.rs` | the sums of an answer while it is counted |
//! | `book.rs`, `tests.rs` | a register written by chance, and what counting it must keep |
//! | `edges.rs` | tests of the bounds of cells, deltas, questions and answers |
//!
//! Invariants:
//! 1. Deltas are a pure function of the core; order between changes, batches and origins does not matter.
//! 2. A change and its void add nothing together.
//! 3. A tally of 0 is not kept, so equal tallies have equal digests however they came about.
//! 4. A stock at the end of a month is the sum of its tallies of that month and all before.
//! 5. Checkpoints follow from tallies: no answer, digest or comparison depends on them.
//! 6. The rows of a question by any dimensions sum to its answer without them.

mod accept;
#[cfg(test)]
mod book;
mod canonical;
mod cell;
#[cfg(test)]
mod checkpoint_tests;
mod checkpoints;
mod column;
mod count;
mod cuboid;
mod deltas;
mod dimension;
#[cfg(test)]
mod edges;
mod judge;
#[cfg(test)]
mod judge_tests;
mod packed;
mod question;
mod rows;
mod sums;
mod tallies;
#[cfg(test)]
mod tests;

pub use accept::Accept;
pub use canonical::{canonical, canonical_of};
pub use cell::Cell;
pub use count::count;
pub use cuboid::Cuboid;
pub use deltas::{Delta, DeltaError, decode_leaves, deltas, encode_delta, encode_leaves};
pub use dimension::{Dimension, Measure};
pub use judge::{Judged, claim, judge};
pub use question::{CountError, Question, Row, UnitGroup};
pub use rows::RowId;
pub use tallies::{Difference, Tallies, Tally, difference};
