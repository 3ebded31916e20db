//! One sample an hour of how every unit stands, kept for a month; and the last reports of units, for the next start.

use super::{super::node::Node, lock};
use crate::store::{LagSample, StoreError};
use danso_core::replication::Contact;
use danso_tier_config::{DAY_MS, UnitId, limits};
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

impl Node {
    /// How a unit stood in the last [`limits::LAG_HISTORY_DAYS`] days, one sample an hour, the oldest first. Hours in
    /// which the node did not run are missing.
    pub fn lag_history(&self, unit: UnitId) -> Result<Vec<LagSample>, StoreError> {
        let samples = self.store.lag_samples(unit)?;
        let first = self.now_ms().saturating_sub(limits::LAG_HISTORY_DAYS * DAY_MS);
        Ok(samples.into_iter().filter(|sample| sample.at_ms >= first).collect())
    }

    /// Takes a sample of every unit of the subtree and keeps it, and the last reports of all.
    ///
    /// Errors: as [`Store::keep_samples`](crate::store::Store::keep_samples).
    pub async fn sample_lag(self: &Arc<Self>) -> Result<(), StoreError> {
        let now = self.now_ms();
        let samples = self.blocking(move |node| node.samples(now)).await;
        self.store.keep_samples(samples).await?;
        self.keep_reports().await
    }

    /// Keeps the last reports of all units, so that a node that is started again knows when it last heard of one.
    ///
    /// Errors: as [`Store::keep_samples`](crate::store::Store::keep_samples).
    pub async fn keep_reports(self: &Arc<Self>) -> Result<(), StoreError> {
        let reports = self.blocking(|node| {
            let directory = node.directory();
            node.known_reports(&directory.at(node.today()), node.now_ms())
        });
        self.store.keep_reports(reports.await.into_values().collect()).await
    }

    /// Takes up what was kept before the last stop: reports from below, and when each child was last heard of. Not
    /// whether a line is open. What cannot be read is passed over.
    pub fn recall_reports(&self) {
        let own = self.unit();
        let kept = self.store.kept_reports().unwrap_or_default();
        let mut heard = self.lag.heard.write().unwrap_or_else(PoisonError::into_inner);
        for mut report in kept {
            match &mut report.contact {
                Some(Contact { last_ms, .. }) if report.by == own => self.line_closed(report.unit, *last_ms),
                _ if report.by == own => {}
                _ => {
                    heard.insert((report.unit, report.by), report);
                }
            }
        }
    }

    fn samples(&self, now: u64) -> Vec<(UnitId, LagSample)> {
        let standings = self.standings(None);
        let day_ago = now.saturating_sub(limits::RECENT_MS);
        let mut uncounted = BTreeMap::new();
        let mut samples = Vec::new();
        for found in standings {
            let before = self.store.lag_samples(found.unit).unwrap_or_default();
            let oldest = before.iter().find(|sample| sample.at_ms >= day_ago);
            uncounted.insert(found.unit, oldest.map_or(found.quarantined, |sample| sample.quarantined));
            let sample = LagSample {
                at_ms: now,
                behind_ms: found.behind_ms,
                changes_behind: found.changes_behind,
                quarantined: found.quarantined,
                connected: found.connected == Some(true),
            };
            samples.push((found.unit, sample));
        }
        *lock(&self.lag.uncounted) = uncounted;
        samples
    }
}
