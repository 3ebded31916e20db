//! How complete and how old an answer is, for people and for programs.

use crate::cli::moment::{age, local};
use danso_core::chain::Digest;
use danso_proto::v1::Provenance;
use serde_json::{Value, json};

/// Most late units that are listed for people; the rest are counted.
const LATE_LISTED_MAX: usize = 10;

/// One fact per line.
pub(super) fn lines(found: &Provenance) -> Vec<String> {
    let coverage = found.coverage.unwrap_or_default();
    let (reported, expected) = (coverage.units_reported, coverage.units_expected);
    let oldest = match found.oldest_watermark_ms {
        0 => "unknown, a unit never reported".to_owned(),
        oldest => format!("{} ({} ago)", local(oldest), age(found.answered_at_ms, oldest)),
    };
    let mut lines =
        vec![format!("coverage     {reported} of {expected} units"), format!("up to        {oldest}")];
    for late in found.late_units.iter().take(LATE_LISTED_MAX) {
        let since = match late.watermark_ms {
            0 => "never reported".to_owned(),
            watermark => format!("up to {}", local(watermark)),
        };
        lines.push(format!("late         {} {}, {since}", late.unit, late.name));
    }
    if found.late_units.len() > LATE_LISTED_MAX {
        lines.push(format!("late         and {} more units", found.late_units.len() - LATE_LISTED_MAX));
    }
    if found.quarantined > 0 {
        lines.push(format!("quarantined  {} changes stored but not counted", found.quarantined));
    }
    lines.push(format!("boundaries   {}", found.boundary_date));
    lines.push(format!("heads        {}", hex(&found.heads_digest)));
    lines
}

/// All of it.
pub(super) fn json(found: &Provenance) -> Value {
    let coverage = found.coverage.unwrap_or_default();
    let late = found.late_units.iter().map(|late| {
        json!({
            "unit": late.unit,
            "name": late.name,
            "watermark_ms": late.watermark_ms,
        })
    });
    json!({
        "coverage": {
            "units_expected": coverage.units_expected,
            "units_reported": coverage.units_reported,
        },
        "oldest_watermark_ms": found.oldest_watermark_ms,
        "oldest_watermark": local(found.oldest_watermark_ms),
        "late_units": late.collect::<Vec<_>>(),
        "boundary_date": found.boundary_date,
        "heads_digest": hex(&found.heads_digest),
        "quarantined": found.quarantined,
        "answered_at_ms": found.answered_at_ms,
    })
}

/// A digest in hexadecimal digits; `none` for anything that is no digest.
pub(super) fn hex(bytes: &[u8]) -> String {
    Digest::from_slice(bytes).map_or_else(|| "none".to_owned(), |digest| digest.to_string())
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use danso_proto::v1::{Coverage, LateUnit};

    fn provenance(late: usize) -> Provenance {
        let late_unit = |number: usize| LateUnit {
            unit: format!("{number:05}@2025-07-01"),
            name: format!("Xã {number}"),
            watermark_ms: number as u64 * 1_000,
        };
        Provenance {
            coverage: Some(Coverage { units_expected: 124, units_reported: 124 - late as u32 }),
            oldest_watermark_ms: 1_795_294_104_000,
            late_units: (0..late).map(late_unit).collect(),
            boundary_date: "2026-11-21".to_owned(),
            heads_digest: vec![0xcd; 32].into(),
            quarantined: 0,
            answered_at_ms: 1_795_294_284_000,
        }
    }

    #[test]
    fn a_complete_answer_says_so_in_four_lines() {
        let expected = [
            "coverage     124 of 124 units".to_owned(),
            "up to        2026-11-22 03:48:24 +07:00 (3 min ago)".to_owned(),
            "boundaries   2026-11-21".to_owned(),
            format!("heads        {}", "cd".repeat(32)),
        ];
        assert_eq!(lines(&provenance(0)), expected);
    }

    #[test]
    fn the_first_late_units_are_named_and_the_rest_counted() {
        let lines = lines(&Provenance { oldest_watermark_ms: 0, quarantined: 2, ..provenance(12) });
        assert_eq!(lines[1], "up to        unknown, a unit never reported");
        assert_eq!(lines[2], "late         00000@2025-07-01 Xã 0, never reported");
        assert_eq!(lines[3], "late         00001@2025-07-01 Xã 1, up to 1970-01-01 07:00:01 +07:00");
        assert_eq!(lines[12], "late         and 2 more units");
        assert_eq!(lines[13], "quarantined  2 changes stored but not counted");
    }

    #[test]
    fn json_names_every_late_unit() {
        let value = json(&provenance(12));
        assert_eq!(value["late_units"].as_array().unwrap().len(), 12);
        assert_eq!(value["coverage"]["units_reported"], 112);
        assert_eq!(value["heads_digest"], "cd".repeat(32));
    }
}
