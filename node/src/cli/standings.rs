//! The units of `danso status`: a table with the worst first, and below it what is wrong and what to run.

use super::{
    moment::age,
    sheet::{Sheet, Side, plain},
};
use danso_proto::v1::{ReplicationStatusAnswer, UnitFinding, UnitHop, UnitStanding};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Units named under one finding; more are counted.
const NAMED_MAX: usize = 5;

/// The units as a table, in the order of the answer.
pub(super) fn table(status: &ReplicationStatusAnswer) -> Sheet {
    let mut sheet = Sheet::new([
        ("unit", Side::Left),
        ("name", Side::Left),
        ("head", Side::Right),
        ("acknowledged", Side::Right),
        ("behind", Side::Right),
        ("missing", Side::Right),
        ("waits at", Side::Left),
        ("heard", Side::Right),
        ("line", Side::Left),
        ("quarantined", Side::Right),
        ("findings", Side::Left),
    ]);
    for unit in &status.standings {
        sheet.push([
            unit.unit.clone(),
            unit.name.clone(),
            unit.batches_here.to_string(),
            unit.acknowledged.to_string(),
            age(status.now_ms, unit.watermark_ms),
            unit.changes_behind.to_string(),
            waits_at(unit),
            age(status.now_ms, unit.last_contact_ms),
            line(unit).to_owned(),
            unit.quarantined.to_string(),
            codes(unit),
        ]);
    }
    sheet
}

/// The hop at which changes wait, by the codes of its ends; `x` where the line between them is cut.
pub(super) fn waits_at(unit: &UnitStanding) -> String {
    let code = |id: &str| id.split('@').next().unwrap_or_default().to_owned();
    unit.waiting.as_ref().map_or_else(
        || "-".to_owned(),
        |at| format!("{} {} {}", code(&at.from), if at.cut { "x" } else { ">" }, code(&at.to)),
    )
}

pub(super) fn line(unit: &UnitStanding) -> &'static str {
    match unit.connected {
        Some(true) => "open",
        Some(false) => "-",
        None => "?",
    }
}

/// The codes of what is wrong, the worst first.
pub(super) fn codes(unit: &UnitStanding) -> String {
    let codes: Vec<&str> = unit.findings.iter().map(|finding| finding.code.as_str()).collect();
    codes.join(", ")
}

/// How bad a severity is; words that are not known are the mildest.
pub(super) fn rank(severity: &str) -> u8 {
    match severity {
        "critical" => 2,
        "warning" => 1,
        _ => 0,
    }
}

/// What is wrong, code by code, the worst first: whom it concerns, what to run, and the page.
pub(super) fn advice(status: &ReplicationStatusAnswer) -> String {
    let mut groups: Vec<(&str, Vec<(&UnitStanding, &UnitFinding)>)> = Vec::new();
    for unit in &status.standings {
        for finding in &unit.findings {
            match groups.iter_mut().find(|(code, _)| *code == finding.code) {
                Some((_, found)) => found.push((unit, finding)),
                None => groups.push((&finding.code, vec![(unit, finding)])),
            }
        }
    }
    let worst = |found: &[(&UnitStanding, &UnitFinding)]| {
        found.iter().map(|(_, finding)| rank(&finding.severity)).max().unwrap_or(0)
    };
    groups.sort_by_key(|(_, found)| std::cmp::Reverse(worst(found)));
    let mut text = String::new();
    for (code, mut found) in groups {
        found.sort_by_key(|(_, finding)| std::cmp::Reverse(rank(&finding.severity)));
        text += &group(&plain(code), &found);
    }
    text
}

fn group(code: &str, found: &[(&UnitStanding, &UnitFinding)]) -> String {
    let mut text = String::new();
    let mut line = |words: String| writeln!(text, "{words}").expect("writing to memory cannot fail");
    let severity = found.first().map(|(_, finding)| plain(&finding.severity)).unwrap_or_default();
    let units = if found.len() == 1 { "1 unit".to_owned() } else { format!("{} units", found.len()) };
    line(format!("\n{severity}: {code}, {units}; see deploy/runbooks/{code}.md"));
    for (unit, finding) in found.iter().take(NAMED_MAX) {
        line(format!("  {}  {} / {}", unit.unit, plain(&finding.vietnamese), plain(&finding.english)));
        line(format!("    at {} run: {}", finding.place, plain(&finding.command)));
    }
    if found.len() > NAMED_MAX {
        line(format!("  and {} more / và {} đơn vị khác", found.len() - NAMED_MAX, found.len() - NAMED_MAX));
    }
    text
}

/// One unit with all that is known of it.
pub(super) fn as_json(unit: &UnitStanding) -> Value {
    let waiting = unit.waiting.as_ref().map(|at| {
        json!({
            "from": at.from, "from_name": at.from_name, "to": at.to, "to_name": at.to_name,
            "since_ms": at.since_ms, "cut": at.cut,
        })
    });
    let mut value = json!({
        "unit": unit.unit, "name": unit.name, "tier": unit.tier, "parent": unit.parent, "records": unit.records,
        "connected": unit.connected, "last_contact_ms": unit.last_contact_ms, "told_ms": unit.told_ms,
        "link_code": unit.link_code, "batches_there": unit.batches_there, "changes_there": unit.changes_there,
        "unsealed": unit.unsealed, "batches_here": unit.batches_here, "changes_here": unit.changes_here,
        "acknowledged": unit.acknowledged, "watermark_ms": unit.watermark_ms, "behind_ms": unit.behind_ms,
        "changes_behind": unit.changes_behind, "waiting": waiting,
    });
    let more = json!({
        "refused": unit.refused, "last_refused_ms": unit.last_refused_ms,
        "last_refused_code": unit.last_refused_code, "quarantined": unit.quarantined,
        "quarantined_before": unit.quarantined_before, "held_code": unit.held_code, "held_at": unit.held_at,
        "confirmation_code": unit.confirmation_code, "names_missing_from": unit.names_missing_from,
        "names_missing_to": unit.names_missing_to, "clock_offset_ms": unit.clock_offset_ms,
        "disk_free_bytes": unit.disk_free_bytes, "disk_size_bytes": unit.disk_size_bytes,
        "software": unit.software, "certificate_days": unit.certificate_days, "at_rest": unit.at_rest,
        "hops": unit.hops.iter().map(hop).collect::<Vec<_>>(),
        "findings": unit.findings.iter().map(finding).collect::<Vec<_>>(),
    });
    if let (Value::Object(all), Value::Object(more)) = (&mut value, more) {
        all.extend(more);
    }
    value
}

fn hop(hop: &UnitHop) -> Value {
    json!({
        "unit": hop.unit, "name": hop.name, "told_ms": hop.told_ms, "batches": hop.batches,
        "changes": hop.changes, "oldest_unsent_ms": hop.oldest_unsent_ms, "connected": hop.connected,
        "refused": hop.refused, "held_code": hop.held_code,
    })
}

fn finding(finding: &UnitFinding) -> Value {
    json!({
        "code": finding.code, "severity": finding.severity, "vietnamese": finding.vietnamese,
        "english": finding.english, "place": finding.place, "command": finding.command,
        "runbook": format!("deploy/runbooks/{}.md", finding.code),
    })
}

/// Bytes in a unit of few digits.
pub(super) fn bytes(count: u64) -> String {
    match count {
        0..1_048_576 => format!("{} KB", count >> 10),
        1_048_576..1_073_741_824 => format!("{} MB", count >> 20),
        _ => format!("{} GB", count >> 30),
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use danso_proto::v1::UnitWaiting;

    fn unit(number: u32, findings: &[(&str, &str)]) -> UnitStanding {
        let id = format!("{number:05}@2025-07-01");
        let finding = |(code, severity): &(&str, &str)| UnitFinding {
            code: (*code).to_owned(),
            severity: (*severity).to_owned(),
            vietnamese: format!("{code} ở {number}."),
            english: format!("{code} at {number}."),
            place: id.clone(),
            command: "df -h".to_owned(),
        };
        UnitStanding {
            unit: id.clone(),
            name: format!("Xã {number}"),
            connected: Some(findings.is_empty()),
            last_contact_ms: 999_000_000,
            findings: findings.iter().map(finding).collect(),
            ..UnitStanding::default()
        }
    }

    fn status(standings: Vec<UnitStanding>) -> ReplicationStatusAnswer {
        ReplicationStatusAnswer { standings, now_ms: 1_000_000_000, ..ReplicationStatusAnswer::default() }
    }

    #[test]
    fn a_row_names_the_hop_the_line_and_the_codes() {
        let mut cut = unit(4, &[("no_contact", "critical"), ("disk_low", "warning")]);
        let id = |code: &str| format!("{code}@2025-07-01");
        cut.waiting =
            Some(UnitWaiting { from: id("00004"), to: id("001"), cut: true, ..UnitWaiting::default() });
        cut.changes_behind = 12;
        let text = table(&status(vec![cut, unit(7, &[])])).table();
        let words: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        let row = "00004@2025-07-01 Xã 4 0 0 never 12 00004 x 001 16 min - 0 no_contact, disk_low";
        assert_eq!(words[1], row.split_whitespace().collect::<Vec<_>>());
        assert_eq!(words[2].join(" "), "00007@2025-07-01 Xã 7 0 0 never 0 - 16 min open 0");
    }

    #[test]
    fn advice_is_told_once_a_code_and_the_worst_first() {
        let many = (1..=7).map(|number| unit(number, &[("clock_off", "warning")]));
        let all = many.chain([unit(9, &[("disk_low", "critical")])]).collect();
        let text = advice(&status(all));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "critical: disk_low, 1 unit; see deploy/runbooks/disk_low.md");
        assert_eq!(lines[2], "  00009@2025-07-01  disk_low ở 9. / disk_low at 9.");
        assert_eq!(lines[3], "    at 00009@2025-07-01 run: df -h");
        assert_eq!(lines[5], "warning: clock_off, 7 units; see deploy/runbooks/clock_off.md");
        assert_eq!(lines.last(), Some(&"  and 2 more / và 2 đơn vị khác"));
        assert_eq!(advice(&status(vec![unit(1, &[])])), "");
    }
}
