//! What a node tells of itself in numbers: declared in one file, counted in one place, written as one text.
//!
//! | file | holds |
//! |---|---|
//! | `declared.rs` | every metric: name, kind, unit, labels, what it says |
//! | `counted.rs` | the values, and what happens to them |
//! | `scrape.rs` | what is looked up when somebody asks, and the text that Prometheus reads |
//! | `units.rs` | the units below, one by one and as sums |
//!
//! Invariants:
//! 1. What is not declared cannot be counted; what is declared is counted here and nowhere else.
//! 2. A label tells at most [`danso_tier_config::limits::METER_LABELS_MAX`] values apart, the label `unit` at most
//!    [`danso_tier_config::limits::METER_UNITS_MAX`]; sums hold all of them.
//! 3. A label's value is a code, a method, a unit id or a number of a version: no text of a person, a peer or a file.
//! 4. Telling reads memory, the sizes of a few files and what the system says of disk and process: never the ledger.

mod counted;
mod declared;
mod scrape;
mod units;

pub use counted::Meters;
pub use declared::*;
