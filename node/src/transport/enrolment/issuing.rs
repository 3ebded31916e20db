//! The authority in a node's key folder: what it issues for a unit, and how a tree's first one is made.

use crate::{
    host::files,
    operations::Node,
    transport::{
        authority::{Authority, AuthorityError, ISSUER_FILE, Validity, request, request_with, write_issuer},
        tls::{AUTHORITY_FILE, CERTIFICATE_FILE, KEY_FILE, pem_files},
    },
};
use danso_tier_config::{UnitId, limits};
use std::{io::Write as _, path::Path, time::SystemTime};

/// Certificates for one node.
pub(super) struct Certificates {
    /// PEM: the node's, and those above without the root.
    pub node: String,
    /// PEM: that of the unit's authority; empty where it has none.
    pub authority: String,
    /// PEM: the roots that are trusted.
    pub roots: String,
}

/// What is asked for.
pub(super) struct Requests<'a> {
    /// For the node, DER.
    pub node: &'a [u8],
    /// For the unit's authority, DER; empty for none.
    pub authority: &'a [u8],
    /// Further names of the node.
    pub names: &'a [String],
}

/// Whether a key folder holds an authority for the units below.
pub fn is_authority(folder: &Path) -> bool {
    folder.join(ISSUER_FILE).exists()
}

/// Issues certificates for the node of a unit from the authority in this node's key folder.
pub(super) fn issue(
    node: &Node,
    unit: UnitId,
    requests: &Requests<'_>,
    now: SystemTime,
) -> Result<Certificates, AuthorityError> {
    let folder = &node.config.keys;
    let issuer = Authority::open_issuer(folder)?;
    let days = Validity::days(now, limits::NODE_CERTIFICATE_DAYS);
    let certificate = issuer.issue_node_csr(requests.node, unit, requests.names, days)?;
    let authority = match node.path_length_of(unit) {
        Some(length) if !requests.authority.is_empty() => {
            let days = Validity::days(now, limits::ISSUER_CERTIFICATE_DAYS);
            issuer.issue_authority(unit, length, requests.authority, days)?
        }
        _ => String::new(),
    };
    let path = folder.join(AUTHORITY_FILE);
    let unreadable = |source| AuthorityError::Unreadable { path: path.clone(), source };
    let roots = pem_files::read(&path).map_err(unreadable)?;
    Ok(Certificates { node: certificate, authority, roots: String::from_utf8_lossy(&roots).into_owned() })
}

/// Makes the first authority of a tree and the keys of its top node: the root in `root`, which is then kept
/// away from the network, and in `keys` an authority under it with the node's certificate. Durable on return.
///
/// Errors: where either folder holds keys already.
pub fn found_tree(
    root: &Path,
    keys: &Path,
    unit: UnitId,
    (path_length, names): (u8, &[String]),
    now: SystemTime,
) -> Result<(), AuthorityError> {
    for taken in [keys.join(ISSUER_FILE), keys.join(CERTIFICATE_FILE)] {
        if taken.exists() {
            return Err(AuthorityError::Exists { path: taken });
        }
    }
    let top = Authority::create(root, now)?;
    let (issuer_key, issuer_request) = request()?;
    let days = Validity::days(now, limits::AUTHORITY_DAYS);
    let chain = top.issue_authority(unit, path_length, &issuer_request, days)?;
    write_issuer(keys, &chain, &issuer_key)?;
    let issuer = Authority::open_issuer(keys)?;
    let (node_key, node_request) = request()?;
    let days = Validity::days(now, limits::NODE_CERTIFICATE_DAYS);
    let certificate = issuer.issue_node_csr(&node_request, unit, names, days)?;
    write_node(keys, Some(&node_key), &certificate, top.certificate_pem())
}

/// Renews the certificate of the top node from the authority in its own key folder.
pub(super) fn renew_own(node: &Node, now: SystemTime) -> Result<(), AuthorityError> {
    let folder = &node.config.keys;
    let request = request_of(&folder.join(KEY_FILE))?;
    let requests = Requests { node: &request, authority: &[], names: &node.config.names };
    let issued = issue(node, node.unit(), &requests, now)?;
    write_node(folder, None, &issued.node, &issued.roots)
}

/// A request for the key in a file.
pub(super) fn request_of(path: &Path) -> Result<Vec<u8>, AuthorityError> {
    let unreadable = |source| AuthorityError::Unreadable { path: path.to_owned(), source };
    let pem = pem_files::read(path).map_err(unreadable)?;
    request_with(&String::from_utf8_lossy(&pem))
}

/// Writes a node's certificate, its key where it is new, and the roots. The key goes first.
pub(super) fn write_node(
    folder: &Path,
    key: Option<&str>,
    certificate: &str,
    roots: &str,
) -> Result<(), AuthorityError> {
    let write = |name: &str, pem: &str, mode| {
        let path = folder.join(name);
        files::replace(&path, mode, |out| out.write_all(pem.as_bytes()))
            .map_err(|source| AuthorityError::Unwritable { path, source })
    };
    if let Some(key) = key {
        write(KEY_FILE, key, files::PRIVATE_MODE)?;
    }
    write(AUTHORITY_FILE, roots, files::PUBLIC_MODE)?;
    write(CERTIFICATE_FILE, certificate, files::PUBLIC_MODE)
}
