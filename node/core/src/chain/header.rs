//! The signed header of a batch and the head of a chain.

use super::{Digest, Fault, KeyId, Statement};
use crate::domain::{RecordedAt, Sequence};
use danso_tier_config::{UnitId, limits};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Format of batches written by this program; the last letter of a header's magic.
pub const HEADER_FORMAT: u8 = b'1';

/// Number of a batch within its chain, from 1 without gaps; 0 is "before the first".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BatchNumber(pub u64);

impl BatchNumber {
    /// The number that follows.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for BatchNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a batch commits to. The order of the fields is part of the signed format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The unit whose node wrote the changes. First, so that it can be read before the rest.
    pub origin: UnitId,
    /// Number of the batch.
    pub number: BatchNumber,
    /// Sequence of its first change.
    pub first: Sequence,
    /// Number of changes, at least 1.
    pub changes: u32,
    /// Hash of the previous header's bytes; zero for the first batch.
    pub previous: Digest,
    /// Root over the personal leaves.
    pub personal_root: Digest,
    /// Root over the cores.
    pub cores_root: Digest,
    /// Root over the canonical tally deltas.
    pub tallies_root: Digest,
    /// When the first change was recorded.
    pub recorded_from: RecordedAt,
    /// When the last change was recorded.
    pub recorded_to: RecordedAt,
    /// The key that signs.
    pub key: KeyId,
}

impl Statement for Header {
    const MAGIC: [u8; 4] = [b'D', b'S', b'B', HEADER_FORMAT];
    const BYTES_MAX: usize = limits::HEADER_BYTES_MAX;
}

impl Header {
    /// Sequence of the last change.
    pub fn last(&self) -> Sequence {
        self.first.plus(u64::from(self.changes) - 1)
    }
}

/// Who claims to have written a header: the only thing that is read before the signature is verified,
/// because it tells which key verifies.
pub fn origin_of(header_bytes: &[u8]) -> Result<UnitId, Fault> {
    if header_bytes.len() > limits::HEADER_BYTES_MAX {
        let max = limits::HEADER_BYTES_MAX;
        return Err(Fault::TooLarge { what: "header", bytes: header_bytes.len(), max });
    }
    // A header of a newer format begins with its origin, too, so that its refusal names the right one.
    let (_format, rest) =
        header_bytes.strip_prefix(&Header::MAGIC[..3]).and_then(<[u8]>::split_first).ok_or(Fault::Kind)?;
    postcard::take_from_bytes(rest).map(|(origin, _)| origin).map_err(|_| Fault::Malformed("header"))
}

/// The head of a chain: its latest batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Number of the latest batch, 0 for an empty chain.
    pub number: BatchNumber,
    /// Hash of its header's bytes, zero for an empty chain.
    pub hash: Digest,
    /// The sequence that the next batch begins with.
    pub next: Sequence,
    /// When the last change of the chain was recorded.
    pub recorded_to: RecordedAt,
}

impl Default for Head {
    fn default() -> Self {
        let recorded_to = RecordedAt::default();
        Self { number: BatchNumber(0), hash: Digest::default(), next: Sequence(1), recorded_to }
    }
}

impl Head {
    /// The head after a batch with this header, whose bytes hash to `hash`.
    pub fn after(header: &Header, hash: Digest) -> Self {
        Self { number: header.number, hash, next: header.last().plus(1), recorded_to: header.recorded_to }
    }
}
