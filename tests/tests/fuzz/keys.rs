//! The key folder of a node: certificates and keys as PEM, ledger keys and their registrations as digits.

use crate::edits::Changed;
use danso_node::{
    runtime::keys,
    transport::{
        authority::{
            Authority, AuthorityError, ISSUER_FILE, ISSUER_KEY_FILE, Validity, request, write_issuer,
        },
        tls::{AUTHORITY_FILE, CERTIFICATE_FILE, KEY_FILE, Keys, TlsError},
    },
};
use danso_tests::{Tree, unit};
use std::{fs, path::Path, time::SystemTime};

const LEDGER_FILES: [&str; 3] = ["ledger.key", "ledger.registration", "authority.pub"];

/// Edits one of the named files, asks `check` with whether anything is changed, and puts the file back.
fn with_changed(folder: &Path, names: &[&str], whole: &[Vec<u8>], input: &Changed, check: impl Fn(bool)) {
    let (place, bytes) = input.of(whole);
    fs::write(folder.join(names[place]), &bytes).unwrap();
    check(bytes != whole[place]);
    fs::write(folder.join(names[place]), &whole[place]).unwrap();
}

fn contents(folder: &Path, names: &[&str]) -> Vec<Vec<u8>> {
    names.iter().map(|name| fs::read(folder.join(name)).unwrap_or_else(|_| panic!("no {name}"))).collect()
}

#[test]
fn key_folder() {
    let tree = Tree::three();
    let (folder, now) = (tree.keys(unit("01")), SystemTime::now());
    let names = [CERTIFICATE_FILE, KEY_FILE, AUTHORITY_FILE];
    let whole = contents(&folder, &names);
    let identity = Keys::read(&folder, now).unwrap().identity();
    fuzz!(Changed, |input: &Changed| {
        with_changed(&folder, &names, &whole, input, |changed| match Keys::read(&folder, now) {
            // Text around the blocks does not count, so what is changed may still be the same keys.
            Ok(keys) => assert_eq!(keys.identity(), identity),
            Err(error) => {
                assert!(changed, "{error}");
                let code = TlsError::code(&error);
                assert!(code.starts_with("keys_") || code.starts_with("tls_own_"), "{code}");
            }
        });
    });
}

#[test]
fn ledger_keys() {
    let tree = Tree::three();
    let own = unit("01");
    let folder = tree.keys(own);
    let whole = contents(&folder, &LEDGER_FILES);
    let public = keys::read(&folder, own).unwrap().key().public();
    fuzz!(Changed, |input: &Changed| {
        with_changed(&folder, &LEDGER_FILES, &whole, input, |changed| match keys::read(&folder, own) {
            Ok(signing) => assert!(signing.key().public() == public),
            Err(error) => {
                let codes = ["ledger_key_content", "ledger_key_unreadable", "ledger_key_other_unit"];
                assert!(changed && codes.contains(&error.code()), "{error}");
            }
        });
    });
}

/// The authority of a tier, out of two PEM files.
#[test]
fn issuer() {
    let folder = tempfile::tempdir().unwrap();
    let top = Authority::create(folder.path(), SystemTime::now()).unwrap();
    let (key, asked) = request().unwrap();
    let days = Validity::days(SystemTime::now(), 30);
    let chain = top.issue_authority(unit("01"), 2, &asked, days).unwrap();
    write_issuer(folder.path(), &chain, &key).unwrap();
    let names = [ISSUER_FILE, ISSUER_KEY_FILE];
    let whole = contents(folder.path(), &names);
    fuzz!(Changed, |input: &Changed| {
        with_changed(folder.path(), &names, &whole, input, |changed| {
            match Authority::open_issuer(folder.path()) {
                Ok(authority) => assert!(changed || authority.unit() == Some(unit("01"))),
                Err(
                    AuthorityError::Certificate { .. }
                    | AuthorityError::Key { .. }
                    | AuthorityError::Unreadable { .. },
                ) => assert!(changed),
                Err(error) => panic!("{error}"),
            }
        });
    });
}
