//! Which orders the writer commits together.

use super::{Order, Writer};
use crate::store::{Staged, StoreError};
use danso_tier_config::limits;
use std::sync::atomic::Ordering;

/// Gives the next order that is there.
pub(super) type More<'a> = dyn FnMut() -> Option<Order> + 'a;

impl Writer {
    /// Commits everything that is there, as one group: an import, or the entries of one form, are one group and one
    /// sync. Gives back an order that stands alone.
    pub fn gather(&mut self, first: Order, more: &mut More<'_>) -> Option<Order> {
        let (mut group, mut answers) = (Vec::new(), Vec::new());
        let mut bytes = 0;
        let mut next = Some(first);
        let mut alone = None;
        while let Some(order) = next {
            match order {
                Order::Append { records, generation, done } => {
                    if generation == self.inner.generation.load(Ordering::Acquire) {
                        bytes += records.iter().map(|staged| staged.record.size()).sum::<usize>();
                        group.extend(records);
                        answers.push(done);
                    } else {
                        let _ = done.send(Err(StoreError::Retry));
                    }
                }
                other => alone = Some(other),
            }
            let room = group.len() < limits::COMMIT_RECORDS_MAX && bytes < limits::COMMIT_BYTES_MAX;
            next = if room && alone.is_none() { more() } else { None };
        }
        self.commit(group, answers);
        alone
    }
}

impl Order {
    /// Whether it only appends records.
    pub fn is_append(&self) -> bool {
        matches!(self, Self::Append { .. })
    }

    /// How many records it has that wait for others to be committed with; `None` where it is not kept waiting.
    pub fn may_wait(&self) -> Option<usize> {
        match self {
            Self::Append { records, .. } => records.iter().all(Staged::may_wait).then_some(records.len()),
            _ => None,
        }
    }
}
