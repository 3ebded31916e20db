//! Why a relayed receipt is passed over, with the stable codes.

use danso_core::chain::Fault;
use danso_tier_config::UnitId;

/// Why a relayed receipt is passed over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RelayFault {
    /// Nobody above this node signed it, or not for a chain of this node's subtree.
    #[error("a relayed receipt of {tier} for {origin} does not concern {unit}")]
    Stranger {
        /// Who is said to have signed.
        tier: UnitId,
        /// Whose chain.
        origin: UnitId,
        /// This node.
        unit: UnitId,
    },
    /// No key of the tier is known here yet.
    #[error("no ledger key of {tier} is known yet")]
    UnknownKey {
        /// Who is said to have signed.
        tier: UnitId,
    },
    /// The tier did not sign it.
    #[error("a relayed receipt of {tier} for {origin} is not signed by that tier")]
    Signature {
        /// Who is said to have signed.
        tier: UnitId,
        /// Whose chain.
        origin: UnitId,
    },
    /// It is no receipt.
    #[error("a relayed receipt is unreadable")]
    Unreadable(#[source] Fault),
}

impl RelayFault {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Stranger { .. } => "relay_stranger",
            Self::UnknownKey { .. } => "relay_unknown_key",
            Self::Signature { .. } => "relay_signature",
            Self::Unreadable(_) => "relay_unreadable",
        }
    }
}
