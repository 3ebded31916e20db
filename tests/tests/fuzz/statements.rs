//! Signed statements: every kind's decoding, and that nothing verifies once it was changed.

use crate::{
    corpus::bases,
    edits::{Edit, Script, apply, some_edits},
};
use bolero::TypeGenerator;
use danso_core::{
    chain::{
        AuditEntry, AuditHead, BackupManifest, BackupPiece, BackupSegment, BatchNumber, BundleOpening, Deed,
        Digest, DirectoryVersion, ErasedLeaf, ErasureDone, ErasureOrder, Exclusions, Fault, Grantor, Grounds,
        Header, KeyClaim, KeyGrant, KeyRing, LedgerKey, PieceHolds, Quarantined, Receipt, Registration,
        Release, ReleaseRow, Revocation, Revocations, Revoked, SIGNATURE_BYTES, Signed, Statement, Way,
        examine, key_subject, origin_of, stored_epoch,
    },
    domain::{PersonId, Reason, Sequence},
};
use danso_node::store::{pack_directory, unpack_directory};
use danso_tests::{ChainBook, tree::central, unit};
use danso_tier_config::Directory;

/// A signed statement, and the kind it is of.
#[derive(Clone)]
pub struct Made {
    pub signed: Signed,
    verifies: fn(&Signed, &LedgerKey) -> bool,
}

pub fn key() -> LedgerKey {
    LedgerKey::from_seed(&[1; 32])
}

fn made<T: Statement>(statement: &T) -> Made {
    Made {
        signed: Signed::sign(statement, &key()),
        verifies: |signed, key| signed.verify::<T>(key.public()).is_ok(),
    }
}

/// A statement of every kind, some in two lengths.
pub fn all() -> Vec<Made> {
    let (origin, hash) = (unit("00001"), Digest::of(&[b"a header"]));
    let number = BatchNumber(300);
    let quarantined = vec![Quarantined { sequence: Sequence(5), reason: Reason::MotherAge }];
    let mut book = ChainBook::new(origin, key());
    book.write_any(0, 0);
    let header: Header = book.seal().unwrap().header.decode_trusted().unwrap();
    let row = ReleaseRow {
        unit: origin,
        indicator: "cbr".to_owned(),
        formula: "cbr/1".to_owned(),
        numerator: 12.0,
        denominator: 1_000.0,
        value: Some(12.0),
        expected: 3,
        reported: 2,
    };
    let none = ReleaseRow { denominator: 0.0, value: None, ..row.clone() };
    let release = Release {
        issuer: central(),
        number: 1,
        month: "2026-01".parse().unwrap(),
        revision: 1,
        issued_at_ms: 1_780_000_000_000,
        heads: hash,
        rows: vec![row, none],
    };
    let receipt = Receipt {
        parent: unit("001"),
        origin,
        number,
        hash,
        quarantined: quarantined.clone(),
        accepted_at_ms: 1_780_000_000_000,
    };
    let exclusions = Exclusions {
        tier_unit: unit("001"),
        origin,
        number,
        hash,
        quarantined,
        deltas: vec![b"a leaf".to_vec(), Vec::new()],
    };
    let registration =
        Registration { unit: origin, key: key().public().to_bytes(), registered_at_ms: 1_780_000_000_000 };
    vec![
        made(&header),
        made(&receipt),
        made(&Receipt { quarantined: Vec::new(), ..receipt }),
        made(&exclusions),
        made(&registration),
        made(&release),
        made(&pack_directory(&directory(), central(), 3, 1_780_000_000_000)),
    ]
    .into_iter()
    .chain(of_trust())
    .chain(of_copies())
    .collect()
}

/// What is signed about keys, revocation, erasure and audit.
fn of_trust() -> Vec<Made> {
    let (origin, at_ms, hash) = (unit("00001"), 1_780_000_000_000, Digest::of(&[b"a header"]));
    let claim = KeyClaim {
        unit: origin,
        key: key().public().to_bytes(),
        replaces: Some(key().public().id()),
        after: BatchNumber(300),
        hash,
        claimed_at_ms: at_ms,
    };
    let grant = KeyGrant {
        claim: Signed::sign(&claim, &key()),
        grantor: Grantor::Unit(unit("001")),
        granted_at_ms: at_ms,
    };
    let revoked = [
        Revoked::Node { unit: origin, issued_until_ms: at_ms, after: Some(BatchNumber(3)) },
        Revoked::Certificate { serial: [9; 16] },
    ];
    let entries = revoked.map(|what| Revocation { what, reason: "mất máy".to_owned(), at_ms });
    let person = PersonId { unit: origin, serial: 7 };
    let leaf = ErasedLeaf { number: BatchNumber(2), sequence: Sequence(9), hash };
    let order = ErasureOrder {
        origin,
        request: "2026/17".to_owned(),
        person,
        leaves: vec![leaf; 2],
        ordered_at_ms: at_ms,
    };
    let done = ErasureDone { tier_unit: unit("001"), origin, order: hash, erased: 2, done_at_ms: at_ms };
    let entry = AuditEntry {
        unit: origin,
        number: 4,
        previous: hash,
        at_ms,
        actor: "local".to_owned(),
        deed: Deed::KeyChanged,
        subject: "node 00001@2025-07-01".to_owned(),
        key: key().public().id(),
    };
    vec![
        made(&claim),
        made(&grant),
        made(&Revocations {
            issuer: unit("001"),
            version: 2,
            issued_at_ms: at_ms,
            entries: entries.to_vec(),
        }),
        made(&order),
        made(&done),
        made(&entry),
    ]
}

/// What is signed about files that leave a node.
fn of_copies() -> Vec<Made> {
    let opening = BundleOpening {
        sender: unit("00001"),
        receiver: unit("001"),
        way: Way::Up,
        seal: [5; 32],
        made_at_ms: 1_780_000_000_000,
    };
    vec![made(&opening), made(&backup_manifest())]
}

/// The list of a small backup, signed.
pub fn backup_list() -> Signed {
    Signed::sign(&backup_manifest(), &key())
}

fn backup_manifest() -> BackupManifest {
    let hash = Digest::of(&[b"a piece"]);
    let piece = |name: &str, holds| BackupPiece { name: name.to_owned(), bytes: 300, hash, holds };
    BackupManifest {
        unit: unit("00001"),
        number: 3,
        taken_at_ms: 1_780_000_000_000,
        position: 400,
        records: 12,
        heads: hash,
        tallies: hash,
        folder: hash,
        at_rest: Some([1; 8]),
        sealed_to: [2; 32],
        segments: vec![BackupSegment { number: 1, bytes: 400, hash }],
        pieces: vec![
            piece("000003-folder.piece", PieceHolds::Folder),
            piece("000003-keys.piece", PieceHolds::Keys),
            piece("000001-00000001-0.piece", PieceHolds::Ledger { segment: 1, from: 0, bytes: 400 }),
        ],
    }
}

/// A small directory, as central signs one.
fn directory() -> Directory {
    let text = include_str!("corpus/directory/small.csv");
    Directory::read_csv(text, "small.csv").unwrap()
}

/// Whether bytes are a statement of one kind, and all that must hold of it. Foreign kinds are refused as such.
fn is<T: Statement>(bytes: &[u8]) -> Option<T> {
    let signed = |bytes: &[u8]| Signed { bytes: bytes.to_vec(), signature: Vec::new() };
    let decoded = signed(bytes).decode_trusted::<T>();
    assert_eq!(
        signed(bytes).verify::<T>(key().public()).err().map(|fault| fault.code()),
        Some(unsigned::<T>(bytes))
    );
    let statement = match decoded {
        Ok(statement) => statement,
        Err(fault) => {
            let expected =
                if bytes.starts_with(&T::MAGIC) { Fault::Malformed("statement") } else { Fault::Kind };
            assert_eq!(fault, expected);
            return None;
        }
    };
    let again = Signed::sign(&statement, &key());
    assert!(again.bytes.len() <= bytes.len());
    let twice = Signed::sign(&again.decode_trusted::<T>().unwrap(), &key());
    assert_eq!((&twice.bytes, &twice.signature), (&again.bytes, &again.signature));
    if again.bytes.len() <= T::BYTES_MAX {
        assert!(again.verify::<T>(key().public()).is_ok());
    }
    let longer = [bytes, &[0]].concat();
    assert_eq!(signed(&longer).decode_trusted::<T>().err(), Some(Fault::Malformed("statement")));
    Some(statement)
}

/// Why bytes without a signature do not verify.
fn unsigned<T: Statement>(bytes: &[u8]) -> &'static str {
    if bytes.len() > T::BYTES_MAX { "batch_too_large" } else { "batch_signature" }
}

/// Whether bytes are a statement of any kind; never of two.
pub fn check(bytes: &[u8]) -> bool {
    let header = is::<Header>(bytes);
    if let Some(header) = &header {
        assert!(bytes.len() > Header::BYTES_MAX || origin_of(bytes).as_ref() == Ok(&header.origin));
    } else {
        let _ = origin_of(bytes);
    }
    let version = is::<DirectoryVersion>(bytes);
    if let Some(version) = &version {
        check_directory(version);
    }
    let kinds = [
        header.is_some(),
        version.is_some(),
        is::<Receipt>(bytes).is_some(),
        is::<Exclusions>(bytes).is_some(),
        is::<Registration>(bytes).is_some(),
        is::<Release>(bytes).is_some(),
        is::<KeyClaim>(bytes).is_some(),
        is::<KeyGrant>(bytes).is_some(),
        is::<Revocations>(bytes).is_some(),
        is::<ErasureOrder>(bytes).is_some(),
        is::<ErasureDone>(bytes).is_some(),
        is::<AuditEntry>(bytes).is_some(),
        is::<BackupManifest>(bytes).is_some(),
        is::<BundleOpening>(bytes).is_some(),
    ];
    check_key(bytes);
    let found = kinds.iter().filter(|kind| **kind).count();
    assert!(found <= 1, "bytes are of two kinds");
    found == 1
}

/// Bytes that nobody signed give no key and no audit entry, whatever they say.
fn check_key(bytes: &[u8]) {
    let signed = Signed { bytes: bytes.to_vec(), signature: vec![0; SIGNATURE_BYTES] };
    let ring_of = |_| Some(KeyRing::default());
    let grounds = Grounds { authority: key().public(), ring_of: &ring_of, is_above: &|_, _| true };
    assert!(examine(&signed, &grounds).is_err());
    assert!(
        stored_epoch(&signed).is_err() || key_subject(&signed).is_ok() || bytes.len() > KeyGrant::BYTES_MAX
    );
    assert!(AuditHead::default().check(&signed, unit("00001"), &KeyRing::default()).is_err());
}

/// A directory that unpacks is packed and unpacked again to the same.
pub fn check_directory(version: &DirectoryVersion) {
    let Ok(directory) = unpack_directory(version, &[]) else { return };
    let again = pack_directory(&directory, version.issuer, version.version, version.issued_at_ms);
    assert_eq!(unpack_directory(&again, &[]), Ok(directory));
}

/// A signed statement of which something is changed: bytes, signature, or both.
#[derive(Debug, Clone, TypeGenerator)]
struct Forgery {
    base: u8,
    #[generator(some_edits())]
    bytes: Vec<Edit>,
    #[generator(some_edits())]
    signature: Vec<Edit>,
    /// Whose signature it bears, where not its own.
    borrowed: Option<u8>,
}

#[test]
fn statement() {
    let bases = bases("statement", all().into_iter().map(|made| made.signed.bytes).collect(), check);
    fuzz!(Script, |script| {
        check(&script.bytes(&bases));
    });
}

#[test]
fn forgery() {
    let all = all();
    let bytes: Vec<Vec<u8>> = all.iter().map(|made| made.signed.bytes.clone()).collect();
    let signatures: Vec<Vec<u8>> = all.iter().map(|made| made.signed.signature.clone()).collect();
    fuzz!(Forgery, |forgery| {
        let made = &all[usize::from(forgery.base) % all.len()];
        let mut forged = made.signed.clone();
        apply(&forgery.bytes, &mut forged.bytes, &bytes);
        if let Some(other) = forgery.borrowed {
            forged.signature.clone_from(&signatures[usize::from(other) % signatures.len()]);
        }
        apply(&forgery.signature, &mut forged.signature, &signatures);
        assert_eq!((made.verifies)(&forged, &key()), forged == made.signed);
        assert!(!(made.verifies)(&forged, &LedgerKey::from_seed(&[2; 32])));
    });
}
