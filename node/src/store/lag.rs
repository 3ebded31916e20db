//! Samples of each unit's lag and the last reports of units: rows that follow from no record of the ledger, are
//! written through the one writer as all others, and may be lost with the index.

use super::{Order, Store, StoreError, index, keys};
use danso_core::replication::UnitReport;
use danso_tier_config::{DAY_MS, UnitId, limits};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

/// Most samples of one unit and day.
const SAMPLES_A_DAY: usize = (DAY_MS / limits::LAG_SAMPLE_MS) as usize;

/// How one unit stood at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LagSample {
    /// When, Unix milliseconds.
    pub at_ms: u64,
    /// The age up to which its figures were known; `None` while nothing was.
    pub behind_ms: Option<u64>,
    /// Changes that were known to be missing.
    pub changes_behind: u64,
    /// Changes that were not counted.
    pub quarantined: u64,
    /// Whether the tier above had its line open.
    pub connected: bool,
}

impl Store {
    /// Keeps a sample of each unit, one an interval of [`limits::LAG_SAMPLE_MS`], and forgets those of more than
    /// [`limits::LAG_HISTORY_DAYS`] days ago. They are in the index after its next flush.
    ///
    /// Errors: `index_full` on a full disk; nothing is kept then.
    pub async fn keep_samples(&self, samples: Vec<(UnitId, LagSample)>) -> Result<(), StoreError> {
        self.keep(move |index| samples.iter().try_for_each(|(unit, sample)| keep_one(index, *unit, sample)))
            .await
    }

    /// The samples of a unit, the oldest first.
    pub fn lag_samples(&self, unit: UnitId) -> Result<Vec<LagSample>, StoreError> {
        let days = self.inner.index.scan(&keys::samples_of(unit))?;
        let mut samples = Vec::new();
        for day in days.values() {
            samples.extend(index::decode::<Vec<LagSample>>(day)?);
        }
        Ok(samples)
    }

    /// Keeps the last reports of units, each in the place of an earlier one.
    ///
    /// Errors: as [`Store::keep_samples`].
    pub async fn keep_reports(&self, reports: Vec<UnitReport>) -> Result<(), StoreError> {
        self.keep(move |index| {
            for report in &reports {
                index.put(keys::report(report.unit, report.by), report);
            }
            Ok(())
        })
        .await
    }

    /// The reports that were kept. One that is not understood is left out: it comes again with the link.
    pub fn kept_reports(&self) -> Result<Vec<UnitReport>, StoreError> {
        let rows = self.inner.index.scan(keys::REPORTS)?;
        Ok(rows.values().filter_map(|row| index::decode(row).ok()).collect())
    }

    async fn keep(
        &self,
        work: impl FnOnce(&index::Index) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), StoreError> {
        let (done, outcome) = oneshot::channel();
        if self.inner.stopped() {
            return Err(StoreError::Stopped);
        }
        self.orders.send(Order::Keep { work: Box::new(work), done });
        outcome.await.unwrap_or(Err(StoreError::Stopped))
    }
}

fn keep_one(index: &index::Index, unit: UnitId, sample: &LagSample) -> Result<(), StoreError> {
    let day = u32::try_from(sample.at_ms / DAY_MS).unwrap_or(u32::MAX);
    let key = keys::samples(unit, day);
    let held: Option<Vec<LagSample>> = index.get(&key)?;
    if held.is_none() {
        forget(index, unit, day)?;
    }
    let mut row = held.unwrap_or_default();
    // A clock that was set back gives hours that have been before.
    let hour = |sample: &LagSample| sample.at_ms / limits::LAG_SAMPLE_MS;
    row.retain(|held| hour(held) < hour(sample));
    row.push(*sample);
    let surplus = row.len().saturating_sub(SAMPLES_A_DAY);
    row.drain(..surplus);
    index.put(key, &row);
    Ok(())
}

/// Removes the days of a unit that are too old, and those that a clock far ahead has left.
fn forget(index: &index::Index, unit: UnitId, today: u32) -> Result<(), StoreError> {
    let first = today.saturating_sub(limits::LAG_HISTORY_DAYS as u32 - 1);
    for key in index.scan(&keys::samples_of(unit))?.into_keys() {
        let day = key.last_chunk().map(|bytes| u32::from_be_bytes(*bytes));
        if day.is_none_or(|day| !(first..=today).contains(&day)) {
            index.remove(key);
        }
    }
    Ok(())
}
