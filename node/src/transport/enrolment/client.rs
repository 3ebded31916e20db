//! A node's own side: what a newcomer asks its parent, and how certificates are renewed.

use super::issuing::{renew_own, request_of, write_node};
use crate::{
    host::files,
    operations::{Node, enrolment::InvitationToken},
    transport::{
        authority::{AuthorityError, ISSUER_KEY_FILE, request, write_issuer},
        client::{ClientError, chain},
        tls::{self, KEY_FILE, Keys, pem_files},
    },
    wire::link,
};
use danso_core::chain::{BatchNumber, Digest, KeyId, PublicKey, Signed};
use danso_proto::v1::{EnrolBegin, EnrolRequest, RenewRequest, enrolment_client::EnrolmentClient};
use danso_tier_config::{UnitId, limits};
use std::{
    error::Error,
    io::Write as _,
    path::{Path, PathBuf},
};
use tonic::transport::Channel;

/// A file that `danso keys` puts beside certificates that are never renewed.
const THROWN_AWAY_FILE: &str = "thrown-away";

fn failed(error: &(dyn Error + 'static), code: &str) -> ClientError {
    ClientError::new(code, &chain(error))
}

impl From<AuthorityError> for ClientError {
    fn from(error: AuthorityError) -> Self {
        failed(&error, error.code())
    }
}

/// Whether a key folder is one of those that `danso keys` made for a trial, which nobody renews.
pub fn is_thrown_away(folder: &Path) -> bool {
    folder.join(THROWN_AWAY_FILE).exists()
}

/// Marks a key folder as one for a trial.
pub fn mark_thrown_away(folder: &Path) -> std::io::Result<()> {
    files::replace(&folder.join(THROWN_AWAY_FILE), files::PUBLIC_MODE, |out| {
        out.write_all(b"for trials only\n")
    })
}

/// What the parent tells a newcomer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewcomerTerms {
    /// The unit that is enrolled.
    pub unit: UnitId,
    /// Its tier.
    pub tier: String,
    /// The hierarchy's profile.
    pub hierarchy: String,
    /// Whether it needs an authority for the units below it.
    pub needs_authority: bool,
    /// The key that a new ledger key takes the place of.
    pub replaces: Option<KeyId>,
    /// The last batch that the parent holds, and its hash.
    pub after: (BatchNumber, Digest),
    /// The parent's clock, Unix milliseconds.
    pub now_ms: u64,
}

/// The TLS keys of a folder and the requests for their certificates.
#[derive(Debug)]
pub struct FirstKeys {
    folder: PathBuf,
    node_request: Vec<u8>,
    authority_request: Vec<u8>,
}

impl FirstKeys {
    /// Takes the keys of a folder, or makes them where they are missing. Durable on return: a repeat after a
    /// lost answer makes the same requests for the same keys.
    pub fn prepare(folder: &Path, needs_authority: bool) -> Result<Self, ClientError> {
        let node_request = key_request(&folder.join(KEY_FILE))?;
        let authority_request =
            if needs_authority { key_request(&folder.join(ISSUER_KEY_FILE))? } else { Vec::new() };
        Ok(Self { folder: folder.to_owned(), node_request, authority_request })
    }

    /// What identifies the public keys that certificates are asked for: both requests.
    pub fn requests(&self) -> (&[u8], &[u8]) {
        (&self.node_request, &self.authority_request)
    }
}

fn key_request(path: &Path) -> Result<Vec<u8>, AuthorityError> {
    if !path.exists() {
        let (key, _) = request()?;
        files::replace(path, files::PRIVATE_MODE, |out| out.write_all(key.as_bytes()))
            .map_err(|source| AuthorityError::Unwritable { path: path.to_owned(), source })?;
    }
    request_of(path)
}

/// What enrolment brought.
#[derive(Debug, Clone)]
pub struct Enrolled {
    /// Registrations and grants of ledger keys, from the top down, the own ones last.
    pub registrations: Vec<Signed>,
    /// The public key of the authority of the whole tree.
    pub authority: PublicKey,
    /// The signed unit directory.
    pub directory: Option<Signed>,
}

/// A node on its way into the tree.
pub struct Newcomer {
    client: EnrolmentClient<Channel>,
    token: InvitationToken,
}

impl Newcomer {
    /// Connects to the parent, which is known by the root in the invitation alone.
    pub async fn connect(address: &str, parent: UnitId, token: InvitationToken) -> Result<Self, ClientError> {
        let connected = tls::connect_pinned(address, parent, token.root).await;
        let (channel, _) = connected.map_err(|error| failed(&error, error.code()))?;
        let client = EnrolmentClient::new(channel).max_decoding_message_size(limits::MESSAGE_BYTES_MAX);
        Ok(Self { client, token })
    }

    /// Asks for the terms.
    pub async fn begin(&mut self) -> Result<NewcomerTerms, ClientError> {
        let terms = self.client.begin(EnrolBegin { invitation: self.token.expose() }).await?.into_inner();
        let unit = link::unit(&terms.unit, "unit").map_err(|error| failed(&error, "message_malformed"))?;
        let replaces = terms.replaces.as_ref().try_into().ok().map(KeyId);
        let hash = Digest::from_slice(&terms.hash).unwrap_or_default();
        Ok(NewcomerTerms {
            unit,
            tier: terms.tier,
            hierarchy: terms.hierarchy,
            needs_authority: terms.needs_authority,
            replaces,
            after: (BatchNumber(terms.after), hash),
            now_ms: terms.now_ms,
        })
    }

    /// Uses the invitation, and writes certificates into the folder of the keys. Durable on return.
    pub async fn enrol(
        &mut self,
        keys: &FirstKeys,
        claim: &Signed,
        names: &[String],
    ) -> Result<Enrolled, ClientError> {
        let asked = EnrolRequest {
            invitation: self.token.expose(),
            claim: Some(link::signed_message(claim)),
            node_request: keys.node_request.clone().into(),
            authority_request: keys.authority_request.clone().into(),
            names: names.to_vec(),
        };
        let answer = self.client.enrol(asked).await?.into_inner();
        let malformed = || ClientError::new("message_malformed", "the parent's answer is malformed");
        let authority: [u8; 32] = answer.authority_key.as_ref().try_into().map_err(|_| malformed())?;
        let authority = PublicKey::from_bytes(&authority).map_err(|_| malformed())?;
        write_certificates(
            &keys.folder,
            &answer.node_certificate,
            &answer.authority_certificate,
            &answer.roots,
        )?;
        let registrations = answer.registrations.into_iter().map(link::signed).collect();
        Ok(Enrolled { registrations, authority, directory: answer.directory.map(link::signed) })
    }
}

fn write_certificates(folder: &Path, node: &str, authority: &str, roots: &str) -> Result<(), ClientError> {
    if !authority.is_empty() {
        let path = folder.join(ISSUER_KEY_FILE);
        let key = pem_files::read(&path).map_err(|source| AuthorityError::Unreadable { path, source })?;
        write_issuer(folder, authority, &String::from_utf8_lossy(&key))?;
    }
    Ok(write_node(folder, None, node, roots)?)
}

/// Renews the certificates of a running node over a connection with those that are still good; the top renews
/// its own. The keys stay, so that nothing but the certificates changes.
pub async fn renew(node: &Node, keys: &Keys, folder: &Path) -> Result<(), ClientError> {
    let Some(parent) = &node.config.parent else {
        return Ok(renew_own(node, node.host.clock.now())?);
    };
    let channel =
        tls::connect_over(node.host.network.clone(), &parent.address, parent.unit, keys.client()).await;
    let channel = channel.map_err(|error| failed(&error, error.code()))?;
    let issuer_key = folder.join(ISSUER_KEY_FILE);
    let asked = RenewRequest {
        node_request: request_of(&folder.join(KEY_FILE))?.into(),
        authority_request: if issuer_key.exists() { request_of(&issuer_key)? } else { Vec::new() }.into(),
        names: node.config.names.clone(),
    };
    let mut client = EnrolmentClient::new(channel).max_decoding_message_size(limits::MESSAGE_BYTES_MAX);
    let answer = client.renew(asked).await?.into_inner();
    write_certificates(folder, &answer.node_certificate, &answer.authority_certificate, &answer.roots)
}
