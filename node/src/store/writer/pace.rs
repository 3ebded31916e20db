//! How long changes are gathered for a batch, and how many: a batch is signed, sent, synced and answered as a whole.

use danso_tier_config::limits;
use std::time::Duration;
use tokio::time::Instant;

/// What is known of the last batches of the own chain.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When the last ones were sealed.
    sealed_at: Option<Instant>,
    /// When the oldest ones were sealed that await an answer, and most changes that were sealed at once since.
    awaited: Option<(Instant, usize)>,
    /// So many changes at once were answered quickly; 0 since an answer took long.
    quick: usize,
}

fn is_quick(sealed_at: Instant) -> bool {
    sealed_at.elapsed() <= Duration::from_millis(limits::SEAL_QUICK_MS)
}

impl Pace {
    /// So many changes were sealed at once.
    pub fn sealed(&mut self, changes: usize) {
        let now = Instant::now();
        self.sealed_at = Some(now);
        let (since, most) = self.awaited.unwrap_or((now, 0));
        self.awaited = Some((since, most.max(changes)));
    }

    /// The parent has answered all that was sealed.
    pub fn answered(&mut self) {
        if let Some((since, changes)) = self.awaited.take() {
            self.quick = if is_quick(since) { self.quick.max(changes) } else { 0 };
        }
    }

    /// For how long changes are still gathered after the last batch: the longer, the faster they come.
    pub fn gathered_in(&self, waiting: usize) -> Duration {
        let gap = match waiting {
            limits::SEAL_FLOOD_CHANGES.. => limits::SEAL_FLOOD_GAP_MS,
            limits::SEAL_FLOW_CHANGES.. => limits::SEAL_FLOW_GAP_MS,
            _ => limits::SEAL_GAP_MS,
        };
        let gap = Duration::from_millis(gap);
        self.sealed_at.map_or(Duration::ZERO, |at| gap.saturating_sub(at.elapsed()))
    }

    /// Most changes of the next batch, where so many are allowed: no more than get through a poor line between two
    /// breaks, unless half as many were answered quickly and no answer is late.
    pub fn most(&self, allowed: usize) -> usize {
        let quick = if self.awaited.is_none_or(|(since, _)| is_quick(since)) { self.quick } else { 0 };
        allowed.min((2 * quick).max(limits::SEAL_SLOW_CHANGES))
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use limits::{
        SEAL_FLOOD_CHANGES, SEAL_FLOOD_GAP_MS, SEAL_FLOW_CHANGES, SEAL_FLOW_GAP_MS, SEAL_GAP_MS,
        SEAL_QUICK_MS, SEAL_SLOW_CHANGES,
    };
    use tokio::time::{advance, pause};

    const MOST: usize = 5 * SEAL_SLOW_CHANGES;

    async fn answered_after(pace: &mut Pace, changes: usize, ms: u64) -> usize {
        pace.sealed(changes);
        advance(Duration::from_millis(ms)).await;
        pace.answered();
        pace.most(MOST)
    }

    #[tokio::test]
    async fn batches_grow_while_they_are_answered_quickly_and_shrink_at_once() {
        pause();
        let mut pace = Pace::default();
        pace.answered();
        assert_eq!((pace.most(MOST), pace.most(7)), (SEAL_SLOW_CHANGES, 7));
        assert_eq!(answered_after(&mut pace, 1, 0).await, SEAL_SLOW_CHANGES);
        assert_eq!(answered_after(&mut pace, SEAL_SLOW_CHANGES, SEAL_QUICK_MS).await, 2 * SEAL_SLOW_CHANGES);
        assert_eq!(answered_after(&mut pace, 1, 0).await, 2 * SEAL_SLOW_CHANGES);
        assert_eq!(answered_after(&mut pace, 2 * SEAL_SLOW_CHANGES, 1).await, 4 * SEAL_SLOW_CHANGES);
        assert_eq!(answered_after(&mut pace, 4 * SEAL_SLOW_CHANGES, 1).await, MOST);
        assert_eq!(answered_after(&mut pace, 1, SEAL_QUICK_MS + 1).await, SEAL_SLOW_CHANGES);
    }

    #[tokio::test]
    async fn what_waits_for_an_answer_for_long_shrinks_batches_whatever_is_sealed_meanwhile() {
        pause();
        let mut pace = Pace::default();
        answered_after(&mut pace, MOST, 1).await;
        pace.sealed(MOST);
        advance(Duration::from_millis(SEAL_QUICK_MS)).await;
        assert_eq!(pace.most(MOST), MOST);
        advance(Duration::from_millis(1)).await;
        assert_eq!(pace.most(MOST), SEAL_SLOW_CHANGES);
        assert_eq!(answered_after(&mut pace, 1, 1).await, SEAL_SLOW_CHANGES);
        pace.sealed(SEAL_SLOW_CHANGES);
        assert_eq!(answered_after(&mut pace, 1, 1).await, 2 * SEAL_SLOW_CHANGES);
    }

    #[tokio::test]
    async fn the_faster_changes_come_the_longer_they_are_gathered() {
        pause();
        let mut pace = Pace::default();
        assert_eq!(pace.gathered_in(SEAL_FLOOD_CHANGES), Duration::ZERO);
        pace.sealed(1);
        advance(Duration::from_millis(1)).await;
        for (waiting, gap) in [
            (1, SEAL_GAP_MS),
            (SEAL_FLOW_CHANGES - 1, SEAL_GAP_MS),
            (SEAL_FLOW_CHANGES, SEAL_FLOW_GAP_MS),
            (SEAL_FLOOD_CHANGES - 1, SEAL_FLOW_GAP_MS),
            (SEAL_FLOOD_CHANGES, SEAL_FLOOD_GAP_MS),
        ] {
            assert_eq!(pace.gathered_in(waiting), Duration::from_millis(gap - 1), "{waiting}");
        }
        advance(Duration::from_millis(SEAL_FLOOD_GAP_MS)).await;
        assert_eq!(pace.gathered_in(SEAL_FLOOD_CHANGES), Duration::ZERO);
    }
}
