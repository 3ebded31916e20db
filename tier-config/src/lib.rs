//! Who a danso node is: its unit, tier, parent, keys and limits, and the dated directory of all units.
//!
//! | file | holds |
//! |---|---|
//! | `date.rs` | civil dates and months |
//! | `unit.rs` | unit codes and lasting unit ids |
//! | `limits.rs` | every limit, timeout and size |
//!
//! Invariants:
//! 1. Nothing here opens a socket or knows a key's content.
//! 2. A file is read whole and all its faults are reported at once, each with line and key.

pub mod date;
pub mod limits;
pub mod unit;

pub use date::{Date, Month};
pub use limits::Limits;
pub use unit::{UnitCode, UnitId};
