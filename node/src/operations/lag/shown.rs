//! What somebody who watches the units was shown of each, and which of them have changed since.

use super::standing::UnitStanding;
use danso_tier_config::{UnitId, limits};
use std::collections::{BTreeMap, BTreeSet};

/// What was shown of each unit, and when.
#[derive(Debug, Default)]
pub struct Shown(BTreeMap<UnitId, (u64, UnitStanding)>);

impl Shown {
    /// All of these were shown at `now_ms`.
    pub fn new(standings: Vec<UnitStanding>, now_ms: u64) -> Self {
        Self(standings.into_iter().map(|found| (found.unit, (now_ms, found))).collect())
    }

    /// The units that have changed, or were shown longer than [`limits::UNIT_REPORT_REFRESH_MS`] ago, and those that
    /// are gone; taken as shown from now on.
    pub fn news<'a>(
        &mut self,
        standings: impl Iterator<Item = &'a UnitStanding>,
        now_ms: u64,
    ) -> (Vec<UnitStanding>, Vec<UnitId>) {
        let mut gone: BTreeSet<UnitId> = self.0.keys().copied().collect();
        let mut news = Vec::new();
        for found in standings {
            gone.remove(&found.unit);
            let same = |(when, shown): &(u64, UnitStanding)| {
                now_ms.saturating_sub(*when) < limits::UNIT_REPORT_REFRESH_MS
                    && timeless(shown) == timeless(found)
            };
            if !self.0.get(&found.unit).is_some_and(same) {
                self.0.insert(found.unit, (now_ms, found.clone()));
                news.push(found.clone());
            }
        }
        self.0.retain(|unit, _| !gone.contains(unit));
        (news, gone.into_iter().collect())
    }
}

/// The same without what changes from moment to moment.
fn timeless(found: &UnitStanding) -> UnitStanding {
    let mut same = found.clone();
    (same.last_contact_ms, same.told_ms) = (same.last_contact_ms.min(1), 0);
    (same.watermark_ms, same.behind_ms) = (same.watermark_ms.min(1), same.behind_ms.map(|_| 0));
    let step = limits::CLOCK_STEP_MS as i64;
    same.clock_offset_ms = same.clock_offset_ms.map(|offset| offset / step);
    if let Some(disk) = &mut same.disk {
        disk.free_bytes /= (disk.size_bytes / limits::DISK_STEPS).max(1);
    }
    if let Some((when, _)) = &mut same.last_refused {
        *when = 0;
    }
    if let Some(waiting) = &mut same.waiting {
        waiting.since_ms = waiting.since_ms.map(|_| 0);
    }
    for hop in &mut same.hops {
        (hop.told_ms, hop.oldest_unsent_ms) = (hop.told_ms.min(1), hop.oldest_unsent_ms.map(|_| 0));
    }
    for finding in &mut same.findings {
        // Its sentences tell ages.
        finding.vietnamese.clear();
        finding.english.clear();
    }
    same
}
