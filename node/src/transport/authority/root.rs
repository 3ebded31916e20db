//! The root: a self-signed certificate and its key in a folder, and what it issues.

use super::issued::{Issued, Validity, write};
use crate::transport::tls::{AUTHORITY_FILE, Identity, Role, files, is_identity_name};
use danso_tier_config::{UnitId, limits};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PublicKeyData, SerialNumber, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use x509_parser::prelude::{FromDer, X509Certificate};

/// The root's private key.
const AUTHORITY_KEY_FILE: &str = "ca.key";
/// Bytes of a random serial number; its first bits are 01, so it is positive and of one length (RFC 5280 allows 20).
const SERIAL_BYTES: usize = 16;
/// 9999-12-31 23:59:59 UTC, the last moment that a certificate can name.
const LAST_SECOND: u64 = 253_402_300_799;
/// Names under which a node is reached by tools on its own computer.
const LOCAL_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// An authority that cannot be created, opened or used.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The folder has an authority already.
    #[error("there is an authority already: {}", path.display())]
    Exists {
        /// The file that is there.
        path: PathBuf,
    },
    /// The folder has no authority.
    #[error("no authority here: no file {}", path.display())]
    Missing {
        /// The file that is not there.
        path: PathBuf,
    },
    /// A file is there but cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file or folder cannot be written.
    #[error("cannot write {}", path.display())]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The certificate is not one that [`Authority::create`] wrote.
    #[error("{} is not a danso authority's certificate", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
    },
    /// The key is no key, or not the certificate's.
    #[error("{} is not the key of this authority", path.display())]
    Key {
        /// The file.
        path: PathBuf,
    },
    /// An extra name is no DNS name or IP address, or looks like an identity.
    #[error("{name:?} cannot be an extra name: give a DNS name outside .danso, or an IP address")]
    Name {
        /// The name as given.
        name: String,
    },
    /// The validity ends before it begins, or after the year 9999.
    #[error("a certificate must end after it begins and before the year 10000")]
    Validity,
    /// The system gave no random bytes.
    #[error("no random bytes from the system")]
    Random(#[source] getrandom::Error),
    /// Key making or signing failed.
    #[error("cannot make or sign a certificate")]
    Signing(#[source] rcgen::Error),
}

impl AuthorityError {
    /// The stable code, which names the page in the runbooks.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Exists { .. } => "authority_exists",
            Self::Missing { .. } => "authority_missing",
            Self::Unreadable { .. } => "authority_unreadable",
            Self::Unwritable { .. } => "authority_unwritable",
            Self::Certificate { .. } => "authority_certificate",
            Self::Key { .. } => "authority_key",
            Self::Name { .. } => "authority_name",
            Self::Validity => "authority_validity",
            Self::Random(_) => "authority_random",
            Self::Signing(_) => "authority_signing",
        }
    }
}

/// A certificate authority with its key in memory.
#[derive(Debug)]
pub struct Authority {
    certificate_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Makes a new root, good for `AUTHORITY_DAYS` from `now`, in a folder, which is made if missing:
    /// `ca.key` (mode 0600) and `ca.crt`, durable on return. Refused where either file exists.
    pub fn create(folder: &Path, now: SystemTime) -> Result<Self, AuthorityError> {
        let (certificate_path, key_path) = paths(folder);
        for path in [&certificate_path, &key_path] {
            if path.exists() {
                return Err(AuthorityError::Exists { path: path.clone() });
            }
        }
        let key = KeyPair::generate().map_err(AuthorityError::Signing)?;
        // A name of its own, so that a certificate of another root is "unknown", not "badly signed".
        let mark = random::<4>()?;
        let mut params = root_params(&format!("danso authority {:08x}", u32::from_be_bytes(mark)));
        params.serial_number = Some(serial()?);
        set_validity(&mut params, Validity::days(now, limits::AUTHORITY_DAYS))?;
        let certificate_pem = params.self_signed(&key).map_err(AuthorityError::Signing)?.pem();

        fs::create_dir_all(folder)
            .map_err(|source| AuthorityError::Unwritable { path: folder.to_owned(), source })?;
        write(&key_path, &key.serialize_pem(), files::PRIVATE_MODE)?;
        write(&certificate_path, &certificate_pem, files::PUBLIC_MODE)?;
        Ok(Self { certificate_pem, issuer: Issuer::new(params, key) })
    }

    /// Opens a root that [`Authority::create`] made.
    pub fn open(folder: &Path) -> Result<Self, AuthorityError> {
        let (certificate_path, key_path) = paths(folder);
        let certificate_pem = read(&certificate_path)?;
        let key_pem = read(&key_path)?;
        let (name, public_key) = name_and_key(&certificate_pem)
            .ok_or_else(|| AuthorityError::Certificate { path: certificate_path.clone() })?;
        let key = KeyPair::from_pem(&key_pem)
            .ok()
            .filter(|key| key.subject_public_key_info() == public_key)
            .ok_or_else(|| AuthorityError::Key { path: key_path.clone() })?;
        Ok(Self { certificate_pem, issuer: Issuer::new(root_params(&name), key) })
    }

    /// The root's certificate, for the `ca.crt` of those who shall trust it.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// A certificate for the node of a unit, for serving and for connecting.
    ///
    /// `extra_names` are DNS names and IP addresses by which other tools reach the node; `localhost`,
    /// `127.0.0.1` and `::1` are always there. Nodes do not use them: they expect the unit's name.
    pub fn issue_node(
        &self,
        unit: UnitId,
        extra_names: &[String],
        validity: Validity,
    ) -> Result<Issued, AuthorityError> {
        let mut names: Vec<String> = LOCAL_NAMES.map(str::to_owned).into();
        for name in extra_names {
            if is_identity_name(name) || !is_host(name) {
                return Err(AuthorityError::Name { name: name.clone() });
            }
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        self.issue(Identity::Node(unit), names, validity)
    }

    /// A certificate for a person, for connecting only.
    pub fn issue_person(
        &self,
        role: Role,
        unit: UnitId,
        validity: Validity,
    ) -> Result<Issued, AuthorityError> {
        self.issue(Identity::Person { role, unit }, Vec::new(), validity)
    }

    fn issue(
        &self,
        identity: Identity,
        extra_names: Vec<String>,
        validity: Validity,
    ) -> Result<Issued, AuthorityError> {
        let mut names = vec![identity.name()];
        names.extend(extra_names);
        let (certificate_pem, key_pem) = self.sign(names, matches!(identity, Identity::Node(_)), validity)?;
        Ok(Issued { identity, certificate_pem, key_pem })
    }

    /// A certificate for any names, also for none or several identities (which tests need), and its key.
    pub(crate) fn sign(
        &self,
        names: Vec<String>,
        serves: bool,
        validity: Validity,
    ) -> Result<(String, String), AuthorityError> {
        let subject = names.first().cloned().unwrap_or_default();
        let mut params = CertificateParams::new(names).map_err(AuthorityError::Signing)?;
        params.distinguished_name = common_name(&subject);
        params.serial_number = Some(serial()?);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        if serves {
            params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        }
        params.use_authority_key_identifier_extension = true;
        set_validity(&mut params, validity)?;
        let key = KeyPair::generate().map_err(AuthorityError::Signing)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(AuthorityError::Signing)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }
}

fn paths(folder: &Path) -> (PathBuf, PathBuf) {
    (folder.join(AUTHORITY_FILE), folder.join(AUTHORITY_KEY_FILE))
}

fn read(path: &Path) -> Result<String, AuthorityError> {
    let bytes = files::read(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => AuthorityError::Missing { path: path.to_owned() },
        _ => AuthorityError::Unreadable { path: path.to_owned(), source },
    })?;
    String::from_utf8(bytes).map_err(|error| AuthorityError::Unreadable {
        path: path.to_owned(),
        source: io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()),
    })
}

/// The only common name and the public key of a root certificate; `None` for any other certificate.
fn name_and_key(pem: &str) -> Option<(String, Vec<u8>)> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    let (_, certificate) = X509Certificate::from_der(&der).ok()?;
    let subject = certificate.subject();
    if !certificate.is_ca() || subject.iter_attributes().count() != 1 {
        return None;
    }
    let name = subject.iter_common_name().next()?.as_str().ok()?;
    Some((name.to_owned(), certificate.public_key().raw.to_vec()))
}

/// What creation and opening must agree on, since issued certificates repeat it.
fn root_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn set_validity(params: &mut CertificateParams, validity: Validity) -> Result<(), AuthorityError> {
    let since_epoch = |moment: SystemTime| moment.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let (from, until) =
        (since_epoch(validity.not_before).as_secs(), since_epoch(validity.not_after).as_secs());
    if until <= from || until > LAST_SECOND {
        return Err(AuthorityError::Validity);
    }
    let epoch = date_time_ymd(1970, 1, 1);
    params.not_before = epoch + Duration::from_secs(from);
    params.not_after = epoch + Duration::from_secs(until);
    Ok(())
}

fn is_host(name: &str) -> bool {
    rustls::pki_types::ServerName::try_from(name).is_ok()
}

fn serial() -> Result<SerialNumber, AuthorityError> {
    let mut bytes = random::<SERIAL_BYTES>()?;
    bytes[0] = bytes[0] & 0x3f | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}

fn random<const BYTES: usize>() -> Result<[u8; BYTES], AuthorityError> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(AuthorityError::Random)?;
    Ok(bytes)
}
