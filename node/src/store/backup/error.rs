//! What can go wrong with a backup, with stable codes.

use super::super::{StoreError, envelope::EnvelopeError, ledger::LedgerError};
use danso_tier_config::UnitId;
use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

/// Why a backup cannot be made, checked or restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No space for the backup. The backups before are as they were.
    #[error("no space left to write {}", path.display())]
    NoSpace {
        /// Which file.
        path: PathBuf,
    },
    /// The folder holds something else.
    #[error("{} is no folder of backups", path.display())]
    NotBackup {
        /// Which.
        path: PathBuf,
    },
    /// A newer program made it.
    #[error("{} has format {found}, this program knows 1", path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// Backups of another unit.
    #[error("the backups in {} are those of {found}, not of {unit}", path.display())]
    OtherUnit {
        /// The folder.
        path: PathBuf,
        /// Whose they are.
        found: String,
        /// Whose they should be.
        unit: UnitId,
    },
    /// Another backup is being written.
    #[error("another command writes to {}", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// There is none.
    #[error("there is no whole backup in {}", path.display())]
    None {
        /// The folder.
        path: PathBuf,
    },
    /// A list is cut or altered.
    #[error("the list {} is damaged or was altered", path.display())]
    Manifest {
        /// The list's file.
        path: PathBuf,
    },
    /// A list is signed by nobody who may.
    #[error("the list {} is not signed with a ledger key of {unit}", path.display())]
    Signature {
        /// The list's file.
        path: PathBuf,
        /// Whose it should be.
        unit: UnitId,
    },
    /// A piece is not there.
    #[error("the piece {} is missing", path.display())]
    PieceMissing {
        /// Its file.
        path: PathBuf,
    },
    /// A piece is not what the list says.
    #[error("the piece {} is damaged: {because}", path.display())]
    PieceDamaged {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        because: String,
    },
    /// Sealed to another key.
    #[error("the backup is sealed to the key {expected}, not to {given}")]
    WrongKey {
        /// Name of the key given.
        given: String,
        /// Name of the key needed.
        expected: String,
    },
    /// A key file holds something else.
    #[error("{} is no file of a backup key", path.display())]
    KeyContent {
        /// The file.
        path: PathBuf,
    },
    /// A key file exists.
    #[error("{} exists; a backup key is never written over", path.display())]
    KeyExists {
        /// The file.
        path: PathBuf,
    },
    /// Others may read a secret key file.
    #[error("{} has mode {mode:o}: others than its owner can read it", path.display())]
    KeyExposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Only the public half is there.
    #[error("{} holds the public key alone, which seals and does not open", path.display())]
    NoSecret {
        /// The file.
        path: PathBuf,
    },
    /// The passphrase does not open the key.
    #[error("the passphrase does not open the key in {}", path.display())]
    Passphrase {
        /// The key's file.
        path: PathBuf,
    },
    /// Names were erased while the copy was taken.
    #[error("names were erased while the ledger was copied; the copy is begun again")]
    Moved,
    /// The node answered something that does not fit what was asked.
    #[error("the node sent {0}, which does not fit")]
    Answer(&'static str),
    /// The ledger or index in the way.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl BackupError {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "backup_unusable",
            Self::NoSpace { .. } => "backup_no_space",
            Self::NotBackup { .. } => "backup_not_backup",
            Self::Newer { .. } => "backup_newer_format",
            Self::OtherUnit { .. } => "backup_other_unit",
            Self::Busy { .. } => "backup_busy",
            Self::None { .. } => "backup_none",
            Self::Manifest { .. } => "backup_manifest",
            Self::Signature { .. } => "backup_signature",
            Self::PieceMissing { .. } => "backup_piece_missing",
            Self::PieceDamaged { .. } => "backup_piece_damaged",
            Self::WrongKey { .. } => "backup_wrong_key",
            Self::KeyContent { .. } => "backup_key_content",
            Self::KeyExists { .. } => "backup_key_exists",
            Self::KeyExposed { .. } => "backup_key_exposed",
            Self::NoSecret { .. } => "backup_no_secret",
            Self::Passphrase { .. } => "backup_passphrase",
            Self::Moved => "backup_moved",
            Self::Answer(_) => "backup_answer",
            Self::Store(error) => error.code(),
        }
    }

    /// The error for a refused call; a full disk is told apart from everything else.
    pub(super) fn io(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Self + use<> {
        let path = path.to_path_buf();
        move |source| match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::NoSpace { path: path.clone() },
            _ => Self::Io { action, path: path.clone(), source },
        }
    }

    /// The error of a piece that does not open.
    pub(super) fn piece(path: &Path, error: &EnvelopeError) -> Self {
        let path = path.to_path_buf();
        match error {
            EnvelopeError::Newer { format } => Self::Newer { path, found: u32::from(*format) },
            other => Self::PieceDamaged { path, because: other.to_string() },
        }
    }
}

impl From<LedgerError> for BackupError {
    fn from(error: LedgerError) -> Self {
        Self::Store(error.into())
    }
}
