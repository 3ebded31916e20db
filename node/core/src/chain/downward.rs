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

impl Release {
    /// With its rows in the order of their units, which [`Release::rows_of`] needs.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.rows.sort_by_key(|row| row.unit);
        self
    }

    /// The indicators of one unit; the rows are sorted.
    pub fn rows_of(&self, unit: UnitId) -> &[ReleaseRow] {
        let from = self.rows.partition_point(|row| row.unit < unit);
        let of_unit = self.rows[from..].partition_point(|row| row.unit == unit);
        &self.rows[from..from + of_unit]
    }
}

impl Statement for Release {
    const MAGIC: [u8; 4] = *b"DSL1";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_a_unit_are_found_in_their_order() {
        let unit = |code: &str| format!("{code}@2025-07-01").parse::<UnitId>().unwrap();
        let row = |code: &str, indicator: &str| ReleaseRow {
            unit: unit(code),
            indicator: indicator.to_owned(),
            formula: format!("{indicator}/1"),
            numerator: 1.0,
            denominator: 2.0,
            value: Some(0.5),
            expected: 1,
            reported: 1,
        };
        let rows = vec![row("02", "cbr"), row("01", "cdr"), row("02", "age"), row("01", "cbr")];
        let (issuer, month) = (unit("VN"), "2026-01".parse().unwrap());
        let heads = Digest::default();
        let release =
            Release { issuer, number: 1, month, revision: 1, issued_at_ms: 0, heads, rows }.sorted();
        let found = |code| -> Vec<&str> {
            release.rows_of(unit(code)).iter().map(|row| row.indicator.as_str()).collect()
        };
        assert_eq!(found("01"), ["cdr", "cbr"]);
        assert_eq!(found("02"), ["cbr", "age"]);
        assert!(found("03").is_empty() && found("00").is_empty());
    }
}
