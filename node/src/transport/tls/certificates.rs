//! Certificates and private keys as they lie in PEM files, and the dates of certificates.

use super::{error::TlsError, pem_files};
use danso_tier_config::Date;
use rustls::{
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
};
use std::{
    io,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use x509_parser::prelude::{FromDer, X509Certificate};

fn read_file(path: &Path) -> Result<Vec<u8>, TlsError> {
    pem_files::read(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => TlsError::Missing { path: path.to_owned() },
        _ => TlsError::Unreadable { path: path.to_owned(), source },
    })
}

/// The certificates of a file, at least one.
pub(super) fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&read_file(path)?).collect();
    found
        .ok()
        .filter(|certificates| !certificates.is_empty())
        .ok_or_else(|| TlsError::NotCertificate { path: path.to_owned() })
}

/// The private key of a file, of a kind that the provider can use.
pub(super) fn read_key(path: &Path, provider: &CryptoProvider) -> Result<PrivateKeyDer<'static>, TlsError> {
    let not_key = || TlsError::NotKey { path: path.to_owned() };
    let key = PrivateKeyDer::from_pem_slice(&read_file(path)?).map_err(|_| not_key())?;
    provider.key_provider.load_private_key(key.clone_key()).map_err(|_| not_key())?;
    Ok(key)
}

/// The roots of a file that have not expired; an error if none is left.
pub(super) fn read_roots(path: &Path, now: SystemTime) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let mut roots = Vec::new();
    let mut expired = None;
    for certificate in read_certificates(path)? {
        let (_, until) = validity(&certificate, path)?;
        if until < now {
            expired = Some(until);
        } else {
            roots.push(certificate);
        }
    }
    match expired {
        Some(until) if roots.is_empty() => {
            Err(TlsError::RootExpired { path: path.to_owned(), on: day(until) })
        }
        _ => Ok(roots),
    }
}

/// Refuses a certificate file whose first certificate has ended at `now`.
pub fn require_unexpired(path: &Path, now: SystemTime) -> Result<(), TlsError> {
    let (_, until) = validity(&read_certificates(path)?[0], path)?;
    if until < now {
        return Err(TlsError::Expired { path: path.to_owned(), on: day(until) });
    }
    Ok(())
}

/// The first and the last moment of a certificate's validity.
pub(super) fn validity(der: &[u8], path: &Path) -> Result<(SystemTime, SystemTime), TlsError> {
    let (_, certificate) =
        X509Certificate::from_der(der).map_err(|_| TlsError::NotCertificate { path: path.to_owned() })?;
    let moment = |time: i64| UNIX_EPOCH + Duration::from_secs(u64::try_from(time).unwrap_or(0));
    let validity = certificate.validity();
    Ok((moment(validity.not_before.timestamp()), moment(validity.not_after.timestamp())))
}

/// The day in Vietnam.
pub(super) fn day(moment: SystemTime) -> Date {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Date::in_vietnam(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
