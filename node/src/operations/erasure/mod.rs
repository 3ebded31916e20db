//! Erasure: what names a person is forgotten here and, by a signed order, in every tier that holds it.
//!
//! The origin finds the leaves that name the person, states again what only these leaves said of others, signs
//! one order and writes its own records without the leaves. The order goes up from tier to tier; each carries it
//! out on what it holds, keeps it for what comes later, and says so in a signed word that goes down to the
//! origin. A tier that was set back to an old backup is given the orders again.
//!
//! | file | does |
//! |---|---|
//! | `origin.rs` | orders an erasure and carries it out at the origin |
//! | `restate.rs` | states again what only the leaves to be erased say of others |
//! | `work.rs` | writes records anew without leaves, durably, with the signed word of it |
//! | `tier.rs` | takes orders and words that come over the links |
//! | `exchange.rs` | what is due to the parent and to a child; who has not confirmed yet |
//! | `error.rs` | errors and their stable codes |
//!
//! Invariants:
//! 1. An order is verified against its origin's keys and against the leaves held here before it is kept.
//! 2. A tier's word is written with, never before, the records without the leaves; carrying out again is harmless.
//! 3. An order kept and not carried out (a crash, a missing key at rest) is carried out at a later start.
//! 4. Orders, words and audit entries hold ids and hashes only.

mod error;
mod exchange;
mod origin;
mod restate;
mod tier;
mod work;

pub use error::ErasureError;
pub use exchange::ErasureStanding;
pub use origin::Erased;
