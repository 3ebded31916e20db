//! A node that lost something: batches that come back from the parent, and what a folder that is set aside
//! still has and nobody else.
//!
//! | file | does |
//! |---|---|
//! | `take_back.rs` | takes batches that the parent gives back, of the own chain and of others |
//! | `former.rs` | what a folder that is set aside knows: frames, capture ids, where the chains part |
//! | `carry.rs` | carries keys, directory, accounts, orders and unsent batches over into the new folder |
//! | `carry_requests.rs` | carries requests of persons over with the persons that they are of |
//! | `again.rs` | records own changes again that are on no chain that counts |
//! | `chains.rs` | shows what contradicts a chain, and goes on with it when somebody decides so |
//!
//! Invariants:
//! 1. A batch comes back only with its origin's signature and the parent's receipt, both verified, and only
//!    onto a prefix of its chain.
//! 2. While the own chain comes back nothing is recorded or sealed.
//! 3. No change acknowledged to an officer disappears: it comes back, is carried over, is recorded again, or
//!    is listed with the reason.
//! 4. A request goes over with its person or is closed: it never names somebody else.

mod again;
mod carry;
mod carry_requests;
mod chains;
mod former;
mod take_back;

pub use again::{Again, Conflicting};
pub use carry::Carried;
pub use chains::{ChainError, Contradiction, Inspected, Version};
pub use former::Former;
pub use take_back::TakeBackError;
