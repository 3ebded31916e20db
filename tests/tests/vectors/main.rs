//! Sealed vectors: the bytes, digests and signatures of every signed statement, fixed in `tests/vectors`.
//!
//! They are computed anew here from the values below and must not differ by a bit, and the stored signatures
//! must verify. A change of a file there is a new format. Another implementation reads the same files; their
//! heads say how.
//!
//! | file | holds |
//! |---|---|
//! | `values.rs` | the values from which the vectors are made |

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod values;

use danso_core::{
    chain::{Digest, Fault, Grantor, PersonalLeaf, PublicKey, Signed, Statement, merkle},
    rollup::{Tallies, canonical, deltas, encode_leaves},
};
use std::{collections::BTreeMap, fmt::Write as _};
use values::{
    audit, birth, claim, directory, erasure_done, erasure_order, exclusions, grant, header, heads_digest,
    key, origin, parent, receipt, registration, release, revocations, statements,
};

const STATEMENTS: &str = include_str!("../../vectors/statements.txt");
const DIGESTS: &str = include_str!("../../vectors/digests.txt");

const STATEMENTS_HEAD: &str = "\
# Signed statements of danso, format 1, sealed. Everything is lower-case hexadecimal.
#
# A block: [name], then
#   seed       secret Ed25519 seed (RFC 8032) of the signer; fixed for tests, never used by a node
#   key        public key of that seed
#   key_id     first 8 bytes of SHA-256 of the public key: how statements name a key
#   statement  the statement: 4 letters for kind and format, then postcard of the fields (node/ARCHITECTURE.md)
#   sha256     SHA-256 of the statement; of a header it is the batch's identity
#   signature  Ed25519 over exactly the statement's bytes; checked strictly (no small-order key, no malleability)
#
# To check an implementation: derive key from seed; verify signature over statement; hash statement; decode it,
# encode it again and compare; sign it and compare (Ed25519 signatures are deterministic).
";

const DIGESTS_HEAD: &str = "\
# Digests of danso, format 1, sealed: `name value` on each line, lower-case hexadecimal.
#
#   root_N       Merkle root (RFC 6962 hashing) of the leaves: the texts `leaf 0` to `leaf N-1`, N = 0 to 9
#   path_5_of_9  audit path of leaf 5 of 9, sibling first
#   personal_*   leaf hashes of personal parts: absent; salt 16 times 0x05 and bytes `personal`; erased keeps it
#   delta_N      canonical leaves of the deltas of one birth (a girl of January 2026), in order
#   heads        digest of the heads of two chains: SHA-256 of `danso heads 1` and a line feed, then for each
#                origin in order its 12-byte key, number (8 bytes, big-endian) and hash; a key is the code,
#                padded with zero bytes to 8, and the first day as days since 0000-01-01 (4 bytes, big-endian)
#   tallies      digest of the tallies that those deltas make at unit 31117@2025-07-01: SHA-256 of
#                `danso tallies 1` and a line feed, then for each unit, cuboid and cell in order the unit's key,
#                the cuboid's code (1 byte), month and cell packed (8 bytes, big-endian), and the count (8 bytes,
#                big-endian, two's complement)
";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn written_statements() -> String {
    let mut text = STATEMENTS_HEAD.to_owned();
    for (name, seed, signed) in statements() {
        let public = key(seed).public();
        write!(
            text,
            "\n[{name}]\nseed {}\nkey {}\nkey_id {}\nstatement {}\nsha256 {}\nsignature {}\n",
            hex(&[seed; 32]),
            hex(&public.to_bytes()),
            public.id(),
            hex(&signed.bytes),
            Digest::of(&[&signed.bytes]),
            hex(&signed.signature),
        )
        .unwrap();
    }
    text
}

fn written_digests() -> String {
    let mut text = DIGESTS_HEAD.to_owned();
    let mut line = |name: &str, value: &str| writeln!(text, "{name} {value}").unwrap();
    let leaves: Vec<Digest> = (0..9).map(|n| merkle::leaf(&[format!("leaf {n}").as_bytes()])).collect();
    for count in 0..=9 {
        line(&format!("root_{count}"), &merkle::root(&leaves[..count]).to_string());
    }
    let path: Vec<String> = merkle::path(&leaves, 5).unwrap().iter().map(ToString::to_string).collect();
    line("path_5_of_9", &path.join(","));
    let present = PersonalLeaf::Present { salt: &[5; 16], bytes: b"personal" };
    line("personal_absent", &PersonalLeaf::Absent.hash().to_string());
    line("personal_present", &present.hash().to_string());
    line("personal_erased", &PersonalLeaf::Erased(present.hash()).hash().to_string());
    let mut found = Vec::new();
    deltas(&birth(), &mut found);
    let found = canonical(found);
    for (number, leaf) in encode_leaves(&found).iter().enumerate() {
        line(&format!("delta_{number}"), &hex(leaf));
    }
    line("heads", &heads_digest().to_string());
    let mut tallies = Tallies::default();
    tallies.apply(origin(), &found);
    line("tallies", &hex(&tallies.digest()));
    text
}

/// The blocks of the file of statements, by name.
fn blocks() -> BTreeMap<String, BTreeMap<String, Vec<u8>>> {
    let mut blocks: BTreeMap<String, BTreeMap<String, Vec<u8>>> = BTreeMap::new();
    let mut current = String::new();
    for line in STATEMENTS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            name.clone_into(&mut current);
        } else {
            let (field, value) = line.split_once(' ').unwrap();
            blocks.entry(current.clone()).or_default().insert(field.to_owned(), unhex(value));
        }
    }
    blocks
}

/// Verifies a stored vector as the statement that it is and compares it with the value it was made from.
fn verified<T: Statement + PartialEq + std::fmt::Debug>(name: &str, expected: &T) {
    let block = &blocks()[name];
    let public = PublicKey::from_bytes(&block["key"].as_slice().try_into().unwrap()).unwrap();
    let signed = Signed { bytes: block["statement"].clone(), signature: block["signature"].clone() };
    assert_eq!(signed.verify::<T>(public).as_ref(), Ok(expected), "{name}");
    assert!(signed.bytes.starts_with(&T::MAGIC), "{name}");
    assert_eq!(Digest::of(&[&signed.bytes]).0.as_slice(), block["sha256"], "{name}");
    assert_eq!(public.id().0.as_slice(), block["key_id"], "{name}");
    for bit in 0..signed.bytes.len() * 8 {
        let mut flipped = signed.clone();
        flipped.bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(flipped.verify::<T>(public).err(), Some(Fault::Signature), "{name}, bit {bit}");
    }
}

#[test]
fn the_same_values_give_the_same_signed_bytes() {
    let written = written_statements();
    assert!(written == STATEMENTS, "statements.txt would now be:\n{written}");
}

#[test]
fn the_same_values_give_the_same_digests() {
    let written = written_digests();
    assert!(written == DIGESTS, "digests.txt would now be:\n{written}");
}

#[test]
fn every_stored_statement_verifies_and_means_what_it_was_made_from() {
    verified("header", &header());
    verified("receipt", &receipt());
    verified("exclusions", &exclusions());
    verified("registration", &registration());
    verified("claim", &claim());
    verified("grant by the former key", &grant(Grantor::Former));
    verified("grant by a unit above", &grant(Grantor::Unit(parent())));
    verified("grant by the authority", &grant(Grantor::Authority));
    verified("revocations", &revocations());
    verified("erasure order", &erasure_order());
    verified("erasure done", &erasure_done());
    verified("audit entry", &audit());
    verified("directory version", &directory());
    verified("release", &release());
    assert_eq!(blocks().len(), statements().len());
}

#[test]
fn the_stored_path_proves_its_leaf() {
    let line =
        |name: &str| DIGESTS.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap();
    let digest = |text: &str| Digest::from_slice(&unhex(text)).unwrap();
    let path: Vec<Digest> = line("path_5_of_9").split(',').map(digest).collect();
    let leaf = merkle::leaf(&[b"leaf 5"]);
    assert!(merkle::proves(&digest(line("root_9")), &leaf, 5, 9, &path));
    assert!(!merkle::proves(&digest(line("root_8")), &leaf, 5, 8, &path));
}
