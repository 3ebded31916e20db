//! Demography: what is computed from counts, and the simulated register that the rest is tried on.
//!
//! | part | holds |
//! |---|---|
//! | `indicators.rs` | the first indicators of a unit and a closed month, with their formulas |
//! | `simulate/` | a simulated commune: its A0 book and the P0 rows of following months |
//!
//! Invariants:
//! 1. Everything is a function of its arguments; a simulated commune is the same for the same plan.
//! 2. An indicator carries numerator and denominator, so that sums of units are sums of both.
//! 3. A value whose denominator is zero is absent, never zero or infinite.

pub mod indicators;
pub mod simulate;

pub use indicators::{Indicator, MonthFigures, Value};
pub use simulate::{Commune, Neighbour, Plan, simulate};
