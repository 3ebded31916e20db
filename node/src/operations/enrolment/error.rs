//! Why nobody is enrolled.

use crate::{operations::RegisterError, store::StoreError};
use danso_core::chain::Fault;
use danso_tier_config::UnitId;

/// Why an invitation is not made or not taken.
#[derive(Debug, thiserror::Error)]
pub enum EnrolmentError {
    /// The unit is no child of this node.
    #[error("{unit} is no child of {own}")]
    NotChild {
        /// Which.
        unit: UnitId,
        /// This node's unit.
        own: UnitId,
    },
    /// So many invitations are open that no more is made.
    #[error("{max} invitations are open, wait or withdraw some")]
    Full {
        /// Most open ones.
        max: usize,
    },
    /// The text is no invitation.
    #[error("this is no invitation: expected the whole line that danso invite printed")]
    Token,
    /// No such invitation, or another secret.
    #[error("this invitation is not known here")]
    Unknown,
    /// Used by somebody else, or withdrawn.
    #[error("this invitation was used or withdrawn, ask for a new one")]
    Used,
    /// Its time is over.
    #[error("this invitation has expired, ask for a new one")]
    Expired,
    /// The unit has a ledger key, and the invitation does not allow another.
    #[error("{unit} has a ledger key already; if it is lost, ask for an invitation with --replace-key")]
    KeyExists {
        /// Whose.
        unit: UnitId,
    },
    /// The claim to the key does not stand up or does not fit the terms.
    #[error("the claim to the ledger key does not fit: {0}")]
    Claim(Fault),
    /// The grant was not taken by the node's own rules.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// Not written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EnrolmentError {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotChild { .. } => "enrolment_not_child",
            Self::Full { .. } => "invitations_full",
            Self::Token => "invitation_malformed",
            Self::Unknown => "invitation_unknown",
            Self::Used => "invitation_used",
            Self::Expired => "invitation_expired",
            Self::KeyExists { .. } => "enrolment_key_exists",
            Self::Claim(_) => "enrolment_claim",
            Self::Register(_) => "registration_signature",
            Self::Store(error) => error.code(),
        }
    }
}
