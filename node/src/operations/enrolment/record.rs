//! What is durable about enrolment: one office record for every event.

use danso_core::{
    chain::{Digest, hex},
    domain::encoded,
};
use danso_tier_config::UnitId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// First byte of an encoded record.
const FORMAT: u8 = 1;

/// Which invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InvitationId(pub [u8; 8]);

impl fmt::Display for InvitationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// One event. Times are Unix milliseconds. Variants and fields are a format: append only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum EnrolmentRecord {
    /// An invitation was made.
    Invited {
        /// Which.
        id: InvitationId,
        /// For whom.
        unit: UnitId,
        /// Hash of its secret.
        secret: Digest,
        /// Until when it is good.
        expires_at_ms: u64,
        /// Whether a new ledger key may take the place of the one in force.
        replaces_key: bool,
        /// When.
        at_ms: u64,
    },
    /// It was used.
    Used {
        /// Which.
        id: InvitationId,
        /// Digest of the request: a repeat of it is answered again.
        request: Digest,
        /// When.
        at_ms: u64,
    },
    /// It was withdrawn.
    Withdrawn {
        /// Which.
        id: InvitationId,
        /// When.
        at_ms: u64,
    },
}

impl EnrolmentRecord {
    /// As it is stored.
    pub fn encode(&self) -> Vec<u8> {
        encoded(&(FORMAT, self))
    }

    /// The record of such bytes; `None` for a newer format.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&[FORMAT])?;
        postcard::from_bytes(rest).ok()
    }
}
