//! A parent's signed answer to a batch, and what a tier that sends counts only excluded.

use super::{BatchNumber, Digest, Statement};
use crate::domain::{Reason, Sequence};
use danso_tier_config::UnitId;
use serde::{Deserialize, Serialize};

/// A change that is stored but not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// Which change of the origin.
    pub sequence: Sequence,
    /// Why.
    pub reason: Reason,
}

/// The parent holds the origin's chain up to this batch, durably, with these verdicts on the batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Who signs.
    pub parent: UnitId,
    /// Whose chain.
    pub origin: UnitId,
    /// Up to which batch; receipts are cumulative.
    pub number: BatchNumber,
    /// Hash of that batch's header.
    pub hash: Digest,
    /// The changes of this batch that are not counted; all others are.
    pub quarantined: Vec<Quarantined>,
    /// When the batch became durable at the parent, Unix milliseconds.
    pub accepted_at_ms: u64,
}

impl Statement for Receipt {
    const MAGIC: [u8; 4] = *b"DSR1";
}

/// A tier that sends counts only says which deltas of a batch it does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclusions {
    /// Who says so; the node that forwards.
    pub tier_unit: UnitId,
    /// Whose chain.
    pub origin: UnitId,
    /// Which batch.
    pub number: BatchNumber,
    /// Hash of that batch's header.
    pub hash: Digest,
    /// The changes, with reasons.
    pub quarantined: Vec<Quarantined>,
    /// Leaves of the canonical deltas of those changes.
    pub deltas: Vec<Vec<u8>>,
}

impl Statement for Exclusions {
    const MAGIC: [u8; 4] = *b"DSX1";
}
