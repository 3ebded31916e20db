//! How a link ends that cannot go on.

use crate::wire::{link::Malformed, status::status};
use danso_tier_config::limits;
use tonic::{Code, Status};

/// The status of a message that says nothing sensible.
pub(super) fn malformed(error: &Malformed) -> Status {
    status(Code::InvalidArgument, "message_malformed", error.to_string())
}

/// The status of a stream on which nothing came for too long.
pub(super) fn silent() -> Status {
    status(Code::DeadlineExceeded, "stream_silent", "the stream was silent for too long")
}

/// What a child is told whose parent stops.
pub(super) const NODE_STOPPING: &str = "node_stopping";

/// The status of a stream whose node stops.
pub(super) fn stopping() -> Status {
    let message =
        "máy cấp trên đang dừng, sẽ tự nối lại / the parent is being stopped; the link comes back by itself";
    status(Code::Unavailable, NODE_STOPPING, message)
}

/// The status of a stream whose next message cannot be read: too long, or no message at all.
pub(super) fn unreadable(error: Status) -> Status {
    match error.code() {
        Code::OutOfRange => {
            let message = format!("a message exceeds {} bytes", limits::MESSAGE_BYTES_MAX);
            status(Code::OutOfRange, "message_too_large", message)
        }
        // What tonic says of bytes that are no frame or no message of the contract.
        Code::Internal => status(Code::InvalidArgument, "message_malformed", "a message is not decodable"),
        _ => error,
    }
}
