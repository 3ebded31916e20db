//! Delays between attempts to reach the parent.

/// Delay before attempt `attempt` (from 0): doubles from `first_ms` to `max_ms`, of which a random
/// half is kept, so that three thousand communes do not come back in the same second.
///
/// `random` is any uniformly random number.
pub fn backoff_ms(attempt: u32, first_ms: u64, max_ms: u64, random: u64) -> u64 {
    let doubled = first_ms.saturating_mul(1_u64.checked_shl(attempt.min(63)).unwrap_or(u64::MAX));
    let full = doubled.min(max_ms).max(1);
    full / 2 + random % (full - full / 2 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_to_the_limit_and_keep_at_least_half() {
        for (attempt, full) in [(0, 500), (1, 1_000), (3, 4_000), (7, 60_000), (200, 60_000)] {
            for random in [0, 1, 77, u64::MAX] {
                let delay = backoff_ms(attempt, 500, 60_000, random);
                assert!((full / 2..=full).contains(&delay), "{attempt}: {delay}");
            }
        }
        assert_eq!(backoff_ms(5, 0, 0, 9), 1);
    }
}
