//! Every limit, timeout and size of danso, named once.
//!
//! Constants bound what a node accepts from outside before it allocates; the fields of
//! [`Limits`] are what a node's file may change. Relations between them are asserted at compile time.

/// Version of the replication protocol that this program speaks.
pub const PROTOCOL_VERSION: u32 = 1;
/// Oldest replication protocol version that this program still speaks.
pub const PROTOCOL_VERSION_MIN: u32 = 1;

/// Most changes one batch may commit to.
pub const BATCH_CHANGES_MAX: u32 = 10_000;
/// Largest signed batch header, in bytes.
pub const HEADER_BYTES_MAX: usize = 1_024;
/// Largest compressed frame of a batch, in bytes.
pub const FRAME_BYTES_MAX: usize = 2 * 1_048_576;
/// Largest frame after decompression, in bytes.
pub const FRAME_PLAIN_BYTES_MAX: usize = 16 * 1_048_576;
/// Largest encoded core of one change, in bytes.
pub const CORE_BYTES_MAX: usize = 4_096;
/// Largest encoded personal part of one change, in bytes.
pub const PERSONAL_BYTES_MAX: usize = 16_384;
/// Most tally deltas that one batch may carry.
pub const BATCH_DELTAS_MAX: usize = 200_000;
/// Most persons that one change may name.
pub const CHANGE_PERSONS_MAX: usize = 64;
/// Largest signed receipt, release or registration that is not a chunked file, in bytes.
pub const SIGNED_BYTES_MAX: usize = 4 * 1_048_576;
/// Most quarantined changes that one receipt lists (all of a batch).
pub const RECEIPT_QUARANTINED_MAX: usize = BATCH_CHANGES_MAX as usize;

/// Largest gRPC message in either direction, in bytes; three frames and a header fit.
pub const MESSAGE_BYTES_MAX: usize = 8 * 1_048_576;
/// Most origins that one hello may list.
pub const HELLO_ORIGINS_MAX: usize = 20_000;
/// Longest name of a person, in characters after normalisation.
pub const NAME_CHARS_MAX: usize = 200;
/// Longest free text (address, note), in characters.
pub const NOTE_CHARS_MAX: usize = 1_000;
/// Longest line of a CSV file, in bytes.
pub const CSV_LINE_BYTES_MAX: usize = 65_536;
/// Most faults listed for one imported file; the rest are counted.
pub const IMPORT_FAULTS_MAX: usize = 10_000;
/// Bytes of a file sent in one chunk of an import.
pub const IMPORT_CHUNK_BYTES: usize = 64 * 1_024;
/// Largest file taken by one import, in bytes.
pub const IMPORT_BYTES_MAX: usize = 512 * 1_048_576;

/// Years before the effective date that a birth month may lie.
pub const AGE_YEARS_MAX: i32 = 130;
/// Youngest age at which a mother is accepted, in completed years.
pub const MOTHER_AGE_YEARS_MIN: i32 = 10;
/// Oldest age at which a mother is accepted, in completed years.
pub const MOTHER_AGE_YEARS_MAX: i32 = 60;
/// Days that an effective date may lie after the day of recording (a PC's clock, a time zone).
pub const EFFECTIVE_AHEAD_DAYS_MAX: i32 = 2;
/// Largest household size that has a tally cell of its own; larger ones share it.
pub const HOUSEHOLD_SIZE_CELL_MAX: u16 = 255;
/// Largest birth order that has a tally cell of its own.
pub const BIRTH_ORDER_CELL_MAX: u8 = 20;

/// Longest TLS handshake, in milliseconds.
pub const HANDSHAKE_MS_MAX: u64 = 10_000;
/// Most connections a node serves at once.
pub const CONNECTIONS_MAX: usize = 8_192;
/// Longest silence of a replication stream before it is dropped, in milliseconds.
pub const STREAM_SILENCE_MS_MAX: u64 = 60_000;
/// Interval of HTTP/2 keep-alive pings, in milliseconds.
pub const KEEPALIVE_MS: u64 = 20_000;
/// Largest answer of a count, in rows.
pub const COUNT_ROWS_MAX: usize = 200_000;
/// Most months one count may span.
pub const COUNT_MONTHS_MAX: i32 = 1_200;

/// Size of a preallocated ledger segment, in bytes.
pub const SEGMENT_BYTES: u64 = 16 * 1_048_576;
/// Largest record of the ledger, in bytes: a batch with its three frames.
pub const RECORD_BYTES_MAX: usize = 3 * FRAME_BYTES_MAX + 2 * 1_048_576;
/// Most records of one group commit.
pub const COMMIT_RECORDS_MAX: usize = 4_096;
/// Segment size of sled, in bytes.
pub const SLED_SEGMENT_BYTES: usize = 4 * 1_048_576;
/// Most keys in one sled write batch.
pub const SLED_BATCH_KEYS_MAX: usize = 1_000;
/// Largest value stored in sled, in bytes.
pub const SLED_VALUE_BYTES_MAX: usize = 4_096;
/// Bytes kept aside so that a node starts on a full disk.
pub const BALLAST_BYTES: u64 = 4 * 1_048_576;

const _: () = assert!(3 * FRAME_BYTES_MAX + HEADER_BYTES_MAX < MESSAGE_BYTES_MAX);
const _: () = assert!(RECORD_BYTES_MAX < SEGMENT_BYTES as usize);
const _: () = assert!(FRAME_BYTES_MAX < FRAME_PLAIN_BYTES_MAX);
const _: () = assert!(IMPORT_CHUNK_BYTES < MESSAGE_BYTES_MAX);
const _: () = assert!(PROTOCOL_VERSION_MIN <= PROTOCOL_VERSION);

/// What a node's file may change under `[limits]`; every field has a default and bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Changes at which a batch is sealed, 1 to [`BATCH_CHANGES_MAX`].
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
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            batch_changes: 1_000,
            batch_age_ms: 50,
            window_batches: 32,
            heartbeat_ms: 5_000,
            backoff_first_ms: 500,
            backoff_max_ms: 60_000,
            late_after_ms: 86_400_000,
            pull_interval_ms: 60_000,
            release_after_days: 15,
            cache_bytes: 8 * 1_048_576,
        }
    }
}
