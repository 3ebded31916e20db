//! What a batch withholds, proves and refuses.

mod audit;
mod erasure;
mod frames;
mod keyring;
mod revocation;

use super::*;
use crate::domain::RecordedAt;
use danso_tier_config::{Policy, UnitId};

fn unit() -> UnitId {
    "31117@2025-07-01".parse().unwrap()
}

fn changes(first: u64, count: usize) -> Vec<SealedChange> {
    (0..count)
        .map(|n| SealedChange {
            core: vec![1, n as u8, 7],
            personal: (n % 2 == 0).then(|| ([n as u8; SALT_BYTES], format!("tên {n}").into_bytes())),
            recorded_at: RecordedAt::from_millis(1_700_000_000_000 + first + n as u64),
        })
        .collect()
}

fn sealed(count: usize, head: Head) -> (Batch, Header) {
    let key = LedgerKey::from_seed(&[7; 32]);
    let deltas = [b"delta".to_vec()];
    let batch = seal(
        &SealInput { origin: unit(), head, changes: &changes(head.next.0, count), deltas: &deltas },
        &key,
    );
    let header = batch.header.verify::<Header>(key.public()).unwrap();
    (batch, header)
}

#[test]
fn a_stripped_batch_still_verifies_and_the_rest_is_refused_by_policy() {
    let (full, header) = sealed(5, Head::default());
    for policy in [Policy::Names, Policy::Cores, Policy::Counts] {
        let batch = strip(full.clone(), policy);
        let contents = open(&batch, &header, policy).unwrap();
        assert_eq!(contents.personal.is_some(), policy == Policy::Names);
        assert_eq!(contents.cores.is_some(), policy >= Policy::Cores);
        assert_eq!(contents.deltas.is_some(), policy == Policy::Counts);
    }
    let names = strip(full, Policy::Names);
    let refused = open(&names, &header, Policy::Cores).err();
    assert_eq!(
        refused,
        Some(Fault::Frames { frame: "personal", problem: "not allowed", policy: Policy::Cores })
    );
}

#[test]
fn every_flipped_bit_of_a_batch_is_found() {
    let (full, header) = sealed(3, Head::default());
    let key = LedgerKey::from_seed(&[7; 32]).public();
    let batch = strip(full, Policy::Names);
    for bit in 0..batch.header.bytes.len() * 8 {
        let mut bad = batch.clone();
        bad.header.bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(bad.header.verify::<Header>(key).err(), Some(Fault::Signature));
    }
    for bit in 0..64 * 8 {
        let mut bad = batch.clone();
        bad.header.signature[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(bad.header.verify::<Header>(key).err(), Some(Fault::Signature));
    }
    let good = open(&batch, &header, Policy::Names).unwrap();
    let cores = batch.cores.clone().unwrap();
    for bit in 0..cores.len() * 8 {
        let mut bad = batch.clone();
        bad.cores.as_mut().unwrap()[bit / 8] ^= 1 << (bit % 8);
        // A flipped bit in zstd's framing may leave the content whole; then the content is the same.
        if let Ok(contents) = open(&bad, &header, Policy::Names) {
            assert!(contents.cores == good.cores);
        }
    }
}

#[test]
fn an_erased_personal_leaf_keeps_the_signature() {
    let (full, header) = sealed(4, Head::default());
    let contents = open(&strip(full.clone(), Policy::Names), &header, Policy::Names).unwrap();
    let mut encoded = contents.personal.unwrap().to_vec();
    encoded[2] = PersonalLeaf::Erased(PersonalLeaf::decode(&encoded[2]).unwrap().hash()).encode();
    let mut erased = strip(full, Policy::Names);
    erased.personal = Some(write_frame(encoded.iter().map(Vec::as_slice)));
    assert!(open(&erased, &header, Policy::Names).is_ok());
}

#[test]
fn links_are_next_repeat_gap_fork_or_wrong() {
    let (first, header) = sealed(2, Head::default());
    let empty = Head::default();
    assert_eq!(check_link(&empty, &header, first.hash(), None), Ok(Link::Next));
    let head = Head::after(&header, first.hash());
    assert_eq!(check_link(&head, &header, first.hash(), Some(first.hash())), Ok(Link::Repeat));
    let (other, other_header) = sealed(3, Head::default());
    assert!(matches!(
        check_link(&head, &other_header, other.hash(), Some(first.hash())),
        Err(Fault::Fork { number: BatchNumber(1), .. })
    ));
    let (second, second_header) = sealed(1, head);
    assert_eq!(check_link(&head, &second_header, second.hash(), None), Ok(Link::Next));
    assert_eq!(
        check_link(&empty, &second_header, second.hash(), None),
        Err(Fault::Gap { origin: unit(), expected: BatchNumber(1), found: BatchNumber(2) })
    );
    let moved = Head { next: head.next.plus(1), ..head };
    assert_eq!(
        check_link(&moved, &second_header, second.hash(), None),
        Err(Fault::WrongPrevious { origin: unit(), number: BatchNumber(2) })
    );
}

#[test]
fn a_signature_of_one_kind_does_not_stand_under_another() {
    let key = LedgerKey::from_seed(&[9; 32]);
    let registration = Registration { unit: unit(), key: key.public().to_bytes(), registered_at_ms: 1 };
    let signed = Signed::sign(&registration, &key);
    assert_eq!(signed.verify::<Registration>(key.public()), Ok(registration));
    assert_eq!(signed.verify::<Receipt>(key.public()).err(), Some(Fault::Kind));
}

#[test]
fn a_header_of_a_newer_format_names_its_origin_and_is_refused_by_its_own_name() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Later(Header, u8);
    impl Statement for Later {
        const MAGIC: [u8; 4] = *b"DSB2";
    }
    let key = LedgerKey::from_seed(&[7; 32]);
    let (_, header) = sealed(1, Head::default());
    let later = Signed::sign(&Later(header, 9), &key);
    assert_eq!(origin_of(&later.bytes), Ok(unit()));
    assert_eq!(later.verify::<Header>(key.public()).err(), Some(Fault::Kind));
    assert_eq!(origin_of(b"DSR1 another statement"), Err(Fault::Kind));
}

#[test]
fn a_bomb_is_refused_without_being_unpacked() {
    let bomb = zstd::bulk::compress(&vec![0; 64 << 20], 19).unwrap();
    assert!(bomb.len() < danso_tier_config::limits::FRAME_BYTES_MAX);
    assert!(matches!(read_frame(&bomb, "cores", 10), Err(Fault::TooLarge { what: "cores", .. })));
}

/// The bytes of a batch never change: auditors and other programs read them. Written out once.
#[test]
fn golden_bytes_of_a_header() {
    let (batch, _) = sealed(2, Head::default());
    assert_eq!(batch.hash().to_string(), GOLDEN_HEADER_HASH);
    assert_eq!(&batch.header.bytes[..11], b"DSB1\x0531117\xd6");
}

const GOLDEN_HEADER_HASH: &str = "6903371ed8948758ec0344e5d311ccae639cfe38a32da020c89d53e3252fd38d";
