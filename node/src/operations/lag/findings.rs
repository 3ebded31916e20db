//! What is wrong with a unit, and how badly: a pure function of how it stands.

use super::{
    super::{clocks, confirmations::NOT_CONFIRMED},
    sentences::Said,
    standing::UnitStanding,
};
use danso_core::replication::DiskSpace;
use danso_tier_config::{UnitId, limits};

/// How soon somebody must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Good to know.
    Note,
    /// This week, before it becomes urgent.
    Warning,
    /// Today.
    Critical,
}

impl Severity {
    /// `note`, `warning` or `critical`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// Something that is wrong with a unit, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub code: String,
    /// How soon somebody must act.
    pub severity: Severity,
    /// What is wrong, in Vietnamese.
    pub vietnamese: String,
    /// The same in English.
    pub english: String,
    /// The unit on whose computer something is to be done.
    pub place: UnitId,
    /// The command to be typed there first.
    pub command: String,
}

/// What a unit is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Grounds {
    /// The node that judges.
    pub own: UnitId,
    /// Unix milliseconds.
    pub now_ms: u64,
    /// Age of what is known of a unit that makes it late, in milliseconds.
    pub late_after_ms: u64,
    /// The program here and its version.
    pub software: &'static str,
}

/// What is wrong with a unit, the worst first.
pub fn findings(unit: &UnitStanding, grounds: &Grounds) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |found_one: Option<(Severity, Said)>| {
        found.extend(found_one.map(|(severity, said)| said.finding(severity, unit, grounds)));
    };
    add(line(unit, grounds));
    add(held(unit));
    add(confirmation(unit));
    add(behind(unit, grounds));
    add(refused(unit, grounds));
    add((unit.quarantined > unit.quarantined_before).then(|| {
        (Severity::Warning, Said::QuarantineGrowing { more: unit.quarantined - unit.quarantined_before })
    }));
    add(disk(unit));
    add(certificate(unit));
    add((unit.at_rest == "locked").then_some((Severity::Critical, Said::AtRestLocked)));
    let off = unit.clock_offset_ms.filter(|offset| clocks::is_off(*offset));
    add(off.map(|offset_ms| (Severity::Warning, Said::ClockOff { offset_ms })));
    add((unit.names_missing.0 > 0).then_some((Severity::Note, Said::NamesMissing)));
    add(is_older(&unit.software, grounds.software).then_some((Severity::Note, Said::SoftwareOlder)));
    found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    found
}

/// The line of a unit, unless one above it is cut: then nothing can be said of this one.
fn line(unit: &UnitStanding, grounds: &Grounds) -> Option<(Severity, Said)> {
    if unit.connected == Some(true) {
        return None;
    }
    if unit.unit == grounds.own {
        let silent_ms = grounds.now_ms.saturating_sub(unit.last_contact_ms);
        let late = unit.last_contact_ms > 0 && silent_ms > grounds.late_after_ms;
        let severity = if late { Severity::Critical } else { Severity::Warning };
        return Some((severity, Said::ParentNotConnected));
    }
    if unit.is_unknown() {
        return Some((Severity::Note, Said::NeverLinked));
    }
    let cut_above = unit.waiting.as_ref().is_some_and(|waiting| waiting.cut && waiting.from != unit.unit);
    if unit.connected.is_none() || cut_above {
        return None;
    }
    let silent_ms = grounds.now_ms.saturating_sub(unit.last_contact_ms);
    let severity = match silent_ms {
        _ if silent_ms > grounds.late_after_ms => Severity::Critical,
        _ if silent_ms > limits::NO_CONTACT_MS => Severity::Warning,
        _ => Severity::Note,
    };
    Some((severity, Said::NoContact { silent_ms }))
}

fn held(unit: &UnitStanding) -> Option<(Severity, Said)> {
    let at = unit.held_at.filter(|_| !unit.held_code.is_empty())?;
    Some((Severity::Critical, Said::Held { at }))
}

fn confirmation(unit: &UnitStanding) -> Option<(Severity, Said)> {
    let severity = match unit.confirmation_code.as_str() {
        "" => return None,
        NOT_CONFIRMED => Severity::Warning,
        _ => Severity::Critical,
    };
    Some((severity, Said::NotConfirmed))
}

/// A unit whose figures are old, or whose changes wait for long. One whose own line is cut has been told already.
fn behind(unit: &UnitStanding, grounds: &Grounds) -> Option<(Severity, Said)> {
    let own_cut = unit.waiting.as_ref().is_some_and(|waiting| waiting.cut && waiting.from == unit.unit);
    if !unit.records || unit.is_unknown() || own_cut {
        return None;
    }
    let since = unit.waiting.as_ref().and_then(|waiting| waiting.since_ms);
    let waits_ms = since.map_or(0, |since| grounds.now_ms.saturating_sub(since));
    let age_ms = unit.behind_ms.unwrap_or(0).max(waits_ms);
    if age_ms <= limits::BEHIND_MS {
        return None;
    }
    let cut_above = unit.waiting.as_ref().is_some_and(|waiting| waiting.cut);
    let late = age_ms > grounds.late_after_ms && !cut_above;
    Some((if late { Severity::Critical } else { Severity::Warning }, Said::Behind { age_ms }))
}

fn refused(unit: &UnitStanding, grounds: &Grounds) -> Option<(Severity, Said)> {
    let (when, _) = unit.last_refused.as_ref()?;
    let recent = grounds.now_ms.saturating_sub(*when) <= limits::RECENT_MS;
    recent.then_some((Severity::Warning, Said::Refused))
}

fn disk(unit: &UnitStanding) -> Option<(Severity, Said)> {
    let disk @ DiskSpace { free_bytes, size_bytes } = unit.disk?;
    let low = free_bytes < limits::DISK_LOW_BYTES || free_bytes < size_bytes / limits::DISK_LOW_PARTS;
    let severity =
        if free_bytes < limits::DISK_URGENT_BYTES { Severity::Critical } else { Severity::Warning };
    low.then_some((severity, Said::DiskLow { disk }))
}

fn certificate(unit: &UnitStanding) -> Option<(Severity, Said)> {
    let days = unit.certificate_days?;
    let severity =
        if days <= limits::CERTIFICATE_URGENT_DAYS { Severity::Critical } else { Severity::Warning };
    (days <= limits::CERTIFICATE_SOON_DAYS).then_some((severity, Said::CertificateEnds { days }))
}

/// Whether a program is an earlier version than another; not where one of them is not understood.
fn is_older(software: &str, than: &str) -> bool {
    let version = |text: &str| -> Option<Vec<u64>> {
        let numbers = text.strip_prefix("danso ")?.split('-').next()?;
        numbers.split('.').map(|number| number.parse().ok()).collect()
    };
    version(software).zip(version(than)).is_some_and(|(one, other)| one < other)
}

#[cfg(test)]
#[path = "findings_tests.rs"]
mod unit_tests;
