//! Leaves that are erased: the root stays, the rest is as it was.

use super::{SALT_BYTES, sealed, unit};
use crate::{chain::*, domain::Sequence};
use danso_tier_config::Policy;

fn leaves(frame: &[u8]) -> Leaves {
    read_frame(frame, "personal", 100).unwrap()
}

fn leaf(leaves: &Leaves, place: usize) -> PersonalLeaf<'_> {
    PersonalLeaf::decode(leaves.get(place).unwrap()).unwrap()
}

fn ordered(header: &Header, frame: &[u8], place: u64) -> ErasedLeaf {
    let hash = leaf(&leaves(frame), place as usize).hash();
    ErasedLeaf { number: header.number, sequence: header.first.plus(place), hash }
}

#[test]
fn an_erased_leaf_is_gone_and_the_batch_still_opens() {
    let (batch, header) = sealed(6, Head::default());
    let frame = batch.personal.clone().unwrap();
    let order = [ordered(&header, &frame, 0), ordered(&header, &frame, 4)];
    let (erased, count) = erase_leaves(&frame, &header, &order).unwrap();
    assert_eq!(count, 2);
    let (before, after) = (leaves(&frame), leaves(&erased));
    for place in 0..6 {
        let whole = leaf(&before, place);
        let expected = if place == 0 || place == 4 { PersonalLeaf::Erased(whole.hash()) } else { whole };
        assert!(leaf(&after, place) == expected, "leaf {place}");
    }
    let plain = read_frame(&erased, "personal", 6).unwrap().to_vec().concat();
    assert!(!plain.windows(6).any(|bytes| bytes == "tên 0".as_bytes()));
    assert!(!plain.windows(SALT_BYTES).any(|bytes| bytes == [4; SALT_BYTES]), "the salt stayed");
    let erased = strip(Batch { personal: Some(erased), ..batch }, Policy::Names);
    assert!(open(&erased, &header, Policy::Names).is_ok());
}

#[test]
fn a_leaf_with_another_hash_is_refused_and_nothing_erased() {
    let (batch, header) = sealed(4, Head::default());
    let frame = batch.personal.unwrap();
    let wrong = ErasedLeaf { hash: Digest([9; 32]), ..ordered(&header, &frame, 2) };
    let order = [ordered(&header, &frame, 0), wrong];
    assert_eq!(erase_leaves(&frame, &header, &order), Err(Fault::Root { frame: "personal" }));
}

#[test]
fn an_order_carried_out_again_erases_nothing_more() {
    let (batch, header) = sealed(4, Head::default());
    let frame = batch.personal.unwrap();
    let order = [ordered(&header, &frame, 2)];
    let (erased, first) = erase_leaves(&frame, &header, &order).unwrap();
    let (again, second) = erase_leaves(&erased, &header, &order).unwrap();
    assert_eq!((first, second), (1, 0));
    assert!(leaves(&again) == leaves(&erased));
}

#[test]
fn leaves_of_other_batches_and_of_changes_that_name_nobody_are_passed_over() {
    let (batch, header) = sealed(4, Head::default());
    let frame = batch.personal.unwrap();
    let present = ordered(&header, &frame, 2);
    let order = [
        ErasedLeaf { number: header.number.next(), ..present },
        ErasedLeaf { sequence: header.last().plus(1), ..present },
        ErasedLeaf { sequence: Sequence(0), ..present },
        ordered(&header, &frame, 1),
    ];
    let (same, erased) = erase_leaves(&frame, &header, &order).unwrap();
    assert_eq!(erased, 0);
    assert!(leaves(&same) == leaves(&frame));
}

#[test]
fn a_frame_that_is_not_the_batchs_own_is_refused() {
    let (batch, header) = sealed(4, Head::default());
    let frame = batch.personal.unwrap();
    let mut encoded = leaves(&frame).to_vec();
    encoded[0] = PersonalLeaf::Erased(Digest([1; 32])).encode();
    let other = write_frame(encoded.iter().map(Vec::as_slice));
    assert_eq!(erase_leaves(&other, &header, &[]), Err(Fault::Root { frame: "personal" }));
    let short = write_frame(encoded[..3].iter().map(Vec::as_slice));
    assert_eq!(erase_leaves(&short, &header, &[]), Err(Fault::Root { frame: "personal" }));
    let longer = write_frame(encoded.iter().chain([&Vec::new()]).map(Vec::as_slice));
    assert_eq!(erase_leaves(&longer, &header, &[]), Err(Fault::Malformed("personal")));
}

#[test]
fn an_order_is_known_by_the_digest_of_its_bytes() {
    let key = LedgerKey::from_seed(&[7; 32]);
    let order = ErasureOrder {
        origin: unit(),
        request: "2026-17".to_owned(),
        person: crate::domain::PersonId { unit: unit(), serial: 12 },
        leaves: vec![ErasedLeaf { number: BatchNumber(1), sequence: Sequence(3), hash: Digest([3; 32]) }],
        ordered_at_ms: 5,
    };
    let signed = Signed::sign(&order, &key);
    assert_eq!(signed.verify::<ErasureOrder>(key.public()), Ok(order.clone()));
    let later = Signed::sign(&ErasureOrder { ordered_at_ms: 6, ..order }, &key);
    assert_ne!(order_digest(&signed), order_digest(&later));
    assert_eq!(order_digest(&signed), Digest::of(&[&signed.bytes]));
}

#[test]
fn only_leaves_of_this_batch_with_the_very_hash_match_an_order() {
    let (batch, header) = sealed(4, Head::default());
    let frame = batch.personal.unwrap();
    let present = ordered(&header, &frame, 2);
    let others = [
        ErasedLeaf { number: header.number.next(), ..present },
        ErasedLeaf { sequence: header.last().plus(1), ..present },
        ErasedLeaf { sequence: Sequence(0), ..present },
        ErasedLeaf { hash: Digest([9; 32]), ..present },
        ErasedLeaf { sequence: header.first, ..present },
    ];
    assert_eq!(matching_leaves(&frame, &header, &others), Ok(vec![]));
    let first = ordered(&header, &frame, 0);
    let order = [others.as_slice(), &[present, first]].concat();
    assert_eq!(matching_leaves(&frame, &header, &order), Ok(vec![present, first]));
    // A leaf that was erased already keeps its hash, so it matches still.
    let (erased, _) = erase_leaves(&frame, &header, &[first]).unwrap();
    assert_eq!(matching_leaves(&erased, &header, &[first]), Ok(vec![first]));
    assert_eq!(matching_leaves(b"no frame", &header, &[first]), Err(Fault::Malformed("personal")));
}
