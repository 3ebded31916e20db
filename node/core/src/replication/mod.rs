//! Replication decisions: what to send next, what an answer means, when to try again.
//!
//! | file | holds |
//! |---|---|
//! | `outbox.rs`, `outbox_tests.rs` | the child's side of a link: heads, window, receipts, refusals |
//! | `lane.rs` | one origin's way up it |
//! | `backoff.rs` | delays between attempts, with jitter |
//! | `carried.rs` | what a stream of batches need not carry again |
//! | `protocol.rs` | which version of the protocol two nodes speak |
//! | `standing.rs` | who may speak for which origin |
//! | `report.rs` | what one tier says of a unit: chain, line, disk, version |
//! | `way.rs` | at which hop the oldest change waits |
//! | `recovery.rs` | what to do about a chain of which the parent knows more |
//! | `edges.rs` | tests of the edges of a link: what is ignored or held, and who speaks for whom |
//! | `transplant.rs`, `transplant_tests.rs`, `transplant_edges.rs` | changes of a chain that came to nothing, made again on the one that counts |
//!
//! Invariants:
//! 1. Nothing here knows a socket or a disk: events go in, decisions come out.
//! 2. No chain waits for another: a held origin takes no room in the window.
//! 3. A chain is fetched back only onto a prefix of it; what parted from it stays held until somebody decides.
//! 4. Sending a batch twice is harmless; not sending one is noticed at the next hello.

mod backoff;
mod carried;
#[cfg(test)]
mod edges;
mod lane;
mod outbox;
#[cfg(test)]
mod outbox_tests;
mod protocol;
mod recovery;
mod report;
mod standing;
mod transplant;
mod way;

pub use backoff::backoff_ms;
pub use carried::Carried;
pub use outbox::{Answer, Outbox, OutboxStatus};
pub use protocol::{NoCommonVersion, Spoken, agreed};
pub use recovery::{Course, Follower, HeldChain, RecoveryFault, course};
pub use report::{ChainReport, Contact, DiskSpace, OwnReport, UnitReport};
pub use standing::may_speak_for;
pub use transplant::{Conflict, Transplant};
pub use way::{Stop, Waiting, missing, waiting};
