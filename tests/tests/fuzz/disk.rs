//! What a node reads from its own disk: records of the ledger, rows of the index, the wrapped data key, sealed
//! names. A disk may be damaged, a folder come from elsewhere.

use crate::{corpus::bases, edits::Script, statements};
use danso_core::{
    chain::{AuditHead, Digest, LedgerKey, Quarantined},
    domain::{CaptureId, Reason, Sequence},
};
use danso_node::store::{
    AcceptedBatch, Anchor, Evidence, OfficeRecord, OwnChange, Record, RecoveredBatch, Resolution, Rewritten,
    Topic,
    at_rest::{AtRestKey, State, Vault},
    foreign,
    ledger::{Kind, Position},
};
use danso_tests::{ChainBook, unit};
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

/// The vault of a folder whose names are not encrypted.
fn plain_vault() -> Vault {
    Vault::of_folder(tempfile::tempdir().unwrap().path(), None).unwrap()
}

/// The vault of a folder of its own, and the key file that opens it.
fn sealed_vault(folder: &Path) -> (Vault, AtRestKey) {
    let file = folder.join("key");
    fs::write(&file, "0123456789abcdef".repeat(4)).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let key = AtRestKey::read(&file).unwrap();
    (Vault::of_folder(folder, Some(&key)).unwrap(), key)
}

/// A record of every kind.
fn records() -> Vec<Record> {
    let (origin, hash) = (unit("00001"), Digest::of(&[b"a header"]));
    let mut book = ChainBook::new(origin, LedgerKey::from_seed(&[1; 32]));
    (0..6).for_each(|step| book.write_any(step as u8, step));
    let core = book.cores[0].encode();
    let batch = book.seal().unwrap();
    let signed: Vec<_> = statements::all().into_iter().map(|made| made.signed).collect();
    let receipt = signed[1].clone();
    let quarantined = vec![Quarantined { sequence: Sequence(5), reason: Reason::MotherAge }];
    let own = OwnChange {
        sequence: Sequence(1),
        capture: Some(CaptureId([3; 16])),
        core: core.clone(),
        personal: Some(([7; 16], b"a personal part".to_vec())),
    };
    let accepted = AcceptedBatch {
        child: unit("001"),
        batch: batch.clone(),
        quarantined,
        receipt: receipt.clone(),
        accepted_at_ms: 1,
        names_due: true,
    };
    let recovered = RecoveredBatch {
        batch: batch.clone(),
        receipt,
        recovered_at_ms: 2,
        captures: vec![(Sequence(1), CaptureId([4; 16]))],
    };
    let evidence = Evidence {
        child: unit("001"),
        origin,
        code: "batch_fork".to_owned(),
        header: batch.header.clone(),
        hold: true,
        at_ms: 3,
        cores: Some(core),
    };
    let rewritten = Rewritten { of: 32, kind: 1, payload: vec![1, 2, 3], scrub: true };
    let resolution = Resolution {
        origin,
        actor: "account lan.nt".to_owned(),
        reason: "chọn chuỗi này".to_owned(),
        at_ms: 4,
    };
    let head = AuditHead { number: 9, hash };
    let mut all = vec![
        Record::Own(vec![OwnChange { personal: None, capture: None, ..own.clone() }]),
        Record::Own(vec![own.clone(), OwnChange { sequence: Sequence(2), capture: None, ..own.clone() }]),
        Record::Own(vec![own]),
        Record::Sealed(Box::new(batch)),
        Record::Accepted(Box::new(accepted)),
        Record::Recovered(Box::new(recovered)),
        Record::Evidence(Box::new(evidence)),
        Record::Rewritten(rewritten),
        Record::Resolution(resolution),
        Record::Office(OfficeRecord { topic: Topic::Requests, bytes: vec![1, 2] }),
        Record::Anchor(Anchor { child: unit("001"), head, at_ms: 5 }),
    ];
    let kinds: [fn(_) -> Record; 8] = [
        Record::ParentReceipt,
        Record::Registration,
        Record::Directory,
        Record::Release,
        Record::Revocations,
        Record::ErasureOrder,
        Record::ErasureDone,
        Record::Audit,
    ];
    all.extend(kinds.into_iter().zip(signed).map(|(kind, signed)| kind(signed)));
    all
}

/// A record as one text of bytes: its kind, then its payload.
fn flat((kind, payload): (Kind, Vec<u8>)) -> Vec<u8> {
    [&[kind.0][..], &payload].concat()
}

/// Whether a kind and a payload are a record.
fn check_record(bytes: &[u8], vault: &Vault) -> bool {
    let Some((kind, payload)) = bytes.split_first() else { return false };
    match foreign::read_record(Kind(*kind), payload, Position(32), vault) {
        Ok(record) => {
            let (again_kind, again) = foreign::write_record(&record, vault);
            assert_eq!(again_kind, Kind(*kind));
            let read = foreign::read_record(again_kind, &again, Position(32), vault);
            assert_eq!(read.as_ref().ok(), Some(&record));
            true
        }
        Err(error) => {
            assert_eq!(error.code(), "ledger_record_unreadable");
            false
        }
    }
}

#[test]
fn ledger_record() {
    let vault = plain_vault();
    let made = records().iter().map(|record| flat(foreign::write_record(record, &vault))).collect();
    let bases = bases("ledger_record", made, |bytes| check_record(bytes, &vault));
    fuzz!(Script, |script| {
        check_record(&script.bytes(&bases), &vault);
    });
}

/// The same folder's records with names encrypted: what is altered does not open, and nothing panics.
#[test]
fn sealed_record() {
    let folder = tempfile::tempdir().unwrap();
    let (vault, _) = sealed_vault(folder.path());
    let sealed: Vec<Vec<u8>> =
        records().iter().map(|record| flat(foreign::write_record(record, &vault))).collect();
    for bytes in &sealed {
        assert!(foreign::read_record(Kind(bytes[0]), &bytes[1..], Position(32), &vault).is_ok());
    }
    fuzz!(Script, |script| {
        let bytes = script.bytes(&sealed);
        let Some((kind, payload)) = bytes.split_first() else { return };
        let read = foreign::read_record(Kind(*kind), payload, Position(32), &vault);
        assert!(read.is_ok() || read.is_err_and(|error| error.code() == "ledger_record_unreadable"));
    });
}

/// A sealed value: opens to what was sealed under its context, or not at all.
#[test]
fn sealed_value() {
    let folder = tempfile::tempdir().unwrap();
    let (vault, _) = sealed_vault(folder.path());
    let (context, plain): (&[u8], &[u8]) = (b"own 1", b"a name");
    let sealed = vault.seal(context, plain);
    assert_eq!(vault.open(context, &sealed).unwrap(), plain);
    let old = [&[0][..], plain].concat();
    let bases = bases("sealed_value", vec![sealed.clone(), old], |bytes| {
        let opened = vault.open(context, bytes);
        assert!(vault.open(b"own 2", bytes).is_err() || bytes.first() == Some(&0));
        opened.is_ok()
    });
    fuzz!(Script, |script| {
        let bytes = script.bytes(&bases);
        match vault.open(context, &bytes) {
            Ok(opened) if bytes.first() == Some(&0) => assert_eq!(opened, bytes[1..]),
            Ok(opened) => assert!(bytes == sealed && opened == plain, "something else opens"),
            Err(error) => {
                assert!(["at_rest_damaged", "at_rest_newer_format"].contains(&error.code()), "{error}");
            }
        }
    });
}

/// The file AT-REST, changed: the folder opens with its key as it was, or says what is wrong with which file.
#[test]
fn at_rest_file() {
    let folder = tempfile::tempdir().unwrap();
    let (_, key) = sealed_vault(folder.path());
    let file = folder.path().join("AT-REST");
    let whole = fs::read(&file).unwrap();
    let bases = vec![whole.clone()];
    fuzz!(Script, |script| {
        let bytes = script.bytes(&bases);
        fs::write(&file, &bytes).unwrap();
        for key in [Some(&key), None] {
            let opened = Vault::of_folder(folder.path(), key);
            assert_eq!(opened.is_ok(), bytes == whole);
            match opened {
                Ok(vault) => assert_eq!(vault.state() == State::Open, key.is_some()),
                Err(error) => {
                    assert!(["at_rest_damaged", "at_rest_newer_format"].contains(&error.code()), "{error}");
                }
            }
        }
        assert_eq!(fs::read(&file).unwrap(), bytes, "what does not open is not written over");
    });
}

/// The key file, changed: 64 digits whatever stands around them, or a message about the content.
#[test]
fn at_rest_key() {
    let folder = tempfile::tempdir().unwrap();
    sealed_vault(folder.path());
    let file = folder.path().join("key");
    let bases = bases("at_rest_key", vec![fs::read(&file).unwrap()], |bytes| {
        fs::write(&file, bytes).unwrap();
        AtRestKey::read(&file).is_ok()
    });
    fuzz!(Script, |script| {
        let bytes = script.bytes(&bases);
        fs::write(&file, &bytes).unwrap();
        let digits = bytes.trim_ascii();
        let good = digits.len() == 64 && digits.iter().all(u8::is_ascii_hexdigit);
        match AtRestKey::read(&file) {
            Ok(_) => assert!(good),
            Err(error) => assert!(error.code() == "at_rest_key_content" && !(good && bytes.len() < 256)),
        }
    });
}

/// A row: the length of its key, the key, the value.
fn row(key: &[u8], value: &[u8]) -> Vec<u8> {
    [&[key.len() as u8][..], key, value].concat()
}

fn check_row(bytes: &[u8]) -> bool {
    let Some((length, rest)) = bytes.split_first() else { return false };
    let (key, value) = rest.split_at(rest.len().min(usize::from(*length)));
    let page = foreign::is_page(value);
    foreign::is_row(key, value) || page
}

#[test]
fn index_row() {
    let unit_key = unit("00001").to_key();
    let numbered = |kind: u8| [&[kind][..], &unit_key, &7u64.to_be_bytes()].concat();
    let made = vec![
        row(b"mrecording", &[7, 1, 1, 1, 0, 1]),
        row(b"mveiled", &[7]),
        row(b"o\0\0\0\0\0\0\0\x07", &[7, 2, 3, 0xff, 0x7f, 61, 0]),
        row(&numbered(b'b'), &[&[7, 0x20][..], &[9; 32]].concat()),
        row(&numbered(b'q'), &[7, 3]),
        row(&numbered(b'p'), &[7, 0, 0, 0]),
        row(&numbered(b'h'), &[7, 0, 1, 8, 1, 9]),
        // The only piece of a row of tallies: a man born in 2000-01 married in 2025-07.
        row(&[b"t", &unit_key[..], &[0x5e, 0xf2, 6, 1, 0x77, 0, 0]].concat(), &[7, 1, 4, 0, 1, 0, 2]),
        // A page: a row of two bytes, and one that lies elsewhere.
        row(&numbered(b'b'), &[7, 0, 2, 0, 3, 1, 6, 0xff, 0xff]),
    ];
    let bases = bases("index_row", made, check_row);
    fuzz!(Script, |script| {
        check_row(&script.bytes(&bases));
    });
}
