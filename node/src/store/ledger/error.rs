//! What can go wrong with a ledger, one variant per cause that is treated differently.

use std::io;
use std::path::{Path, PathBuf};

use super::position::{Position, SegmentNumber};

/// Why a ledger cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Bytes that were durable are not what was written; repair needs the parent or a backup.
    #[error("segment {segment} is damaged at byte {offset} (position {position}): {damage}")]
    Damaged {
        /// The damaged segment.
        segment: SegmentNumber,
        /// Byte in the segment's file at which the damaged record or header begins.
        offset: u64,
        /// The same place as a position of the ledger.
        position: Position,
        /// What is wrong there.
        damage: Damage,
    },
    /// A segment file is not there although later bytes or the caller prove that it was.
    #[error("segment {segment} is missing from {}", folder.display())]
    MissingSegment {
        /// The first segment that is missing.
        segment: SegmentNumber,
        /// The ledger's folder.
        folder: PathBuf,
    },
    /// A newer program wrote this ledger; nothing was changed.
    #[error("segment {segment} has format {found}, this program knows {known}")]
    NewerFormat {
        /// The segment with the newer header.
        segment: SegmentNumber,
        /// Format of the segment.
        found: u8,
        /// Newest format that this program reads.
        known: u8,
    },
    /// An earlier write or sync failed; nothing more is accepted until the ledger is opened again.
    #[error("ledger stopped after a failed write or sync")]
    Stopped,
    /// No space for the write; nothing of it was kept and the ledger goes on.
    #[error("cannot {action} {}: disk full", path.display())]
    DiskFull {
        /// What was being done.
        action: &'static str,
        /// The file concerned.
        path: PathBuf,
    },
    /// A record that this ledger never takes; nothing was written.
    #[error("record of {bytes} bytes is larger than {bytes_max}")]
    RecordTooLarge {
        /// Size of the payload.
        bytes: usize,
        /// Largest payload of this ledger.
        bytes_max: usize,
    },
    /// Nothing is synced at that position yet.
    #[error("no record at position {position}, the ledger is synced to {end}")]
    BeyondEnd {
        /// The position asked for.
        position: Position,
        /// The synced end.
        end: Position,
    },
    /// A record cannot be scrubbed; nothing was written.
    #[error("cannot replace the record at position {position}: {refusal}")]
    NotReplaceable {
        /// The position concerned.
        position: Position,
        /// What is against it.
        refusal: Refusal,
    },
    /// The operating system refused; the path is part of the message.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// The file or folder concerned.
        path: PathBuf,
        /// The answer of the operating system.
        source: io::Error,
    },
}

impl LedgerError {
    /// Stable name of the cause, for operators, runbooks and peers.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Damaged { .. } => "ledger_damaged",
            Self::MissingSegment { .. } => "ledger_missing_segment",
            Self::NewerFormat { .. } => "ledger_newer_format",
            Self::Stopped => "ledger_stopped",
            Self::DiskFull { .. } => "disk_full",
            Self::RecordTooLarge { .. } => "ledger_record_too_large",
            Self::BeyondEnd { .. } => "ledger_beyond_end",
            Self::NotReplaceable { .. } => "ledger_not_replaceable",
            Self::Io { .. } => "ledger_io",
        }
    }

    /// The error for a refused call: a full disk or quota is told apart from everything else.
    pub(super) fn from_io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { action, path },
            _ => Self::Io { action, path, source },
        }
    }

    /// The same error as one that cannot be survived.
    pub(super) fn never_disk_full(self) -> Self {
        match self {
            Self::DiskFull { action, path } => {
                Self::Io { action, path, source: io::ErrorKind::StorageFull.into() }
            }
            other => other,
        }
    }
}

/// Why a record cannot be scrubbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The position lies inside a record.
    #[error("no record begins there")]
    NoRecord,
    /// The payload has no room for what a scrubbed record says.
    #[error("its payload has {bytes} bytes, at least {bytes_min} are needed")]
    TooShort {
        /// Size of the payload.
        bytes: usize,
        /// Smallest payload that can be scrubbed.
        bytes_min: usize,
    },
    /// The replacing record is the record itself or lies before it, so that following could go in a ring.
    #[error("the record at position {replaced_by} does not lie behind it")]
    ReplacedByEarlier {
        /// Position of the replacing record.
        replaced_by: Position,
    },
}

/// What is wrong at a damaged place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The header of the segment is not one of this ledger or its checksum differs.
    #[error("segment header is not valid")]
    Header,
    /// The header's number or first position does not join the segment before it.
    #[error("segment does not join the one before")]
    Join,
    /// The file is shorter than its records, or longer than any segment.
    #[error("file has the wrong length")]
    FileLength,
    /// The length of a record is impossible here.
    #[error("record length is not possible")]
    Length,
    /// A record names another position: it was moved, or the position asked for is not a record's.
    #[error("record names another position")]
    Position,
    /// The bytes of a record differ from its checksum.
    #[error("record checksum differs")]
    Checksum,
}
