//! The wire: messages of `danso-proto` to and from what the operations speak.
//!
//! | file | holds |
//! |---|---|
//! | `confirmations.rs` | what the tiers above confirm, for the status |
//! | `copies.rs` | backups |
//! | `chains.rs` | chains and what contradicts them |
//! | `register.rs` | persons, requests and erasure |
//! | `lag.rs` | what tiers say of units, on a link and in answers |
//! | `link.rs` | messages of the replication link |
//! | `protocol.rs` | which version of the link's protocol knows which message |
//! | `statistics.rs` | questions and answers of the statistics service |
//! | `status.rs` | errors as gRPC statuses with a stable code |
//!
//! Invariants:
//! 1. What comes in is checked word by word here; what is signed stays opaque bytes.
//! 2. An error that leaves the node has a code of `deploy/runbooks` and no personal data.

pub mod chains;
pub mod confirmations;
pub mod copies;
pub mod lag;
pub mod link;
pub mod protocol;
pub mod register;
pub mod statistics;
pub mod status;
