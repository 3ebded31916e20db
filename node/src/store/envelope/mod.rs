//! Files that leave the node: sealed to one receiver's X25519 key, chunk by chunk, so that neither side holds one whole.
//!
//! | file | holds |
//! |---|---|
//! | `seal.rs` | sealing |
//! | `unseal.rs` | opening |
//! | `error.rs` | why a file does not open |
//!
//! | bytes | field |
//! |---|---|
//! | 0..13 | `danso sealed\n` |
//! | 13 | format, 1 |
//! | 14 | what the file is for ([`Purpose`]) |
//! | 15..47 | X25519 public key drawn for this file |
//! | 47..79 | X25519 public key of the receiver |
//!
//! then chunks: length of the plain bytes (`u32`, little-endian, at most 64 KiB), 1 for the last one and 0 for the
//! others, nonce (24), ciphertext, tag (16). The key is HKDF-SHA256 over the agreement and both public keys; with each
//! chunk SHA-256 of the 79 bytes, its place and whether it is the last one are authenticated.
//!
//! Invariants:
//! 1. Nothing of a chunk is given out before its tag is verified; a chunk taken away, moved or repeated, and an end that
//!    was cut off, do not open.
//! 2. A length is checked before memory is taken for it.
//! 3. Sealing keeps secrets, it does not prove origin: what is inside is signed. A signature over the key drawn for the
//!    file proves the whole file, since only whoever drew it and the receiver can have sealed a chunk.

mod error;
mod seal;
#[cfg(test)]
mod tests;
mod unseal;

pub use error::EnvelopeError;
pub use seal::Sealer;
pub use unseal::Unsealer;

use super::at_rest::sealing::{Secret, derive};
use sha2::{Digest as _, Sha256};
use x25519_dalek::{PublicKey, SharedSecret, StaticSecret};
use zeroize::Zeroizing;

const MAGIC: &[u8; 13] = b"danso sealed\n";
const FORMAT: u8 = 1;
/// Bytes before the first chunk.
const HEAD_BYTES: usize = MAGIC.len() + 2 + 32 + 32;
/// Bytes of a chunk before its nonce.
const CHUNK_HEAD_BYTES: usize = 5;

/// What a sealed file is for: one of a kind never opens as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A piece of a backup.
    Backup,
    /// A bundle.
    Bundle,
}

impl Purpose {
    fn byte(self) -> u8 {
        match self {
            Self::Backup => 1,
            Self::Bundle => 2,
        }
    }

    fn label(self) -> &'static [u8] {
        match self {
            Self::Backup => b"danso envelope 1: key of one piece of a backup",
            Self::Bundle => b"danso envelope 1: key of one bundle",
        }
    }
}

/// The secret with which a receiver opens what was sealed to it; wiped when dropped.
pub struct ReceiverKey(StaticSecret);

impl ReceiverKey {
    /// The key of 32 secret bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(StaticSecret::from(bytes))
    }

    /// Its public half.
    pub fn public(&self) -> [u8; 32] {
        PublicKey::from(&self.0).to_bytes()
    }
}

fn head(purpose: Purpose, drawn: &[u8; 32], receiver: &[u8; 32]) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    head[..13].copy_from_slice(MAGIC);
    head[13] = FORMAT;
    head[14] = purpose.byte();
    head[15..47].copy_from_slice(drawn);
    head[47..].copy_from_slice(receiver);
    head
}

/// The key of one file, bound to both public keys and to what it is for.
fn file_key(purpose: Purpose, shared: &SharedSecret, head: &[u8; HEAD_BYTES]) -> Secret {
    let mut material = Zeroizing::new([0; 96]);
    material[..32].copy_from_slice(shared.as_bytes());
    material[32..].copy_from_slice(&head[15..]);
    derive(&material[..], purpose.label())
}

/// What is authenticated with a chunk.
fn context(sum: &[u8; 32], place: u64, last: bool) -> [u8; 41] {
    let mut context = [0; 41];
    context[..32].copy_from_slice(sum);
    context[32..40].copy_from_slice(&place.to_le_bytes());
    context[40] = u8::from(last);
    context
}

fn sum_of(head: &[u8; HEAD_BYTES]) -> [u8; 32] {
    Sha256::digest(head).into()
}
