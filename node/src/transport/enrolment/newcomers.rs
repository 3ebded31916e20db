//! The service for nodes that come into the tree, and for those that renew their certificates.

use super::issuing::{Requests, issue};
use crate::{
    operations::{
        Actor, Node,
        enrolment::{EnrolmentError, InvitationToken},
        meters,
    },
    transport::{
        access,
        authority::{AuthorityError, key_of_request},
        tls::{Peer, serial_time_ms},
    },
    wire::{
        link,
        status::{of_store, status},
    },
};
use danso_core::chain::{Deed, Digest, KeyClaim, Signed};
use danso_proto::v1::{
    EnrolAnswer, EnrolBegin, EnrolRequest, EnrolTerms, RenewAnswer, RenewRequest, enrolment_server::Enrolment,
};
use danso_tier_config::{UnitId, limits};
use std::sync::Arc;
use tonic::{Code, Request, Response, Status};

/// The enrolment service of a node.
pub(in crate::transport) struct EnrolmentService {
    pub node: Arc<Node>,
}

impl EnrolmentService {
    fn refused(&self, error: &EnrolmentError) -> Status {
        self.node.meters.count(meters::CALLS_DENIED, error.code());
        tracing::warn!(code = error.code(), "an enrolment was refused");
        of_enrolment(error)
    }

    /// Issues certificates, off the async threads, and notes it in the audit log before the answer leaves.
    async fn issued(
        &self,
        unit: UnitId,
        (node_request, authority_request, names): (Vec<u8>, Vec<u8>, Vec<String>),
        actor: Actor,
    ) -> Result<super::issuing::Certificates, Status> {
        if names.len() > limits::CERTIFICATE_NAMES_MAX {
            return Err(of_authority(&AuthorityError::Name { name: format!("{} names", names.len()) }));
        }
        let issued = self.node.blocking(move |node| {
            let requests = Requests { node: &node_request, authority: &authority_request, names: &names };
            issue(node, unit, &requests, node.host.clock.now())
        });
        let issued = issued.await.map_err(|error| of_authority(&error))?;
        let text = format!("certificate of node {unit}");
        let noted = self.node.note(&actor, Deed::CertificateIssued, text).await;
        noted.map_err(|error| of_store(&error))?;
        Ok(issued)
    }
}

/// What a repeat of a request has in common with it: the three keys; times and signatures are new each time.
fn keys_digest(claim: &Signed, asked: &[u8], for_authority: &[u8]) -> Result<Digest, Status> {
    let claimed = claim.decode_trusted::<KeyClaim>();
    let claimed = claimed.map_err(|fault| of_enrolment(&EnrolmentError::Claim(fault)))?;
    let key_of = |csr: &[u8]| if csr.is_empty() { Ok(Vec::new()) } else { key_of_request(csr) };
    let (node, authority) = (key_of(asked), key_of(for_authority));
    let (node, authority) =
        (node.map_err(|error| of_authority(&error))?, authority.map_err(|error| of_authority(&error))?);
    Ok(Digest::of(&[&claimed.key, &node, &authority]))
}

/// The status of an enrolment that was refused.
pub(super) fn of_enrolment(error: &EnrolmentError) -> Status {
    match error {
        EnrolmentError::Store(error) => of_store(error),
        EnrolmentError::Token | EnrolmentError::Claim(_) => {
            status(Code::InvalidArgument, error.code(), error.to_string())
        }
        EnrolmentError::Full { .. } => status(Code::ResourceExhausted, error.code(), error.to_string()),
        _ => status(Code::PermissionDenied, error.code(), error.to_string()),
    }
}

/// The status of a certificate that was not issued; files of this computer are not named to others.
pub(super) fn of_authority(error: &AuthorityError) -> Status {
    let message = match error {
        AuthorityError::Missing { .. } => "this node is no authority for the units below it".to_owned(),
        AuthorityError::Name { .. } | AuthorityError::Request { .. } | AuthorityError::PathLength { .. } => {
            error.to_string()
        }
        _ => "the node's authority failed, see its log".to_owned(),
    };
    tracing::error!(code = error.code(), %error, "a certificate was not issued");
    status(Code::FailedPrecondition, error.code(), message)
}

#[tonic::async_trait]
impl Enrolment for EnrolmentService {
    async fn begin(&self, request: Request<EnrolBegin>) -> Result<Response<EnrolTerms>, Status> {
        let token: InvitationToken =
            request.get_ref().invitation.parse().map_err(|error| self.refused(&error))?;
        let terms = self.node.terms(&token).await.map_err(|error| self.refused(&error))?;
        if let Some(peer) = request.extensions().get::<Peer>() {
            peer.vouch();
        }
        let directory = self.node.directory();
        let tier = directory.unit(terms.unit).map(|unit| unit.tier.to_string()).unwrap_or_default();
        Ok(Response::new(EnrolTerms {
            unit: terms.unit.to_string(),
            parent: self.node.unit().to_string(),
            hierarchy: self.node.config.profile.clone(),
            tier,
            needs_authority: terms.path_length.is_some(),
            replaces: terms.replaces.map(|key| key.0.to_vec()).unwrap_or_default().into(),
            after: terms.after.0,
            hash: terms.hash.0.to_vec().into(),
            now_ms: self.node.now_ms(),
        }))
    }

    async fn enrol(&self, request: Request<EnrolRequest>) -> Result<Response<EnrolAnswer>, Status> {
        let request = request.into_inner();
        let token: InvitationToken = request.invitation.parse().map_err(|error| self.refused(&error))?;
        let malformed = || status(Code::InvalidArgument, "message_malformed", "the claim is missing");
        let claim = link::signed(request.claim.ok_or_else(malformed)?);
        let (asked, for_authority) = (request.node_request.to_vec(), request.authority_request.to_vec());
        let digest = keys_digest(&claim, &asked, &for_authority)?;
        // In a task of its own: whoever hangs up leaves memory and ledger of one mind.
        let node = Arc::clone(&self.node);
        let used = token.clone();
        let granted = tokio::spawn(async move { node.enrol(&used, &claim, digest).await }).await;
        let granted = granted.expect("enrolling does not panic").map_err(|error| self.refused(&error))?;
        let actor = Actor::node(token.unit);
        let issued = self.issued(token.unit, (asked, for_authority, request.names), actor).await?;
        tracing::info!(unit = %token.unit, "a node was enrolled");
        Ok(Response::new(EnrolAnswer {
            node_certificate: issued.node,
            authority_certificate: issued.authority,
            roots: issued.roots,
            registrations: granted.registrations.iter().map(link::signed_message).collect(),
            authority_key: granted.authority.to_bytes().to_vec().into(),
            directory: granted.directory.as_ref().map(link::signed_message),
        }))
    }

    async fn renew(&self, request: Request<RenewRequest>) -> Result<Response<RenewAnswer>, Status> {
        let child = access::child(&self.node, &request)?;
        let shown = request.extensions().get::<Peer>().and_then(|peer| peer.serial);
        let issued_at_ms = shown.as_ref().map_or(0, serial_time_ms);
        let Some(_turn) = self.node.turn_to_renew(child, issued_at_ms, shown).await else {
            let answer = status(Code::PermissionDenied, "tls_peer_revoked", "this certificate was revoked");
            return Err(access::refused(&self.node, Some(&Actor::node(child)), "Renew", answer));
        };
        let request = request.into_inner();
        let asked = (request.node_request.to_vec(), request.authority_request.to_vec(), request.names);
        let issued = self.issued(child, asked, Actor::node(child)).await?;
        Ok(Response::new(RenewAnswer {
            node_certificate: issued.node,
            authority_certificate: issued.authority,
            roots: issued.roots,
        }))
    }
}
