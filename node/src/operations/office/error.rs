//! What goes wrong with orders about accounts, each with its stable code.

use super::super::{accounts::AccountError, counting::QueryError};
use crate::store::StoreError;
use danso_tier_config::UnitId;

/// Why an order about accounts, a sign-in or a token was refused.
#[derive(Debug, thiserror::Error)]
pub enum OfficeError {
    /// The accounts themselves.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The unit to be given is unknown or outside of the manager's subtree.
    #[error(transparent)]
    Unit(#[from] QueryError),
    /// An account, session or token of a unit outside of the manager's subtree.
    #[error("{what} does not belong to {scope} or a unit below it")]
    OutsideSubtree {
        /// Which account, session or token.
        what: String,
        /// The topmost unit of the manager.
        scope: UnitId,
    },
    /// Somebody else's account, session or token, and the caller manages none.
    #[error("only who manages accounts may do this for somebody else")]
    NotOwn,
    /// Not written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl OfficeError {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Account(error) => error.code(),
            Self::Unit(error) => error.code(),
            Self::OutsideSubtree { .. } => "outside_subtree",
            Self::NotOwn => "not_allowed",
            Self::Store(error) => error.code(),
        }
    }
}
