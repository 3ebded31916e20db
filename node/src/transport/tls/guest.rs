//! The client configuration of somebody who has no certificate: a person or program with a token.

use super::{certificates::read_roots, config::HTTP2, error::TlsError, trust::Trust, verifier::PeerVerifier};
use rustls::{ClientConfig, client::Resumption, crypto::ring, version::TLS13};
use std::{path::Path, sync::Arc, time::SystemTime};

/// For connecting without a certificate to the nodes under the root certificates of a file (`ca.crt`).
///
/// The node's certificate is checked as by every other client. Errors: those of reading the file.
pub fn guest_client(authority: &Path, now: SystemTime) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let roots = read_roots(authority, now)?;
    let verifier = PeerVerifier::new(roots, &provider, Trust::default())
        .map_err(|_| TlsError::NotCertificate { path: authority.to_owned() })?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .expect("the provider speaks TLS 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![HTTP2.to_vec()];
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}
