//! The check of the other side's certificates: issued by a known root, in their dates, naming one identity,
//! and trusted by the rules of the tree. The same for clients and for servers.

use super::{
    identity::{Identity, IdentityError},
    reason::{Reason, reason},
    trust::{Trust, TrustFault, note},
};
use danso_tier_config::Date;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, RootCertStore,
    SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::{
        VerifierBuilderError, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    time_provider::TimeProvider,
};
use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Why a chain is refused.
#[derive(Debug)]
pub(super) enum Refused {
    /// By the web PKI check: roots, dates, purposes, names.
    Web(Error),
    /// It names no peer.
    Nameless(IdentityError),
    /// By the rules of the tree.
    Trust(TrustFault),
}

impl Refused {
    /// Sorts out those errors of the web PKI check that concern the chain.
    fn web(error: Error) -> Self {
        match error {
            Error::InvalidCertificate(CertificateError::Other(other)) => {
                Self::Trust(TrustFault::Chain { because: other.to_string() })
            }
            error => Self::Web(error),
        }
    }

    /// The error for rustls; a fault of trust is noted for whoever waits for the handshake.
    fn alert(self) -> Error {
        match self {
            Self::Web(error) => error,
            Self::Nameless(error) => CertificateError::Other(OtherError(Arc::new(error))).into(),
            Self::Trust(fault) => {
                let alert = fault.alert();
                note(fault);
                alert
            }
        }
    }

    /// In plain words.
    pub(super) fn reason(self) -> Reason {
        match self {
            Self::Trust(fault) => reason(&fault),
            refused => reason(&refused.alert()),
        }
    }
}

impl TimeProvider for Trust {
    fn current_time(&self) -> Option<UnixTime> {
        Some(unix_time(self.clock().now()))
    }
}

/// As rustls writes times.
pub(super) fn unix_time(time: SystemTime) -> UnixTime {
    UnixTime::since_unix_epoch(time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO))
}

/// Roots and rules.
#[derive(Debug, Clone)]
pub(super) struct PeerVerifier {
    clients: Arc<dyn ClientCertVerifier>,
    servers: Arc<WebPkiServerVerifier>,
    roots: Arc<[CertificateDer<'static>]>,
    trust: Trust,
}

impl PeerVerifier {
    /// Fails where a root is unusable, or there is none.
    pub(super) fn new(
        roots: Vec<CertificateDer<'static>>,
        provider: &Arc<CryptoProvider>,
        trust: Trust,
    ) -> Result<Self, VerifierBuilderError> {
        let mut store = RootCertStore::empty();
        for root in &roots {
            store.add(root.clone()).map_err(|_| VerifierBuilderError::NoRootAnchors)?;
        }
        let store = Arc::new(store);
        Ok(Self {
            clients: WebPkiClientVerifier::builder_with_provider(Arc::clone(&store), Arc::clone(provider))
                .allow_unauthenticated()
                .build()?,
            servers: WebPkiServerVerifier::builder_with_provider(store, Arc::clone(provider)).build()?,
            roots: roots.into(),
            trust,
        })
    }

    /// The clock of the rules, for rustls.
    pub(super) fn clock(&self) -> Arc<dyn TimeProvider> {
        Arc::new(self.trust.clone())
    }

    /// The time by that clock.
    pub(super) fn now(&self) -> UnixTime {
        unix_time(self.trust.clock().now())
    }

    /// Checks the chain of a client, or the own one as a server will see it.
    pub(super) fn client(
        &self,
        leaf: &CertificateDer<'_>,
        above: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<Identity, Refused> {
        let above = self.without_root(above);
        self.clients.verify_client_cert(leaf, above, now).map_err(Refused::web)?;
        self.by_trust(leaf, above, now)
    }

    fn server(
        &self,
        leaf: &CertificateDer<'_>,
        above: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<Identity, Refused> {
        let above = self.without_root(above);
        self.servers.verify_server_cert(leaf, above, name, &[], now).map_err(Refused::web)?;
        self.by_trust(leaf, above, now)
    }

    /// Servers present the root too, for those who know only its fingerprint.
    fn without_root<'a, 'd>(&self, above: &'a [CertificateDer<'d>]) -> &'a [CertificateDer<'d>] {
        match above.split_last() {
            Some((last, others)) if self.roots.iter().any(|root| root.as_ref() == last.as_ref()) => others,
            _ => above,
        }
    }

    fn by_trust(
        &self,
        leaf: &CertificateDer<'_>,
        authorities: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<Identity, Refused> {
        let identity = Identity::of_peer(leaf).map_err(Refused::Nameless)?;
        let today = Date::in_vietnam(now.as_secs().saturating_mul(1_000));
        self.trust.check((identity, leaf), authorities, today).map_err(Refused::Trust)?;
        Ok(identity)
    }
}

/// A client may come without a certificate, as a guest; one that it presents must be right.
impl ClientCertVerifier for PeerVerifier {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.clients.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.client(certificate, intermediates, now)
            .map_err(Refused::alert)
            .map(|_| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.clients.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.clients.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.clients.supported_verify_schemes()
    }
}

impl ServerCertVerifier for PeerVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.server(certificate, intermediates, server_name, now)
            .map_err(Refused::alert)
            .map(|_| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.servers.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.servers.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.servers.supported_verify_schemes()
    }
}
