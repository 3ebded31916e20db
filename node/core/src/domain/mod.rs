//! The domain: what is recorded about persons and households, and the rules it must keep.
//!
//! | file | holds |
//! |---|---|
//! | `identity.rs` | lasting ids of persons and households, sequences, capture ids |
//! | `clock.rs` | the hybrid clock of recording |
//! | `state.rs` | demographic states and coded lists |
//! | `event.rs` | the kinds of change and their facts |
//! | `encoding.rs` | plain data as bytes |
//! | `change.rs` | core and personal part, their encoding |
//! | `personal.rs` | names, numbers, addresses; never printed |
//! | `form.rs` | rows of the A0 book and the P0 sheet as typed values |
//! | `book.rs` | a register in memory |
//! | `rules.rs` | the verdict on a core, the same at every tier |
//! | `entry/` | what a person writes down, turned into a change or refused |
//! | `requests.rs` | requests of persons about their data, and when they fall due |
//!
//! Invariants:
//! 1. A core names nobody: no name, exact birth date, number or address.
//! 2. A verdict depends on the core and its sequence alone.
//! 3. `before` and `after` say everything that counting needs; nothing else is looked up.

mod book;
pub mod change;
pub mod clock;
mod encoding;
pub mod entry;
pub mod event;
pub mod form;
pub mod identity;
pub mod personal;
pub mod requests;
pub mod rules;
pub mod state;
#[cfg(test)]
mod tests;

pub use book::Book;
pub use change::{CHANGE_FORMAT, Change, ChangeError, Core, HouseholdChange, PersonChange};
pub use clock::RecordedAt;
pub use encoding::encoded;
pub use event::{BirthPlace, Event, PregnancyOutcome, Screening};
pub use identity::{CaptureId, HouseholdId, PersonId, Sequence};
pub use personal::{HouseholdFacts, PersonFacts, Personal, name_key, plain_key};
pub use rules::{Reason, verdict, void_of};
pub use state::{
    Area, Education, Ethnicity, HouseholdKind, HouseholdState, Marital, Method, PersonState, Reach,
    Residence, Sex,
};
