//! What one tier says of one unit: of its chain there, of the link to it, and what a unit says of itself.
//!
//! Moments here are by the clock of whoever holds the report. On the wire they travel as ages, so that no clock but
//! the own one is ever compared with another.

use danso_tier_config::{UnitId, limits};
use serde::{Deserialize, Serialize};

/// How much a disk holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskSpace {
    /// Bytes that are left for danso.
    pub free_bytes: u64,
    /// Bytes of the whole file system.
    pub size_bytes: u64,
}

/// How far the unit's chain has come at the tier that reports.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainReport {
    /// Number of the latest batch there.
    pub batches: u64,
    /// Changes there, at the unit itself with those that are in no batch yet.
    pub changes: u64,
    /// Changes recorded and not yet in a batch; at the unit itself only.
    pub unsealed: u64,
    /// When the oldest change was recorded that is there and that the tier above has not signed for; `None` for none.
    pub oldest_unsent_ms: Option<u64>,
    /// Changes there that are not counted.
    pub quarantined: u64,
    /// Batches of it that this tier refused since its start.
    pub refused: u64,
    /// When it refused one last, and with which code.
    pub last_refused: Option<(u64, String)>,
    /// Why the chain goes no further there; empty for nothing.
    pub held_code: String,
}

/// What the tier directly above knows of the line to the unit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Whether the unit's node is linked.
    pub connected: bool,
    /// Its last sign of life; 0 for never.
    pub last_ms: u64,
    /// How far its clock was ahead then, in milliseconds; `None` where it told none.
    pub clock_offset_ms: Option<i64>,
    /// Code with which its line ended last; empty for in good order, or not since the start.
    pub link_code: String,
}

/// What a unit's node says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnReport {
    /// Of the file system of its data; `None` for unknown.
    pub disk: Option<DiskSpace>,
    /// Its program and version, `danso 0.1.0`.
    pub software: String,
    /// Days until its certificate ends, negative after it; `None` for unknown.
    pub certificate_days: Option<i32>,
    /// How names are kept on its disk: `off`, `open` or `locked`.
    pub at_rest: String,
}

/// What one tier says of one unit within it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitReport {
    /// Of whom.
    pub unit: UnitId,
    /// Who says it: the unit itself, or a tier above it.
    pub by: UnitId,
    /// When it was written.
    pub written_ms: u64,
    /// The unit's chain there.
    pub chain: ChainReport,
    /// The line to the unit; from the tier directly above it only.
    pub contact: Option<Contact>,
    /// From the unit itself only.
    pub own: Option<OwnReport>,
}

impl UnitReport {
    /// A report that says nothing yet.
    pub fn new(unit: UnitId, by: UnitId, written_ms: u64) -> Self {
        Self { unit, by, written_ms, chain: ChainReport::default(), contact: None, own: None }
    }

    /// Whether the tier above should hear this one after it has heard `told`: something has changed that is no mere
    /// passing of time, or the word it has is older than [`limits::UNIT_REPORT_REFRESH_MS`].
    pub fn is_news_after(&self, told: &Self) -> bool {
        self.written_ms.saturating_sub(told.written_ms) >= limits::UNIT_REPORT_REFRESH_MS
            || self.timeless() != told.timeless()
    }

    /// The same without what changes from moment to moment.
    fn timeless(&self) -> Self {
        let mut same = Self { written_ms: 0, ..self.clone() };
        same.chain.oldest_unsent_ms = self.chain.oldest_unsent_ms.map(|_| 0);
        if let Some(refused) = &mut same.chain.last_refused {
            refused.0 = 0;
        }
        if let Some(contact) = &mut same.contact {
            contact.last_ms = contact.last_ms.min(1);
            let step = limits::CLOCK_STEP_MS as i64;
            contact.clock_offset_ms = contact.clock_offset_ms.map(|offset| offset / step);
        }
        if let Some(disk) = same.own.as_mut().and_then(|own| own.disk.as_mut()) {
            disk.free_bytes /= (disk.size_bytes / limits::DISK_STEPS).max(1);
        }
        same
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    fn report() -> UnitReport {
        let unit = |text: &str| text.parse().unwrap();
        UnitReport {
            contact: Some(Contact { connected: true, last_ms: 900, ..Contact::default() }),
            own: Some(OwnReport {
                disk: Some(DiskSpace { free_bytes: 50_000, size_bytes: 100_000 }),
                ..OwnReport::default()
            }),
            ..UnitReport::new(unit("00004@2025-07-01"), unit("01@2025-07-01"), 1_000)
        }
    }

    #[test]
    fn time_that_passes_is_news_only_after_a_while() {
        let told = report();
        let mut later = UnitReport { written_ms: 1_000 + limits::UNIT_REPORT_REFRESH_MS - 1, ..report() };
        let contact = later.contact.as_mut().unwrap();
        (contact.last_ms, contact.clock_offset_ms) = (20_000, None);
        later.own.as_mut().unwrap().disk.as_mut().unwrap().free_bytes += 100;
        assert!(!later.is_news_after(&told));
        later.written_ms += 1;
        assert!(later.is_news_after(&told));
    }

    #[test]
    fn a_change_of_the_line_the_chain_or_the_disk_is_news_at_once() {
        let told = report();
        let changed: [fn(&mut UnitReport); 7] = [
            |report| report.contact.as_mut().unwrap().connected = false,
            |report| report.contact.as_mut().unwrap().link_code = "stream_silent".to_owned(),
            |report| report.contact.as_mut().unwrap().clock_offset_ms = Some(600_000),
            |report| report.chain.batches = 1,
            |report| report.chain.oldest_unsent_ms = Some(5),
            |report| report.own.as_mut().unwrap().at_rest = "locked".to_owned(),
            |report| report.own.as_mut().unwrap().disk.as_mut().unwrap().free_bytes = 20_000,
        ];
        for (place, change) in changed.iter().enumerate() {
            let mut report = report();
            change(&mut report);
            assert!(report.is_news_after(&told), "{place}");
        }
        assert!(!told.is_news_after(&told));
    }
}
