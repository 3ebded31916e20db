//! A key folder, read and checked whole, as rustls configurations for both directions.

use super::{error::TlsError, files, identity::Identity, verifier::IdentityVerifier};
use danso_tier_config::{Date, UnitId};
use rustls::{
    CertificateError, ClientConfig, RootCertStore, ServerConfig,
    client::Resumption,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem, pem::PemObject},
    server::{NoServerSessionStorage, WebPkiClientVerifier, danger::ClientCertVerifier},
    version::TLS13,
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use x509_parser::prelude::{FromDer, X509Certificate};

/// The holder's certificate, followed by the intermediate ones up to but without the root.
pub const CERTIFICATE_FILE: &str = "node.crt";
/// The private key of [`CERTIFICATE_FILE`].
pub const KEY_FILE: &str = "node.key";
/// The root certificates that are trusted; two during a change of authority.
pub const AUTHORITY_FILE: &str = "ca.crt";

/// The application protocol of gRPC.
const HTTP2: &[u8] = b"h2";

/// A usable key folder: certificate, key and authority agree and are in their dates.
#[derive(Debug, Clone)]
pub struct Keys {
    folder: PathBuf,
    identity: Identity,
    expires_on: Date,
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
}

impl Keys {
    /// Reads [`CERTIFICATE_FILE`], [`KEY_FILE`] and [`AUTHORITY_FILE`] and checks them against each other
    /// and against `now`. Reading again after the files changed gives configurations to exchange.
    pub fn read(folder: &Path, now: SystemTime) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let (certificate_path, key_path) = (folder.join(CERTIFICATE_FILE), folder.join(KEY_FILE));
        let chain = read_certificates(&certificate_path)?;
        let key = read_key(&key_path, &provider)?;
        let authority_path = folder.join(AUTHORITY_FILE);
        let roots = Arc::new(read_roots(&authority_path, now)?);
        let unfit = |source| TlsError::Unfit { path: certificate_path.clone(), source };

        let web = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone())
            .build()
            .map_err(|_| TlsError::NotCertificate { path: authority_path.clone() })?;
        check_chain(&chain, web.as_ref(), now, &certificate_path, &authority_path)?;
        let identity = Identity::of_certificate(&chain[0])
            .map_err(|source| TlsError::Nameless { path: certificate_path.clone(), source })?;
        let expires = last_moment(&chain[0], &certificate_path)?;

        let not_matching = |source| match source {
            rustls::Error::InconsistentKeys(_) => {
                TlsError::KeyMismatch { certificate: certificate_path.clone(), key: key_path.clone() }
            }
            source => unfit(source),
        };
        let mut server = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&TLS13])
            .map_err(unfit)?
            .with_client_cert_verifier(Arc::new(IdentityVerifier(web)))
            .with_single_cert(chain.clone(), key.clone_key())
            .map_err(not_matching)?;
        server.alpn_protocols = vec![HTTP2.to_vec()];
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;

        let mut client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .map_err(unfit)?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .map_err(not_matching)?;
        client.alpn_protocols = vec![HTTP2.to_vec()];
        client.resumption = Resumption::disabled();

        Ok(Self {
            folder: folder.to_owned(),
            identity,
            expires_on: day(expires),
            server: Arc::new(server),
            client: Arc::new(client),
        })
    }

    /// The node or person that the certificate names.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// The last day of the certificate's validity, in Vietnam.
    pub fn expires_on(&self) -> Date {
        self.expires_on
    }

    /// Refuses a folder that belongs to anyone else than the node of `unit`.
    pub fn require_node(&self, unit: UnitId) -> Result<(), TlsError> {
        if self.identity == Identity::Node(unit) {
            return Ok(());
        }
        let path = self.folder.join(CERTIFICATE_FILE);
        Err(TlsError::OtherHolder { path, expected: unit, found: self.identity })
    }

    /// For serving: a client certificate is required, TLS 1.3 only, HTTP/2.
    pub fn server(&self) -> Arc<ServerConfig> {
        self.server.clone()
    }

    /// For connecting: presents the certificate, TLS 1.3 only, HTTP/2.
    pub fn client(&self) -> Arc<ClientConfig> {
        self.client.clone()
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, TlsError> {
    files::read(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => TlsError::Missing { path: path.to_owned() },
        _ => TlsError::Unreadable { path: path.to_owned(), source },
    })
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&read_file(path)?).collect();
    found
        .ok()
        .filter(|certificates| !certificates.is_empty())
        .ok_or_else(|| TlsError::NotCertificate { path: path.to_owned() })
}

fn read_key(path: &Path, provider: &CryptoProvider) -> Result<PrivateKeyDer<'static>, TlsError> {
    let not_key = || TlsError::NotKey { path: path.to_owned() };
    let key = PrivateKeyDer::from_pem_slice(&read_file(path)?).map_err(|_| not_key())?;
    provider.key_provider.load_private_key(key.clone_key()).map_err(|_| not_key())?;
    Ok(key)
}

/// The roots of a file that have not expired; an error if none is left.
fn read_roots(path: &Path, now: SystemTime) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let mut expired = None;
    for certificate in read_certificates(path)? {
        let until = last_moment(&certificate, path)?;
        if until < now {
            expired = Some(until);
            continue;
        }
        roots.add(certificate).map_err(|_| TlsError::NotCertificate { path: path.to_owned() })?;
    }
    match expired {
        Some(until) if roots.is_empty() => Err(TlsError::Expired { path: path.to_owned(), on: day(until) }),
        _ => Ok(roots),
    }
}

/// Checks dates, issuer and purpose of the own certificate, as a server will.
fn check_chain(
    chain: &[CertificateDer<'static>],
    verifier: &dyn ClientCertVerifier,
    now: SystemTime,
    path: &Path,
    authority: &Path,
) -> Result<(), TlsError> {
    let at = UnixTime::since_unix_epoch(now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO));
    let Err(source) = verifier.verify_client_cert(&chain[0], &chain[1..], at) else { return Ok(()) };
    let path = path.to_owned();
    let moment = |time: UnixTime| day(UNIX_EPOCH + Duration::from_secs(time.as_secs()));
    Err(match source {
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
    })
}

/// The last moment of a certificate's validity.
fn last_moment(der: &[u8], path: &Path) -> Result<SystemTime, TlsError> {
    let (_, certificate) =
        X509Certificate::from_der(der).map_err(|_| TlsError::NotCertificate { path: path.to_owned() })?;
    let seconds = u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or(0);
    Ok(UNIX_EPOCH + Duration::from_secs(seconds))
}

fn day(moment: SystemTime) -> Date {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Date::in_vietnam(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
