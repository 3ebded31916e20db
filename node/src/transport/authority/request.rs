//! Certificate signing requests: made where the key stays, checked where the certificate is made.

use super::error::AuthorityError;
use danso_tier_config::limits;
use rcgen::{
    CertificateParams, CertificateSigningRequestParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256,
    PublicKey, PublicKeyData,
};
use rustls::pki_types::CertificateSigningRequestDer;

/// Bytes of an uncompressed point on P-256, the only kind of key that [`request`] makes.
const PUBLIC_KEY_BYTES: usize = 65;

/// Makes a private key (PKCS#8, PEM) and the DER request that proves its possession. The request names
/// nobody: whoever signs it decides the names.
pub fn request() -> Result<(String, Vec<u8>), AuthorityError> {
    let key = KeyPair::generate().map_err(AuthorityError::Signing)?;
    Ok((key.serialize_pem(), signed(&key)?))
}

/// A DER request for a private key (PEM) that exists already, to renew its certificate.
pub fn request_with(key_pem: &str) -> Result<Vec<u8>, AuthorityError> {
    let key = KeyPair::from_pem(key_pem)
        .map_err(|_| AuthorityError::Request { because: "the private key is unreadable" })?;
    signed(&key)
}

fn signed(key: &KeyPair) -> Result<Vec<u8>, AuthorityError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    let request = params.serialize_request(key).map_err(AuthorityError::Signing)?;
    Ok(request.der().to_vec())
}

/// The public key of a request as bytes: what stays the same when the request is made again.
pub fn key_of_request(csr_der: &[u8]) -> Result<Vec<u8>, AuthorityError> {
    Ok(public_key(csr_der)?.der_bytes().to_vec())
}

/// The public key of a request, whose signature proves that the asker holds the private one. Names and
/// everything else in the request are left behind.
pub(super) fn public_key(csr_der: &[u8]) -> Result<PublicKey, AuthorityError> {
    let refused = |because| AuthorityError::Request { because };
    if csr_der.len() > limits::CERTIFICATE_REQUEST_BYTES_MAX {
        return Err(refused("it is too large"));
    }
    let request = CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(csr_der))
        .map_err(|error| {
            refused(match error {
                rcgen::Error::InvalidCertificationRequestSignature => "its key did not sign it",
                _ => "it is unreadable",
            })
        })?;
    let key = request.public_key;
    if *PublicKey::algorithm(&key) != PKCS_ECDSA_P256_SHA256 || key.der_bytes().len() != PUBLIC_KEY_BYTES {
        return Err(refused("its key is not of the kind ECDSA P-256"));
    }
    Ok(key)
}
