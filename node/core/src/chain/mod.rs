//! The chain: changes of one origin in signed, linked batches that withhold, erase and prove.
//!
//! | file | holds |
//! |---|---|
//! | `hash.rs` | SHA-256 digests and their display |
//! | `merkle.rs` | roots and inclusion proofs after RFC 6962 |
//! | `signed.rs` | ledger keys and signed statements: bytes as sent, verified before decoded |
//! | `header.rs` | the signed header of a batch, and heads |
//! | `frame.rs` | the three compressed frames and their bounds |
//! | `packing.rs` | zstd for frames |
//! | `batch.rs` | sealing, withholding and opening a batch |
//! | `link.rs` | does a batch follow the head: next, repeat, gap or fork |
//! | `receipt.rs` | a parent's signed answer, and its list of excluded deltas |
//! | `keyring.rs` | the keys of a unit, one after the other: claims and grants |
//! | `revocation.rs` | signed lists of revoked nodes and certificates |
//! | `erasure.rs` | orders to forget a person, and the word that it was done |
//! | `audit.rs` | entries of a node's audit chain |
//! | `downward.rs` | directory versions and releases that central signs |
//! | `backup.rs` | the signed list of a backup |
//! | `bundle.rs` | the signed opening of a bundle |
//! | `fault.rs` | one error per broken rule |
//! | `tests/` | tests of frames, keys, revocations, erasure and audit, beside `tests.rs` |
//!
//! Invariants:
//! 1. Header, signature and frames are kept and forwarded as received; nothing is encoded again.
//! 2. Roots are over leaves, never over compressed bytes.
//! 3. A signature is verified over the bytes as sent before anything but the origin is decoded.
//! 4. Sizes are checked before and while decompressing, before anything is allocated for them.

mod audit;
mod backup;
mod batch;
mod bundle;
mod downward;
mod erasure;
mod fault;
mod frame;
mod hash;
mod header;
mod keyring;
mod link;
pub mod merkle;
mod packing;
mod receipt;
mod revocation;
mod signed;
#[cfg(test)]
mod tests;

pub use audit::{AuditEntry, AuditHead, AuditTrail, Deed};
pub use backup::{BackupManifest, BackupPiece, BackupSegment, PieceHolds};
pub use batch::{Batch, Contents, SealInput, Sealable, SealedChange, check_deltas, open, seal, strip};
pub use bundle::{BundleOpening, Way};
pub use downward::{DirectoryVersion, Release, ReleaseRow};
pub use erasure::{ErasedLeaf, ErasureDone, ErasureOrder, erase_leaves, matching_leaves, order_digest};
pub use fault::Fault;
pub use frame::{Leaves, PersonalLeaf, SALT_BYTES, read_frame, write_frame, write_personal_frame};
pub use hash::{Digest, hex};
pub use header::{BatchNumber, HEADER_FORMAT, Head, Header, origin_of};
pub use keyring::{Epoch, Grantor, Grounds, KeyClaim, KeyGrant, KeyRing, examine, key_subject, stored_epoch};
pub use link::{Link, check_link};
pub use receipt::{Exclusions, Quarantined, Receipt};
pub use revocation::{Revocation, Revocations, Revoked};
pub use signed::{KeyId, LedgerKey, PublicKey, Registration, SIGNATURE_BYTES, Signed, Statement};
