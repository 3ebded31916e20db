//! A key folder, read and checked whole, as rustls configurations for both directions.

use super::{
    certificates::{day, read_certificates, read_key, read_roots, validity},
    error::TlsError,
    identity::Identity,
    pinned::{Fingerprint, fingerprint},
    trust::Trust,
    verifier::{PeerVerifier, Refused, unix_time},
};
use danso_tier_config::{Date, UnitId};
use rustls::{
    CertificateError, ClientConfig, ServerConfig,
    client::Resumption,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, UnixTime},
    server::NoServerSessionStorage,
    version::TLS13,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The holder's certificate, followed by the intermediate ones up to but without the root.
pub const CERTIFICATE_FILE: &str = "node.crt";
/// The private key of [`CERTIFICATE_FILE`].
pub const KEY_FILE: &str = "node.key";
/// The root certificates that are trusted; two during a change of authority.
pub const AUTHORITY_FILE: &str = "ca.crt";

/// The application protocol of browsers.
const HTTP1: &[u8] = b"http/1.1";
/// The application protocol of gRPC.
pub(super) const HTTP2: &[u8] = b"h2";

/// A usable key folder: certificate, key and authority agree.
#[derive(Debug, Clone)]
pub struct Keys {
    folder: PathBuf,
    identity: Identity,
    valid_from: SystemTime,
    expires: SystemTime,
    root: Fingerprint,
    verifier: Arc<PeerVerifier>,
    server: Arc<ServerConfig>,
    web: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
}

impl Keys {
    /// As [`Keys::read_with`], by the root alone: for a command line, which has no directory.
    pub fn read(folder: &Path, now: SystemTime) -> Result<Self, TlsError> {
        Self::read_with(folder, now, &Trust::default())
    }

    /// Reads [`CERTIFICATE_FILE`], [`KEY_FILE`] and [`AUTHORITY_FILE`] and checks them against each other,
    /// against `now` and against `trust`, whose later changes count for later connections. Reading again
    /// after the files changed gives configurations to exchange.
    pub fn read_with(folder: &Path, now: SystemTime, trust: &Trust) -> Result<Self, TlsError> {
        let keys = Self::read_whenever(folder, now, trust)?;
        keys.require_dates(now)?;
        Ok(keys)
    }

    /// The same also where `now` lies outside the certificate's dates: everything else is checked as of the nearest
    /// moment within them. With such keys a node serves its own computer, though nobody links to it.
    pub fn read_whenever(folder: &Path, now: SystemTime, trust: &Trust) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let (certificate_path, key_path) = (folder.join(CERTIFICATE_FILE), folder.join(KEY_FILE));
        let chain = read_certificates(&certificate_path)?;
        let key = read_key(&key_path, &provider)?;
        let authority_path = folder.join(AUTHORITY_FILE);
        let (valid_from, expires) = validity(&chain[0], &certificate_path)?;
        let at = now.min(expires).max(valid_from);
        let roots = read_roots(&authority_path, at)?;

        let unusable = || TlsError::NotCertificate { path: authority_path.clone() };
        let verifier_of = |roots| PeerVerifier::new(roots, &provider, trust.clone()).map_err(|_| unusable());
        let verifier = Arc::new(verifier_of(roots.clone())?);
        let at = unix_time(at);
        let identity = verifier
            .client(&chain[0], &chain[1..], at)
            .map_err(|refused| own_fault(refused, &certificate_path, &authority_path))?;
        let mut own_root = None;
        for root in roots {
            if verifier_of(vec![root.clone()])?.client(&chain[0], &chain[1..], at).is_ok() {
                own_root = Some(root);
                break;
            }
        }
        let own_root = own_root.ok_or_else(|| TlsError::ForeignAuthority {
            certificate: certificate_path.clone(),
            authority: authority_path.clone(),
        })?;

        let unfit = |source| match source {
            rustls::Error::InconsistentKeys(_) => {
                TlsError::KeyMismatch { certificate: certificate_path.clone(), key: key_path.clone() }
            }
            source => TlsError::Unfit { path: certificate_path.clone(), source },
        };
        // Servers present the root too, for those who know only its fingerprint.
        let mut presented = chain.clone();
        if presented.last() != Some(&own_root) {
            presented.push(own_root.clone());
        }
        let web = web_config(presented.clone(), key.clone_key(), &certificate_path, &key_path)?;
        Ok(Self {
            folder: folder.to_owned(),
            identity,
            valid_from,
            expires,
            root: fingerprint(&own_root),
            server: server_config(&provider, &verifier, presented, key.clone_key()).map_err(unfit)?,
            web,
            client: client_config(&provider, &verifier, chain, key).map_err(unfit)?,
            verifier,
        })
    }

    /// The node or person that the certificate names.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Refuses a certificate that has ended or has not begun at `now`.
    pub fn require_dates(&self, now: SystemTime) -> Result<(), TlsError> {
        let path = || self.folder.join(CERTIFICATE_FILE);
        if now > self.expires {
            return Err(TlsError::Expired { path: path(), on: day(self.expires) });
        }
        if now < self.valid_from {
            return Err(TlsError::NotYetValid { path: path(), from: day(self.valid_from) });
        }
        Ok(())
    }

    /// The last day of the certificate's validity, in Vietnam.
    pub fn expires_on(&self) -> Date {
        day(self.expires)
    }

    /// The first and the last moment of the certificate's validity, for whoever renews it in time.
    pub fn validity(&self) -> (SystemTime, SystemTime) {
        (self.valid_from, self.expires)
    }

    /// The fingerprint of the root that the certificate comes from, for invitations.
    pub fn root_fingerprint(&self) -> Fingerprint {
        self.root
    }

    /// Roots and rules, to check open connections again.
    pub(super) fn verifier(&self) -> Arc<PeerVerifier> {
        Arc::clone(&self.verifier)
    }

    /// Refuses a folder that belongs to anyone else than the node of `unit`.
    pub fn require_node(&self, unit: UnitId) -> Result<(), TlsError> {
        if self.identity == Identity::Node(unit) {
            return Ok(());
        }
        let path = self.folder.join(CERTIFICATE_FILE);
        Err(TlsError::OtherHolder { path, expected: unit, found: self.identity })
    }

    /// For serving: a client's certificate is checked, one without is a guest, TLS 1.3 only, HTTP/2.
    pub fn server(&self) -> Arc<ServerConfig> {
        self.server.clone()
    }

    /// For browsers: nobody is asked for a certificate, TLS 1.3 only, HTTP/1.1.
    pub fn web(&self) -> Arc<ServerConfig> {
        self.web.clone()
    }

    /// For connecting: presents the certificate, TLS 1.3 only, HTTP/2.
    pub fn client(&self) -> Arc<ClientConfig> {
        self.client.clone()
    }
}

fn server_config(
    provider: &Arc<CryptoProvider>,
    verifier: &Arc<PeerVerifier>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut server = ServerConfig::builder_with_details(Arc::clone(provider), verifier.clock())
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(verifier.clone())
        .with_single_cert(chain, key)?;
    server.alpn_protocols = vec![HTTP2.to_vec()];
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;
    Ok(Arc::new(server))
}

/// The configuration under which browsers are served.
pub(super) fn web_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    certificate_path: &Path,
    key_path: &Path,
) -> Result<Arc<ServerConfig>, TlsError> {
    let unfit = |source| match source {
        rustls::Error::InconsistentKeys(_) => {
            TlsError::KeyMismatch { certificate: certificate_path.to_owned(), key: key_path.to_owned() }
        }
        source => TlsError::Unfit { path: certificate_path.to_owned(), source },
    };
    let mut server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .map_err(unfit)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(unfit)?;
    server.alpn_protocols = vec![HTTP1.to_vec()];
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;
    Ok(Arc::new(server))
}

fn client_config(
    provider: &Arc<CryptoProvider>,
    verifier: &Arc<PeerVerifier>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ClientConfig>, rustls::Error> {
    let mut client = ClientConfig::builder_with_details(Arc::clone(provider), verifier.clock())
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier.clone())
        .with_client_auth_cert(chain, key)?;
    client.alpn_protocols = vec![HTTP2.to_vec()];
    client.resumption = Resumption::disabled();
    Ok(Arc::new(client))
}

/// What is wrong with the own chain, as a server would find it.
fn own_fault(refused: Refused, path: &Path, authority: &Path) -> TlsError {
    let path = path.to_owned();
    let moment = |time: UnixTime| day(UNIX_EPOCH + Duration::from_secs(time.as_secs()));
    let source = match refused {
        Refused::Nameless(source) => return TlsError::Nameless { path, source },
        Refused::Trust(source) => return TlsError::Untrusted { path, source },
        Refused::Web(source) => source,
    };
    match source {
        rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. }) => {
            TlsError::Expired { path, on: moment(not_after) }
        }
        rustls::Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. }) => {
            TlsError::NotYetValid { path, from: moment(not_before) }
        }
        rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => TlsError::ForeignAuthority { certificate: path, authority: authority.to_owned() },
        rustls::Error::InvalidCertificate(CertificateError::BadEncoding) => TlsError::NotCertificate { path },
        source => TlsError::Unfit { path, source },
    }
}
