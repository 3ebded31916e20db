//! Limits of what leaves a node in files: backups and bundles.

use super::{MESSAGE_BYTES_MAX, PASSWORD_MEMORY_KIB, PASSWORD_MEMORY_KIB_MAX};

/// Plain bytes of one sealed chunk of a file that leaves the node.
pub const SEALED_CHUNK_BYTES: usize = 64 * 1_024;

/// Most segments of the ledger in one backup (16 MiB each).
pub const BACKUP_SEGMENTS_MAX: usize = 8_192;
/// Most pieces that one backup is made of.
pub const BACKUP_PIECES_MAX: usize = 24_576;
/// Pieces of one segment after which it is copied anew, as one piece.
pub const BACKUP_PIECES_PER_SEGMENT_MAX: usize = 32;
/// Longest name of a piece, in bytes.
pub const BACKUP_NAME_BYTES_MAX: usize = 64;
/// Bytes of the ledger in one message of a backup under way.
pub const BACKUP_CHUNK_BYTES: usize = 256 * 1_024;
/// Longest time in which a backup under way is neither read nor answered, milliseconds: a stick may be slow.
pub const BACKUP_SILENCE_MS_MAX: u64 = 600_000;
/// How often a backup begins again because names were erased while it was taken.
pub const BACKUP_ROUNDS_MAX: usize = 3;
/// Longest file of a backup that is read whole: format, key and list of pieces.
pub const BACKUP_FILE_BYTES_MAX: usize = 5 * 1_048_576;
/// Most files of a key folder in a backup, and most bytes of all.
pub const BACKUP_KEY_FILES_MAX: usize = 256;
/// Memory of the key derivation from a backup's passphrase, KiB.
pub const BACKUP_PASSPHRASE_MEMORY_KIB: u32 = 65_536;
/// Passes of that derivation.
pub const BACKUP_PASSPHRASE_PASSES: u32 = 3;

/// Most bytes of a bundle: two fit on a stick whose files end at 4 GiB.
pub const BUNDLE_BYTES_MAX: u64 = 2 * 1_024 * 1_048_576;
/// Bytes of a bundle in one message to or from a node.
pub const BUNDLE_CHUNK_BYTES: usize = 256 * 1_024;
/// Longest message within a bundle.
pub const BUNDLE_MESSAGE_BYTES_MAX: usize = MESSAGE_BYTES_MAX;
/// Longest time in which a bundle under way is neither read nor sent, milliseconds.
pub const BUNDLE_SILENCE_MS_MAX: u64 = 300_000;

const _: () = assert!(BACKUP_CHUNK_BYTES < MESSAGE_BYTES_MAX && BUNDLE_CHUNK_BYTES < MESSAGE_BYTES_MAX);
const _: () = assert!(BACKUP_PASSPHRASE_MEMORY_KIB >= PASSWORD_MEMORY_KIB);
const _: () = assert!(BACKUP_PASSPHRASE_MEMORY_KIB <= PASSWORD_MEMORY_KIB_MAX);
