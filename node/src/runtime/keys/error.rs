//! Why ledger keys cannot be read or written.

use danso_tier_config::UnitId;
use std::path::PathBuf;

/// Why ledger keys cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerKeyError {
    /// The system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file does not hold what its name says.
    #[error("{} does not hold {expected}", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
    },
    /// The registration names another unit or key.
    #[error("the ledger key in {} is registered for {registered}, not for {unit}", path.display())]
    OtherUnit {
        /// The folder.
        path: PathBuf,
        /// Whose it is.
        registered: UnitId,
        /// Whose it should be.
        unit: UnitId,
    },
}

impl LedgerKeyError {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "ledger_key_unreadable",
            Self::Content { .. } => "ledger_key_content",
            Self::OtherUnit { .. } => "ledger_key_other_unit",
        }
    }
}
