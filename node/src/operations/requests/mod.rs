//! Requests of persons about their data: opened, acknowledged, extended once, fulfilled or refused, with the
//! due dates of Decree 356/2025.
//!
//! Nothing here holds what names a person: ids, kinds, dates, and reasons in the office's own words, which must
//! name nobody. Due dates know no public holidays: only Saturdays and Sundays are no working days.
//!
//! | file | holds |
//! |---|---|
//! | `record.rs` | what is durable: one office record for every event |
//! | `state.rs` | the requests held in memory: the fold of the records, and what may follow |
//! | `desk.rs` | a node's requests: checked, written, then folded in |
//! | `error.rs` | errors and their stable codes |
//!
//! Invariants:
//! 1. A record is checked, written and folded under one lock, and folded only when it is durable.
//! 2. Folding a record again changes nothing; a repeated order writes nothing.
//! 3. A request to delete is fulfilled by its erasure alone, once every tier that holds names has confirmed.

mod desk;
mod error;
mod record;
mod state;
#[cfg(test)]
mod tests;

pub(super) use desk::RequestDesk;
pub use desk::RequestView;
pub use error::RequestError;
pub use record::{RequestDeed, RequestRecord};
pub use state::{Closed, PersonRequest, RequestState, Requests};
