//! How far the clocks of the nodes below are from this one's. Nothing is ordered or refused by them.

use super::{meters::CLOCKS_OFF, node::Node};
use danso_tier_config::{UnitId, limits};
use std::{collections::BTreeMap, sync::Mutex};

/// What the children's clocks said last, in milliseconds ahead of this node's; the time on the line included.
#[derive(Debug, Default)]
pub struct Clocks(Mutex<BTreeMap<UnitId, i64>>);

/// Whether a clock is so far off that somebody should look.
pub fn is_off(offset_ms: i64) -> bool {
    offset_ms.unsigned_abs() > limits::CLOCK_OFF_MS_MAX
}

impl Node {
    /// Takes a child's word of the time, Unix milliseconds; 0 is none. A clock far off is counted each time and
    /// told in the log once, until it is right again.
    pub fn hear_clock(&self, child: UnitId, sent_at_ms: u64) {
        if sent_at_ms == 0 {
            return;
        }
        let offset_ms = i64::try_from(i128::from(sent_at_ms) - i128::from(self.now_ms())).unwrap_or(i64::MAX);
        let before = self.clocks.0.lock().expect("no holder of the clocks panics").insert(child, offset_ms);
        let (off, was_off) = (is_off(offset_ms), before.is_some_and(is_off));
        if off {
            self.meters.count(CLOCKS_OFF, &child.to_string());
        }
        if off && !was_off {
            tracing::warn!(%child, offset_ms, code = "clock_off", "a child's clock is far off; order and acceptance do not depend on it");
        } else if was_off && !off {
            tracing::info!(%child, offset_ms, "a child's clock is right again");
        }
    }

    /// How far each child's clock was ahead at its last word, in milliseconds; those that said nothing are missing.
    pub fn clock_offsets(&self) -> BTreeMap<UnitId, i64> {
        self.clocks.0.lock().expect("no holder of the clocks panics").clone()
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn a_clock_is_off_beyond_the_limit_in_either_direction() {
        let limit = limits::CLOCK_OFF_MS_MAX as i64;
        assert!(!is_off(limit) && !is_off(-limit) && !is_off(0));
        assert!(is_off(limit + 1) && is_off(-limit - 1) && is_off(i64::MIN) && is_off(i64::MAX));
    }
}
