//! Frames and their bounds: what each boundary refuses, and the bytes that a frame is made of.

use super::{changes, sealed, unit};
use crate::chain::*;
use danso_tier_config::{Policy, limits};

/// A frame of these plain bytes, whatever they are.
fn compressed(plain: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(plain, 3).unwrap()
}

fn plain_of(leaves: &[&[u8]]) -> Vec<u8> {
    zstd::bulk::decompress(&write_frame(leaves.iter().copied()), 1 << 20).unwrap()
}

#[test]
fn a_leaf_begins_with_its_length_in_sevens_of_bits_from_the_lowest() {
    let cases: [(usize, &[u8]); 8] = [
        (0, &[0]),
        (1, &[1]),
        (127, &[0x7f]),
        (128, &[0x80, 1]),
        (200, &[0xc8, 1]),
        (300, &[0xac, 2]),
        (16_383, &[0xff, 0x7f]),
        (16_384, &[0x80, 0x80, 1]),
    ];
    for (length, prefix) in cases {
        let leaf = vec![7; length];
        let plain = plain_of(&[&leaf]);
        assert_eq!(plain[..prefix.len()], *prefix, "{length}");
        assert_eq!(plain[prefix.len()..], leaf, "{length}");
        let frame = write_frame([leaf.as_slice(), b"next"]);
        assert_eq!(read_frame(&frame, "cores", 2).unwrap().to_vec(), [leaf, b"next".to_vec()]);
    }
}

#[test]
fn lengths_that_are_cut_or_too_long_or_written_longer_than_need_be_are_malformed() {
    let malformed = Err(Fault::Malformed("cores"));
    let longer: [&[u8]; 3] = [&[0x81, 0, 7], &[0x80, 0], &[0x81, 0x80, 0, 7]];
    for plain in [&[5, 1, 2][..], &[0x80], &[0x80, 0x80, 0x80, 0x80, 0], &[1]].into_iter().chain(longer) {
        assert_eq!(read_frame(&compressed(plain), "cores", 9), malformed, "{plain:?}");
    }
    assert_eq!(read_frame(b"no frame at all", "cores", 9), malformed);
    assert_eq!(read_frame(&compressed(&[1, 5, 0]), "cores", 1), malformed, "a leaf too many");
    assert_eq!(read_frame(&compressed(&[1, 5, 0]), "cores", 2).unwrap().to_vec(), [vec![5], vec![]]);
}

#[test]
fn a_frame_is_bounded_before_and_after_it_is_unpacked() {
    let max = limits::FRAME_BYTES_MAX;
    let full = read_frame(&vec![0; max], "cores", 1);
    assert_eq!(full, Err(Fault::Malformed("cores")), "not the size is wrong");
    let bytes = max + 1;
    let refused = Fault::TooLarge { what: "cores", bytes, max };
    assert_eq!(read_frame(&vec![0; bytes], "cores", 1), Err(refused.clone()));
    assert_eq!(refused.code(), "batch_too_large");
    let max = limits::FRAME_PLAIN_BYTES_MAX;
    // A leaf of 3 bytes of length, and what is left.
    let mut plain = vec![0; max];
    let first = 1 << 20;
    let (count, step) = (max / (first + 3), first + 3);
    for place in 0..count {
        plain[place * step..][..3].copy_from_slice(&[0x80, 0x80, 0x40]);
    }
    let leaves = read_frame(&compressed(&plain), "cores", max).unwrap();
    assert_eq!(leaves.iter().filter(|leaf| leaf.len() == first).count(), count);
    plain.push(0);
    let bytes = max + 1;
    assert_eq!(
        read_frame(&compressed(&plain), "cores", max),
        Err(Fault::TooLarge { what: "cores", bytes, max })
    );
}

#[test]
fn a_batch_has_the_size_of_its_header_its_signature_and_its_frames() {
    let (full, _) = sealed(5, Head::default());
    let length = |frame: &Option<Vec<u8>>| frame.as_ref().map_or(0, Vec::len);
    let head = full.header.bytes.len() + 64;
    assert_eq!(full.size(), head + length(&full.personal) + length(&full.cores) + length(&full.deltas));
    let counts = strip(full, Policy::Counts);
    assert_eq!(counts.size(), head + length(&counts.deltas));
}

#[test]
fn a_batch_holds_at_least_one_change_and_no_more_than_the_limit() {
    let max = limits::BATCH_CHANGES_MAX as usize;
    let (full, header) = sealed(max, Head::default());
    let batch = strip(full, Policy::Cores);
    let contents = open(&batch, &header, Policy::Cores).unwrap();
    assert_eq!(contents.cores.map(|cores| cores.len()), Some(max));
    for bytes in [0, max + 1, max + 2] {
        let header = Header { changes: bytes as u32, ..header.clone() };
        let refused = Fault::TooLarge { what: "batch in changes", bytes, max };
        assert_eq!(open(&batch, &header, Policy::Cores).err(), Some(refused));
    }
}

#[test]
fn each_boundary_refuses_the_frames_that_may_not_pass_it() {
    let (full, header) = sealed(3, Head::default());
    let refused = |batch: &Batch, policy| open(batch, &header, policy).err();
    let fault = |frame, problem, policy| Some(Fault::Frames { frame, problem, policy });
    let names = strip(full.clone(), Policy::Names);
    let cores = strip(full.clone(), Policy::Cores);
    let counts = strip(full.clone(), Policy::Counts);
    // More than the policy allows.
    for policy in [Policy::Cores, Policy::Counts] {
        assert_eq!(refused(&names, policy), fault("personal", "not allowed", policy));
    }
    assert_eq!(refused(&cores, Policy::Counts), fault("cores", "not allowed", Policy::Counts));
    // Less than it allows passes, as long as something can be counted.
    for policy in [Policy::Names, Policy::Cores] {
        assert_eq!(refused(&cores, policy), None);
        assert_eq!(refused(&counts, policy), None);
        let nothing = Batch { deltas: None, ..counts.clone() };
        assert_eq!(refused(&nothing, policy), fault("cores", "missing", policy));
    }
    // Deltas and exclusions travel only where the cores do not.
    let both = Batch { personal: None, ..full };
    assert_eq!(refused(&both, Policy::Cores), fault("tallies", "not allowed", Policy::Cores));
    let exclusions = Some(cores.header.clone());
    let excluded = Batch { exclusions: exclusions.clone(), ..cores };
    assert_eq!(refused(&excluded, Policy::Cores), fault("exclusions", "not allowed", Policy::Cores));
    let excluded = Batch { exclusions, ..counts };
    assert_eq!(refused(&excluded, Policy::Counts), None);
}

#[test]
fn a_frame_of_another_number_of_leaves_or_another_root_is_refused_by_its_name() {
    let (full, header) = sealed(3, Head::default());
    let batch = strip(full, Policy::Names);
    let cores = read_frame(batch.cores.as_ref().unwrap(), "cores", 3).unwrap().to_vec();
    let framed = |leaves: &[Vec<u8>]| Some(write_frame(leaves.iter().map(Vec::as_slice)));
    let found = |batch: Batch| open(&batch, &header, Policy::Names).err();
    let short = |frame| Some(Fault::Leaves { frame, found: 2, expected: 3 });
    assert_eq!(found(Batch { cores: framed(&cores[..2]), ..batch.clone() }), short("cores"));
    assert_eq!(found(Batch { personal: framed(&vec![Vec::new(); 2]), ..batch.clone() }), short("personal"));
    let root = |frame| Some(Fault::Root { frame });
    let turned: Vec<Vec<u8>> = cores.into_iter().rev().collect();
    assert_eq!(found(Batch { cores: framed(&turned), ..batch.clone() }), root("cores"));
    assert_eq!(found(Batch { personal: framed(&vec![Vec::new(); 3]), ..batch.clone() }), root("personal"));
    let counts = Batch { personal: None, cores: None, deltas: framed(&[b"other".to_vec()]), ..batch };
    assert_eq!(found(counts), root("tallies"));
}

#[test]
fn deltas_recomputed_are_those_that_the_header_claims() {
    let (_, header) = sealed(2, Head::default());
    assert_eq!(check_deltas(&[b"delta".to_vec()], &header), Ok(()));
    let false_deltas = Fault::FalseDeltas { origin: unit(), number: BatchNumber(1) };
    for other in [vec![], vec![b"Delta".to_vec()], vec![b"delta".to_vec(); 2]] {
        assert_eq!(check_deltas(&other, &header), Err(false_deltas.clone()));
    }
    assert_eq!(false_deltas.code(), "batch_false_deltas");
}

#[test]
fn a_header_longer_than_its_bound_is_refused_before_its_origin_is_read() {
    let max = limits::HEADER_BYTES_MAX;
    let (batch, _) = sealed(1, Head::default());
    let mut bytes = batch.header.bytes;
    bytes.resize(max, 0);
    assert_eq!(origin_of(&bytes), Ok(unit()));
    for more in [1, 2] {
        bytes.resize(max + more, 0);
        assert_eq!(origin_of(&bytes), Err(Fault::TooLarge { what: "header", bytes: max + more, max }));
    }
}

#[test]
fn a_statement_longer_than_its_bound_is_refused_before_its_signature_is_checked() {
    let key = LedgerKey::from_seed(&[7; 32]);
    let of_length = |length| Signed { bytes: vec![0; length], signature: vec![0; SIGNATURE_BYTES] };
    let max = Registration::BYTES_MAX;
    assert_eq!(of_length(max).verify::<Registration>(key.public()), Err(Fault::Signature));
    let bytes = max + 1;
    let refused = Fault::TooLarge { what: "statement", bytes, max };
    assert_eq!(of_length(bytes).verify::<Registration>(key.public()), Err(refused));
}

#[test]
fn a_batch_is_sealed_from_the_first_to_the_last_moment_of_its_changes() {
    let (_, header) = sealed(4, Head::default());
    let changes = changes(1, 4);
    assert_eq!((header.recorded_from, header.recorded_to), (changes[0].recorded_at, changes[3].recorded_at));
    assert_eq!((header.changes, header.last().0), (4, 4));
}

#[test]
fn digests_keys_and_numbers_are_shown_as_programs_read_them() {
    let digest = Digest::of(&[b"abc"]);
    let whole = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(digest.to_string(), whole);
    assert_eq!(hex(&digest.0), whole);
    assert_eq!(format!("{digest:?}"), whole[..16]);
    assert_eq!(hex(&[0, 10, 255]), "000aff");
    assert_eq!(BatchNumber(41).to_string(), "41");
    let id = KeyId([0, 1, 2, 3, 0xfc, 0xfd, 0xfe, 0xff]);
    assert_eq!((id.to_string(), format!("{id:?}")), ("00010203fcfdfeff".into(), "00010203fcfdfeff".into()));
}

/// A secret key is never printed, and of bytes only how many.
#[test]
fn what_is_printed_of_keys_and_signed_bytes_gives_nothing_away() {
    let key = LedgerKey::from_seed(&[7; 32]);
    let id = key.public().id();
    assert_eq!(format!("{key:?}"), format!("LedgerKey({id})"));
    assert_eq!(format!("{:?}", key.public()), format!("PublicKey({id})"));
    let signed = Signed { bytes: b"abc".to_vec(), signature: Vec::new() };
    assert_eq!(format!("{signed:?}"), "Signed(3 bytes, ba7816bf8f01cfea)");
}

#[test]
fn a_frame_says_its_plain_size_and_holds_to_it() {
    let plain = [1, 5, 0];
    let malformed = Err(Fault::Malformed("cores"));
    let silent = zstd::stream::encode_all(plain.as_slice(), 3).unwrap();
    assert_eq!(read_frame(&silent, "cores", 2), malformed, "it does not say it");
    // The size lies behind the magic number and a byte of what else is there.
    let frame = compressed(&plain);
    assert_eq!(frame[5], 3);
    for said in [0, 2, 4, 255] {
        let mut lie = frame.clone();
        lie[5] = said;
        assert_eq!(read_frame(&lie, "cores", 2), malformed, "it says {said}");
    }
    assert_eq!(read_frame(&[frame.clone(), frame].concat(), "cores", 4), malformed, "another one follows");
    let bomb = compressed(&vec![0; 64 << 20]);
    let refused = Fault::TooLarge { what: "cores", bytes: 64 << 20, max: limits::FRAME_PLAIN_BYTES_MAX };
    assert_eq!(read_frame(&bomb, "cores", 1), Err(refused.clone()));
    // Nothing is unpacked for that.
    assert_eq!(read_frame(&bomb[..16], "cores", 1), Err(refused));
}
