//! Operations: what a node does, without knowing how it is asked. Blocking where the store blocks.
//!
//! | file | does |
//! |---|---|
//! | `node.rs` | what all operations share: configuration, store, keys, directory |
//! | `desk.rs` | records entries on the lowest tier |
//! | `staging.rs` | the register with what is queued laid over what is stored |
//! | `forms/` | reads and writes the A0 book and the P0 sheet as CSV |
//! | `accept.rs` | accepts a child's batch and prepares batches for the parent |
//! | `counting.rs` | counts with their provenance |
//! | `releases.rs` | publishes and takes releases and directories |
//! | `status.rs` | how far every chain has come |
//!
//! Invariants:
//! 1. A receipt or an answer to a recording is given only after its ticket says durable.
//! 2. Each origin is accepted under its own lock; none waits for another.
//! 3. Rows and heads of an answer are read under one guard: the digest names exactly what was counted.

mod accept;
mod counting;
mod desk;
pub mod forms;
mod node;
mod releases;
mod staging;
mod status;

pub use accept::{AcceptError, Accepted};
pub use counting::{CountQuery, Counted, LateUnit, Provenance, QueryError};
pub use desk::{ImportDesk, RecordError};
pub use node::{Heard, LinkStatus, Node, RegisterError, Signing, now_ms};
pub use releases::ReleaseError;
pub use status::{HeadStatus, Watermark};
