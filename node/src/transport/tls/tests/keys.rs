//! A key folder is refused with the file, the code and the date; a good one tells its holder.

use super::{
    super::{AUTHORITY_FILE, CERTIFICATE_FILE, Identity, IdentityError, KEY_FILE, Keys, Role, TlsError},
    CLIENT, Root, SERVER, good, unit,
};
use crate::transport::authority::{Issued, Validity};
use danso_tier_config::Date;
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tempfile::TempDir;

fn folder(issued: &Issued, root: &Root) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    issued.write(folder.path(), root.pem()).unwrap();
    folder
}

fn refusal(folder: &Path) -> TlsError {
    Keys::read(folder, SystemTime::now()).expect_err("the folder must be refused")
}

fn day(moment: SystemTime) -> Date {
    Date::in_vietnam(moment.duration_since(UNIX_EPOCH).unwrap().as_secs() * 1_000)
}

#[test]
fn a_good_folder_tells_holder_and_last_day() {
    let root = Root::new();
    let validity = good();
    let folder = folder(&root.node(CLIENT, validity), &root);
    let keys = Keys::read(folder.path(), SystemTime::now()).unwrap();
    assert_eq!(keys.identity(), Identity::Node(unit(CLIENT)));
    assert_eq!(keys.expires_on(), day(validity.not_after));
    keys.require_node(unit(CLIENT)).unwrap();
    let error = keys.require_node(unit(SERVER)).unwrap_err();
    assert_eq!(error.code(), "keys_other_holder");
    let text = error.to_string();
    assert!(text.ends_with("names node 00004@2025-07-01, this is node 01@2004-07-08"), "{text}");
}

#[test]
fn a_persons_folder_is_read_and_is_no_node() {
    let root = Root::new();
    let issued = root.authority.issue_person(Role::Analyst, unit(CLIENT), good()).unwrap();
    let folder = folder(&issued, &root);
    let keys = Keys::read(folder.path(), SystemTime::now()).unwrap();
    assert_eq!(keys.identity(), Identity::Person { role: Role::Analyst, unit: unit(CLIENT) });
    assert!(matches!(keys.require_node(unit(CLIENT)), Err(TlsError::OtherHolder { .. })));
}

#[test]
fn a_missing_file_is_named() {
    for name in [CERTIFICATE_FILE, KEY_FILE, AUTHORITY_FILE] {
        let root = Root::new();
        let folder = folder(&root.node(CLIENT, good()), &root);
        let file = folder.path().join(name);
        fs::remove_file(&file).unwrap();
        let error = refusal(folder.path());
        assert!(matches!(&error, TlsError::Missing { path } if *path == file), "{error:?}");
        assert_eq!(error.code(), "keys_file_missing");
        fs::create_dir(&file).unwrap();
        let error = refusal(folder.path());
        assert!(matches!(&error, TlsError::Unreadable { path, .. } if *path == file), "{error:?}");
    }
}

#[test]
fn a_file_with_other_content_is_named() {
    for content in ["", "no PEM", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"] {
        let root = Root::new();
        let folder = folder(&root.node(CLIENT, good()), &root);
        let path = |name: &str| -> PathBuf { folder.path().join(name) };
        let kept = fs::read(path(AUTHORITY_FILE)).unwrap();
        fs::write(path(AUTHORITY_FILE), content).unwrap();
        let error = refusal(folder.path());
        assert!(
            matches!(&error, TlsError::NotCertificate { path: p } if *p == path(AUTHORITY_FILE)),
            "{error:?}"
        );
        fs::write(path(AUTHORITY_FILE), kept).unwrap();
        let kept = fs::read(path(KEY_FILE)).unwrap();
        fs::write(path(KEY_FILE), content).unwrap();
        let error = refusal(folder.path());
        assert!(matches!(&error, TlsError::NotKey { path: p } if *p == path(KEY_FILE)), "{error:?}");
        fs::write(path(KEY_FILE), kept).unwrap();
        fs::write(path(CERTIFICATE_FILE), content).unwrap();
        let error = refusal(folder.path());
        assert!(
            matches!(&error, TlsError::NotCertificate { path: p } if *p == path(CERTIFICATE_FILE)),
            "{error:?}"
        );
    }
}

#[test]
fn the_key_of_another_certificate_is_refused() {
    let root = Root::new();
    let folder = folder(&root.node(CLIENT, good()), &root);
    fs::write(folder.path().join(KEY_FILE), root.node(CLIENT, good()).key_pem).unwrap();
    let error = refusal(folder.path());
    assert!(matches!(error, TlsError::KeyMismatch { .. }), "{error:?}");
}

#[test]
fn dates_outside_the_validity_are_told() {
    let root = Root::new();
    let now = SystemTime::now();
    let ended = Validity::ended(now);
    let error = refusal(folder(&root.node(CLIENT, ended), &root).path());
    assert!(matches!(&error, TlsError::Expired { on, .. } if *on == day(ended.not_after)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&format!("node.crt expired on {}; ", day(ended.not_after))), "{text}");
    assert!(text.contains("`danso enrol --token`"), "{text}");
    let later = Validity::later(now);
    let error = refusal(folder(&root.node(CLIENT, later), &root).path());
    assert!(
        matches!(&error, TlsError::NotYetValid { from, .. } if *from == day(later.not_before)),
        "{error:?}"
    );
}

#[test]
fn an_expired_root_is_told_unless_a_newer_one_is_beside_it() {
    let decade_ago = SystemTime::now() - Duration::from_hours(11 * 366 * 24);
    let place = tempfile::tempdir().unwrap();
    let old = crate::transport::authority::Authority::create(place.path(), decade_ago).unwrap();
    let root = Root::new();
    let issued = root.node(CLIENT, good());
    let folder = tempfile::tempdir().unwrap();
    issued.write(folder.path(), old.certificate_pem()).unwrap();
    let error = refusal(folder.path());
    let authority = folder.path().join(AUTHORITY_FILE);
    assert!(matches!(&error, TlsError::RootExpired { path, .. } if *path == authority), "{error:?}");
    issued.write(folder.path(), &format!("{}{}", old.certificate_pem(), root.pem())).unwrap();
    Keys::read(folder.path(), SystemTime::now()).unwrap();
}

#[test]
fn a_certificate_of_another_authority_is_refused() {
    let root = Root::new();
    let error = refusal(folder(&root.node(CLIENT, good()), &Root::new()).path());
    assert!(matches!(error, TlsError::ForeignAuthority { .. }), "{error:?}");
}

#[test]
fn a_certificate_must_name_exactly_one_holder() {
    let root = Root::new();
    let (first, second) = ("u01-20040708.node.danso", "u01-20040708.operator.danso");
    let cases = [
        (vec!["localhost"], IdentityError::Missing),
        (vec!["*.node.danso"], IdentityError::Malformed { name: "*.node.danso".into() }),
        (
            vec!["U01-20040708.node.DANSO"],
            IdentityError::Malformed { name: "U01-20040708.node.DANSO".into() },
        ),
        (
            vec!["localhost", first, second],
            IdentityError::Several { first: first.into(), second: second.into() },
        ),
    ];
    for (names, expected) in cases {
        let names = names.into_iter().map(str::to_owned).collect();
        let (certificate_pem, key_pem) = root.authority.sign(names, true, good()).unwrap();
        let issued = Issued { identity: Identity::Node(unit(SERVER)), certificate_pem, key_pem };
        let error = refusal(folder(&issued, &root).path());
        assert!(matches!(&error, TlsError::Nameless { source, .. } if *source == expected), "{error:?}");
    }
}
