//! Why a batch was not accepted.

use crate::store::StoreError;
use danso_core::chain::{BatchNumber, Fault};
use danso_tier_config::UnitId;

/// Why a batch was not accepted.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AcceptError {
    /// It breaks a rule of its chain.
    #[error(transparent)]
    Chain(#[from] Fault),
    /// The child may not speak for the origin.
    #[error("{child} may not speak for {origin} at {parent}")]
    NotAllowed {
        /// Who sent it.
        child: UnitId,
        /// Whose it claims to be.
        origin: UnitId,
        /// This node.
        parent: UnitId,
    },
    /// The origin is held until somebody clears up a contradiction.
    #[error("{origin} is held because of {code}")]
    Held {
        /// Whose chain.
        origin: UnitId,
        /// Why.
        code: String,
    },
    /// It could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AcceptError {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Chain(fault) => fault.code(),
            Self::NotAllowed { .. } => "not_allowed",
            Self::Held { .. } => "origin_held",
            Self::Store(error) => error.code(),
        }
    }

    /// The number that the chain expects, where that is what is wrong.
    pub fn expected(&self) -> BatchNumber {
        match self {
            Self::Chain(Fault::Gap { expected, .. }) => *expected,
            _ => BatchNumber(0),
        }
    }
}
