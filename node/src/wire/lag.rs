//! What tiers say of units: reports on a link, whose moments travel as ages, and standings in answers.

use super::link::{Malformed, unit};
use crate::operations::lag::{
    ChainReport, Contact, DiskSpace, Finding, HopStanding, OwnReport, UnitReport, UnitStanding, WaitingAt,
};
use danso_proto::v1;
use danso_tier_config::{UnitId, limits};

/// A report as a message that leaves at `now_ms`.
pub fn report_message(report: &UnitReport, now_ms: u64) -> v1::UnitReport {
    let age = |moment_ms: u64| now_ms.saturating_sub(moment_ms);
    let chain = &report.chain;
    let contact = report.contact.as_ref();
    let own = report.own.as_ref();
    let disk = own.and_then(|own| own.disk);
    v1::UnitReport {
        unit: report.unit.to_string(),
        by: report.by.to_string(),
        age_ms: age(report.written_ms),
        batches: chain.batches,
        changes: chain.changes,
        unsealed: chain.unsealed,
        oldest_unsent_age_ms: chain.oldest_unsent_ms.map(age),
        quarantined: chain.quarantined,
        refused: chain.refused,
        last_refused_age_ms: chain.last_refused.as_ref().map(|(when, _)| age(*when)),
        last_refused_code: chain.last_refused.as_ref().map(|(_, code)| code.clone()).unwrap_or_default(),
        held_code: chain.held_code.clone(),
        connected: contact.map(|contact| contact.connected),
        last_contact_age_ms: contact
            .filter(|contact| contact.last_ms > 0)
            .map(|contact| age(contact.last_ms)),
        clock_offset_ms: contact.and_then(|contact| contact.clock_offset_ms),
        link_code: contact.map(|contact| contact.link_code.clone()).unwrap_or_default(),
        software: own.map(|own| own.software.clone()).unwrap_or_default(),
        disk_free_bytes: disk.map(|disk| disk.free_bytes),
        disk_size_bytes: disk.map_or(0, |disk| disk.size_bytes),
        certificate_days: own.and_then(|own| own.certificate_days),
        at_rest: own.map(|own| own.at_rest.clone()).unwrap_or_default(),
    }
}

/// The reports of a message that came at `now_ms`, bounded in number. Texts that are no codes or versions come out
/// empty: they end in logs, on screens and as names of pages.
pub fn reports(messages: &[v1::UnitReport], now_ms: u64) -> Result<Vec<UnitReport>, Malformed> {
    if messages.len() > limits::UNIT_REPORTS_A_HEARTBEAT_MAX {
        return Err(Malformed("list of reports"));
    }
    messages.iter().map(|message| report(message, now_ms)).collect()
}

fn report(message: &v1::UnitReport, now_ms: u64) -> Result<UnitReport, Malformed> {
    // A moment that is told is never 0, which stands for none.
    let moment = |age_ms: u64| now_ms.saturating_sub(age_ms).max(1);
    let contact = message.connected.map(|connected| Contact {
        connected,
        last_ms: message.last_contact_age_ms.map_or(0, moment),
        clock_offset_ms: message.clock_offset_ms,
        link_code: code(&message.link_code),
    });
    let own = (!message.software.is_empty()).then(|| OwnReport {
        disk: message
            .disk_free_bytes
            .map(|free_bytes| DiskSpace { free_bytes, size_bytes: message.disk_size_bytes }),
        software: version(&message.software),
        certificate_days: message.certificate_days,
        at_rest: code(&message.at_rest),
    });
    Ok(UnitReport {
        unit: unit(&message.unit, "unit of a report")?,
        by: unit(&message.by, "sayer of a report")?,
        written_ms: moment(message.age_ms),
        chain: ChainReport {
            batches: message.batches,
            changes: message.changes,
            unsealed: message.unsealed,
            oldest_unsent_ms: message.oldest_unsent_age_ms.map(moment),
            quarantined: message.quarantined,
            refused: message.refused,
            last_refused: message
                .last_refused_age_ms
                .map(|age| (moment(age), code(&message.last_refused_code))),
            held_code: code(&message.held_code),
        },
        contact,
        own,
    })
}

/// A stable code, or nothing.
fn code(text: &str) -> String {
    text_of(text, |byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// A program and its version.
fn version(text: &str) -> String {
    let plain = text_of(text, |byte| byte == b' ' || byte.is_ascii_graphic());
    if plain.is_empty() { "unknown".to_owned() } else { plain }
}

fn text_of(text: &str, plain: impl Fn(u8) -> bool) -> String {
    let is_plain = text.len() <= limits::REPORT_TEXT_CHARS_MAX && text.bytes().all(plain);
    if is_plain { text.to_owned() } else { String::new() }
}

/// A standing as a message.
pub fn standing_message(found: &UnitStanding) -> v1::UnitStanding {
    let text = |unit: Option<UnitId>| unit.map(|unit| unit.to_string()).unwrap_or_default();
    let (last_refused_ms, last_refused_code) = found.last_refused.clone().unwrap_or_default();
    v1::UnitStanding {
        unit: found.unit.to_string(),
        name: found.name.clone(),
        tier: found.tier.clone(),
        parent: text(found.parent),
        records: found.records,
        connected: found.connected,
        last_contact_ms: found.last_contact_ms,
        told_ms: found.told_ms,
        link_code: found.link_code.clone(),
        batches_there: found.batches_there,
        changes_there: found.changes_there,
        unsealed: found.unsealed,
        batches_here: found.batches_here,
        changes_here: found.changes_here,
        acknowledged: found.acknowledged,
        watermark_ms: found.watermark_ms,
        behind_ms: found.behind_ms,
        changes_behind: found.changes_behind,
        waiting: found.waiting.as_ref().map(waiting_message),
        hops: found.hops.iter().map(hop_message).collect(),
        refused: found.refused,
        last_refused_ms,
        last_refused_code,
        quarantined: found.quarantined,
        quarantined_before: found.quarantined_before,
        held_code: found.held_code.clone(),
        held_at: text(found.held_at),
        confirmation_code: found.confirmation_code.clone(),
        names_missing_from: found.names_missing.0,
        names_missing_to: found.names_missing.1,
        clock_offset_ms: found.clock_offset_ms,
        disk_free_bytes: found.disk.map(|disk| disk.free_bytes),
        disk_size_bytes: found.disk.map_or(0, |disk| disk.size_bytes),
        software: found.software.clone(),
        certificate_days: found.certificate_days,
        at_rest: found.at_rest.clone(),
        findings: found.findings.iter().map(finding_message).collect(),
    }
}

fn waiting_message(waiting: &WaitingAt) -> v1::UnitWaiting {
    v1::UnitWaiting {
        from: waiting.from.to_string(),
        from_name: waiting.from_name.clone(),
        to: waiting.to.to_string(),
        to_name: waiting.to_name.clone(),
        since_ms: waiting.since_ms.unwrap_or(0),
        cut: waiting.cut,
    }
}

fn hop_message(hop: &HopStanding) -> v1::UnitHop {
    v1::UnitHop {
        unit: hop.unit.to_string(),
        name: hop.name.clone(),
        told_ms: hop.told_ms,
        batches: hop.batches,
        changes: hop.changes,
        oldest_unsent_ms: hop.oldest_unsent_ms.unwrap_or(0),
        connected: hop.connected,
        refused: hop.refused,
        held_code: hop.held_code.clone(),
    }
}

fn finding_message(finding: &Finding) -> v1::UnitFinding {
    v1::UnitFinding {
        code: finding.code.clone(),
        severity: finding.severity.as_str().to_owned(),
        vietnamese: finding.vietnamese.clone(),
        english: finding.english.clone(),
        place: finding.place.to_string(),
        command: finding.command.clone(),
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    fn full() -> UnitReport {
        let id = |text: &str| text.parse().unwrap();
        UnitReport {
            chain: ChainReport {
                batches: 4,
                changes: 40,
                unsealed: 3,
                oldest_unsent_ms: Some(9_000),
                quarantined: 2,
                refused: 5,
                last_refused: Some((8_000, "batch_fork".to_owned())),
                held_code: "origin_held".to_owned(),
            },
            contact: Some(Contact {
                connected: false,
                last_ms: 7_000,
                clock_offset_ms: Some(-400_000),
                link_code: "stream_silent".to_owned(),
            }),
            own: Some(OwnReport {
                disk: Some(DiskSpace { free_bytes: 1, size_bytes: 2 }),
                software: "danso 0.1.0".to_owned(),
                certificate_days: Some(-3),
                at_rest: "locked".to_owned(),
            }),
            ..UnitReport::new(id("00004@2025-07-01"), id("001@2025-07-01"), 9_500)
        }
    }

    #[test]
    fn a_report_comes_over_with_its_ages_whatever_the_other_clock_says() {
        let there = 1_000_000;
        let message = report_message(&full(), 10_000);
        assert_eq!((message.age_ms, message.oldest_unsent_age_ms), (500, Some(1_000)));
        let came = reports(&[message], there).unwrap().remove(0);
        let moved = |moment: u64| there - 10_000 + moment;
        let mut expected = UnitReport { written_ms: moved(9_500), ..full() };
        expected.chain.oldest_unsent_ms = Some(moved(9_000));
        expected.chain.last_refused = Some((moved(8_000), "batch_fork".to_owned()));
        expected.contact.as_mut().unwrap().last_ms = moved(7_000);
        assert_eq!(came, expected);
    }

    #[test]
    fn what_is_not_known_stays_unknown_and_is_not_zero() {
        let id: UnitId = "00004@2025-07-01".parse().unwrap();
        let nothing = UnitReport { contact: Some(Contact::default()), ..UnitReport::new(id, id, 900) };
        let came = reports(&[report_message(&nothing, 900)], 900).unwrap();
        assert_eq!(came, [nothing]);
    }

    #[test]
    fn texts_that_are_no_codes_and_more_reports_than_fit_are_not_taken() {
        let message = v1::UnitReport {
            held_code: "../../etc".to_owned(),
            link_code: "\u{1b}[2J".to_owned(),
            software: "x".repeat(limits::REPORT_TEXT_CHARS_MAX + 1),
            ..report_message(&full(), 10_000)
        };
        let came = reports(std::slice::from_ref(&message), 10_000).unwrap().remove(0);
        assert_eq!((came.chain.held_code, came.contact.unwrap().link_code), (String::new(), String::new()));
        assert_eq!(came.own.unwrap().software, "unknown");
        let many = vec![message.clone(); limits::UNIT_REPORTS_A_HEARTBEAT_MAX + 1];
        assert_eq!(reports(&many, 1), Err(Malformed("list of reports")));
        let nobody = v1::UnitReport { by: String::new(), ..message };
        assert_eq!(reports(&[nobody], 1), Err(Malformed("sayer of a report")));
    }
}
