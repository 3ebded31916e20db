//! Replication decisions: what to send next, what an answer means, when to try again.
//!
//! | file | holds |
//! |---|---|
//! | `outbox.rs` | the child's side of a link: heads, window, receipts, refusals |
//! | `backoff.rs` | delays between attempts, with jitter |
//! | `standing.rs` | who may speak for which origin |
//!
//! Invariants:
//! 1. Nothing here knows a socket or a disk: events go in, decisions come out.
//! 2. No chain waits for another: a held origin takes no room in the window.
//! 3. Sending a batch twice is harmless; not sending one is noticed at the next hello.

mod backoff;
mod outbox;
mod standing;

pub use backoff::backoff_ms;
pub use outbox::{Answer, Outbox, OutboxStatus};
pub use standing::may_speak_for;
