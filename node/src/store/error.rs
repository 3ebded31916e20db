//! What can go wrong in the store, with stable codes.

use super::{
    at_rest::AtRestError,
    ledger::{LedgerError, Position},
};
use std::{io::ErrorKind, path::PathBuf};

/// An error of the store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The ledger refused, stopped or is damaged.
    #[error("{message}")]
    Ledger {
        /// Its stable code.
        code: &'static str,
        /// Its message with its sources.
        message: String,
    },
    /// A whole ledger record that this program cannot read.
    #[error("ledger record of kind {kind} at {position} is unreadable or newer than this program")]
    RecordUnreadable {
        /// Its kind.
        kind: u8,
        /// Where it lies.
        position: Position,
    },
    /// The derived index failed; it can be rebuilt from the ledger.
    #[error("index failed: {0}")]
    Index(String),
    /// The index finds no space: nothing more is taken until there is some. It can be read meanwhile.
    #[error("cannot write the index: disk full ({0})")]
    IndexFull(String),
    /// The disk has less left than the node's file wants: nothing new is taken.
    #[error(
        "chỉ còn {left_mb} MB trên đĩa, dưới mức {limit_mb} MB: máy tạm không nhận dữ liệu mới / \
         only {left_mb} MB are left on the disk, less than {limit_mb} MB: nothing new is taken for now"
    )]
    DiskLow {
        /// Megabytes left.
        left_mb: u64,
        /// Megabytes that must be left.
        limit_mb: u64,
    },
    /// The folder cannot be used as it is.
    #[error("{problem} {}", path.display())]
    Folder {
        /// What is wrong.
        problem: String,
        /// Which folder or file.
        path: PathBuf,
        /// Stable code of the problem.
        code: &'static str,
    },
    /// Another program wrote the folder, and this one cannot read all of it.
    #[error("{problem}; {wrote} wrote this folder last, this is {}", super::SOFTWARE)]
    Newer {
        /// What cannot be read.
        problem: Box<StoreError>,
        /// The program that wrote it.
        wrote: String,
    },
    /// An earlier write failed; what was built on it is void and must be tried again.
    #[error("an earlier write failed, try again")]
    Retry,
    /// The parent holds other batches of this chain: nothing is recorded until that is cleared up.
    #[error(
        "the parent holds batches of this unit that this node does not have; \
         they come back by themselves, or by danso rebuild --from-parent"
    )]
    OwnChainHeld,
    /// What names persons cannot be read: the key at rest is not here.
    #[error("the key at rest is missing: names can be neither read nor recorded")]
    Locked,
    /// The secret key is not the one that the ledger names for this unit.
    #[error("the ledger names key {key} for {unit}, the key folder holds another one")]
    KeyNotInForce {
        /// This node's unit.
        unit: danso_tier_config::UnitId,
        /// The key in force.
        key: String,
    },
    /// Encryption at rest failed.
    #[error(transparent)]
    AtRest(#[from] AtRestError),
    /// The writer has stopped: nothing is acknowledged any more.
    #[error("the store has stopped")]
    Stopped,
}

impl StoreError {
    #[expect(clippy::needless_pass_by_value, reason = "used with map_err")]
    pub(super) fn index(error: sled::Error) -> Self {
        match &error {
            sled::Error::Io(source)
                if matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) =>
            {
                Self::IndexFull(error.to_string())
            }
            _ => Self::Index(error.to_string()),
        }
    }

    /// Stable code; `deploy/runbooks` has a page for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Ledger { code, .. } | Self::Folder { code, .. } => code,
            Self::RecordUnreadable { .. } => "ledger_record_unreadable",
            Self::Index(_) => "index_failed",
            Self::IndexFull(_) => "disk_full",
            Self::DiskLow { .. } => "disk_low",
            Self::Retry => "store_retry",
            Self::OwnChainHeld => "parent_ahead",
            Self::KeyNotInForce { .. } => "ledger_key_not_in_force",
            Self::Locked => "at_rest_locked",
            Self::AtRest(error) => error.code(),
            Self::Newer { problem, .. } => problem.code(),
            Self::Stopped => "store_stopped",
        }
    }
}

impl From<LedgerError> for StoreError {
    fn from(error: LedgerError) -> Self {
        let code = error.code();
        let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
        Self::Ledger { code, message: format!("{error}{}", source.unwrap_or_default()) }
    }
}
