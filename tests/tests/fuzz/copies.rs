//! What comes back on a stick: sealed files, lists of backups, backup keys, and messages within a bundle.

use crate::{
    corpus::bases,
    edits::Script,
    statements::{backup_list, key},
};
use danso_core::chain::Signed;
use danso_node::store::{
    backup::{BackupKey, decode_manifest},
    envelope::{Purpose, ReceiverKey, Sealer, Unsealer},
};
use std::fs;

fn receiver() -> ReceiverKey {
    ReceiverKey::from_bytes([7; 32])
}

fn sealed(plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut sealer = Sealer::new(Purpose::Bundle, receiver().public(), &mut out);
    sealer.write(plain, &mut out);
    sealer.finish(&mut out);
    out
}

/// What a file opens to, whether it comes at once or byte by byte.
fn unsealed(bytes: &[u8]) -> Option<Vec<u8>> {
    let key = receiver();
    let open = |step: usize| {
        let (mut plain, mut unsealer) = (Vec::new(), Unsealer::new(Purpose::Bundle, &key));
        for part in bytes.chunks(step) {
            unsealer.push(part, &mut plain)?;
            assert!(plain.len() <= bytes.len(), "more comes out than went in");
        }
        unsealer.finish().map(|()| plain)
    };
    let (whole, piecemeal) = (open(bytes.len().max(1)), open(7));
    assert_eq!(whole, piecemeal);
    whole.ok()
}

#[test]
fn sealed_file() {
    let plains: [&[u8]; 3] = [b"", b"a batch", &[5; 300]];
    let made: Vec<Vec<u8>> = plains.iter().map(|plain| sealed(plain)).collect();
    let whole = made.clone();
    let bases = bases("sealed_file", made, |bytes| unsealed(bytes).is_some());
    fuzz!(Script, |script| {
        let bytes = script.bytes(&bases);
        if let Some(plain) = unsealed(&bytes) {
            // Whatever was done to it, what opens is what somebody sealed.
            assert!(bases.contains(&bytes), "an altered file opens");
            assert!(!whole.contains(&bytes) || plains.contains(&plain.as_slice()));
        }
    });
}

fn check_list(bytes: &[u8]) -> bool {
    let Some((manifest, signer)) = decode_manifest(bytes) else { return false };
    let again = Signed::sign(&manifest, &key());
    assert!(signer != key().public() || again.bytes == bytes[96..]);
    assert!(manifest.pieces.iter().all(|piece| !piece.name.contains(['/', '\\'])));
    true
}

#[test]
fn backup_manifest() {
    let signed = backup_list();
    let file = [&signed.signature, &key().public().to_bytes()[..], &signed.bytes].concat();
    let bases = bases("backup_manifest", vec![file], check_list);
    fuzz!(Script, |script| {
        let bytes = script.bytes(&bases);
        assert!(!check_list(&bytes) || bases.contains(&bytes), "an altered list verifies");
    });
}

#[test]
fn backup_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup.key");
    BackupKey::generate(&file, None).unwrap();
    let made = [fs::read(&file).unwrap(), fs::read(file.with_added_extension("pub")).unwrap()];
    let check = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        BackupKey::read(&file).is_ok()
    };
    let bases = bases("backup_key", made.to_vec(), check);
    fuzz!(Script, |script| {
        fs::write(&file, script.bytes(&bases)).unwrap();
        match BackupKey::read(&file) {
            Ok(key) if key.asks_passphrase() => {}
            // Halves that belong together, or none.
            Ok(key) => match key.secret(None) {
                Ok(secret) => assert_eq!(secret.name(), key.name()),
                Err(error) => {
                    assert!(["backup_no_secret", "backup_key_content"].contains(&error.code()), "{error}");
                }
            },
            Err(error) => assert_eq!(error.code(), "backup_key_content"),
        }
    });
}
