//! Which orders the writer commits together.

use super::{
    Staged, StoreError,
    orders::Received,
    writer::{Order, Writer},
};
use danso_tier_config::limits;
use std::{
    sync::{atomic::Ordering, mpsc},
    time::Duration,
};
use tokio::time::Instant;

/// Gives the next order, if one comes in time; waits for one until orders of so many records have come.
pub(super) type More<'a> = dyn FnMut(Duration, usize) -> Option<Order> + 'a;

impl Writer {
    /// Runs until closed or until nobody can order any more.
    pub fn run(&mut self, orders: &Received) {
        loop {
            match orders.first(self.patience()) {
                Ok(first) => {
                    if self.obey(first, &mut |patience, records| orders.next(patience, records)).is_break() {
                        return;
                    }
                }
                Err(mpsc::RecvTimeoutError::Timeout) => self.wait_ended(),
                Err(mpsc::RecvTimeoutError::Disconnected) => return self.flush(),
            }
        }
    }

    /// Commits everything that is waiting, as one group. Own changes for which nobody waits yet are committed with what
    /// follows them: an import, or the entries of one form, are one group and one sync. Gives back an order that stands
    /// alone.
    pub fn gather(&mut self, first: Order, more: &mut More<'_>) -> Option<Order> {
        let (mut group, mut answers) = (Vec::new(), Vec::new());
        let (mut bytes, mut wanted, since) = (0, false, Instant::now());
        let mut next = Some(first);
        let mut alone = None;
        while let Some(order) = next {
            match order {
                Order::Append { records, generation, done } => {
                    if generation == self.inner.generation.load(Ordering::Acquire) {
                        bytes += records.iter().map(|staged| staged.record.size()).sum::<usize>();
                        wanted |= !records.iter().all(Staged::may_wait);
                        group.extend(records);
                        answers.push(done);
                    } else {
                        let _ = done.send(Err(StoreError::Retry));
                    }
                }
                Order::Wanted => wanted = true,
                other => alone = Some(other),
            }
            let room = group.len() < limits::COMMIT_RECORDS_MAX && bytes < limits::COMMIT_BYTES_MAX;
            let enough = wanted || group.is_empty() || group.len() >= limits::COMMIT_GATHER_RECORDS;
            let gather = || Duration::from_millis(limits::COMMIT_GATHER_MS).saturating_sub(since.elapsed());
            let patience = if enough { Duration::ZERO } else { gather() };
            let wanting = limits::COMMIT_GATHER_RECORDS.saturating_sub(group.len());
            next = if room && alone.is_none() { more(patience, wanting) } else { None };
        }
        self.commit(group, answers);
        alone
    }
}

impl Order {
    /// How many records it has that wait for others to be committed with; `None` where it is not kept waiting.
    pub fn may_wait(&self) -> Option<usize> {
        match self {
            Self::Append { records, .. } => records.iter().all(Staged::may_wait).then_some(records.len()),
            _ => None,
        }
    }
}
