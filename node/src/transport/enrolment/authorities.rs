//! The service for those who run a node that is an authority: invitations, revocation, certificates of persons.

use super::newcomers::{of_authority, of_enrolment};
use crate::{
    operations::{Node, RevocationError, accounts::Right},
    transport::{
        access,
        authority::{Authority, Validity, serial_of},
        tls::{AUTHORITY_FILE, Keys, Role, pem_files},
    },
    wire::status::{of_store, status},
};
use danso_core::chain::{BatchNumber, Deed, Revoked};
use danso_proto::v1::{
    InviteAnswer, InviteRequest, IssuePersonAnswer, IssuePersonRequest, ListRevocationsAnswer,
    ListRevocationsRequest, RevocationRow, RevokeAnswer, RevokeRequest, authorities_server::Authorities,
};
use danso_tier_config::{UnitId, limits};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::sync::Arc;
use tonic::{Code, Request, Response, Status};

/// The authorities service of a node.
pub(in crate::transport) struct AuthoritiesService {
    pub node: Arc<Node>,
}

fn malformed(what: &str) -> Status {
    status(Code::InvalidArgument, "message_malformed", format!("{what} is missing or malformed"))
}

fn unit_of(text: &str) -> Result<UnitId, Status> {
    text.parse().map_err(|_| malformed("unit"))
}

fn of_revocation(error: &RevocationError) -> Status {
    match error {
        RevocationError::Store(error) => of_store(error),
        RevocationError::Reason { .. } => status(Code::InvalidArgument, error.code(), error.to_string()),
        _ => status(Code::PermissionDenied, error.code(), error.to_string()),
    }
}

#[tonic::async_trait]
impl Authorities for AuthoritiesService {
    async fn invite(&self, request: Request<InviteRequest>) -> Result<Response<InviteAnswer>, Status> {
        let caller = access::may(&self.node, &request, Right::Operate)?;
        let request = request.into_inner();
        let unit = unit_of(&request.unit)?;
        let hours = match request.hours {
            0 => limits::INVITATION_HOURS,
            hours => hours.min(limits::INVITATION_HOURS_MAX),
        };
        let folder = self.node.config.keys.clone();
        if !super::is_authority(&folder) {
            let message = "this node is no authority for the units below it";
            return Err(status(Code::FailedPrecondition, "authority_missing", message));
        }
        let keys = Keys::read(&folder, self.node.host.clock.now());
        let keys = keys.map_err(|error| status(Code::FailedPrecondition, error.code(), error.to_string()))?;
        let root = keys.root_fingerprint();
        let (node, actor) = (Arc::clone(&self.node), caller.actor.clone());
        let replaces_key = request.replaces_key;
        let invited = tokio::spawn(async move { node.invite(unit, hours, replaces_key, root, &actor).await });
        let invited = invited.await.expect("inviting does not panic");
        let (token, expires_at_ms) = invited.map_err(|error| {
            access::refused(&self.node, Some(&caller.actor), "Invite", of_enrolment(&error))
        })?;
        Ok(Response::new(InviteAnswer { invitation: token.expose(), expires_at_ms }))
    }

    async fn revoke(&self, request: Request<RevokeRequest>) -> Result<Response<RevokeAnswer>, Status> {
        let caller = access::may(&self.node, &request, Right::Operate)?;
        let request = request.into_inner();
        let what = match (request.unit.as_str(), request.serial.len()) {
            ("", 16) => {
                let serial = request.serial.as_ref().try_into().map_err(|_| malformed("serial number"))?;
                Revoked::Certificate { serial }
            }
            (unit, 0) if !unit.is_empty() => Revoked::Node {
                unit: unit_of(unit)?,
                issued_until_ms: self.node.now_ms(),
                after: request.after.map(BatchNumber),
            },
            _ => return Err(malformed("either a unit or a serial number of 16 bytes")),
        };
        let revoked = self.node.revoke(what, &request.reason, &caller.actor).await;
        let list = revoked.map_err(|error| {
            access::refused(&self.node, Some(&caller.actor), "Revoke", of_revocation(&error))
        })?;
        Ok(Response::new(RevokeAnswer { version: list.version }))
    }

    async fn list_revocations(
        &self,
        request: Request<ListRevocationsRequest>,
    ) -> Result<Response<ListRevocationsAnswer>, Status> {
        access::may(&self.node, &request, Right::ReadStatus)?;
        let row = |entry: danso_core::chain::Revocation| {
            let (reason, at_ms) = (entry.reason, entry.at_ms);
            match entry.what {
                Revoked::Node { unit, issued_until_ms, after } => RevocationRow {
                    unit: unit.to_string(),
                    reason,
                    at_ms,
                    issued_until_ms,
                    after: after.map(|after| after.0),
                    ..Default::default()
                },
                Revoked::Certificate { serial } => {
                    RevocationRow { serial: serial.to_vec().into(), reason, at_ms, ..Default::default() }
                }
            }
        };
        let revocations = self.node.revocations().into_iter().map(row).collect();
        Ok(Response::new(ListRevocationsAnswer { revocations }))
    }

    async fn issue_person(
        &self,
        request: Request<IssuePersonRequest>,
    ) -> Result<Response<IssuePersonAnswer>, Status> {
        let caller = access::may(&self.node, &request, Right::ManageAccounts)?;
        let request = request.into_inner();
        let unit = unit_of(&request.unit)?;
        let role: Role = request.role.parse().map_err(|_| malformed("role"))?;
        let directory = self.node.directory();
        if !directory.at(self.node.today()).is_within(unit, caller.scope) {
            let message = format!("{unit} does not lie within {}", caller.scope);
            let answer = status(Code::PermissionDenied, "not_allowed", message);
            return Err(access::refused(&self.node, Some(&caller.actor), "ManageAccounts", answer));
        }
        let days = request.days.clamp(1, limits::PERSON_CERTIFICATE_DAYS);
        let issued = self.node.blocking(move |node| {
            let (folder, validity) = (&node.config.keys, Validity::days(node.host.clock.now(), days));
            let chain =
                Authority::open_issuer(folder)?.issue_person_csr(&request.request, role, unit, validity)?;
            Ok((chain, pem_files::read(&folder.join(AUTHORITY_FILE)).unwrap_or_default()))
        });
        let (certificate, roots) = issued.await.map_err(|error| of_authority(&error))?;
        let first = CertificateDer::from_pem_slice(certificate.as_bytes()).ok();
        let serial = first.and_then(|der| serial_of(&der)).unwrap_or_default();
        let text =
            format!("certificate of {} {unit}, serial {:032x}", role.as_str(), u128::from_be_bytes(serial));
        let noted = self.node.note(&caller.actor, Deed::CertificateIssued, text).await;
        noted.map_err(|error| of_store(&error))?;
        let roots = String::from_utf8_lossy(&roots).into_owned();
        Ok(Response::new(IssuePersonAnswer { certificate, roots, serial: serial.to_vec().into() }))
    }
}
