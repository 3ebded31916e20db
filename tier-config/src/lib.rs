//! Who a danso node is: its unit, tier, parent, keys and limits, and the dated directory of all units.
//!
//! | file | holds |
//! |---|---|
//! | `date.rs`, `month.rs` | civil dates, calendar months |
//! | `unit.rs` | unit codes and lasting unit ids |
//! | `limits.rs` | every limit, timeout and size |
//! | `tier.rs` | tiers, what passes their boundaries, hierarchies from profile files |
//! | `fault.rs` | what is wrong in a file: file, line, key, words, code |
//! | `toml_file.rs` | TOML tables read key by key, with lines |
//! | `node_file/` | a node's own file, read and written |
//! | `directory/` | the dated list of all units, and its import from the official lists |
//!
//! Invariants:
//! 1. Nothing here opens a socket or knows a key's content.
//! 2. A file is read whole and all its faults are reported at once, each with line and key.
//! 3. No code counts tiers: their names and order come from a profile.

pub mod date;
pub mod directory;
pub mod fault;
pub mod limits;
mod month;
pub mod node_file;
pub mod tier;
mod toml_file;
pub mod unit;

pub use date::{DAY_MS, Date};
pub use directory::{
    Directory,
    kind::Kind,
    row::{Lineage, Relation, Unit},
    view::View,
};
pub use fault::{Fault, Faults};
pub use limits::Limits;
pub use month::Month;
pub use node_file::{NodeConfig, Parent, Web, WebSecurity};
pub use tier::{Hierarchy, Policy, Tier, TierName};
pub use unit::{UnitCode, UnitId};
