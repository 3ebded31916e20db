//! What a node's file may change of its limits.

use super::{BATCH_CHANGES_MAX, STREAM_SILENCE_MS_MAX};

/// What a node's file may change under `[limits]`; every field has a default and bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Most changes of a batch, 1 to [`BATCH_CHANGES_MAX`]; more than [`super::SEAL_SLOW_CHANGES`] only while the parent
    /// answers quickly.
    pub batch_changes: u32,
    /// Age of the oldest unsealed change at which a batch is sealed, in milliseconds.
    pub batch_age_ms: u64,
    /// Batches sent and not yet answered on one link.
    pub window_batches: u32,
    /// Interval of heartbeats on an idle link, in milliseconds.
    pub heartbeat_ms: u64,
    /// First delay before a broken link is opened again, in milliseconds.
    pub backoff_first_ms: u64,
    /// Longest delay between two attempts, in milliseconds.
    pub backoff_max_ms: u64,
    /// Age of a unit's watermark after which it counts as late, in milliseconds.
    pub late_after_ms: u64,
    /// Interval between two looks for new releases and directories at the parent, in milliseconds.
    pub pull_interval_ms: u64,
    /// Days after a month's end before central closes it and publishes its release.
    pub release_after_days: u32,
    /// Cache given to sled, in bytes (it uses about six times as much at its worst).
    pub cache_bytes: u64,
    /// Free space on the disk of the data folder below which nothing new is taken, in bytes; 0 for never.
    pub disk_low_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            batch_changes: 4_000,
            batch_age_ms: 50,
            window_batches: 32,
            heartbeat_ms: 5_000,
            backoff_first_ms: 500,
            backoff_max_ms: 60_000,
            late_after_ms: 86_400_000,
            pull_interval_ms: 60_000,
            release_after_days: 15,
            cache_bytes: 8 * 1_048_576,
            disk_low_bytes: 256 * 1_048_576,
        }
    }
}

/// One field of [`Limits`] that a node's file may set, with its bounds (both inclusive).
#[derive(Debug, Clone, Copy)]
pub struct LimitField {
    /// The key in the file.
    pub name: &'static str,
    /// Smallest value allowed.
    pub min: u64,
    /// Largest value allowed.
    pub max: u64,
    /// What the value means, for people.
    pub meaning: &'static str,
    /// Whether a running node takes a new value; else it begins with the next start.
    pub live: bool,
    /// Reads the field.
    pub get: fn(&Limits) -> u64,
    /// Writes the field; the value is within the bounds.
    pub set: fn(&mut Limits, u64),
}

/// An entry of [`LIMIT_FIELDS`].
macro_rules! field {
    ($field:ident, $type:ty, $min:expr, $max:expr, $meaning:expr) => {
        field!($field, $type, $min, $max, $meaning, live: true)
    };
    ($field:ident, $type:ty, $min:expr, $max:expr, $meaning:expr, live: $live:expr) => {
        LimitField {
            name: stringify!($field),
            min: $min,
            max: $max,
            meaning: $meaning,
            live: $live,
            get: |limits| limits.$field.into(),
            set: |limits, value| limits.$field = value as $type,
        }
    };
}

/// Every field of [`Limits`] with its bounds: the one table that reading and writing a node's file use.
pub const LIMIT_FIELDS: [LimitField; 11] = [
    field!(batch_changes, u32, 1, BATCH_CHANGES_MAX as u64, "most changes of a batch"),
    field!(batch_age_ms, u64, 1, 60_000, "age of the oldest unsealed change that seals a batch, ms"),
    field!(window_batches, u32, 1, 1_024, "batches sent and not yet answered"),
    field!(heartbeat_ms, u64, 100, STREAM_SILENCE_MS_MAX / 2, "interval of heartbeats on an idle link, ms"),
    field!(backoff_first_ms, u64, 10, 60_000, "first delay before a broken link is opened again, ms"),
    field!(backoff_max_ms, u64, 100, 3_600_000, "longest delay between two attempts, ms"),
    field!(late_after_ms, u64, 1_000, 366 * 86_400_000, "age of a watermark that makes a unit late, ms"),
    field!(pull_interval_ms, u64, 100, 86_400_000, "interval between looks for new releases, ms"),
    field!(release_after_days, u32, 0, 366, "days after a month's end before it is closed"),
    field!(cache_bytes, u64, 1_048_576, 8 << 30, "cache given to sled, bytes", live: false),
    field!(disk_low_bytes, u64, 0, 1 << 40, "free disk space below which nothing new is taken, bytes"),
];
