//! Errors of erasure, with their stable codes.

use crate::{
    operations::{desk::RecordError, requests::RequestError},
    store::StoreError,
};
use danso_core::{
    chain::Fault,
    domain::{PersonId, requests::RequestId},
};
use danso_tier_config::{UnitId, limits};

/// Why nothing was erased, or an order not taken.
#[derive(Debug, thiserror::Error)]
pub enum ErasureError {
    /// This tier has no register of its own.
    #[error("this node's tier keeps no register")]
    NotRecording,
    /// Nobody in this register has this id.
    #[error("no person {person} in this register")]
    Person {
        /// The id.
        person: PersonId,
    },
    /// The request asks for something else, or for somebody else.
    #[error("request {id} does not ask to delete person {person}")]
    NotDeletion {
        /// The request.
        id: RequestId,
        /// The person of the order.
        person: PersonId,
    },
    /// Changes that name the person are not sealed, or new ones keep coming.
    #[error("changes that name person {person} are not sealed yet, try again")]
    Unsealed {
        /// Who.
        person: PersonId,
    },
    /// The request.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// What others are called could not be stated again.
    #[error("another person or household could not be stated again")]
    Restate(#[source] RecordError),
    /// An order of a unit for which the sender may not speak.
    #[error("an order of {origin} does not come this way")]
    NotAllowed {
        /// Whose order.
        origin: UnitId,
    },
    /// An order that its origin did not sign.
    #[error("an order of erasure is not signed by its origin")]
    NotSigned(#[source] Fault),
    /// An order whose leaves are not those held here.
    #[error("the leaves that an order of {origin} names are not those held")]
    Leaves {
        /// Whose order.
        origin: UnitId,
    },
    /// More orders of one origin than are kept, or more leaves than one order may name.
    #[error(
        "{origin} orders more than {} times, or more than {} leaves",
        limits::ERASURE_ORDERS_PER_ORIGIN_MAX,
        limits::ERASURE_LEAVES_MAX
    )]
    TooMany {
        /// Whose orders.
        origin: UnitId,
    },
    /// Not written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ErasureError {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotRecording => "not_recording",
            Self::Person { .. } => "person_unknown",
            Self::NotDeletion { .. } => "request_not_deletion",
            Self::Unsealed { .. } => "erasure_unsealed",
            Self::Request(error) => error.code(),
            Self::Restate(error) => error.code(),
            Self::NotAllowed { .. } => "not_allowed",
            Self::NotSigned(_) => "erasure_signature",
            Self::Leaves { .. } => "erasure_leaves",
            Self::TooMany { .. } => "erasure_too_many",
            Self::Store(error) => error.code(),
        }
    }
}
