//! Who is calling, and what they may ask: rights come from a certificate or token, the scope from its unit.

use super::tls::{Identity, Peer};
use crate::{
    operations::{
        Actor, Node, QueryError,
        accounts::{self, AccountError, Right, Role},
    },
    wire::status::{code_of, of_account, of_query, status},
};
use danso_tier_config::UnitId;
use tonic::{Code, Request, Status};

/// Metadata key of a shown session or token: `Bearer danso_...`.
pub(super) const TOKEN_KEY: &str = "authorization";

/// Who is calling, proved by a certificate or by a session or token, which goes before a certificate.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// As the audit log names them.
    pub actor: Actor,
    /// What a person, account or program is; none for a node.
    pub role: Option<Role>,
    /// The node's unit, or the topmost one of the role.
    pub unit: UnitId,
    /// The session or token shown.
    pub pass: Option<accounts::Caller>,
}

/// Who is calling, after it was found that they may.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// As the audit log names them.
    pub actor: Actor,
    /// The topmost unit that they see here.
    pub scope: UnitId,
}

/// The certificate behind a request.
pub(super) fn peer<T>(request: &Request<T>) -> Result<Peer, Status> {
    let missing =
        || status(Code::Unauthenticated, "not_authenticated", "neither a certificate nor a token was shown");
    let known = request.extensions().get::<Peer>().filter(|peer| peer.identity != Identity::Guest);
    known.cloned().ok_or_else(missing)
}

fn not_allowed(message: String) -> Status {
    status(Code::PermissionDenied, "not_allowed", message)
}

/// Counts a call if its answer is a denial, and has it noted in the audit log where it is known who called.
/// Every refusal of a service goes through here; gives the answer back.
pub(super) fn refused(node: &Node, caller: Option<&Actor>, asked: &str, answer: Status) -> Status {
    if matches!(answer.code(), Code::PermissionDenied | Code::Unauthenticated) {
        node.call_denied(caller, asked, &code_of(&answer));
    }
    answer
}

/// The answer to a question that has none; a unit outside of the caller's scope is a denial.
pub(super) fn unanswered(node: &Node, caller: &Caller, error: &QueryError) -> Status {
    refused(node, Some(&caller.actor), "ReadCounts", of_query(error))
}

/// The child that opens a link: a node whose parent is this one. Only its certificate proves it.
pub(super) fn child<T>(node: &Node, request: &Request<T>) -> Result<UnitId, Status> {
    let (own, today) = (node.unit(), node.today());
    let peer = peer(request).map_err(|answer| refused(node, None, "Link", answer))?;
    match peer.identity {
        Identity::Node(unit)
            if danso_core::replication::may_speak_for(&node.directory(), today, own, unit, unit) =>
        {
            Ok(unit)
        }
        other => {
            let answer = not_allowed(format!("{other} is no child of {own}"));
            let known = of_certificate(&peer).ok();
            Err(refused(node, known.as_ref().map(|known| &known.actor), "Link", answer))
        }
    }
}

/// Who is calling, whatever they may; a guest who shows no token is `not_authenticated`.
///
/// Errors for a token: `token_unknown`, `token_expired`, `token_revoked`, `account_disabled`.
pub(super) fn known<T>(node: &Node, request: &Request<T>) -> Result<Known, Status> {
    let known = match request.metadata().get(TOKEN_KEY) {
        Some(shown) => of_token(node, shown.to_str().unwrap_or_default()).inspect(|_| {
            if let Some(peer) = request.extensions().get::<Peer>() {
                peer.vouch();
            }
        }),
        None => peer(request).and_then(|peer| of_certificate(&peer)),
    };
    known.map_err(|answer| refused(node, None, "call", answer))
}

fn of_token(node: &Node, header: &str) -> Result<Known, Status> {
    let (scheme, shown) = header.split_once(' ').unwrap_or_default();
    let bearer = scheme.eq_ignore_ascii_case("bearer");
    let holder = if bearer { node.holder_of(shown.trim()) } else { Err(AccountError::TokenUnknown) };
    let pass = holder.map_err(|error| of_account(&error))?;
    let (actor, role, unit) = (Actor::account(pass.name.as_str()), Some(pass.role), pass.unit);
    Ok(Known { actor, role, unit, pass: Some(pass) })
}

fn of_certificate(peer: &Peer) -> Result<Known, Status> {
    match peer.identity {
        Identity::Node(unit) => Ok(Known { actor: Actor::node(unit), role: None, unit, pass: None }),
        Identity::Person { role, unit } => {
            let actor = Actor::certificate(role.as_str(), unit, &peer.serial_text());
            Ok(Known { actor, role: Some(role), unit, pass: None })
        }
        other => Err(not_allowed(format!("{other} calls nobody"))),
    }
}

/// Whoever may do `right` here, and for which units.
///
/// The node's own certificate may do everything on its own node. Of other nodes those above read all counts,
/// those below the counts of their own subtree. A person, account or program may what the role may, at the
/// units that lie below both its unit and this node.
pub(super) fn may<T>(node: &Node, request: &Request<T>, right: Right) -> Result<Caller, Status> {
    known(node, request)?.require(node, right)
}

impl Known {
    /// As [`may`], of a caller who is known already.
    pub fn require(self, node: &Node, right: Right) -> Result<Caller, Status> {
        match self.scope(node, right) {
            Ok(scope) => Ok(Caller { actor: self.actor, scope }),
            Err(answer) => Err(refused(node, Some(&self.actor), &format!("{right:?}"), answer)),
        }
    }

    /// The topmost unit for which the caller may do `right` here. A denial is not counted yet.
    pub fn scope(&self, node: &Node, right: Right) -> Result<UnitId, Status> {
        node.scope_of(self.role, self.unit, right).map_err(|error| not_allowed(error.to_string()))
    }
}
