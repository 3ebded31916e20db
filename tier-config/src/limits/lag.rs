//! Bounds of what tiers tell each other of units, and when something is wrong with one.

/// Values of a label that a metric tells apart; the rest is counted as `other`.
pub const METER_LABELS_MAX: usize = 1_000;
/// Units below that have series of their own among the metrics of a node: the 3,321 communes of today, not the 10,599 of
/// before July 2025. Sums hold all of them.
pub const METER_UNITS_MAX: usize = 4_000;

/// Most reports of units that one heartbeat carries; the others follow with the next ones.
pub const UNIT_REPORTS_A_HEARTBEAT_MAX: usize = 500;
/// Age of what the parent heard of a unit at which it is told again though nothing changed, in milliseconds.
pub const UNIT_REPORT_REFRESH_MS: u64 = 60_000;
/// Longest code or version in a report, in characters.
pub const REPORT_TEXT_CHARS_MAX: usize = 64;
/// Steps of a disk's size by which free space counts as changed.
pub const DISK_STEPS: u64 = 100;
/// Steps by which the offset of a clock counts as changed, in milliseconds.
pub const CLOCK_STEP_MS: u64 = 10_000;
/// Shortest time between two answers to whoever watches the units, in milliseconds.
pub const WATCH_MS: u64 = 1_000;
/// Time after which a watcher hears something though nothing changed, in milliseconds.
pub const WATCH_WORD_MS: u64 = 10_000;
/// Most watchers at once.
pub const WATCHERS_MAX: usize = 64;
/// First and longest delay before `danso status --watch` asks a node again that was lost, in milliseconds.
pub const WATCH_AGAIN_MS: (u64, u64) = (500, 10_000);
/// Interval of the samples of each unit's lag, in milliseconds.
pub const LAG_SAMPLE_MS: u64 = 3_600_000;
/// Time after a start before the first sample, in milliseconds: the units below link up first.
pub const LAG_SETTLE_MS: u64 = 120_000;
/// Days for which samples are kept.
pub const LAG_HISTORY_DAYS: u64 = 30;
/// Time without contact after which a unit needs somebody, in milliseconds.
pub const NO_CONTACT_MS: u64 = 3_600_000;
/// Age of what is known of a unit at which it counts as behind, in milliseconds.
pub const BEHIND_MS: u64 = 3_600_000;
/// Time for which a refused batch and a growing quarantine are told, in milliseconds.
pub const RECENT_MS: u64 = 86_400_000;
/// Free bytes below which a disk is low, whatever its size.
pub const DISK_LOW_BYTES: u64 = 1 << 30;
/// Free share of a disk below which it is low: one part in this many.
pub const DISK_LOW_PARTS: u64 = 20;
/// Free bytes below which a disk is about to be full.
pub const DISK_URGENT_BYTES: u64 = 256 << 20;
/// Days before the end of a certificate from which it is told.
pub const CERTIFICATE_SOON_DAYS: i32 = 21;
/// Days before the end of a certificate from which it is urgent.
pub const CERTIFICATE_URGENT_DAYS: i32 = 7;
