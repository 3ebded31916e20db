//! Why nothing was rebuilt.

use crate::{
    operations::{RecordError, RegisterError},
    runtime::{error::RuntimeError, keys::LedgerKeyError},
    store::StoreError,
    transport::uplink::RestoreError,
};
use std::{io, path::PathBuf};

/// Why nothing was rebuilt. The old folder is where it was.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The top has nobody above it.
    #[error("this node has no parent: nothing above it holds its chains")]
    NoParent,
    /// As at any start.
    #[error(transparent)]
    Start(#[from] RuntimeError),
    /// One of both folders.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A change could not be recorded again.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The parent could not be asked.
    #[error("the parent could not be asked: {0}")]
    Parent(#[from] RestoreError),
    /// The own chain did not come back.
    #[error("the own chain did not come back from the parent because of {code}")]
    OwnChain {
        /// Code of the reason.
        code: String,
    },
    /// The system refused.
    #[error("cannot {action} {}", path.display())]
    Folder {
        /// What was tried.
        action: &'static str,
        /// Which folder or file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl RebuildError {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub fn code(&self) -> String {
        let code = match self {
            Self::NoParent => "rebuild_no_parent",
            Self::Start(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Record(error) => error.code(),
            Self::Parent(error) => &error.code,
            Self::OwnChain { code } => code,
            Self::Folder { .. } => "rebuild_folder",
        };
        code.to_owned()
    }
}

impl From<LedgerKeyError> for RebuildError {
    fn from(error: LedgerKeyError) -> Self {
        Self::Start(error.into())
    }
}

impl From<RegisterError> for RebuildError {
    fn from(error: RegisterError) -> Self {
        Self::Start(error.into())
    }
}
