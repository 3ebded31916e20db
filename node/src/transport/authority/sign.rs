//! What an authority issues: certificates for nodes, people and the authorities below it.

use super::{
    error::AuthorityError,
    issued::{Issued, Validity},
    request::public_key,
    root::{Authority, authority_params},
};
use crate::transport::tls::{Identity, Role, is_identity_name, serial_at};
use danso_tier_config::UnitId;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PublicKeyData, SanType, SerialNumber, date_time_ymd,
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// 9999-12-31 23:59:59 UTC, the last moment that a certificate can name.
const LAST_SECOND: u64 = 253_402_300_799;
/// Longest part of a refused name that an error repeats, in characters.
const NAME_CHARS_SHOWN: usize = 80;
/// Names under which a node is reached by tools on its own computer.
const LOCAL_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

impl Authority {
    /// A certificate for the node of a unit, for serving and for connecting, with a key made here.
    ///
    /// `extra_names` are DNS names and IP addresses by which other tools reach the node; `localhost`,
    /// `127.0.0.1` and `::1` are always there. Nodes do not use them: they expect the unit's name.
    /// A certificate never outlives its authority's.
    pub fn issue_node(
        &self,
        unit: UnitId,
        extra_names: &[String],
        validity: Validity,
    ) -> Result<Issued, AuthorityError> {
        self.issue(Identity::Node(unit), host_names(extra_names)?, validity)
    }

    /// A certificate for a person, for connecting only, with a key made here.
    pub fn issue_person(
        &self,
        role: Role,
        unit: UnitId,
        validity: Validity,
    ) -> Result<Issued, AuthorityError> {
        self.issue(Identity::Person { role, unit }, Vec::new(), validity)
    }

    /// As [`Authority::issue_node`] for the key of a DER request; returns the certificate and those above
    /// it without the root, as PEM. The names in the request do not count.
    pub fn issue_node_csr(
        &self,
        csr_der: &[u8],
        unit: UnitId,
        extra_names: &[String],
        validity: Validity,
    ) -> Result<String, AuthorityError> {
        let names = all_names(Identity::Node(unit), host_names(extra_names)?);
        self.certificate(&public_key(csr_der)?, names, true, validity)
    }

    /// As [`Authority::issue_person`] for the key of a DER request; returns the chain as PEM.
    pub fn issue_person_csr(
        &self,
        csr_der: &[u8],
        role: Role,
        unit: UnitId,
        validity: Validity,
    ) -> Result<String, AuthorityError> {
        let names = all_names(Identity::Person { role, unit }, Vec::new());
        self.certificate(&public_key(csr_der)?, names, false, validity)
    }

    /// A certificate for the authority of a unit, which may issue for that unit and all below it, and have
    /// `path_length` levels of authorities below itself; returns the chain as PEM, which is the content of
    /// an `issuer.crt`.
    ///
    /// Errors: [`AuthorityError::PathLength`] where the own path length does not reach so far. That the
    /// unit lies below the own one is the caller's to know; everyone who checks a chain checks it.
    pub fn issue_authority(
        &self,
        unit: UnitId,
        path_length: u8,
        csr_der: &[u8],
        validity: Validity,
    ) -> Result<String, AuthorityError> {
        if self.path_length.is_some_and(|own| path_length >= own) {
            return Err(AuthorityError::PathLength { unit, asked: path_length });
        }
        let key = public_key(csr_der)?;
        self.authority_certificate(unit, Some(path_length), &key, validity)
    }

    /// An authority's certificate of any path length, also of one beyond the own (which tests need).
    pub(crate) fn authority_certificate(
        &self,
        unit: UnitId,
        path_length: Option<u8>,
        key: &impl PublicKeyData,
        validity: Validity,
    ) -> Result<String, AuthorityError> {
        let constraints = path_length.map_or(BasicConstraints::Unconstrained, BasicConstraints::Constrained);
        let name = Identity::Authority(unit).name().expect("an authority has a name");
        let mut params = authority_params(&name, constraints);
        params.subject_alt_names = vec![SanType::DnsName(name.try_into().map_err(AuthorityError::Signing)?)];
        self.finish(params, key, validity)
    }

    fn issue(
        &self,
        identity: Identity,
        extra_names: Vec<String>,
        validity: Validity,
    ) -> Result<Issued, AuthorityError> {
        let names = all_names(identity, extra_names);
        let (certificate_pem, key_pem) = self.sign(names, matches!(identity, Identity::Node(_)), validity)?;
        Ok(Issued { identity, certificate_pem, key_pem })
    }

    /// A chain for any names, also for none or several identities (which tests need), and its key.
    pub(crate) fn sign(
        &self,
        names: Vec<String>,
        serves: bool,
        validity: Validity,
    ) -> Result<(String, String), AuthorityError> {
        let key = KeyPair::generate().map_err(AuthorityError::Signing)?;
        Ok((self.certificate(&key, names, serves, validity)?, key.serialize_pem()))
    }

    fn certificate(
        &self,
        key: &impl PublicKeyData,
        names: Vec<String>,
        serves: bool,
        validity: Validity,
    ) -> Result<String, AuthorityError> {
        let subject = names.first().cloned().unwrap_or_default();
        let mut params = CertificateParams::new(names).map_err(AuthorityError::Signing)?;
        params.distinguished_name = common_name(&subject);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        if serves {
            params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        }
        self.finish(params, key, validity)
    }

    /// Numbers, dates and signs a certificate; the certificates above it follow.
    fn finish(
        &self,
        mut params: CertificateParams,
        key: &impl PublicKeyData,
        validity: Validity,
    ) -> Result<String, AuthorityError> {
        params.serial_number = Some(serial(validity.issued_at)?);
        params.use_authority_key_identifier_extension = true;
        set_validity(&mut params, validity)?;
        let not_after = validity.not_after.min(self.expires);
        set_validity(&mut params, Validity { not_after, ..validity })?;
        let certificate = params.signed_by(key, &self.issuer).map_err(AuthorityError::Signing)?;
        Ok(format!("{}{}", certificate.pem(), self.chain_pem))
    }
}

fn all_names(identity: Identity, extra_names: Vec<String>) -> Vec<String> {
    identity.name().into_iter().chain(extra_names).collect()
}

/// The local names and the extra ones, each once.
fn host_names(extra_names: &[String]) -> Result<Vec<String>, AuthorityError> {
    let mut names: Vec<String> = LOCAL_NAMES.map(str::to_owned).into();
    for name in extra_names {
        if is_identity_name(name) || rustls::pki_types::ServerName::try_from(name.as_str()).is_err() {
            // A stranger's name is repeated in short only.
            return Err(AuthorityError::Name { name: name.chars().take(NAME_CHARS_SHOWN).collect() });
        }
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    Ok(names)
}

pub(super) fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

pub(super) fn set_validity(params: &mut CertificateParams, validity: Validity) -> Result<(), AuthorityError> {
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

/// A new serial number, which tells the time of issue.
pub(super) fn serial(issued_at: SystemTime) -> Result<SerialNumber, AuthorityError> {
    let since = issued_at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let now_ms = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    Ok(SerialNumber::from_slice(&serial_at(now_ms, random()?)))
}

pub(super) fn random<const BYTES: usize>() -> Result<[u8; BYTES], AuthorityError> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(AuthorityError::Random)?;
    Ok(bytes)
}
