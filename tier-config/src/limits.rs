//! Every limit, timeout and size of danso, named once.
//!
//! Constants bound what a node accepts from outside before it allocates; the fields of
//! [`Limits`] are what a node's file may change. Relations between them are asserted at compile time.

mod accounts;
mod copies;
mod lag;
mod settings;
mod web;

pub use accounts::*;
pub use copies::*;
pub use lag::*;
pub use settings::*;
pub use web::*;

/// Version of the replication protocol that this program speaks.
pub const PROTOCOL_VERSION: u32 = 2;
/// Since this version a header goes without the hash of the one before it where the stream carried that one.
pub const PROTOCOL_SHORT_HEADERS: u32 = 2;
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

/// Most contradicting headers kept of one origin between two starts.
pub const EVIDENCE_PER_ORIGIN_MAX: usize = 16;

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
/// Most physical lines that one record of a CSV file may run over.
pub const CSV_RECORD_LINES_MAX: usize = 16;
/// Most columns of a CSV file of a form.
pub const CSV_COLUMNS_MAX: usize = 256;
/// Longest household number (hộ số), in characters.
pub const HOUSEHOLD_NUMBER_CHARS_MAX: usize = 20;
/// Longest subject code (health-insurance number), in characters.
pub const SUBJECT_CODE_CHARS_MAX: usize = 15;
/// Longest telephone number, in characters.
pub const PHONE_CHARS_MAX: usize = 20;
/// Most faults listed for one imported file; the rest are counted.
pub const IMPORT_FAULTS_MAX: usize = 10_000;
/// Bytes of a file sent in one chunk of an import.
pub const IMPORT_CHUNK_BYTES: usize = 64 * 1_024;
/// Entries of one import queued and not yet durable.
pub const IMPORT_IN_FLIGHT_MAX: usize = 2_000;
/// Rows of queued changes kept before those applied meanwhile are dropped.
pub const STAGED_ROWS_MAX: usize = 4 * IMPORT_IN_FLIGHT_MAX;
/// Rows of queued changes for which room stays once all of them are applied.
pub const STAGED_ROWS_KEPT: usize = 1_024;
/// Rows between two reports of an import's progress.
pub const IMPORT_PROGRESS_ROWS: u64 = 100;
/// Faults listed in one message of an import.
pub const IMPORT_FAULTS_A_MESSAGE: usize = 500;
/// Largest file taken by one import, in bytes.
pub const IMPORT_BYTES_MAX: usize = 512 * 1_048_576;
/// Bytes of a file that is checked as a whole before any of it is recorded; what it would become is held in memory,
/// up to ten times as much.
pub const IMPORT_CHECKED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Largest directory or official list of units read by a command, in bytes (the largest published is 2 MB).
pub const DIRECTORY_BYTES_MAX: usize = 64 * 1_048_576;
/// Faulty cells of a directory at which its reading stops: two bytes of a file can be a fault of hundreds.
pub const DIRECTORY_FAULTS_MAX: usize = 10_000;

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
/// Longest life of an infant in days that has a tally cell of its own; rules refuse more.
pub const INFANT_DAYS_CELL_MAX: u16 = 366;
/// Slots by which the deltas of a batch are added together before they are sorted, a power of two.
pub const DELTA_SLOTS: usize = 256;
const _: () = assert!(DELTA_SLOTS.is_power_of_two());
/// Most that one batch can add to or take from one tally: a core has fewer persons than bytes.
pub const DELTA_AMOUNT_MAX: i64 = BATCH_CHANGES_MAX as i64 * CORE_BYTES_MAX as i64;

/// Longest TLS handshake, and longest wait for hello and welcome, in milliseconds: four ways of 2 s and a few
/// kilobytes at 16 kbit/s, with repetitions.
pub const HANDSHAKE_MS_MAX: u64 = 30_000;
/// Most calls open at once on one connection.
pub const STREAMS_MAX: u32 = 64;
/// Most calls open at once of one node or person, over all connections.
pub const CALLS_PER_IDENTITY_MAX: usize = 256;
/// Most connections a node serves at once.
pub const CONNECTIONS_MAX: usize = 8_192;
/// Most connections from one address at once; the communes of a province may share one (NAT).
pub const CONNECTIONS_PER_ADDRESS_MAX: usize = 512;
/// Most connections with certificates of one node or person at once.
pub const CONNECTIONS_PER_IDENTITY_MAX: usize = 64;
/// Most connections without a certificate at once for which no call has vouched yet.
pub const GUESTS_MAX: usize = 1_024;
/// Longest time that a connection without a certificate stays open before a call has vouched for it, in milliseconds.
pub const GUEST_MS_MAX: u64 = 30_000;
/// Largest certificate signing request, in bytes.
pub const CERTIFICATE_REQUEST_BYTES_MAX: usize = 4_096;

/// Time given to a node that was told to stop, for open calls and last words to the parent, in milliseconds.
pub const STOP_GRACE_MS: u64 = 15_000;
/// Longest wait of a stopping node until its parent has signed for its last own changes, in milliseconds.
pub const STOP_SEND_MS: u64 = 5_000;
/// Pause between two looks whether it has, in milliseconds.
pub const STOP_SEND_POLL_MS: u64 = 20;
/// Interval at which the free space on the disk of the data folder is looked at, in milliseconds.
pub const DISK_CHECK_MS: u64 = 2_000;
/// Free space at which a node warns: as many times the limit at which it takes nothing more.
pub const DISK_SCARCE_TIMES: u64 = 2;
/// Interval at which old names are looked for that the node's file lets go, in milliseconds.
pub const RETENTION_CHECK_MS: u64 = 3_600_000;
/// Pause between two steps of dropping them, in milliseconds: the writer serves others meanwhile.
pub const RETENTION_PAUSE_MS: u64 = 100;
/// Most batches that lose their names in one step.
pub const RETENTION_BATCHES_AT_ONCE: usize = 64;
/// Most batches that one step looks at.
pub const RETENTION_LOOKS: usize = 512;
/// Most months for which names may be kept by policy; without one they are kept for good.
pub const RETENTION_MONTHS_MAX: u32 = 1_200;
/// Room in which a value is encoded; most take no more, and those that do are encoded twice.
pub const ENCODED_BYTES: usize = 256;
/// Salts of personal parts that the system is asked for at once.
pub const SALTS_DRAWN: usize = 64;
/// Bytes that are written with zeros before records come to lie there, in one go: a sync of blocks that were never
/// written also changes the list of blocks of the file system, which takes as long again.
pub const LEDGER_AHEAD_BYTES: u64 = 262_144;
/// Shortest run of zeros in a scrubbed segment that is given back to the disk, in bytes, and what it is aligned to.
pub const LEDGER_HOLE_BYTES: usize = 4_096;
/// Share of that limit that must be free beyond it before anything is taken again: one part in this many.
pub const DISK_RESUME_PARTS: u64 = 4;
/// Interval at which central looks whether a month is to be closed, in milliseconds.
pub const CLOSE_MONTH_CHECK_MS: u64 = 600_000;
/// Longest silence of a replication stream before it is dropped, in milliseconds. A message on its way is none.
pub const STREAM_SILENCE_MS_MAX: u64 = 60_000;
/// Bytes that a connection brings within that time if a message is on its way; pings are far fewer.
pub const MESSAGE_ON_ITS_WAY_BYTES: u64 = 1_024;
/// Time after which a parent that had nothing to say to a child says a heartbeat, in milliseconds: those of the child
/// may wait behind its batches.
pub const WORD_MS: u64 = 15_000;
/// Longest wait for the reason for which a parent has ended a link, in milliseconds; it comes with the end itself.
pub const LAST_WORD_MS_MAX: u64 = 5_000;
/// Time after which a child asks again for origins that the parent held back, in milliseconds.
pub const HELD_RETRY_MS: u64 = 60_000;
/// Chains looked at for the oldest change that waits to be sent.
pub const OLDEST_UNSENT_CHAINS_MAX: usize = 64;
/// Longest time in which a connection brings not one byte, in milliseconds: then the other side is gone.
pub const LINE_SILENCE_MS_MAX: u64 = 45_000;
/// Times that a chain is sent again from the batch that the parent misses, without a receipt in between; then it waits
/// for the next connection.
pub const REWINDS_MAX: u64 = 1_000;
/// Longest time in which a connection takes not one byte, in milliseconds. Longer than a silence: a slow line with
/// large buffers takes nothing for minutes while they drain.
pub const LINE_BLOCKED_MS_MAX: u64 = 300_000;
/// Silence after which an HTTP/2 ping asks for a byte, in milliseconds.
pub const KEEPALIVE_MS: u64 = 15_000;
/// Longest wait for the answer to such a ping while other bytes come, in milliseconds: it may wait behind a message of
/// the largest size on a line of 16 kbit/s.
pub const KEEPALIVE_ANSWER_MS_MAX: u64 = 2 * 3_600_000;
/// Longest time from dialling a node to its first HTTP/2 bytes, in milliseconds.
pub const CONNECT_MS_MAX: u64 = 45_000;
/// Pause before accepting again after the system refused a connection (no file descriptors), in milliseconds.
pub const ACCEPT_PAUSE_MS: u64 = 200;
/// Time left to a refused peer to read why, in milliseconds.
pub const REFUSED_LINGER_MS: u64 = 1_000;
/// Largest total of HTTP/2 headers accepted in an answer, in bytes.
pub const HEADER_LIST_BYTES_MAX: u32 = 16 * 1_024;
/// Days for which a new certificate authority is good.
pub const AUTHORITY_DAYS: u32 = 3_650;
/// Largest key, certificate or authority file, in bytes.
pub const KEY_FILE_BYTES_MAX: usize = 1_048_576;
/// Most units one count may name.
pub const COUNT_UNITS_MAX: usize = 20_000;
/// Largest answer of a count, in rows.
pub const COUNT_ROWS_MAX: usize = 200_000;
/// Most months one count may span.
pub const COUNT_MONTHS_MAX: i32 = 1_200;
/// Most recording units of a count that is answered at once, by the thread that read the question.
pub const COUNT_AT_ONCE_UNITS_MAX: usize = 4;
/// Months below which it is.
pub const COUNT_AT_ONCE_MONTHS_MAX: i32 = 13;
/// Fewest tallies of a stock between two of its checkpoints: fewer are added up at once.
pub const CHECKPOINT_TALLIES_MIN: usize = 256;

/// Longest time without any call on a connection before it is closed, in milliseconds.
pub const CONNECTION_IDLE_MS_MAX: u64 = 60_000;
/// Longest wait for the answer to a call to begin, in milliseconds; a link answers at once.
pub const CALL_MS_MAX: u64 = 300_000;
/// How far a child's clock may be from ours before it is told, in milliseconds.
pub const CLOCK_OFF_MS_MAX: u64 = 300_000;
/// Age of a batch that the parent has signed for and a tier above has not, from which this is told, in milliseconds.
pub const CONFIRMATION_LATE_MS: u64 = 86_400_000;
/// Time without any progress of that tier before it is told, in milliseconds: after a long cut the tiers catch up.
pub const CONFIRMATION_QUIET_MS: u64 = 600_000;
/// Most contexts of zstd that are kept for the next frame, of either direction.
pub const ZSTD_CONTEXTS_MAX: usize = 4;
/// Bytes of relayed receipts at which a message takes no more of them.
pub const RELAYED_BYTES: usize = 65_536;

/// Delay before own changes are sealed again after the disk refused, in milliseconds.
pub const SEAL_RETRY_MS: u64 = 1_000;
/// Shortest time between two batches of a node whose changes come one by one, milliseconds: those that come sooner go
/// together, since a batch is signed and verified as a whole at every tier. A change that comes alone never waits.
pub const SEAL_GAP_MS: u64 = 4;
/// The same where at least [`SEAL_FLOW_CHANGES`] changes wait already.
pub const SEAL_FLOW_GAP_MS: u64 = 10;
/// So many waiting changes are a flow.
pub const SEAL_FLOW_CHANGES: usize = 8;
/// The same where at least [`SEAL_FLOOD_CHANGES`] changes wait already.
pub const SEAL_FLOOD_GAP_MS: u64 = 20;
/// So many waiting changes are a flood.
pub const SEAL_FLOOD_CHANGES: usize = 64;
/// Most changes of a batch, or fewer where the node's file says so, unless the parent has answered half of a larger one
/// within [`SEAL_QUICK_MS`].
pub const SEAL_SLOW_CHANGES: usize = 1_000;
/// Longest time in which the parent answers quickly, from sealing to receipt, milliseconds.
pub const SEAL_QUICK_MS: u64 = 250;
const _: () = assert!(SEAL_GAP_MS < SEAL_FLOW_GAP_MS && SEAL_FLOW_GAP_MS < SEAL_FLOOD_GAP_MS);
const _: () = assert!(SEAL_FLOW_CHANGES < SEAL_FLOOD_CHANGES && SEAL_FLOOD_CHANGES < SEAL_SLOW_CHANGES);
const _: () = assert!(SEAL_SLOW_CHANGES <= BATCH_CHANGES_MAX as usize);
/// Size of a preallocated ledger segment, in bytes.
pub const SEGMENT_BYTES: u64 = 16 * 1_048_576;
/// Largest record of the ledger, in bytes: whatever a message brings fits, with the answer to it.
pub const RECORD_BYTES_MAX: usize = MESSAGE_BYTES_MAX + 1_048_576;
/// Largest segment file of the ledger that is read at all, in bytes.
pub const SEGMENT_FILE_BYTES_MAX: u64 = 256 * 1_048_576;
/// Bytes that a reader of the ledger fetches at a time when it reads in order.
pub const LEDGER_READ_AHEAD_BYTES: usize = 1_048_576;
/// Bytes that a reader of the ledger fetches first for a single record.
pub const LEDGER_READ_BYTES: usize = 4_096;
/// Most segment files that the readers of one ledger keep open.
pub const LEDGER_OPEN_SEGMENTS_MAX: usize = 8;
/// Shortest sleep of the writer's thread, in milliseconds: what is due sooner is done after it.
pub const WRITER_REST_MS: u64 = 1;
/// Most records of one group commit.
pub const COMMIT_RECORDS_MAX: usize = 4_096;
/// Longest time for which own changes wait for others to be committed with, while nobody waits for them, milliseconds.
pub const COMMIT_GATHER_MS: u64 = 5;
/// So many of them wait for no more: the writer works while the rest is made.
pub const COMMIT_GATHER_RECORDS: usize = 256;
/// Most groups that are committed by somebody who waits, before the rest is left to the writer's thread.
pub const COMMIT_HELPED_GROUPS: usize = 3;
/// Most own changes that share a record of the ledger: who reads one unpacks all.
pub const OWN_RECORD_CHANGES_MAX: usize = 256;
/// Bytes of own changes at which a record takes no more.
pub const OWN_RECORD_BYTES: usize = FRAME_BYTES_MAX / 2;
/// Most bytes of personal parts that are kept in memory once read.
pub const PERSONAL_PARTS_BYTES_MAX: usize = 8 * 1_048_576;
/// Bytes at which a group commit takes no more records.
pub const COMMIT_BYTES_MAX: usize = 64 * 1_048_576;
/// Segment size of sled, in bytes. It keeps several of them ahead, in memory as on the disk; of a register as large as
/// two of 4 MiB it kept eight. A node of its tree with [`SLED_VALUE_BYTES_MAX`] in every place fits into a quarter.
pub const SLED_SEGMENT_BYTES: usize = 524_288;
const _: () = assert!(17 * (SLED_VALUE_BYTES_MAX + 64) < SLED_SEGMENT_BYTES / 4);
/// Most keys of sled, each of a page or of a row without one, in one of its write batches; 1,000 random ones took gigabytes.
pub const SLED_BATCH_KEYS_MAX: usize = 100;
/// Rows with neighbouring keys that share one value of sled, a power of two.
pub const INDEX_PAGE_ROWS: usize = 32;
const _: () = assert!(INDEX_PAGE_ROWS.is_power_of_two() && INDEX_PAGE_ROWS < SLED_BATCH_KEYS_MAX);
/// Longest value of a row that shares one value of sled with its neighbours, in bytes: all of them stay below
/// [`SLED_VALUE_BYTES_MAX`].
pub const INDEX_PAGED_ROW_BYTES_MAX: usize = 120;
const _: () = assert!(INDEX_PAGE_ROWS * (INDEX_PAGED_ROW_BYTES_MAX + 3) < SLED_VALUE_BYTES_MAX);
/// Longest piece of a row of tallies in the index, in bytes.
pub const INDEX_TALLIES_BYTES_MAX: usize = 2_000;
const _: () = assert!(INDEX_TALLIES_BYTES_MAX + 16 < SLED_VALUE_BYTES_MAX);
/// Unflushed keys at which the index is flushed.
pub const INDEX_UNFLUSHED_KEYS_MAX: usize = 20_000;
/// Longest time that a change stays out of sled, in milliseconds (it is in the ledger all the time).
pub const INDEX_FLUSH_MS: u64 = 2_000;
/// How often a part of the unflushed keys is written between two flushes, in milliseconds.
pub const INDEX_PART_MS: u64 = 20;
/// Fewest unflushed keys that are written as a part.
pub const INDEX_PART_KEYS: usize = 64;
/// Unflushed keys at which nothing more is taken: a full disk keeps them in memory.
pub const INDEX_OVERLAY_KEYS_MAX: usize = 200_000;
/// Bytes that the disk must have left before anything is written to the index: sled does not survive a write that
/// finds no space, and writes whole segments ahead.
pub const INDEX_ROOM_BYTES: u64 = 16 * SLED_SEGMENT_BYTES as u64;
/// Bytes that the disk must have left before an index that found no space is opened again.
pub const INDEX_REOPEN_BYTES: u64 = INDEX_ROOM_BYTES / 2;
/// How long the start waits for an index that an earlier handle is closing, in milliseconds.
pub const INDEX_LOCK_MS: u64 = 5_000;
/// Interval of these looks, in milliseconds.
pub const INDEX_LOCK_POLL_MS: u64 = 20;
/// Interval at which sled hands its writes to the operating system, in milliseconds.
pub const SLED_FLUSH_MS: u64 = 1_000;
/// Hours for which an invitation is good unless told otherwise.
pub const INVITATION_HOURS: u32 = 24;
/// Most hours for which an invitation may be good.
pub const INVITATION_HOURS_MAX: u32 = 168;
/// Most invitations that are open at once.
pub const INVITATIONS_OPEN_MAX: usize = 5_000;
/// Days for which the certificate of a node is good.
pub const NODE_CERTIFICATE_DAYS: u32 = 365;
/// Days for which the certificate of a unit's authority is good.
pub const ISSUER_CERTIFICATE_DAYS: u32 = 730;
/// Days for which the certificate of a person is good.
pub const PERSON_CERTIFICATE_DAYS: u32 = 90;
/// Share of a certificate's life after which it is renewed: one part in this many.
pub const RENEWAL_PARTS: u32 = 2;
/// Interval at which a node looks whether its keys or certificates changed, in milliseconds.
pub const KEYS_CHECK_MS: u64 = 5_000;
/// Interval at which open connections are checked again for certificates that expire, in milliseconds.
pub const RECHECK_MS: u64 = 60_000;
/// Delay after which a renewal that failed is tried again, in milliseconds.
pub const RENEWAL_RETRY_MS: u64 = 60_000;
/// Most further names that a node's certificate may have.
pub const CERTIFICATE_NAMES_MAX: usize = 32;
/// Delay after a change before a node looks whether directory or revocations changed, in milliseconds.
pub const TRUST_LOOK_MS: u64 = 100;
/// Most ledger keys that a unit may have one after the other.
pub const LEDGER_KEYS_PER_UNIT_MAX: usize = 64;
/// How often keys that came in a wrong order are gone through again: a grant waits for the key of its grantor, which
/// waits for that of the tier above.
pub const KEY_TURNS_MAX: usize = 16;
/// Longest reason of a revocation, in characters.
pub const REVOCATION_REASON_CHARS_MAX: usize = 200;
/// Most entries in one unit's list of revocations.
pub const REVOCATIONS_MAX: usize = 5_000;
/// Least time between two durable anchors of one child's audit log, in milliseconds.
pub const AUDIT_ANCHOR_MS: u64 = 600_000;
/// Entries of the audit log that are read at a time.
pub const AUDIT_PAGE_ENTRIES: usize = 500;
/// Most entries that a question for the last ones gets.
pub const AUDIT_LAST_MAX: u64 = 10_000;
/// Longest reason for lifting an audit anchor, in characters.
pub const AUDIT_REASON_CHARS_MAX: usize = 100;
/// Longest reason of a decision about a held chain, in characters.
pub const CHAIN_REASON_CHARS_MAX: usize = 200;
/// Most quarantined changes of one chain that an inspection lists.
pub const CHAIN_QUARANTINE_SHOWN_MAX: usize = 100;
/// Batches on their way to a child that gets its chains back, each up to a message long.
pub const RECOVER_WINDOW_BATCHES: usize = 2;
/// Longest text of an audit entry, in characters.
pub const AUDIT_TEXT_CHARS_MAX: usize = 200;
/// Largest value stored in sled, in bytes.
pub const SLED_VALUE_BYTES_MAX: usize = 4_096;
/// Bytes kept aside so that a node starts on a full disk, more than once: an opened index begins a segment.
pub const BALLAST_BYTES: u64 = INDEX_ROOM_BYTES + 8 * SLED_SEGMENT_BYTES as u64;

/// How far a clock may be set back before sessions made until then count as made in the future, in milliseconds.
pub const CLOCK_BACK_MS_MAX: u64 = 300_000;

/// Longest reference id of a request of a person, in characters.
pub const REQUEST_ID_CHARS_MAX: usize = 64;
/// Longest reason of an extension or a refusal, in characters.
pub const REQUEST_REASON_CHARS_MAX: usize = 500;
/// Most requests of persons that one node keeps.
pub const REQUESTS_MAX: usize = 100_000;
/// Most persons that one search in a register gives.
pub const PERSONS_FOUND_MAX: usize = 200;
/// Longest question of such a search, in characters.
pub const PERSON_QUESTION_CHARS_MAX: usize = 200;
/// Most changes that the history of one person lists, the latest ones.
pub const PERSON_HISTORY_MAX: usize = 1_000;
/// Most leaves that one order of erasure names.
pub const ERASURE_LEAVES_MAX: usize = 4_096;
/// Most orders of erasure of one origin that a node keeps.
pub const ERASURE_ORDERS_PER_ORIGIN_MAX: usize = 20_000;
/// Most leaves that all orders of one origin may name together: every change of a large unit.
pub const ERASURE_LEAVES_PER_ORIGIN_MAX: usize = 1_000_000;
/// Most leaves of batches that are not held yet that the orders of one origin may name.
pub const ERASURE_LEAVES_AHEAD_MAX: usize = 100_000;
/// Refused orders of erasure after which a link ends.
pub const ERASURE_REFUSED_PER_LINK_MAX: usize = 1_000;
/// Batches of one chain whose names may be on their way to the ledger at once.
pub const NAMING_BATCHES_MAX: usize = 1_024;
/// Most orders of erasure, or words about them, in one message of a link.
pub const ERASURE_A_MESSAGE: usize = 32;
/// Most orders of erasure that one hello names.
pub const HELLO_ORDERS_MAX: usize = 50_000;
/// Batches written anew at once by an erasure.
pub const ERASURE_BATCHES_AT_ONCE: usize = 16;
/// Longest wait for own changes to be sealed before an erasure is refused, in milliseconds.
pub const ERASURE_SEAL_WAIT_MS: u64 = 10_000;
/// Rounds in which an erasure looks for changes that named the person meanwhile.
pub const ERASURE_ROUNDS_MAX: usize = 3;

const _: () = assert!(3 * FRAME_BYTES_MAX + HEADER_BYTES_MAX < MESSAGE_BYTES_MAX);
const _: () = assert!(STOP_SEND_POLL_MS < STOP_SEND_MS && STOP_SEND_MS < STOP_GRACE_MS);
const _: () = assert!(DISK_SCARCE_TIMES > 1 && DISK_RESUME_PARTS > 1);
const _: () = assert!(SIGNIN_DELAY_MS_MAX < SIGNIN_FORGET_MS);
const _: () =
    assert!(PASSWORD_MEMORY_KIB <= PASSWORD_MEMORY_KIB_MAX && PASSWORD_PASSES <= PASSWORD_PASSES_MAX);
const _: () = assert!(RELAYED_BYTES + SIGNED_BYTES_MAX < MESSAGE_BYTES_MAX);
const _: () = assert!(CONFIRMATION_QUIET_MS < CONFIRMATION_LATE_MS && GUEST_MS_MAX <= CONNECTION_IDLE_MS_MAX);
const _: () = assert!(KEEPALIVE_ANSWER_MS_MAX / 1_000 * 2_000 > MESSAGE_BYTES_MAX as u64);
const _: () = assert!(3 * KEEPALIVE_MS <= LINE_SILENCE_MS_MAX && 3 * WORD_MS <= LINE_SILENCE_MS_MAX);
const _: () = assert!(LINE_SILENCE_MS_MAX < STREAM_SILENCE_MS_MAX && STREAM_SILENCE_MS_MAX <= 60_000);
const _: () = assert!(HANDSHAKE_MS_MAX < CONNECT_MS_MAX && HANDSHAKE_MS_MAX < LINE_SILENCE_MS_MAX);
const _: () = assert!(WEB_CONNECTIONS_PER_ADDRESS_MAX < WEB_CONNECTIONS_MAX);
const _: () = assert!(WEB_STREAMS_PER_ACCOUNT_MAX < WEB_STREAMS_MAX && WEB_STREAMS_MAX < WEB_CONNECTIONS_MAX);
const _: () = assert!(WEB_UPDATE_MS < WEB_UPDATE_MS_MAX && WEB_UPDATE_MS_MAX < STREAM_SILENCE_MS_MAX);
const _: () = assert!(RECORD_BYTES_MAX < SEGMENT_BYTES as usize);
const _: () = assert!(ERASURE_A_MESSAGE * ERASURE_LEAVES_MAX * 56 < MESSAGE_BYTES_MAX);
const _: () = assert!(SEGMENT_BYTES <= SEGMENT_FILE_BYTES_MAX);
const _: () = assert!(ERASURE_LEAVES_MAX < ERASURE_LEAVES_AHEAD_MAX);
const _: () = assert!(UNIT_REPORTS_A_HEARTBEAT_MAX * (4 * REPORT_TEXT_CHARS_MAX + 512) < MESSAGE_BYTES_MAX);
const _: () = assert!(86_400_000 % LAG_SAMPLE_MS == 0 && WATCH_MS < WATCH_WORD_MS);
const _: () = assert!(DISK_URGENT_BYTES < DISK_LOW_BYTES && CERTIFICATE_URGENT_DAYS < CERTIFICATE_SOON_DAYS);
const _: () = assert!(ERASURE_LEAVES_AHEAD_MAX < ERASURE_LEAVES_PER_ORIGIN_MAX);
const _: () = assert!(10 * COMMIT_RECORDS_MAX + INDEX_UNFLUSHED_KEYS_MAX < INDEX_OVERLAY_KEYS_MAX);
const _: () = assert!(FRAME_BYTES_MAX < FRAME_PLAIN_BYTES_MAX);
const _: () = assert!(IMPORT_CHUNK_BYTES < MESSAGE_BYTES_MAX);
const _: () =
    assert!(PROTOCOL_VERSION_MIN <= PROTOCOL_VERSION && PROTOCOL_VERSION <= PROTOCOL_VERSION_MIN + 1);
const _: () = assert!(CONNECTIONS_PER_IDENTITY_MAX <= CONNECTIONS_PER_ADDRESS_MAX);
const _: () = assert!(CONNECTIONS_PER_ADDRESS_MAX < CONNECTIONS_MAX && GUESTS_MAX < CONNECTIONS_MAX);
