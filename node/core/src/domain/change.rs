//! A change: its core, which counts and names nobody, and its personal part, which names.

use super::{
    clock::RecordedAt,
    encoding::encoded,
    event::Event,
    identity::{HouseholdId, PersonId},
    personal::Personal,
    state::{Area, HouseholdState, PersonState},
};
use danso_tier_config::{Date, limits};
use serde::{Deserialize, Serialize};

/// Format byte at the head of every encoded core and personal part.
pub const CHANGE_FORMAT: u8 = 1;

/// Bytes that are not a change of a known format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// Written by a newer danso: kept and forwarded, not counted.
    #[error("change format {0} is newer than {CHANGE_FORMAT}")]
    NewerFormat(u8),
    /// Not decodable, or bytes are left over.
    #[error("change is not decodable")]
    Malformed,
    /// Longer than the limit.
    #[error("change of {bytes} bytes exceeds {max}")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The limit.
        max: usize,
    },
}

/// How one person's state changed; `None` is "not resident here".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonChange {
    /// Who.
    pub id: PersonId,
    /// State before the change.
    pub before: Option<PersonState>,
    /// State after it.
    pub after: Option<PersonState>,
}

/// How one household's state changed; `None` is "does not exist".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HouseholdChange {
    /// Which.
    pub id: HouseholdId,
    /// State before the change.
    pub before: Option<HouseholdState>,
    /// State after it.
    pub after: Option<HouseholdState>,
}

/// What counting needs of a change and nothing that names a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Core {
    /// When it was written down.
    pub recorded_at: RecordedAt,
    /// When it happened.
    pub effective_on: Date,
    /// The area it happened in.
    pub area: Area,
    /// What happened.
    pub event: Event,
    /// Persons whose state it concerns; the event's subject first.
    pub persons: Vec<PersonChange>,
    /// Households whose state it concerns.
    pub households: Vec<HouseholdChange>,
}

/// One accepted fact: core and personal part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What counts.
    pub core: Core,
    /// What names; `None` where the change names nobody.
    pub personal: Option<Personal>,
}

fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    encoded(&(CHANGE_FORMAT, value))
}

fn decode<'de, T: Deserialize<'de>>(bytes: &'de [u8], max: usize) -> Result<T, ChangeError> {
    if bytes.len() > max {
        return Err(ChangeError::TooLarge { bytes: bytes.len(), max });
    }
    match bytes.split_first() {
        Some((&CHANGE_FORMAT, rest)) => match postcard::take_from_bytes(rest) {
            Ok((value, [])) => Ok(value),
            _ => Err(ChangeError::Malformed),
        },
        Some((&format, _)) if format > CHANGE_FORMAT => Err(ChangeError::NewerFormat(format)),
        _ => Err(ChangeError::Malformed),
    }
}

impl Core {
    /// The bytes that are hashed, sent and stored: a format byte, then postcard.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// The core of such bytes; at most [`limits::CORE_BYTES_MAX`] long, so that voids within voids, which
    /// the rules refuse, nest no deeper than a thread's stack bears.
    pub fn decode(bytes: &[u8]) -> Result<Self, ChangeError> {
        decode(bytes, limits::CORE_BYTES_MAX)
    }
}

impl Personal {
    /// The bytes that are hashed with their salt, sent and stored.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// The personal part of such bytes; at most [`limits::PERSONAL_BYTES_MAX`] long.
    pub fn decode(bytes: &[u8]) -> Result<Self, ChangeError> {
        decode(bytes, limits::PERSONAL_BYTES_MAX)
    }
}
