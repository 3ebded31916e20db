//! Which version of the replication protocol each message of a link came with: what a peer that speaks an older one
//! does not know is not sent to it. A new message gets its line here, or this does not compile.

use danso_proto::v1::{child_message::Message as FromChild, parent_message::Message as FromParent};

/// The first version that knows a child's message.
pub fn known_to_parents_since(message: &FromChild) -> u32 {
    match message {
        FromChild::Hello(_)
        | FromChild::Batch(_)
        | FromChild::Heartbeat(_)
        | FromChild::Registrations(_)
        | FromChild::Erasures(_)
        | FromChild::Diverged(_) => 1,
    }
}

/// The first version that knows a parent's message.
pub fn known_to_children_since(message: &FromParent) -> u32 {
    match message {
        FromParent::Welcome(_)
        | FromParent::Receipt(_)
        | FromParent::Refusal(_)
        | FromParent::Heartbeat(_)
        | FromParent::Registrations(_)
        | FromParent::Relayed(_)
        | FromParent::Erasures(_) => 1,
    }
}
