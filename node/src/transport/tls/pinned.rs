//! The way to a node of which only the root's fingerprint is known: how a new node meets its parent.

use super::{
    connector::{ConnectError, connect},
    pem_files,
    trust::Trust,
    verifier::PeerVerifier,
};
use danso_tier_config::UnitId;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{
        CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
    version::TLS13,
};
use sha2::{Digest, Sha256};
use std::sync::{Arc, OnceLock};
use tonic::transport::Channel;

/// Bytes of a fingerprint.
const FINGERPRINT_BYTES: usize = 32;

/// The SHA-256 of a DER certificate.
pub type Fingerprint = [u8; FINGERPRINT_BYTES];

/// The fingerprint of a DER certificate.
pub fn fingerprint(der: &[u8]) -> Fingerprint {
    Sha256::digest(der).into()
}

/// Connects at once, without a certificate, to the node of `expected` at `address`, trusting exactly the
/// root with a fingerprint; returns the channel and the root's certificate as PEM.
///
/// The other side sees a guest, and closes the connection after `GUEST_MS_MAX` unless a call is vouched
/// for. Units are not compared, since there is no directory yet.
pub async fn connect_pinned(
    address: &str,
    expected: UnitId,
    root_fingerprint: Fingerprint,
) -> Result<(Channel, String), ConnectError> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(PinnedVerifier {
        fingerprint: root_fingerprint,
        algorithms: provider.signature_verification_algorithms,
        provider: Arc::clone(&provider),
        root: OnceLock::new(),
    });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .expect("the provider speaks TLS 1.3")
        .dangerous()
        .with_custom_certificate_verifier(verifier.clone())
        .with_no_client_auth();
    config.alpn_protocols = vec![super::config::HTTP2.to_vec()];
    config.resumption = Resumption::disabled();
    let channel = connect(address, expected, Arc::new(config)).await?;
    let root = verifier.root.get().expect("a connection that stands was verified against the root");
    Ok((channel, pem_files::certificate_pem(root)))
}

/// Trusts the root among the presented certificates that has the fingerprint, and no other.
#[derive(Debug)]
struct PinnedVerifier {
    fingerprint: Fingerprint,
    algorithms: WebPkiSupportedAlgorithms,
    provider: Arc<CryptoProvider>,
    root: OnceLock<CertificateDer<'static>>,
}

impl ServerCertVerifier for PinnedVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let root = intermediates
            .last()
            .filter(|der| fingerprint(der) == self.fingerprint)
            .ok_or(CertificateError::UnknownIssuer)?
            .clone()
            .into_owned();
        let pinned = PeerVerifier::new(vec![root.clone()], &self.provider, Trust::default())
            .map_err(|_| CertificateError::BadEncoding)?;
        let verified = ServerCertVerifier::verify_server_cert(
            &pinned,
            certificate,
            intermediates,
            server_name,
            ocsp_response,
            now,
        )?;
        // Later connections of the channel find the same root again.
        let _ = self.root.set(root);
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
