//! What central signs for everyone below: the unit directory and the releases of closed months.

use super::{Digest, Statement};
use danso_tier_config::{Month, UnitId};
use serde::{Deserialize, Serialize};

/// One version of the unit directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryVersion {
    /// The unit that signs: the root of the tree.
    pub issuer: UnitId,
    /// Number of the version, from 1.
    pub version: u64,
    /// When it was signed, Unix milliseconds.
    pub issued_at_ms: u64,
    /// The directory as CSV in its canonical form, compressed with zstd.
    pub csv_zstd: Vec<u8>,
}

impl Statement for DirectoryVersion {
    const MAGIC: [u8; 4] = *b"DSD1";
}

/// One indicator of one unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReleaseRow {
    /// The unit.
    pub unit: UnitId,
    /// Word of the indicator, `cbr`.
    pub indicator: String,
    /// Formula id, `cbr/1`.
    pub formula: String,
    /// Numerator.
    pub numerator: f64,
    /// Denominator.
    pub denominator: f64,
    /// The value; `None` where the denominator is zero.
    pub value: Option<f64>,
    /// Recording units of the unit that were expected to report the month.
    pub expected: u32,
    /// How many of them had.
    pub reported: u32,
}

/// Signed indicators of a closed month. A later revision of the month is another release; none is altered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// The unit that signs: the root of the tree.
    pub issuer: UnitId,
    /// Number of the release, from 1 without gaps.
    pub number: u64,
    /// The closed month.
    pub month: Month,
    /// 1 for the first release of the month.
    pub revision: u32,
    /// When it was signed, Unix milliseconds.
    pub issued_at_ms: u64,
    /// Digest of the heads it was computed from.
    pub heads: Digest,
    /// Indicators, by unit.
    pub rows: Vec<ReleaseRow>,
}

impl Statement for Release {
    const MAGIC: [u8; 4] = *b"DSL1";
}
