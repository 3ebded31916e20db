//! Errors of requests, with their stable codes.

use crate::store::StoreError;
use danso_core::domain::{PersonId, requests::RequestId};
use danso_tier_config::{Date, limits};

/// Why a request was not taken or changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RequestError {
    /// No request has this id.
    #[error("no request {id}")]
    Unknown {
        /// The id.
        id: RequestId,
    },
    /// Another request has this id.
    #[error("request {id} exists already and says something else")]
    Exists {
        /// The id.
        id: RequestId,
    },
    /// Nobody in this register has this id.
    #[error("no person {person} in this register")]
    Person {
        /// The id.
        person: PersonId,
    },
    /// Received in the future.
    #[error("a request received on {received_on} cannot be opened on {today}")]
    ReceivedLater {
        /// When it was received.
        received_on: Date,
        /// The day of the order.
        today: Date,
    },
    /// It is closed, in another way.
    #[error("request {id} is closed")]
    Closed {
        /// The id.
        id: RequestId,
    },
    /// It was extended before; the law allows one extension.
    #[error("request {id} was extended before, one extension is allowed")]
    Extended {
        /// The id.
        id: RequestId,
    },
    /// Its day is past.
    #[error("request {id} fell due on {due}, it cannot be extended any more")]
    Overdue {
        /// The id.
        id: RequestId,
        /// The last day.
        due: Date,
    },
    /// The reason is missing or too long.
    #[error("a reason of 1 to {} characters is needed", limits::REQUEST_REASON_CHARS_MAX)]
    Reason,
    /// A request to delete is fulfilled by its erasure.
    #[error("request {id} is fulfilled by danso erase and the confirmations of the tiers above, not by hand")]
    NotErased {
        /// The id.
        id: RequestId,
    },
    /// As many as may be kept.
    #[error("the node keeps {max} requests, no more are taken")]
    Full {
        /// Most requests.
        max: usize,
    },
    /// A record that this program cannot read.
    #[error("a stored request is unreadable or newer than this program")]
    Unreadable,
    /// Not written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RequestError {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "request_unknown",
            Self::Exists { .. } => "request_exists",
            Self::Person { .. } => "person_unknown",
            Self::ReceivedLater { .. } => "request_date",
            Self::Closed { .. } => "request_closed",
            Self::Extended { .. } => "request_extended",
            Self::Overdue { .. } => "request_overdue",
            Self::Reason => "request_reason",
            Self::NotErased { .. } => "request_not_erased",
            Self::Full { .. } => "requests_full",
            Self::Unreadable => "request_unreadable",
            Self::Store(error) => error.code(),
        }
    }
}
