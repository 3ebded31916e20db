//! The signed list of a backup: where in the ledger it ends, what is counted up to there, and every piece of it.

use super::{Digest, Statement, receipt::at_most};
use danso_tier_config::{
    UnitId,
    limits::{BACKUP_PIECES_MAX, BACKUP_SEGMENTS_MAX},
};
use serde::{Deserialize, Serialize};

/// A node's word for a backup of its ledger. What it names of plain bytes proves what comes out of the backup; what it
/// names of pieces proves the backup itself, without the key that opens it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupManifest {
    /// Whose ledger it is.
    pub unit: UnitId,
    /// Number of the backup in its folder, from 1.
    pub number: u32,
    /// When the copy was taken, Unix milliseconds by the node's clock.
    pub taken_at_ms: u64,
    /// The end of the ledger that is copied; all before it was durable.
    pub position: u64,
    /// Whole records up to there.
    pub records: u64,
    /// Digest over the heads of all chains at that position.
    pub heads: Digest,
    /// Digest over all tallies at that position.
    pub tallies: Digest,
    /// SHA-256 of the folder's own files as packed.
    pub folder: Digest,
    /// Name of the key at rest that names are read with; `None` where they are not encrypted.
    pub at_rest: Option<[u8; 8]>,
    /// The public key that the pieces are sealed to.
    pub sealed_to: [u8; 32],
    /// The segments of the ledger, in order.
    #[serde(deserialize_with = "at_most::<_, _, BACKUP_SEGMENTS_MAX>")]
    pub segments: Vec<BackupSegment>,
    /// The pieces, those of a segment in order.
    #[serde(deserialize_with = "at_most::<_, _, BACKUP_PIECES_MAX>")]
    pub pieces: Vec<BackupPiece>,
}

impl Statement for BackupManifest {
    const MAGIC: [u8; 4] = *b"DSM1";
}

/// A segment of the ledger, as far as it is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupSegment {
    /// Its number, from 1.
    pub number: u32,
    /// Its bytes from the beginning on that are copied.
    pub bytes: u64,
    /// SHA-256 of these bytes.
    pub hash: Digest,
}

/// A sealed file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupPiece {
    /// Its file name.
    pub name: String,
    /// Its length in bytes, sealed.
    pub bytes: u64,
    /// SHA-256 of the sealed bytes.
    pub hash: Digest,
    /// What is in it.
    pub holds: PieceHolds,
}

/// What is in a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PieceHolds {
    /// FORMAT and AT-REST of the data folder.
    Folder,
    /// The files of the key folder.
    Keys,
    /// A part of the ledger.
    Ledger {
        /// Of this segment.
        segment: u32,
        /// From this byte of it on.
        from: u64,
        /// So many bytes.
        bytes: u64,
    },
}
