//! What is found of a unit, rule by rule.

use super::*;
use crate::operations::lag::{SOFTWARE, WaitingAt};

const NOW: u64 = 1_800_000_000_000;
const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;

fn id(code: &str) -> UnitId {
    format!("{code}@2025-07-01").parse().unwrap()
}

fn grounds() -> Grounds {
    Grounds { own: id("01"), now_ms: NOW, late_after_ms: DAY, software: SOFTWARE }
}

/// A commune with which everything is in order.
fn healthy() -> UnitStanding {
    UnitStanding {
        tier: "commune".to_owned(),
        parent: Some(id("001")),
        records: true,
        connected: Some(true),
        last_contact_ms: NOW - 1_000,
        told_ms: NOW - 1_000,
        batches_here: 8,
        watermark_ms: NOW - 5_000,
        behind_ms: Some(5_000),
        quarantined: 3,
        quarantined_before: 3,
        clock_offset_ms: Some(40),
        disk: Some(DiskSpace { free_bytes: 50 << 30, size_bytes: 100 << 30 }),
        software: SOFTWARE.to_owned(),
        certificate_days: Some(200),
        at_rest: "open".to_owned(),
        ..UnitStanding::unknown(id("00001"), "Phường Phúc Xá")
    }
}

fn waiting(from: &str, to: &str, since_ms: Option<u64>, cut: bool) -> WaitingAt {
    let name = |code: &str| format!("Đơn vị {code}");
    WaitingAt { from: id(from), from_name: name(from), to: id(to), to_name: name(to), since_ms, cut }
}

/// Severity, code and place of what is found.
fn found(change: impl Fn(&mut UnitStanding)) -> Vec<(Severity, String, UnitId)> {
    let mut unit = healthy();
    change(&mut unit);
    let found = findings(&unit, &grounds());
    assert!(
        found
            .iter()
            .all(|one| !one.vietnamese.is_empty() && !one.english.is_empty() && !one.command.is_empty())
    );
    found.into_iter().map(|one| (one.severity, one.code, one.place)).collect()
}

#[test]
fn a_unit_in_order_has_no_findings() {
    assert_eq!(found(|_| ()), []);
}

#[test]
fn every_rule_finds_its_own_with_its_severity_and_place() {
    use Severity::{Critical, Note, Warning};
    type Change = fn(&mut UnitStanding);
    let table: &[(Change, Severity, &str, &str)] = &[
        (|unit| unit.clock_offset_ms = Some(-301_000), Warning, "clock_off", "00001"),
        (|unit| unit.at_rest = "locked".to_owned(), Critical, "at_rest_locked", "00001"),
        (|unit| unit.certificate_days = Some(21), Warning, "certificate_ends_soon", "001"),
        (|unit| unit.certificate_days = Some(7), Critical, "certificate_ends_soon", "001"),
        (|unit| unit.certificate_days = Some(-1), Critical, "certificate_ends_soon", "001"),
        (|unit| unit.disk.as_mut().unwrap().free_bytes = 4 << 30, Warning, "disk_low", "00001"),
        (
            |unit| unit.disk = Some(DiskSpace { free_bytes: 1 << 29, size_bytes: 2 << 30 }),
            Warning,
            "disk_low",
            "00001",
        ),
        (|unit| unit.disk.as_mut().unwrap().free_bytes = 1 << 20, Critical, "disk_low", "00001"),
        (|unit| unit.quarantined = 4, Warning, "quarantine_growing", "00001"),
        (
            |unit| unit.last_refused = Some((NOW - DAY, "batch_fork".to_owned())),
            Warning,
            "batches_refused",
            "001",
        ),
        (|unit| unit.confirmation_code = "not_confirmed".to_owned(), Warning, "not_confirmed", "001"),
        (
            |unit| unit.confirmation_code = "confirmation_ahead".to_owned(),
            Critical,
            "confirmation_ahead",
            "001",
        ),
        (|unit| unit.names_missing = (2, 5), Note, "names_missing", "00001"),
        (|unit| unit.software = "danso 0.0.9".to_owned(), Note, "software_older", "00001"),
    ];
    for (change, severity, code, place) in table {
        assert_eq!(found(change), [(*severity, (*code).to_owned(), id(place))], "{code}");
    }
    let held = found(|unit| (unit.held_code, unit.held_at) = ("batch_fork".to_owned(), Some(id("001"))));
    assert_eq!(held, [(Critical, "batch_fork".to_owned(), id("001"))]);
}

#[test]
fn limits_that_are_just_kept_are_no_findings() {
    let table: &[fn(&mut UnitStanding)] = &[
        |unit| unit.clock_offset_ms = Some(300_000),
        |unit| unit.clock_offset_ms = None,
        |unit| unit.certificate_days = Some(22),
        |unit| unit.certificate_days = None,
        |unit| unit.disk.as_mut().unwrap().free_bytes = 5 << 30,
        |unit| unit.disk = None,
        |unit| unit.quarantined = 1,
        |unit| unit.last_refused = Some((NOW - DAY - 1, "batch_fork".to_owned())),
        |unit| unit.behind_ms = Some(HOUR),
        |unit| unit.waiting = Some(waiting("001", "01", Some(NOW - HOUR), false)),
        |unit| unit.software = "danso 99.0.0".to_owned(),
        |unit| unit.software = "something else".to_owned(),
        |unit| unit.software = String::new(),
        // A tier above of an earlier version says nothing of the line.
        |unit| unit.connected = None,
    ];
    for (place, change) in table.iter().enumerate() {
        assert_eq!(found(change), [], "{place}");
    }
}

#[test]
fn a_line_becomes_worse_with_time_and_is_told_where_it_is_cut() {
    let cut = |silent_ms: u64| {
        found(move |unit| {
            unit.connected = Some(false);
            unit.last_contact_ms = NOW - silent_ms;
            unit.behind_ms = Some(silent_ms);
            unit.waiting = Some(waiting("00001", "001", None, true));
        })
    };
    for (silent_ms, severity) in
        [(60_000, Severity::Note), (2 * HOUR, Severity::Warning), (2 * DAY, Severity::Critical)]
    {
        assert_eq!(cut(silent_ms), [(severity, "no_contact".to_owned(), id("00001"))]);
    }
    // Under a cut that is higher up the unit is behind, by no fault of its own.
    let below = found(|unit| {
        unit.connected = Some(false);
        unit.behind_ms = Some(2 * DAY);
        unit.waiting = Some(waiting("001", "01", None, true));
    });
    assert_eq!(below, [(Severity::Warning, "unit_behind".to_owned(), id("001"))]);
    let slow = found(|unit| {
        unit.behind_ms = Some(2 * DAY);
        unit.waiting = Some(waiting("001", "01", Some(NOW - 2 * DAY), false));
    });
    assert_eq!(slow, [(Severity::Critical, "unit_behind".to_owned(), id("001"))]);
    let never = found(|unit| {
        (unit.connected, unit.last_contact_ms, unit.watermark_ms) = (Some(false), 0, 0);
        (unit.batches_here, unit.behind_ms) = (0, None);
    });
    assert_eq!(never, [(Severity::Note, "unit_never_linked".to_owned(), id("001"))]);
}

#[test]
fn the_own_line_is_told_by_its_code() {
    let own = |code: &str, silent_ms: u64| {
        let (code, mut unit) = (code.to_owned(), healthy());
        (unit.unit, unit.records, unit.parent) = (id("01"), false, Some(id("02")));
        (unit.connected, unit.link_code, unit.last_contact_ms) = (Some(false), code, NOW - silent_ms);
        findings(&unit, &grounds()).into_iter().map(|one| (one.severity, one.code)).collect::<Vec<_>>()
    };
    assert_eq!(own("net_refused", 1_000), [(Severity::Warning, "net_refused".to_owned())]);
    assert_eq!(own("", 2 * DAY), [(Severity::Critical, "no_contact".to_owned())]);
}

#[test]
fn the_worst_comes_first_and_sentences_name_unit_and_hop() {
    let mut unit = healthy();
    unit.software = "danso 0.0.9".to_owned();
    unit.clock_offset_ms = Some(-7_200_000);
    unit.at_rest = "locked".to_owned();
    unit.changes_behind = 12;
    unit.behind_ms = Some(3 * HOUR);
    unit.waiting = Some(waiting("001", "01", Some(NOW - 3 * HOUR), false));
    let found = findings(&unit, &grounds());
    let codes: Vec<&str> = found.iter().map(|one| one.code.as_str()).collect();
    assert_eq!(codes, ["at_rest_locked", "unit_behind", "clock_off", "software_older"]);
    assert_eq!(
        (found[1].vietnamese.as_str(), found[1].english.as_str()),
        (
            "Số liệu của Phường Phúc Xá chậm 3 giờ; biết còn thiếu 12 thay đổi, chờ ở chặng Đơn vị 001 → Đơn vị 01.",
            "The figures of Phường Phúc Xá are 3 h old; 12 changes are known to be missing, waiting at the hop \
             Đơn vị 001 → Đơn vị 01."
        )
    );
    assert_eq!(found[2].english, "The clock of Phường Phúc Xá is 2 h behind.");
    assert!(found[3].english.ends_with(&format!("runs danso 0.0.9, this node {SOFTWARE}.")));
}
