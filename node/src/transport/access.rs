//! Who is calling, and what they may ask.

use super::tls::{Identity, Peer, Role};
use crate::{operations::Node, wire::status::status};
use danso_tier_config::UnitId;
use tonic::{Code, Request, Status};

/// The certificate behind a request.
pub(super) fn peer<T>(request: &Request<T>) -> Result<Peer, Status> {
    let missing = || status(Code::Unauthenticated, "not_authenticated", "no certificate was presented");
    request.extensions().get::<Peer>().copied().ok_or_else(missing)
}

fn denied(message: String) -> Status {
    status(Code::PermissionDenied, "not_allowed", message)
}

/// The child that opens a link: a node whose parent is this one.
pub(super) fn child<T>(node: &Node, request: &Request<T>) -> Result<UnitId, Status> {
    match peer(request)?.identity {
        Identity::Node(unit)
            if danso_core::replication::may_speak_for(
                &node.directory(),
                node.today(),
                node.unit(),
                unit,
                unit,
            ) =>
        {
            Ok(unit)
        }
        other => Err(denied(format!("{other} is no child of {}", node.unit()))),
    }
}

/// A reader of counts: any node of the tree, or a person of this unit or one above it.
pub(super) fn reader<T>(node: &Node, request: &Request<T>) -> Result<(), Status> {
    match peer(request)?.identity {
        Identity::Node(_) => Ok(()),
        Identity::Person { unit, .. } => {
            let directory = node.directory();
            if directory.at(node.today()).is_within(node.unit(), unit) {
                Ok(())
            } else {
                Err(denied(format!("a person of {unit} may not read at {}", node.unit())))
            }
        }
    }
}

/// Who runs this node: the node's own certificate, or an operator of its unit.
pub(super) fn operator<T>(node: &Node, request: &Request<T>) -> Result<(), Status> {
    match peer(request)?.identity {
        Identity::Node(unit) | Identity::Person { role: Role::Operator, unit } if unit == node.unit() => {
            Ok(())
        }
        other => Err(denied(format!("{other} does not run {}", node.unit()))),
    }
}
