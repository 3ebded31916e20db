//! Which reports of units are due on the link to the parent: what is new, and what the parent heard long ago.

use super::super::{health::Health, node::Node};
use danso_core::replication::UnitReport;
use danso_tier_config::{UnitId, limits};
use std::collections::BTreeMap;

/// What the parent was told on one connection.
#[derive(Debug, Default)]
pub struct Told(BTreeMap<(UnitId, UnitId), UnitReport>);

impl Told {
    /// The reports that are due, at most [`limits::UNIT_REPORTS_A_HEARTBEAT_MAX`], those never told and those told
    /// longest ago first; taken as told from now on. Their moments are by this node's clock. None while the node
    /// stops: the lines that it closes itself are not broken. Blocks.
    pub fn due(&mut self, node: &Node) -> Vec<UnitReport> {
        if node.health() == Health::Stopping {
            return Vec::new();
        }
        let directory = node.directory();
        let at = directory.at(node.today());
        let known = node.known_reports(&at, node.now_ms());
        self.0.retain(|key, _| known.contains_key(key));
        self.news(known)
    }

    fn news(&mut self, known: BTreeMap<(UnitId, UnitId), UnitReport>) -> Vec<UnitReport> {
        let told_ms = |key: &(UnitId, UnitId)| self.0.get(key).map_or(0, |told| told.written_ms);
        let is_news = |key: &(UnitId, UnitId), report: &UnitReport| {
            self.0.get(key).is_none_or(|told| report.is_news_after(told))
        };
        let mut due: Vec<(u64, UnitReport)> = known
            .into_iter()
            .filter(|(key, report)| is_news(key, report))
            .map(|(key, report)| (told_ms(&key), report))
            .collect();
        due.sort_by_key(|(told_ms, _)| *told_ms);
        due.truncate(limits::UNIT_REPORTS_A_HEARTBEAT_MAX);
        let due: Vec<UnitReport> = due.into_iter().map(|(_, report)| report).collect();
        self.0.extend(due.iter().map(|report| ((report.unit, report.by), report.clone())));
        due
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    fn known(written_ms: u64, count: usize) -> BTreeMap<(UnitId, UnitId), UnitReport> {
        let by: UnitId = "01@2025-07-01".parse().unwrap();
        let report = |number: usize| {
            let unit = format!("{number:05}@2025-07-01").parse().unwrap();
            ((unit, by), UnitReport::new(unit, by, written_ms))
        };
        (0..count).map(report).collect()
    }

    #[test]
    fn everything_is_told_in_turns_and_again_after_a_while() {
        let most = limits::UNIT_REPORTS_A_HEARTBEAT_MAX;
        let mut told = Told::default();
        assert_eq!(told.news(known(1_000, most + 20)).len(), most);
        let rest = told.news(known(1_001, most + 20));
        assert_eq!(rest.len(), 20);
        assert!(told.news(known(1_002, most + 20)).is_empty(), "nothing has changed");
        let later = 1_000 + limits::UNIT_REPORT_REFRESH_MS;
        assert_eq!(told.news(known(later, most + 20)).len(), most);
        // Those that had to wait come first, before any that is told again.
        let next = told.news(known(later + limits::UNIT_REPORT_REFRESH_MS, most + 20));
        assert_eq!(
            next[..20],
            rest.iter()
                .map(|report| UnitReport { written_ms: next[0].written_ms, ..report.clone() })
                .collect::<Vec<_>>()
        );
    }
}
