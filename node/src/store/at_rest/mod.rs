//! Encryption at rest: whatever names a person is sealed before it reaches the data folder, under a data key
//! that lies there only wrapped. The key that unwraps it (the key-encryption key) lies outside the folder: a
//! stolen disk without it gives no names.
//!
//! | file | holds |
//! |---|---|
//! | `vault.rs` | an opened data folder's keys: seal, open; rewrapping |
//! | `wrapped.rs` | the file AT-REST and the data key in it |
//! | `key.rs` | the key-encryption key and its file |
//! | `place.rs` | where a key file may lie and who may read it |
//! | `sealing.rs` | the ciphers and key derivation |
//! | `error.rs` | errors and their stable codes |
//! | `tests/` | tests of it all, with sealed vectors |
//!
//! A sealed value begins with its format byte:
//!
//! | byte | then |
//! |---|---|
//! | 0 | the plain bytes: sealed before the folder had a key |
//! | 1 | nonce (24), ciphertext, tag (16): under the sealing key |
//! | 2 | ephemeral X25519 public key (32), nonce (24), ciphertext, tag (16): to the folder's public key |
//!
//! Invariants:
//! 1. AT-REST holds the only copy of the data key. It is never overwritten in place, and only created where
//!    there was none; whoever calls holds the folder's lock. Without it or without its key-encryption key
//!    everything sealed is lost, so a backup of the folder carries it.
//! 2. Every key that seals or wraps is derived with a label of its own; none is used for two purposes.
//! 3. A nonce is 24 random bytes, drawn for each value.
//! 4. What is sealed under one context does not open under another. This holds for formats 1 and 2; format 0
//!    keeps no secret and proves nothing.
//! 5. Sealing keeps secrets, it does not prove origin: anyone can seal to the public key. That a record is
//!    genuine is proven by the signatures in it. A node without its key takes the public key in AT-REST on
//!    trust; the next opening with the key finds another one out.
//! 6. Rewrapping keeps the data key: an AT-REST copied before still opens with the old key.

mod error;
mod key;
mod place;
pub(super) mod sealing;
mod vault;
mod wrapped;

#[cfg(test)]
mod tests;

pub use error::AtRestError;
pub use key::{AtRestKey, KeyName};
pub use place::require_outside;
pub use vault::{State, Vault, rewrap};
pub use wrapped::key_name_of;

/// Most bytes that sealing adds to a value.
pub const OVERHEAD_BYTES_MAX: usize = 1 + 32 + sealing::NONCE_BYTES + sealing::TAG_BYTES;
