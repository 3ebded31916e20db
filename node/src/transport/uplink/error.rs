//! Why a connection to the parent ended, with stable codes.

use crate::{store::StoreError, transport::tls, wire::link::Malformed};
use danso_core::replication::NoCommonVersion;
use tonic::Status;

/// Why a connection to the parent ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    #[error("{sentence}")]
    Connect { code: String, sentence: String },
    #[error("{}", .0.message())]
    Parent(Status),
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error(transparent)]
    Protocol(#[from] NoCommonVersion),
    #[error("the parent was silent for too long")]
    Silent,
    #[error("the parent closed the link")]
    Closed,
    #[error("what the parent signed does not verify")]
    Signature,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a batch that should be here could not be read")]
    Unreadable,
    #[error("the parent cannot store anything now")]
    ParentStore(String),
    #[error("keys or trust have changed; connecting anew")]
    Relink,
    #[error("the parent held back some origins; asking again")]
    Held,
}

impl LinkError {
    pub fn code(&self) -> String {
        match self {
            Self::Connect { code, .. } | Self::ParentStore(code) => code.clone(),
            // A status that no node sent is a line that broke: the sources say how.
            Self::Parent(status) => tls::code_of_end(status),
            Self::Protocol(_) => "protocol_version".to_owned(),
            Self::Malformed(_) => "message_malformed".to_owned(),
            Self::Silent => "stream_silent".to_owned(),
            Self::Closed | Self::Relink => "stream_closed".to_owned(),
            Self::Signature => "parent_signature".to_owned(),
            Self::Store(error) => error.code().to_owned(),
            Self::Unreadable => "batch_unreadable".to_owned(),
            Self::Held => "origin_held".to_owned(),
        }
    }
}

impl From<Status> for LinkError {
    fn from(status: Status) -> Self {
        Self::Parent(status)
    }
}
