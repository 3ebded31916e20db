//! What wakes the writer's thread: not anything that comes, but enough of it, since a transaction of a thousand changes
//! would wake it a thousand times; or somebody who waits.

use danso_tier_config::limits::{COMMIT_GATHER_MS, COMMIT_GATHER_RECORDS, COMMIT_RECORDS_MAX};
use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread::{self, Thread},
    time::{Duration, Instant},
};

/// What an order weighs that is not kept waiting: more than all records of a group.
pub(super) const AT_ONCE: usize = 1 << 20;
const _: () = assert!(COMMIT_RECORDS_MAX < AT_ONCE && COMMIT_GATHER_RECORDS < AT_ONCE);

/// The thread is about to take its turn, or at it.
const AWAKE: u64 = 0;
/// The thread sleeps, nobody knows for how long.
const ASLEEP: u64 = u64::MAX;

/// Wakes the writer's thread.
#[derive(Debug)]
pub(super) struct Bell {
    /// Records that have come since orders were last taken out.
    come: AtomicUsize,
    /// As many wake the thread.
    enough: AtomicUsize,
    /// When it wakes by itself, microseconds from `since`; or [`AWAKE`], or [`ASLEEP`] where that is not known.
    wakes_at: AtomicU64,
    since: Instant,
    thread: OnceLock<Thread>,
}

impl Default for Bell {
    fn default() -> Self {
        Self {
            come: AtomicUsize::new(0),
            enough: AtomicUsize::new(usize::MAX),
            wakes_at: AtomicU64::new(ASLEEP),
            since: Instant::now(),
            thread: OnceLock::new(),
        }
    }
}

impl Bell {
    /// Wakes the thread at once.
    pub fn ring(&self) {
        self.add(AT_ONCE);
    }

    /// Whether the thread is about to take its turn, or at it.
    pub fn is_awake(&self) -> bool {
        self.wakes_at.load(Ordering::SeqCst) == AWAKE
    }

    /// So many records have come; told after they are there: who sees the sum finds them.
    pub fn add(&self, weight: usize) {
        let come = self.come.fetch_add(weight, Ordering::SeqCst) + weight;
        if come >= self.enough.load(Ordering::SeqCst)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }

    /// From now on it weighs what comes anew, on top of so many records.
    pub fn begin(&self, records: usize) {
        self.come.store(records, Ordering::SeqCst);
    }

    /// The thread finds out how long it may sleep: whatever comes to be due from now on wakes it.
    pub fn plan(&self) {
        self.thread.get_or_init(thread::current);
        self.wakes_at.store(ASLEEP, Ordering::SeqCst);
    }

    /// Waits until something has come and with it enough, or the patience ends. Only the writer's thread waits.
    pub fn wait(&self, patience: Duration) {
        if self.sleep(1, patience) {
            self.sleep(COMMIT_GATHER_RECORDS, patience.min(Duration::from_millis(COMMIT_GATHER_MS)));
        }
        self.wakes_at.store(AWAKE, Ordering::SeqCst);
    }

    /// Sleeps until records of such a number have come; false where the patience ended before.
    pub fn sleep(&self, records: usize, patience: Duration) -> bool {
        let until = self.since.elapsed().saturating_add(patience);
        self.wakes_at.store(u64::try_from(until.as_micros()).unwrap_or(ASLEEP), Ordering::SeqCst);
        self.enough.store(records, Ordering::SeqCst);
        let enough = loop {
            if self.come.load(Ordering::SeqCst) >= records {
                break true;
            }
            let left = until.saturating_sub(self.since.elapsed());
            if left.is_zero() {
                break false;
            }
            thread::park_timeout(left);
        };
        self.enough.store(usize::MAX, Ordering::SeqCst);
        enough
    }

    /// Whether the thread sleeps on when something is due.
    pub fn sleeps_longer(&self, due: Duration) -> bool {
        let due = self.since.elapsed().saturating_add(due).as_micros();
        u128::from(self.wakes_at.load(Ordering::SeqCst)) > due
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn the_thread_sleeps_as_long_as_it_said_or_nobody_knows() {
        const EVER: Duration = Duration::from_hours(1);
        let bell = Bell::default();
        assert!(!bell.is_awake() && bell.sleeps_longer(EVER));
        bell.wait(Duration::ZERO);
        assert!(bell.is_awake() && !bell.sleeps_longer(Duration::ZERO));
        bell.plan();
        assert!(!bell.is_awake() && bell.sleeps_longer(EVER), "it may have found that it may sleep for ever");
        assert!(!bell.sleep(1, Duration::from_millis(1)));
        assert!(!bell.sleeps_longer(EVER));
    }
}
