//! Why a node does not start, or ended.

use super::keys::LedgerKeyError;
use crate::{
    operations::{OfficeError, RegisterError, ReleaseError},
    store::{StoreError, at_rest::AtRestError},
    transport::tls::TlsError,
};
use danso_tier_config::Faults;
use std::net::SocketAddr;

/// Why a node does not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The certificates.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The ledger keys.
    #[error(transparent)]
    LedgerKey(#[from] LedgerKeyError),
    /// The key at rest.
    #[error(transparent)]
    AtRest(#[from] AtRestError),
    /// The unit directory.
    #[error("the unit directory cannot be used:\n{0}")]
    Directory(Faults),
    /// The unit directory does not hold this unit.
    #[error("unit {unit} is not in the directory {file}")]
    UnitUnknown {
        /// The node's unit.
        unit: String,
        /// The directory's file.
        file: String,
    },
    /// The directory gives the unit another parent or tier than the node's file.
    #[error("the node's file says {what} {file}, the unit directory says {directory}")]
    UnitDiffers {
        /// parent or tier.
        what: &'static str,
        /// By the node's file.
        file: String,
        /// By the directory.
        directory: String,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The address.
    #[error("cannot listen on {address}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The own key.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// The directory could not be signed.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// The accounts.
    #[error(transparent)]
    Office(#[from] OfficeError),
    /// A rebuild that was cut short could not be finished.
    #[error("a rebuild was cut short before its last step, which fails: {0}")]
    HalfRebuilt(String),
    /// Signals of the system.
    #[error("cannot wait for signals")]
    Signal(#[source] std::io::Error),
}

impl RuntimeError {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Tls(error) => error.code(),
            Self::LedgerKey(error) => error.code(),
            Self::AtRest(error) => error.code(),
            Self::Directory(_) => "directory_unusable",
            Self::UnitUnknown { .. } => "directory_unit_unknown",
            Self::UnitDiffers { .. } => "directory_unit_differs",
            Self::Store(error) => error.code(),
            Self::Listen { .. } => "listen_failed",
            Self::Register(_) => "registration_signature",
            Self::Release(error) => error.code(),
            Self::Office(error) => error.code(),
            Self::HalfRebuilt(_) => "rebuild_folder",
            Self::Signal(_) => "signals_unavailable",
        }
    }
}
