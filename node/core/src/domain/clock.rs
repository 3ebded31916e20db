//! The hybrid logical clock: time of recording that never goes back on one node.

use serde::{Deserialize, Serialize};

/// A moment of recording: Unix milliseconds and a counter within the millisecond.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordedAt(u64);

impl RecordedAt {
    const COUNTER_BITS: u32 = 16;
    const MILLIS_MAX: u64 = u64::MAX >> Self::COUNTER_BITS;

    /// The first moment of a millisecond.
    pub fn from_millis(unix_ms: u64) -> Self {
        Self(unix_ms.min(Self::MILLIS_MAX) << Self::COUNTER_BITS)
    }

    /// Unix milliseconds, as far as the clock was ahead of the PC's at most.
    pub fn millis(self) -> u64 {
        self.0 >> Self::COUNTER_BITS
    }

    /// The moment after `self` when the PC's clock shows `now_ms`: later than `self` whatever the PC says.
    #[must_use]
    pub fn next(self, now_ms: u64) -> Self {
        Self((self.0 + 1).max(Self::from_millis(now_ms).0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_never_goes_back() {
        let mut last = RecordedAt::default();
        for now in [1_000, 1_000, 5_000, 4_000, 0, 5_000, 6_000] {
            let next = last.next(now);
            assert!(next > last);
            last = next;
        }
        assert_eq!(last.millis(), 6_000);
    }
}
