//! What an authority writes, refuses and issues.

use super::{Authority, AuthorityError, Issued, Validity};
use crate::transport::tls::{Identity, Keys, Role};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::{
    collections::HashSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, SystemTime},
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
    let never = Validity { not_before: now, not_after: now };
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
