//! The chain: changes of one origin in signed, linked batches that withhold, erase and prove.
//!
//! | file | holds |
//! |---|---|
//! | `hash.rs` | SHA-256 digests and their display |
//! | `merkle.rs` | roots and inclusion proofs after RFC 6962 |
//! | `signed.rs` | ledger keys and signed statements: bytes as sent, verified before decoded |
//! | `header.rs` | the signed header of a batch, and heads |
//! | `frame.rs` | the three compressed frames and their bounds |
//! | `batch.rs` | sealing, withholding and opening a batch |
//! | `link.rs` | does a batch follow the head: next, repeat, gap or fork |
//! | `receipt.rs` | a parent's signed answer, and its list of excluded deltas |
//! | `downward.rs` | directory versions and releases that central signs |
//! | `fault.rs` | one error per broken rule |
//!
//! Invariants:
//! 1. Header, signature and frames are kept and forwarded as received; nothing is encoded again.
//! 2. Roots are over leaves, never over compressed bytes.
//! 3. A signature is verified over the bytes as sent before anything but the origin is decoded.
//! 4. Sizes are checked before and while decompressing, before anything is allocated for them.

mod batch;
mod downward;
mod fault;
mod frame;
mod hash;
mod header;
mod link;
pub mod merkle;
mod receipt;
mod signed;
#[cfg(test)]
mod tests;

pub use batch::{Batch, Contents, SealInput, SealedChange, check_deltas, open, seal, strip};
pub use downward::{DirectoryVersion, Release, ReleaseRow};
pub use fault::Fault;
pub use frame::{PersonalLeaf, SALT_BYTES, read_frame, write_frame};
pub use hash::Digest;
pub use header::{BatchNumber, HEADER_FORMAT, Head, Header, origin_of};
pub use link::{Link, check_link};
pub use receipt::{Exclusions, Quarantined, Receipt};
pub use signed::{KeyId, LedgerKey, PublicKey, Registration, SIGNATURE_BYTES, Signed, Statement};
