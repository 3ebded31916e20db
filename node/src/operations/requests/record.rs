//! What is durable of requests: one office record for every event.

use danso_core::domain::{
    PersonId, encoded,
    requests::{RequestId, RequestKind},
};
use danso_tier_config::Date;
use serde::{Deserialize, Serialize};

/// Format byte at the head of every record.
const FORMAT: u8 = 1;

/// What happened to a request. New ones go to the end: the order is part of the recorded format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequestDeed {
    /// It was taken.
    Opened {
        /// Whose data.
        person: PersonId,
        /// What is asked for.
        kind: RequestKind,
        /// When it was received.
        received_on: Date,
    },
    /// Its receipt was confirmed to the person.
    Acknowledged,
    /// Its term was extended.
    Extended {
        /// Why.
        reason: String,
    },
    /// It was fulfilled.
    Fulfilled,
    /// It was refused.
    Refused {
        /// Why.
        reason: String,
    },
}

impl RequestDeed {
    /// The word of the audit entry.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::Acknowledged => "acknowledged",
            Self::Extended { .. } => "extended",
            Self::Fulfilled => "fulfilled",
            Self::Refused { .. } => "refused",
        }
    }
}

/// One event of one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRecord {
    /// Which request.
    pub id: RequestId,
    /// When, in Vietnam.
    pub on: Date,
    /// What.
    pub deed: RequestDeed,
}

impl RequestRecord {
    /// The bytes of the office record.
    pub fn encode(&self) -> Vec<u8> {
        encoded(&(FORMAT, self))
    }

    /// The record of such bytes; `None` for what this program cannot read.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes.strip_prefix(&[FORMAT])?).ok()
    }
}
