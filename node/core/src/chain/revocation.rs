//! What a unit has revoked in its subtree: nodes and single certificates. The whole list, signed anew each time.

use super::{BatchNumber, Statement};
use danso_tier_config::UnitId;
use serde::{Deserialize, Serialize};

/// What is revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Revoked {
    /// A unit's node: all its certificates issued up to a moment, and its key beyond a batch.
    Node {
        /// The unit.
        unit: UnitId,
        /// Certificates issued at this moment or earlier are no longer good, Unix milliseconds.
        issued_until_ms: u64,
        /// The last batch that is taken under the key held then; `None` sets no bound.
        after: Option<BatchNumber>,
    },
    /// One certificate, by its serial number.
    Certificate {
        /// 16 bytes, as in the certificate.
        serial: [u8; 16],
    },
}

/// One revocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// What.
    pub what: Revoked,
    /// Why, in the operator's words; names nobody.
    pub reason: String,
    /// When, Unix milliseconds.
    pub at_ms: u64,
}

/// All that a unit has revoked, as one signed list; a higher version replaces a lower one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocations {
    /// The unit that signs; what it names lies below it.
    pub issuer: UnitId,
    /// Number of the list, from 1.
    pub version: u64,
    /// When it was signed, Unix milliseconds.
    pub issued_at_ms: u64,
    /// Everything revoked so far.
    pub entries: Vec<Revocation>,
}

impl Statement for Revocations {
    const MAGIC: [u8; 4] = *b"DSV1";
}
