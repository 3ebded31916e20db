//! Lasting identities of persons and households, and the numbers that order changes.

use danso_tier_config::UnitId;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A text that is not a person or household id (`31117@2025-07-01/4711`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("id must be UNIT/SERIAL, for example 31117@2025-07-01/4711")]
pub struct IdError;

macro_rules! lasting_id {
    ($name:ident, $what:literal) => {
        #[doc = concat!("A ", $what, " for life: the unit of first registration and the serial given there.")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name {
            /// The unit of first registration.
            pub unit: UnitId,
            /// The serial given by that unit's node, from 1.
            pub serial: u64,
        }

        impl $name {
            /// Bytes that sort like the id: the unit's key, then the serial, big-endian.
            pub fn to_key(self) -> [u8; UnitId::KEY_BYTES + 8] {
                let mut key = [0; UnitId::KEY_BYTES + 8];
                key[..UnitId::KEY_BYTES].copy_from_slice(&self.unit.to_key());
                key[UnitId::KEY_BYTES..].copy_from_slice(&self.serial.to_be_bytes());
                key
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}/{}", self.unit, self.serial)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let (unit, serial) = text.split_once('/').ok_or(IdError)?;
                let unit = unit.parse().map_err(|_| IdError)?;
                Ok(Self { unit, serial: serial.parse().map_err(|_| IdError)? })
            }
        }
    };
}

lasting_id!(PersonId, "person");
lasting_id!(HouseholdId, "household");

/// Number of a change within its origin's chain, from 1 without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Sequence(pub u64);

impl Sequence {
    /// The sequence of the change that follows this one by `count`.
    #[must_use]
    pub fn plus(self, count: u64) -> Self {
        Self(self.0 + count)
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What recognises a repeated submission: a `UUIDv7` of the capturing device, or the digest of an
/// imported row. Known only to the node that accepted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CaptureId(pub [u8; 16]);
