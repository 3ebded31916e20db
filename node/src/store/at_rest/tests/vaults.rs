//! Tests of the vault's states, sealed values, the file AT-REST and rewrapping.

use super::{
    super::{AtRestKey, OVERHEAD_BYTES_MAX, State, Vault, rewrap, sealing::NONCE_BYTES, wrapped},
    code, mode,
};
use sha2::{Digest, Sha256};
use std::{collections::BTreeSet, fs};
use tempfile::{TempDir, tempdir};

const CONTEXT: &[u8] = b"person 1";
const PLAIN: &[u8] = "Trần Văn Bình, 001099000001".as_bytes();

fn key(byte: u8) -> AtRestKey {
    AtRestKey::from_bytes([byte; 32])
}

/// A folder with an AT-REST under key 1.
fn folder_of_key_1() -> TempDir {
    let folder = tempdir().unwrap();
    assert_eq!(vault(&folder, Some(1)).state(), State::Open);
    folder
}

fn vault(folder: &TempDir, kek: Option<u8>) -> Vault {
    Vault::of_folder(folder.path(), kek.map(key).as_ref()).unwrap()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn without_a_key_nothing_is_encrypted_and_no_file_is_made() {
    let folder = tempdir().unwrap();
    let off = vault(&folder, None);
    assert_eq!((off.state(), off.is_locked()), (State::Off, false));
    let sealed = off.seal(CONTEXT, PLAIN);
    assert_eq!(sealed, [&[0], PLAIN].concat());
    assert_eq!(off.open(CONTEXT, &sealed).unwrap(), PLAIN);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn with_the_key_a_value_opens_again_also_after_a_restart() {
    let folder = folder_of_key_1();
    for plain in [PLAIN, b"", &[7; 5_000]] {
        let sealed = vault(&folder, Some(1)).seal(CONTEXT, plain);
        assert_eq!(sealed[0], 1);
        assert!(sealed.len() <= plain.len() + OVERHEAD_BYTES_MAX);
        assert!(plain.is_empty() || !contains(&sealed, plain));
        assert_eq!(vault(&folder, Some(1)).open(CONTEXT, &sealed).unwrap(), plain);
    }
}

#[test]
fn a_locked_node_stores_what_only_the_key_opens_later() {
    let folder = folder_of_key_1();
    let locked = vault(&folder, None);
    assert!(locked.is_locked());
    for plain in [PLAIN, b""] {
        let sealed = locked.seal(CONTEXT, plain);
        assert_eq!((sealed[0], sealed.len()), (2, plain.len() + OVERHEAD_BYTES_MAX));
        assert!(plain.is_empty() || !contains(&sealed, plain));
        assert_eq!(code(locked.open(CONTEXT, &sealed)), "at_rest_locked");
        assert_eq!(vault(&folder, Some(1)).open(CONTEXT, &sealed).unwrap(), plain);
    }
}

#[test]
fn without_the_key_nothing_sealed_is_opened() {
    let folder = folder_of_key_1();
    let sealed = vault(&folder, Some(1)).seal(CONTEXT, PLAIN);
    assert_eq!(code(vault(&folder, None).open(CONTEXT, &sealed)), "at_rest_locked");
    let elsewhere = tempdir().unwrap();
    assert_eq!(code(vault(&elsewhere, None).open(CONTEXT, &sealed)), "at_rest_locked");
}

#[test]
fn what_was_stored_before_the_key_stays_readable() {
    let folder = tempdir().unwrap();
    let sealed = vault(&folder, None).seal(CONTEXT, PLAIN);
    assert_eq!(vault(&folder, Some(1)).open(CONTEXT, &sealed).unwrap(), PLAIN);
    assert_eq!(vault(&folder, None).open(CONTEXT, &sealed).unwrap(), PLAIN);
}

#[test]
fn a_value_of_another_record_or_folder_is_refused() {
    let (folder, other) = (folder_of_key_1(), folder_of_key_1());
    for sealed in [vault(&folder, Some(1)).seal(CONTEXT, PLAIN), vault(&folder, None).seal(CONTEXT, PLAIN)] {
        assert_eq!(code(vault(&folder, Some(1)).open(b"person 2", &sealed)), "at_rest_damaged");
        assert_eq!(code(vault(&other, Some(1)).open(CONTEXT, &sealed)), "at_rest_damaged");
    }
}

#[test]
fn every_flipped_bit_and_every_cut_of_a_value_is_found() {
    let folder = folder_of_key_1();
    let open = vault(&folder, Some(1));
    for sealed in [open.seal(CONTEXT, PLAIN), vault(&folder, None).seal(CONTEXT, PLAIN)] {
        for bit in 8..sealed.len() * 8 {
            let mut altered = sealed.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(code(open.open(CONTEXT, &altered)), "at_rest_damaged", "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert_eq!(code(open.open(CONTEXT, &sealed[..length])), "at_rest_damaged", "length {length}");
        }
    }
    assert_eq!(code(open.open(CONTEXT, &[3, 0, 0])), "at_rest_newer_format");
}

#[test]
fn no_two_seals_share_a_nonce_or_an_ephemeral_key() {
    let folder = folder_of_key_1();
    let (open, locked) = (vault(&folder, Some(1)), vault(&folder, None));
    let starts = |vault: &Vault, length: usize| {
        (0..500).map(|_| vault.seal(CONTEXT, PLAIN)[1..=length].to_vec()).collect::<BTreeSet<_>>().len()
    };
    assert_eq!(starts(&open, NONCE_BYTES), 500);
    assert_eq!(starts(&locked, 32), 500);
}

#[test]
fn a_wrong_key_is_named_and_changes_nothing() {
    let folder = folder_of_key_1();
    let before = fs::read(folder.path().join("AT-REST")).unwrap();
    let error = Vault::of_folder(folder.path(), Some(&key(2))).unwrap_err();
    assert_eq!(error.code(), "at_rest_wrong_key");
    let message = error.to_string();
    assert!(message.contains(&key(1).name().to_string()) && message.contains(&key(2).name().to_string()));
    assert_eq!(fs::read(folder.path().join("AT-REST")).unwrap(), before);
}

#[test]
fn every_flipped_bit_and_every_cut_of_the_file_is_found_with_and_without_the_key() {
    let folder = folder_of_key_1();
    let path = folder.path().join("AT-REST");
    let whole = fs::read(&path).unwrap();
    assert_eq!(whole.len(), wrapped::BYTES);
    let refused = |bytes: &[u8], what: &str| {
        fs::write(&path, bytes).unwrap();
        for kek in [None, Some(&key(1))] {
            assert_eq!(code(Vault::of_folder(folder.path(), kek)), "at_rest_damaged", "{what}");
        }
    };
    for bit in 0..whole.len() * 8 {
        let mut altered = whole.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        refused(&altered, &format!("bit {bit}"));
    }
    for length in 0..whole.len() {
        refused(&whole[..length], &format!("length {length}"));
    }
    refused(&[&whole[..], &[0]].concat(), "a byte more");
    fs::write(&path, &whole).unwrap();
    assert_eq!(vault(&folder, Some(1)).state(), State::Open);
}

#[test]
fn a_forged_file_with_a_right_sum_does_not_open_and_a_newer_one_says_so() {
    let folder = folder_of_key_1();
    let path = folder.path().join("AT-REST");
    let whole = fs::read(&path).unwrap();
    let forge = |at: usize| {
        let mut bytes = whole[..whole.len() - 32].to_vec();
        bytes[at] ^= 2;
        let sum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&sum);
        fs::write(&path, bytes).unwrap();
        code(Vault::of_folder(folder.path(), Some(&key(1))))
    };
    assert_eq!(forge(14), "at_rest_newer_format");
    assert_eq!(forge(15), "at_rest_damaged", "the public key");
    assert_eq!(forge(47), "at_rest_wrong_key", "the key's name");
    assert_eq!(forge(55), "at_rest_damaged", "the nonce");
    assert_eq!(forge(79), "at_rest_damaged", "the wrapped key");
}

#[test]
fn rewrapping_changes_the_key_and_keeps_everything_sealed() {
    let folder = folder_of_key_1();
    fs::write(folder.path().join("AT-REST.new"), "left by a crash").unwrap();
    let before = vault(&folder, Some(1));
    let sealed = [before.seal(CONTEXT, PLAIN), vault(&folder, None).seal(CONTEXT, PLAIN)];
    rewrap(folder.path(), &key(1), &key(2)).unwrap();
    assert_eq!(code(Vault::of_folder(folder.path(), Some(&key(1)))), "at_rest_wrong_key");
    let after = vault(&folder, Some(2));
    for sealed in sealed {
        assert_eq!(after.open(CONTEXT, &sealed).unwrap(), PLAIN);
    }
    assert_eq!(mode(&folder.path().join("AT-REST")), 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_repeated_rewrap_does_nothing_and_a_wrong_one_is_refused() {
    let folder = folder_of_key_1();
    rewrap(folder.path(), &key(1), &key(2)).unwrap();
    let content = fs::read(folder.path().join("AT-REST")).unwrap();
    rewrap(folder.path(), &key(1), &key(2)).unwrap();
    assert_eq!(code(rewrap(folder.path(), &key(1), &key(3))), "at_rest_wrong_key");
    assert_eq!(fs::read(folder.path().join("AT-REST")).unwrap(), content);
    assert_eq!(code(rewrap(tempdir().unwrap().path(), &key(1), &key(2))), "at_rest_missing");
}

#[test]
fn the_file_is_private_and_survives_what_a_crash_left_beside_it() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("AT-REST.new"), "left by a crash").unwrap();
    assert_eq!(vault(&folder, None).state(), State::Off);
    assert_eq!(vault(&folder, Some(1)).state(), State::Open);
    assert_eq!(mode(&folder.path().join("AT-REST")), 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let missing = folder.path().join("missing");
    assert_eq!(code(Vault::of_folder(&missing, Some(&key(1)))), "at_rest_unusable");
}

#[test]
fn what_is_printed_for_debugging_shows_no_key() {
    let folder = folder_of_key_1();
    assert_eq!(format!("{:?}", key(0xab)), format!("AtRestKey({})", key(0xab).name()));
    assert!(!format!("{:?}", key(0xab)).contains("abab"));
    assert_eq!(format!("{:?}", vault(&folder, Some(1))), "Vault(Open)");
}
