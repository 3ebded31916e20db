//! Authorities in folders: a root that is made here, and the authority of a unit that a higher one signed.

use super::{
    error::AuthorityError,
    issued::{Validity, write},
    sign::{common_name, random, serial, set_validity},
};
use crate::{
    host::files,
    transport::tls::{AUTHORITY_FILE, Identity, pem_files},
};
use danso_tier_config::{UnitId, limits};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::{
    fs, io,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use x509_parser::prelude::{FromDer, X509Certificate};

/// The certificate of a unit's authority, followed by those above it up to but without the root.
pub const ISSUER_FILE: &str = "issuer.crt";
/// The private key of [`ISSUER_FILE`].
pub const ISSUER_KEY_FILE: &str = "issuer.key";
/// The root's private key.
const AUTHORITY_KEY_FILE: &str = "ca.key";

/// A certificate authority with its key in memory.
#[derive(Debug)]
pub struct Authority {
    pub(super) certificate_pem: String,
    /// What follows a certificate from here: the own one and those above it without the root.
    pub(super) chain_pem: String,
    pub(super) unit: Option<UnitId>,
    /// Levels of authorities that may stand below; none where there is no limit.
    pub(super) path_length: Option<u8>,
    pub(super) expires: SystemTime,
    pub(super) issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Makes a new root, good for `AUTHORITY_DAYS` from `now`, in a folder, which is made if missing:
    /// `ca.key` (mode 0600) and `ca.crt`, durable on return. Refused where either file exists.
    pub fn create(folder: &Path, now: SystemTime) -> Result<Self, AuthorityError> {
        let (certificate_path, key_path) = (folder.join(AUTHORITY_FILE), folder.join(AUTHORITY_KEY_FILE));
        for path in [&certificate_path, &key_path] {
            if path.exists() {
                return Err(AuthorityError::Exists { path: path.clone() });
            }
        }
        let key = KeyPair::generate().map_err(AuthorityError::Signing)?;
        // A name of its own, so that a certificate of another root is "unknown", not "badly signed".
        let mark = random::<4>()?;
        let name = format!("danso authority {:08x}", u32::from_be_bytes(mark));
        let mut params = authority_params(&name, BasicConstraints::Unconstrained);
        params.serial_number = Some(serial(now)?);
        let validity = Validity::days(now, limits::AUTHORITY_DAYS);
        set_validity(&mut params, validity)?;
        let certificate_pem = params.self_signed(&key).map_err(AuthorityError::Signing)?.pem();

        fs::create_dir_all(folder)
            .map_err(|source| AuthorityError::Unwritable { path: folder.to_owned(), source })?;
        write(&key_path, &key.serialize_pem(), files::PRIVATE_MODE)?;
        write(&certificate_path, &certificate_pem, files::PUBLIC_MODE)?;
        Ok(Self {
            certificate_pem,
            chain_pem: String::new(),
            unit: None,
            path_length: None,
            expires: validity.not_after,
            issuer: Issuer::new(params, key),
        })
    }

    /// Opens a root that [`Authority::create`] made.
    pub fn open(folder: &Path) -> Result<Self, AuthorityError> {
        let (certificate_path, key_path) = (folder.join(AUTHORITY_FILE), folder.join(AUTHORITY_KEY_FILE));
        let certificate_pem = read(&certificate_path)?;
        let key_pem = read(&key_path)?;
        let own = CertificateDer::from_pem_slice(certificate_pem.as_bytes()).ok();
        let own = own
            .and_then(|der| Own::of(&der))
            .ok_or_else(|| AuthorityError::Certificate { path: certificate_path.clone() })?;
        let chain_pem = String::new();
        own.open(certificate_pem, chain_pem, None, &key_pem).ok_or(AuthorityError::Key { path: key_path })
    }

    /// Opens the authority of a unit from [`ISSUER_FILE`] and [`ISSUER_KEY_FILE`].
    ///
    /// Every certificate of the file must be that of a unit's authority; whether a higher one signed it is
    /// seen by those who check what is issued.
    pub fn open_issuer(folder: &Path) -> Result<Self, AuthorityError> {
        let (certificate_path, key_path) = (folder.join(ISSUER_FILE), folder.join(ISSUER_KEY_FILE));
        let chain_pem = read(&certificate_path)?;
        let key_pem = read(&key_path)?;
        let wrong = || AuthorityError::Certificate { path: certificate_path.clone() };
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain_pem.as_bytes()).collect();
        let chain = chain.map_err(|_| wrong())?;
        let unit_of = |der: &CertificateDer<'_>| match Identity::of_certificate(der) {
            Ok(Identity::Authority(unit)) => Some(unit),
            _ => None,
        };
        if !chain.iter().all(|der| unit_of(der).is_some()) {
            return Err(wrong());
        }
        let first = chain.first().ok_or_else(wrong)?;
        let own = Own::of(first).ok_or_else(wrong)?;
        own.open(chain_pem.clone(), chain_pem, unit_of(first), &key_pem)
            .ok_or(AuthorityError::Key { path: key_path })
    }

    /// The own certificate. Of a root: for the `ca.crt` of those who shall trust it. Of a unit's
    /// authority: followed by those above it without the root.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The unit whose authority it is; none for a root, which stands for the country.
    pub fn unit(&self) -> Option<UnitId> {
        self.unit
    }

    /// The levels of authorities that may stand below this one; none where there is no limit (a root).
    pub fn path_length(&self) -> Option<u8> {
        self.path_length
    }

    /// The last moment of the own certificate, beyond which nothing issued here is good.
    pub fn expires_at(&self) -> SystemTime {
        self.expires
    }
}

/// Writes [`ISSUER_KEY_FILE`] (mode 0600) and [`ISSUER_FILE`] into a folder, which is made if missing;
/// files of an earlier authority are replaced. Durable on return. The key goes first, as in
/// [`Issued::write`](super::Issued::write).
pub fn write_issuer(folder: &Path, chain_pem: &str, key_pem: &str) -> Result<(), AuthorityError> {
    fs::create_dir_all(folder)
        .map_err(|source| AuthorityError::Unwritable { path: folder.to_owned(), source })?;
    write(&folder.join(ISSUER_KEY_FILE), key_pem, files::PRIVATE_MODE)?;
    write(&folder.join(ISSUER_FILE), chain_pem, files::PUBLIC_MODE)
}

fn read(path: &Path) -> Result<String, AuthorityError> {
    let bytes = pem_files::read(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => AuthorityError::Missing { path: path.to_owned() },
        _ => AuthorityError::Unreadable { path: path.to_owned(), source },
    })?;
    String::from_utf8(bytes).map_err(|error| AuthorityError::Unreadable {
        path: path.to_owned(),
        source: io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()),
    })
}

/// What an authority's certificate says of it.
struct Own {
    name: String,
    public_key: Vec<u8>,
    path_length: Option<u8>,
    expires: SystemTime,
}

impl Own {
    /// `None` for a certificate that is no authority's, or not of the form that is written here.
    fn of(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let subject = certificate.subject();
        let constraints = certificate.basic_constraints().ok()??.value;
        if !constraints.ca || subject.iter_attributes().count() != 1 {
            return None;
        }
        let path_length = match constraints.path_len_constraint {
            Some(length) => Some(u8::try_from(length).ok()?),
            None => None,
        };
        let last = u64::try_from(certificate.validity().not_after.timestamp()).ok()?;
        Some(Self {
            name: subject.iter_common_name().next()?.as_str().ok()?.to_owned(),
            public_key: certificate.public_key().raw.to_vec(),
            path_length,
            expires: UNIX_EPOCH + Duration::from_secs(last),
        })
    }

    /// The authority; `None` if the key is not the certificate's.
    fn open(
        self,
        certificate_pem: String,
        chain_pem: String,
        unit: Option<UnitId>,
        key_pem: &str,
    ) -> Option<Authority> {
        let key = KeyPair::from_pem(key_pem).ok()?;
        if key.subject_public_key_info() != self.public_key {
            return None;
        }
        Some(Authority {
            certificate_pem,
            chain_pem,
            unit,
            path_length: self.path_length,
            expires: self.expires,
            issuer: Issuer::new(authority_params(&self.name, BasicConstraints::Unconstrained), key),
        })
    }
}

/// What making and opening an authority must agree on, since issued certificates repeat it.
pub(super) fn authority_params(name: &str, constraints: BasicConstraints) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(name);
    params.is_ca = IsCa::Ca(constraints);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}
