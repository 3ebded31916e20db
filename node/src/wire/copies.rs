//! Backups as messages.

use super::{link::Malformed, status::status};
use crate::store::backup::{BackupError, Held};
use danso_core::chain::{BackupPiece, Digest, PieceHolds};
use danso_proto::v1;
use danso_tier_config::limits;
use tonic::{Code, Status};

/// What a caller holds of a segment, as a message.
pub fn held_message(held: &Held) -> v1::HeldSegment {
    v1::HeldSegment { segment: held.segment, bytes: held.bytes, hash: held.hash.0.to_vec().into() }
}

/// What a caller holds, bounded in number.
pub fn held(messages: &[v1::HeldSegment]) -> Result<Vec<Held>, Malformed> {
    if messages.len() > limits::BACKUP_SEGMENTS_MAX {
        return Err(Malformed("list of segments"));
    }
    let held = messages.iter().map(|message| {
        let hash = Digest::from_slice(&message.hash).ok_or(Malformed("hash of a segment"))?;
        Ok(Held { segment: message.segment, bytes: message.bytes, hash })
    });
    held.collect()
}

/// A piece as a message.
pub fn piece_message(piece: &BackupPiece) -> v1::BackupPiece {
    let (segment, from, plain_bytes) = match piece.holds {
        PieceHolds::Ledger { segment, from, bytes } => (segment, from, bytes),
        PieceHolds::Folder | PieceHolds::Keys => (0, 0, 0),
    };
    v1::BackupPiece {
        name: piece.name.clone(),
        bytes: piece.bytes,
        hash: piece.hash.0.to_vec().into(),
        segment,
        from,
        plain_bytes,
        keys: piece.holds == PieceHolds::Keys,
    }
}

/// Pieces, bounded in number and length of names.
pub fn pieces(messages: Vec<v1::BackupPiece>) -> Result<Vec<BackupPiece>, Malformed> {
    if messages.len() > limits::BACKUP_PIECES_MAX {
        return Err(Malformed("list of pieces"));
    }
    let pieces = messages.into_iter().map(|message| {
        let v1::BackupPiece { name, bytes, hash, segment, from, plain_bytes, keys } = message;
        if name.len() > limits::BACKUP_NAME_BYTES_MAX {
            return Err(Malformed("name of a piece"));
        }
        let holds = match (segment, keys) {
            (0, true) => PieceHolds::Keys,
            (0, false) => PieceHolds::Folder,
            (segment, _) => PieceHolds::Ledger { segment, from, bytes: plain_bytes },
        };
        let hash = Digest::from_slice(&hash).ok_or(Malformed("hash of a piece"))?;
        Ok(BackupPiece { name, bytes, hash, holds })
    });
    pieces.collect()
}

/// The status of a copy that was not taken.
pub fn of_backup(error: &BackupError) -> Status {
    match error {
        BackupError::Store(error) => status(Code::Internal, error.code(), error.to_string()),
        BackupError::Moved => status(Code::Aborted, error.code(), error.to_string()),
        BackupError::Answer(_) => status(Code::InvalidArgument, error.code(), error.to_string()),
        _ => status(Code::Internal, error.code(), "the node's files cannot be read, see its log"),
    }
}
