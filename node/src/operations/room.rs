//! Room on the disk of the data folder: below a limit nothing new is taken, long before a write fails.
//!
//! What is refused is what makes the folder grow: records of the desk, imports, batches of children. Questions are
//! answered, repeats get their receipts, and what keeps the node in order (keys, audit, revocations, receipts from
//! above, erasure) is written until the disk is full.

use super::node::Node;
use crate::{host::Room, store::StoreError};
use danso_core::replication::DiskSpace;
use danso_tier_config::limits;
use std::sync::Mutex;

/// How much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RoomState {
    /// Enough.
    #[default]
    Enough,
    /// Less than twice the limit: somebody should look.
    Scarce,
    /// Less than the limit: nothing new is taken.
    Low,
}

impl RoomState {
    /// The state after a look that found `left` bytes, with a limit of `low` bytes (0 for none). What was low stays
    /// so until there is a part more than the limit, or it would go back and forth.
    #[must_use]
    pub fn after(self, left: u64, low: u64) -> Self {
        let resume = low.saturating_add(low / limits::DISK_RESUME_PARTS);
        if low == 0 {
            Self::Enough
        } else if left < low || (self == Self::Low && left < resume) {
            Self::Low
        } else if left < low.saturating_mul(limits::DISK_SCARCE_TIMES) {
            Self::Scarce
        } else {
            Self::Enough
        }
    }
}

/// What the last look at the disk found.
#[derive(Debug, Default)]
pub(super) struct DiskRoom(Mutex<(RoomState, Option<Room>)>);

const MEGABYTE: u64 = 1_048_576;

impl Node {
    /// Looks at the disk of the data folder and acts on it: what is low is refused until it is not. Tells each
    /// change once. A disk that does not tell counts as having enough: the write itself will fail.
    pub fn look_at_room(&self) -> RoomState {
        let found = self.host.disk.room(&self.config.data);
        let low = self.limits().disk_low_bytes;
        let left = found.map_or(u64::MAX, |room| room.left_bytes);
        let (before, after) = {
            let mut room = self.room.0.lock().expect("no holder of the room panics");
            let before = room.0;
            let after = before.after(left, low);
            *room = (after, found);
            (before, after)
        };
        let (left_mb, limit_mb) = (left / MEGABYTE, low / MEGABYTE);
        match (before, after) {
            (RoomState::Enough | RoomState::Scarce, RoomState::Low) => tracing::error!(
                code = "disk_low",
                left_mb,
                limit_mb,
                "little room is left on the disk: nothing new is taken until there is more; questions are answered"
            ),
            (RoomState::Enough, RoomState::Scarce) => {
                tracing::warn!(code = "disk_low", left_mb, limit_mb, "the room on the disk runs out");
            }
            (RoomState::Low, RoomState::Enough | RoomState::Scarce) => {
                tracing::info!(left_mb, limit_mb, "there is room on the disk again: everything is taken");
            }
            _ => {}
        }
        after
    }

    /// The file system of the data folder as it is now; `None` where the disk does not tell.
    pub fn disk_space(&self) -> Option<DiskSpace> {
        let Room { left_bytes, size_bytes } = self.host.disk.room(&self.config.data)?;
        Some(DiskSpace { free_bytes: left_bytes, size_bytes })
    }

    /// What the last look found; `None` where the disk does not tell.
    pub fn room(&self) -> (RoomState, Option<Room>) {
        *self.room.0.lock().expect("no holder of the room panics")
    }

    /// Whether something new may be taken. Errors: `disk_low`.
    pub fn require_room(&self) -> Result<(), StoreError> {
        match self.room() {
            (RoomState::Low, Some(room)) => Err(StoreError::DiskLow {
                left_mb: room.left_bytes / MEGABYTE,
                limit_mb: self.limits().disk_low_bytes / MEGABYTE,
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn low_begins_at_the_limit_and_ends_a_part_above_it() {
        use RoomState::{Enough, Low, Scarce};
        for (before, left, expected) in [
            (Enough, 200, Enough),
            (Enough, 199, Scarce),
            (Enough, 100, Scarce),
            (Enough, 99, Low),
            (Scarce, 99, Low),
            (Low, 100, Low),
            (Low, 124, Low),
            (Low, 125, Scarce),
            (Low, 200, Enough),
            (Scarce, 124, Scarce),
        ] {
            assert_eq!(before.after(left, 100), expected, "{before:?} with {left}");
        }
        assert_eq!(Low.after(0, 0), Enough, "a limit of 0 is none");
        assert_eq!(Enough.after(u64::MAX - 1, u64::MAX), Low);
    }
}
