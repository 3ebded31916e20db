//! The lines of `danso status` about what the tiers above confirm and about the clocks of the nodes below.

use super::{
    moment::{age, local},
    sheet::plain,
};
use danso_proto::v1::{ChildStatus, Confirmation, ReplicationStatusAnswer, UnitStatus};
use serde_json::{Value, json};

/// Lines of name and value, in order.
pub(super) fn lines(status: &ReplicationStatusAnswer) -> Vec<(&'static str, String)> {
    let confirmed = status.confirmations.iter().map(|held| ("confirmed", confirmation(held)));
    let off = status.children.iter().filter(|child| child.clock_off);
    let nameless = status.units.iter().filter(|unit| unit.names_missing_from > 0);
    let nameless = nameless.map(|unit| ("no names", names_missing(unit)));
    let refused = status.children.iter().filter(|child| !child.turned_away_code.is_empty());
    let refused = refused.map(|child| ("refused", turned_away(child)));
    confirmed.chain(refused).chain(off.map(|child| ("clock off", clock(child)))).chain(nameless).collect()
}

fn names_missing(unit: &UnitStatus) -> String {
    let (from, to) = (unit.names_missing_from, unit.names_missing_to);
    format!(
        "{} {}: some of batches {from} to {to}, see deploy/runbooks/names_missing.md",
        unit.unit,
        plain(&unit.name)
    )
}

fn confirmation(held: &Confirmation) -> String {
    let upto = if held.number == 0 {
        "nothing yet".to_owned()
    } else {
        format!("batch {}, {}", held.number, local(held.accepted_at_ms))
    };
    let wrong = match held.code.as_str() {
        "" => String::new(),
        code => format!(": {code}, see deploy/runbooks/{code}.md"),
    };
    format!("{} {}: {upto}{wrong}", held.unit, plain(&held.name))
}

fn turned_away(child: &ChildStatus) -> String {
    let (code, sentence) = (&child.turned_away_code, plain(&child.turned_away_sentence));
    format!("{} {}: {code}: {sentence}, see deploy/runbooks/{code}.md", child.unit, plain(&child.name))
}

fn clock(child: &ChildStatus) -> String {
    let (now_ms, off_ms) = (u64::MAX, child.clock_offset_ms.unsigned_abs());
    let side = if child.clock_offset_ms > 0 { "ahead" } else { "behind" };
    let by = age(now_ms, now_ms - off_ms);
    format!("{} {}: {by} {side}, see deploy/runbooks/clock_off.md", child.unit, plain(&child.name))
}

/// The same as JSON: confirmations and children.
pub(super) fn as_json(status: &ReplicationStatusAnswer) -> (Value, Value) {
    let confirmations = status.confirmations.iter().map(|held| {
        json!({
            "unit": held.unit, "name": held.name, "number": held.number,
            "accepted_at_ms": held.accepted_at_ms, "heard_at_ms": held.heard_at_ms, "code": held.code,
        })
    });
    let children = status.children.iter().map(|child| {
        json!({
            "unit": child.unit, "name": child.name, "connected": child.connected,
            "clock_offset_ms": child.clock_offset_ms, "clock_off": child.clock_off,
            "turned_away_code": child.turned_away_code, "turned_away_sentence": child.turned_away_sentence,
        })
    });
    (confirmations.collect(), children.collect())
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn each_tier_above_and_each_wrong_clock_has_a_line() {
        let held = |unit: &str, number, code: &str| Confirmation {
            unit: unit.to_owned(),
            name: "Ba Đình".to_owned(),
            number,
            accepted_at_ms: 1_795_294_104_000,
            heard_at_ms: 1,
            code: code.to_owned(),
        };
        let child = |offset, off| ChildStatus {
            unit: "001@2025-07-01".to_owned(),
            name: "Ba Đình".to_owned(),
            clock_offset_ms: offset,
            clock_off: off,
            ..ChildStatus::default()
        };
        let status = ReplicationStatusAnswer {
            confirmations: vec![held("001@2025-07-01", 7, ""), held("01@2025-07-01", 0, "not_confirmed")],
            children: vec![
                child(-7_200_000, true),
                ChildStatus {
                    turned_away_code: "protocol_version".to_owned(),
                    turned_away_sentence: "install the newer danso at the child".to_owned(),
                    ..child(20, false)
                },
            ],
            units: vec![UnitStatus {
                unit: "00001@2025-07-01".to_owned(),
                name: "Phúc Xá".to_owned(),
                names_missing_from: 2,
                names_missing_to: 5,
                ..UnitStatus::default()
            }],
            ..ReplicationStatusAnswer::default()
        };
        let expected = [
            ("confirmed", "001@2025-07-01 Ba Đình: batch 7, 2026-11-22 03:48:24 +07:00"),
            (
                "confirmed",
                "01@2025-07-01 Ba Đình: nothing yet: not_confirmed, see deploy/runbooks/not_confirmed.md",
            ),
            (
                "refused",
                "001@2025-07-01 Ba Đình: protocol_version: install the newer danso at the child, \
                 see deploy/runbooks/protocol_version.md",
            ),
            ("clock off", "001@2025-07-01 Ba Đình: 2 h behind, see deploy/runbooks/clock_off.md"),
            (
                "no names",
                "00001@2025-07-01 Phúc Xá: some of batches 2 to 5, see deploy/runbooks/names_missing.md",
            ),
        ];
        assert_eq!(lines(&status), expected.map(|(name, value)| (name, value.to_owned())));
        let (confirmations, children) = as_json(&status);
        assert_eq!(confirmations[1]["code"], "not_confirmed");
        assert_eq!(children[0]["clock_offset_ms"], -7_200_000);
    }
}
