//! What an authority writes, refuses and issues.

use super::{
    Authority, AuthorityError, ISSUER_FILE, ISSUER_KEY_FILE, Issued, Validity, issued_at_ms, request,
    request_with, write_issuer,
};
use crate::transport::tls::{Identity, Keys, Role};
use danso_tier_config::limits;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use std::{
    collections::HashSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

const UNIT: &str = "00004@2025-07-01";

fn good() -> Validity {
    Validity::days(SystemTime::now(), 30)
}

fn node(authority: &Authority) -> Issued {
    authority.issue_node(UNIT.parse().unwrap(), &[], good()).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn inspect<T>(issued: &Issued, look: impl Fn(&X509Certificate<'_>) -> T) -> T {
    let der = CertificateDer::from_pem_slice(issued.certificate_pem.as_bytes()).unwrap();
    let (_, certificate) = X509Certificate::from_der(&der).unwrap();
    look(&certificate)
}

#[test]
fn an_authority_is_created_once() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("new/place");
    let authority = Authority::create(&place, SystemTime::now()).unwrap();
    assert_eq!(mode(&place.join("ca.key")), 0o600);
    assert_eq!(fs::read_to_string(place.join("ca.crt")).unwrap(), authority.certificate_pem());
    let error = Authority::create(&place, SystemTime::now()).unwrap_err();
    assert!(matches!(&error, AuthorityError::Exists { path } if *path == place.join("ca.crt")), "{error:?}");
    fs::remove_file(place.join("ca.crt")).unwrap();
    let error = Authority::create(&place, SystemTime::now()).unwrap_err();
    assert!(matches!(&error, AuthorityError::Exists { path } if *path == place.join("ca.key")), "{error:?}");
}

#[test]
fn a_reopened_authority_issues_what_the_first_root_vouches_for() {
    let folder = tempfile::tempdir().unwrap();
    let created = Authority::create(folder.path(), SystemTime::now()).unwrap();
    let opened = Authority::open(folder.path()).unwrap();
    assert_eq!(opened.certificate_pem(), created.certificate_pem());
    let keys = tempfile::tempdir().unwrap();
    for authority in [&created, &opened] {
        node(authority).write(keys.path(), created.certificate_pem()).unwrap();
        let read = Keys::read(keys.path(), SystemTime::now()).unwrap();
        assert_eq!(read.identity(), Identity::Node(UNIT.parse().unwrap()));
    }
}

#[test]
fn a_damaged_authority_names_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("ca.crt"), folder.path().join("ca.key"));
    let error = Authority::open(folder.path()).unwrap_err();
    assert!(matches!(&error, AuthorityError::Missing { path } if *path == certificate), "{error:?}");
    let authority = Authority::create(folder.path(), SystemTime::now()).unwrap();
    let other = node(&authority);
    fs::write(&key, &other.key_pem).unwrap();
    let error = Authority::open(folder.path()).unwrap_err();
    assert!(matches!(&error, AuthorityError::Key { path } if *path == key), "{error:?}");
    fs::write(&certificate, &other.certificate_pem).unwrap();
    let error = Authority::open(folder.path()).unwrap_err();
    assert!(matches!(&error, AuthorityError::Certificate { path } if *path == certificate), "{error:?}");
    fs::write(&certificate, [0xff, 0xfe]).unwrap();
    let error = Authority::open(folder.path()).unwrap_err();
    assert!(matches!(&error, AuthorityError::Unreadable { path, .. } if *path == certificate), "{error:?}");
}

#[test]
fn a_nodes_certificate_carries_its_name_the_local_names_and_the_extra_ones() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::create(folder.path(), SystemTime::now()).unwrap();
    let extra = ["xa-tan-an.example.vn", "10.1.2.3", "localhost"].map(str::to_owned);
    let issued = authority.issue_node(UNIT.parse().unwrap(), &extra, good()).unwrap();
    let names = inspect(&issued, |certificate| {
        let names = certificate.subject_alternative_name().unwrap().unwrap();
        let text = |name: &GeneralName<'_>| match name {
            GeneralName::DNSName(name) => (*name).to_owned(),
            GeneralName::IPAddress(bytes) => format!("{bytes:?}"),
            other => panic!("{other:?}"),
        };
        names.value.general_names.iter().map(text).collect::<Vec<_>>()
    });
    assert_eq!(
        names,
        [
            "u00004-20250701.node.danso",
            "localhost",
            "[127, 0, 0, 1]",
            "[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]",
            "xa-tan-an.example.vn",
            "[10, 1, 2, 3]",
        ]
    );
}

#[test]
fn extra_names_cannot_forge_an_identity() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::create(folder.path(), SystemTime::now()).unwrap();
    for name in ["u01-20040708.node.danso", "U01.NODE.Danso.", "x.danso", "", "a b", "xã.vn", "host:1"] {
        let error = authority.issue_node(UNIT.parse().unwrap(), &[name.to_owned()], good()).unwrap_err();
        assert!(matches!(&error, AuthorityError::Name { name: found } if found == name), "{error:?}");
    }
}

#[test]
fn serial_numbers_are_random_and_purposes_follow_the_holder() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::create(folder.path(), SystemTime::now()).unwrap();
    let mut serials = HashSet::new();
    for _ in 0..20 {
        let serial = inspect(&node(&authority), |certificate| certificate.raw_serial().to_vec());
        assert_eq!(serial.len(), 16);
        assert!(serials.insert(serial));
    }
    let person = authority.issue_person(Role::Operator, UNIT.parse().unwrap(), good()).unwrap();
    let purposes = |issued: &Issued| {
        inspect(issued, |certificate| {
            let usage = certificate.extended_key_usage().unwrap().unwrap().value;
            (usage.client_auth, usage.server_auth, certificate.is_ca())
        })
    };
    assert_eq!(purposes(&node(&authority)), (true, true, false));
    assert_eq!(purposes(&person), (true, false, false));
}

#[test]
fn a_validity_must_end_after_it_begins_and_within_the_calendar() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::create(folder.path(), SystemTime::now()).unwrap();
    let now = SystemTime::now();
    let never = Validity { issued_at: now, not_before: now, not_after: now };
    for validity in [never, Validity::days(now, u32::MAX)] {
        let error = authority.issue_node(UNIT.parse().unwrap(), &[], validity).unwrap_err();
        assert!(matches!(error, AuthorityError::Validity), "{error:?}");
    }
    let validity = Validity::days(now, 2);
    assert_eq!(validity.not_after.duration_since(validity.not_before).unwrap(), Duration::from_hours(72));
}

#[test]
fn keys_are_written_for_their_owner_only_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::create(folder.path(), SystemTime::now()).unwrap();
    let issued = node(&authority);
    let keys = folder.path().join("keys/node");
    issued.write(&keys, authority.certificate_pem()).unwrap();
    assert_eq!(mode(&keys.join("node.key")), 0o600);
    assert_eq!(mode(&keys.join("node.crt")), 0o644);
    assert!(!format!("{issued:?}{authority:?}").contains("PRIVATE"));
    fs::write(folder.path().join("file"), "").unwrap();
    let error = issued.write(&folder.path().join("file"), authority.certificate_pem()).unwrap_err();
    assert!(matches!(error, AuthorityError::Unwritable { .. }), "{error:?}");
}

fn ders(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).map(Result::unwrap).collect()
}

fn ms(time: SystemTime) -> u64 {
    u64::try_from(time.duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

#[test]
fn a_certificate_tells_when_it_was_issued_whatever_its_dates() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::create(folder.path(), SystemTime::now()).unwrap();
    for validity in [good(), Validity::ended(SystemTime::now()), Validity::later(SystemTime::now())] {
        let issued = authority.issue_node(UNIT.parse().unwrap(), &[], validity).unwrap();
        assert_eq!(issued_at_ms(&ders(&issued.certificate_pem)[0]), Some(ms(validity.issued_at)));
    }
}

#[test]
fn a_certificate_ends_no_later_than_its_authority() {
    let folder = tempfile::tempdir().unwrap();
    let now = SystemTime::now();
    let authority = Authority::create(folder.path(), now - Duration::from_hours(24 * 3_649)).unwrap();
    let issued = authority.issue_node(UNIT.parse().unwrap(), &[], good()).unwrap();
    let end = inspect(&issued, |certificate| certificate.validity().not_after.timestamp());
    let own = authority.expires_at().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert_eq!(u64::try_from(end).unwrap(), own);
    let late =
        Authority::create(&folder.path().join("late"), now - Duration::from_hours(24 * 3_660)).unwrap();
    let error = late.issue_node(UNIT.parse().unwrap(), &[], good()).unwrap_err();
    assert!(matches!(error, AuthorityError::Validity), "{error:?}");
}

#[test]
fn a_request_gives_nothing_but_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::create(folder.path(), SystemTime::now()).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let mut wishes = rcgen::CertificateParams::new(vec!["u01-20250701.node.danso".to_owned()]).unwrap();
    wishes.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let csr = wishes.serialize_request(&key).unwrap();
    let certificate_pem =
        authority.issue_node_csr(csr.der(), UNIT.parse().unwrap(), &["10.1.2.3".to_owned()], good()).unwrap();
    let identity = Identity::Node(UNIT.parse().unwrap());
    let issued = Issued { identity, certificate_pem, key_pem: key.serialize_pem() };
    assert_eq!(Identity::of_peer(&ders(&issued.certificate_pem)[0]), Ok(identity));
    assert!(!inspect(&issued, |certificate| certificate.is_ca()));
    let keys = folder.path().join("keys");
    issued.write(&keys, authority.certificate_pem()).unwrap();
    assert_eq!(Keys::read(&keys, SystemTime::now()).unwrap().identity(), identity);
    // The same key again, for a renewal, and for a person.
    let csr = request_with(&issued.key_pem).unwrap();
    let role = Role::Auditor;
    let person = authority.issue_person_csr(&csr, role, UNIT.parse().unwrap(), good()).unwrap();
    let renewed = Issued {
        identity: Identity::Person { role, unit: UNIT.parse().unwrap() },
        certificate_pem: person,
        ..issued
    };
    renewed.write(&keys, authority.certificate_pem()).unwrap();
    assert_eq!(Keys::read(&keys, SystemTime::now()).unwrap().identity(), renewed.identity);
}

#[test]
fn a_request_that_does_not_prove_its_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::create(folder.path(), SystemTime::now()).unwrap();
    let (_, good_csr) = request().unwrap();
    let refusal = |csr: &[u8]| match authority
        .issue_node_csr(csr, UNIT.parse().unwrap(), &[], good())
        .expect_err("it must be refused")
    {
        AuthorityError::Request { because } => because,
        other => panic!("{other:?}"),
    };
    let mut forged = good_csr.clone();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(refusal(&forged), "its key did not sign it");
    for csr in [&b""[..], b"no request", &good_csr[..good_csr.len() - 1]] {
        assert_eq!(refusal(csr), "it is unreadable");
    }
    let large = vec![0; limits::CERTIFICATE_REQUEST_BYTES_MAX + 1];
    assert_eq!(refusal(&large), "it is too large");
    let other = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    assert_eq!(
        refusal(&request_with(&other.serialize_pem()).unwrap()),
        "its key is not of the kind ECDSA P-256"
    );
    assert!(matches!(request_with("no key"), Err(AuthorityError::Request { .. })));
}

#[test]
fn the_authority_of_a_unit_is_opened_from_its_folder_and_presents_what_is_above_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = Authority::create(folder.path(), SystemTime::now()).unwrap();
    let at = |name: &str| folder.path().join(name);
    let below = |parent: &Authority, unit: &str, length: u8| {
        let (key_pem, csr) = request().unwrap();
        let chain = parent.issue_authority(unit.parse().unwrap(), length, &csr, good()).unwrap();
        write_issuer(&at(unit), &chain, &key_pem).unwrap();
        assert_eq!(mode(&at(unit).join(ISSUER_KEY_FILE)), 0o600);
        Authority::open_issuer(&at(unit)).unwrap()
    };
    let province = below(&root, "01@2025-07-01", 1);
    let district = below(&province, "001@2025-07-01", 0);
    assert_eq!((root.unit(), root.path_length()), (None, None));
    assert_eq!((province.unit(), province.path_length()), (Some("01@2025-07-01".parse().unwrap()), Some(1)));
    assert_eq!(district.path_length(), Some(0));
    let chain = ders(&node(&district).certificate_pem);
    let named: Vec<_> = chain.iter().map(|der| Identity::of_certificate(der).unwrap().to_string()).collect();
    let expected = ["node 00004@2025-07-01", "authority 001@2025-07-01", "authority 01@2025-07-01"];
    assert_eq!(named, expected);
    assert!(node(&root).certificate_pem.matches("BEGIN CERTIFICATE").count() == 1);
}

#[test]
fn a_damaged_authority_of_a_unit_names_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let root = Authority::create(folder.path(), SystemTime::now()).unwrap();
    let (certificate, key) = (folder.path().join(ISSUER_FILE), folder.path().join(ISSUER_KEY_FILE));
    let refusal = || Authority::open_issuer(folder.path()).expect_err("it must be refused");
    let error = refusal();
    assert!(matches!(&error, AuthorityError::Missing { path } if *path == certificate), "{error:?}");
    let (key_pem, csr) = request().unwrap();
    PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).unwrap();
    let chain = root.issue_authority("01@2025-07-01".parse().unwrap(), 0, &csr, good()).unwrap();
    write_issuer(folder.path(), &chain, &request().unwrap().0).unwrap();
    let error = refusal();
    assert!(matches!(&error, AuthorityError::Key { path } if *path == key), "{error:?}");
    // Neither a root, nor a leaf, nor nothing is the authority of a unit.
    for other in [root.certificate_pem().to_owned(), node(&root).certificate_pem, String::new()] {
        write_issuer(folder.path(), &other, &key_pem).unwrap();
        let error = refusal();
        assert!(matches!(&error, AuthorityError::Certificate { path } if *path == certificate), "{error:?}");
    }
}
