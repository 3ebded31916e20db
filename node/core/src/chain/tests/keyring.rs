//! Keys one after the other: what each may sign, and who may grant it.

use super::{changes, unit};
use crate::chain::*;
use danso_tier_config::UnitId;
use std::collections::BTreeMap;

fn key(seed: u8) -> LedgerKey {
    LedgerKey::from_seed(&[seed; 32])
}

fn above() -> UnitId {
    "311@2025-07-01".parse().unwrap()
}

fn stranger() -> UnitId {
    "999@2025-07-01".parse().unwrap()
}

fn head(number: u64) -> Head {
    Head { number: BatchNumber(number), hash: Digest([number as u8; 32]), ..Head::default() }
}

/// What is known of keys: the authority's is 1, that of the unit above 2.
struct Known(BTreeMap<UnitId, KeyRing>);

impl Known {
    /// The unit above, a stranger (key 3) and the unit itself (key 10) are registered.
    fn new() -> Self {
        let mut known = Self(BTreeMap::new());
        for (of, seed) in [(above(), 2), (stranger(), 3), (unit(), 10)] {
            known.take(&registration(of, &key(seed))).unwrap();
        }
        known
    }

    fn examine(&self, signed: &Signed) -> Result<Option<(UnitId, Epoch)>, Fault> {
        let ring_of = |unit| self.0.get(&unit).cloned();
        let is_above = |one, other| one == above() && other == unit();
        let authority = key(1).public();
        examine(signed, &Grounds { authority, ring_of: &ring_of, is_above: &is_above })
    }

    /// Whether it was new.
    fn take(&mut self, signed: &Signed) -> Result<bool, Fault> {
        let Some((unit, epoch)) = self.examine(signed)? else { return Ok(false) };
        self.0.entry(unit).or_default().admit(epoch);
        Ok(true)
    }

    fn ring(&self) -> &KeyRing {
        &self.0[&unit()]
    }
}

fn registration(unit: UnitId, key: &LedgerKey) -> Signed {
    let key = key.public().to_bytes();
    Signed::sign(&Registration { unit, key, registered_at_ms: 1 }, &self::key(1))
}

fn claim(new: &LedgerKey, replaces: &LedgerKey, at: Head) -> KeyClaim {
    KeyClaim {
        unit: unit(),
        key: new.public().to_bytes(),
        replaces: Some(replaces.public().id()),
        after: at.number,
        hash: at.hash,
        claimed_at_ms: 5,
    }
}

fn grant(claim: &KeyClaim, claimant: &LedgerKey, grantor: Grantor, signer: &LedgerKey) -> Signed {
    let claim = Signed::sign(claim, claimant);
    Signed::sign(&KeyGrant { claim, grantor, granted_at_ms: 6 }, signer)
}

/// A rotation as a node writes it.
fn rotated(new: &LedgerKey, old: &LedgerKey, at: Head) -> Signed {
    grant(&claim(new, old, at), new, Grantor::Former, old)
}

fn batch_after(at: Head, key: &LedgerKey) -> Signed {
    let changes = changes(at.next.0, 1);
    seal(&SealInput { origin: unit(), head: at, changes: &changes, deltas: &[] }, key).header
}

#[test]
fn each_key_signs_from_its_cut_over_to_the_next() {
    let mut known = Known::new();
    let mut batches = Vec::new();
    let mut at = Head::default();
    for seed in [10, 11, 12] {
        for _ in 0..3 {
            let batch = batch_after(at, &key(seed));
            let header = known.ring().verify_header(unit(), &batch).unwrap();
            at = Head::after(&header, Digest::of(&[&batch.bytes]));
            batches.push(batch);
        }
        assert!(known.take(&rotated(&key(seed + 1), &key(seed), at)).unwrap());
    }
    assert_eq!(known.ring().epochs().len(), 4);
    // Old batches verify for ever.
    for batch in &batches {
        known.ring().verify_header(unit(), batch).unwrap();
    }
    // And every key is refused everywhere else.
    for (seed, of, number) in [(10, 10, 10), (11, 11, 10), (12, 12, 10)] {
        let refused = known.ring().verify_header(unit(), &batch_after(at, &key(seed))).unwrap_err();
        let number = BatchNumber(number);
        assert_eq!(refused, Fault::KeyOutOfTurn { origin: unit(), number, key: key(of).public().id() });
        assert_eq!(refused.code(), "key_out_of_turn");
    }
    let early = batch_after(Head::default(), &key(13));
    let refused = known.ring().verify_header(unit(), &early).unwrap_err();
    assert_eq!(refused.code(), "key_out_of_turn");
    known.ring().verify_header(unit(), &batch_after(at, &key(13))).unwrap();
}

#[test]
fn a_key_that_the_unit_never_had_is_unknown_or_does_not_verify() {
    let mut known = Known::new();
    let refused = known.ring().verify_header(unit(), &batch_after(Head::default(), &key(77))).unwrap_err();
    assert_eq!(refused, Fault::Signature);
    // Signed with a key of the unit, naming another of its keys.
    known.take(&rotated(&key(11), &key(10), Head::default())).unwrap();
    let mut header: Header = batch_after(Head::default(), &key(11)).decode_trusted().unwrap();
    header.key = key(11).public().id();
    let crossed = Signed::sign(&header, &key(10));
    assert_eq!(known.ring().verify_header(unit(), &crossed), Err(Fault::Signature));
    header.key = KeyId([9; 8]);
    let unknown = Signed::sign(&header, &key(11));
    assert_eq!(known.ring().verify_header(unit(), &unknown).unwrap_err().code(), "batch_unknown_key");
    let none = KeyRing::default().verify_header(unit(), &crossed).unwrap_err();
    assert_eq!(none.code(), "batch_unknown_key");
}

#[test]
fn the_first_batch_under_a_key_follows_the_batch_that_its_claim_names() {
    let mut known = Known::new();
    known.take(&rotated(&key(11), &key(10), head(7))).unwrap();
    known.ring().verify_header(unit(), &batch_after(head(7), &key(11))).unwrap();
    let other = Head { hash: Digest([0xee; 32]), ..head(7) };
    let refused = known.ring().verify_header(unit(), &batch_after(other, &key(11)));
    assert_eq!(refused, Err(Fault::WrongPrevious { origin: unit(), number: BatchNumber(8) }));
}

#[test]
fn two_rotations_without_a_batch_between_leave_the_first_key_nothing_to_sign() {
    let mut known = Known::new();
    known.take(&rotated(&key(11), &key(10), head(7))).unwrap();
    known.take(&rotated(&key(12), &key(11), head(7))).unwrap();
    for number in [7, 8] {
        let refused = known.ring().key_for(unit(), key(11).public().id(), BatchNumber(number)).unwrap_err();
        assert_eq!(refused.code(), "key_out_of_turn", "batch {number}");
    }
    assert_eq!(known.ring().key_for(unit(), key(10).public().id(), BatchNumber(7)), Ok(key(10).public()));
    assert_eq!(known.ring().key_for(unit(), key(12).public().id(), BatchNumber(8)), Ok(key(12).public()));
}

#[test]
fn a_grant_by_somebody_who_may_not_is_refused() {
    let known = Known::new();
    let claim = claim(&key(11), &key(10), head(7));
    let refused = Fault::Grantor { unit: unit() };
    // A stranger, a unit below or beside, the unit itself, a unit above whose keys are not known.
    for (grantor, seed) in [(stranger(), 3), (unit(), 10)] {
        let grant = grant(&claim, &key(11), Grantor::Unit(grantor), &key(seed));
        assert_eq!(known.examine(&grant), Err(refused.clone()), "{grantor}");
    }
    assert_eq!(refused.code(), "key_grantor");
    let mut unknown_above = Known::new();
    unknown_above.0.remove(&above());
    let by_above = grant(&claim, &key(11), Grantor::Unit(above()), &key(2));
    assert_eq!(unknown_above.examine(&by_above), Err(refused.clone()));
    assert!(known.examine(&by_above).unwrap().is_some());
    // Somebody else's signature under the name of one who may.
    for grantor in [Grantor::Unit(above()), Grantor::Former, Grantor::Authority] {
        let forged = grant(&claim, &key(11), grantor, &key(3));
        assert_eq!(known.examine(&forged), Err(Fault::Signature), "{grantor:?}");
    }
    // A rotation of a unit of which nothing is known.
    let mut nobody = Known::new();
    nobody.0.remove(&unit());
    assert_eq!(nobody.examine(&rotated(&key(11), &key(10), head(7))), Err(refused));
}

#[test]
fn a_claim_that_its_key_did_not_sign_is_refused() {
    let known = Known::new();
    let claim = claim(&key(11), &key(10), head(7));
    // The former key's holder claims a key that he does not have.
    let forged = grant(&claim, &key(10), Grantor::Former, &key(10));
    assert_eq!(known.examine(&forged), Err(Fault::Signature));
    let mut weak = claim;
    weak.key = [0; 32];
    let weak = grant(&weak, &key(11), Grantor::Former, &key(10));
    assert_eq!(known.examine(&weak), Err(Fault::Key));
}

#[test]
fn a_second_key_in_the_same_place_is_a_fork_of_keys() {
    let mut known = Known::new();
    known.take(&rotated(&key(11), &key(10), head(7))).unwrap();
    let fork = Err(Fault::KeyFork { unit: unit() });
    // The thief of the old key, the unit above, and the authority anew.
    assert_eq!(known.examine(&rotated(&key(21), &key(10), head(7))), fork);
    assert_eq!(known.examine(&rotated(&key(21), &key(10), head(9))), fork);
    let by_above = grant(&claim(&key(21), &key(10), head(7)), &key(21), Grantor::Unit(above()), &key(2));
    assert_eq!(known.examine(&by_above), fork);
    assert_eq!(known.examine(&registration(unit(), &key(21))), fork);
    // A cut-over before the one of the key replaced.
    assert_eq!(known.examine(&rotated(&key(21), &key(11), head(6))), fork);
    // A key that was replaced does not come back.
    assert_eq!(known.examine(&rotated(&key(10), &key(11), head(9))), fork);
    assert_eq!(Fault::KeyFork { unit: unit() }.code(), "key_fork");
}

#[test]
fn old_words_said_again_change_nothing() {
    let mut known = Known::new();
    let words = [
        registration(unit(), &key(10)),
        rotated(&key(11), &key(10), head(7)),
        rotated(&key(12), &key(11), head(9)),
    ];
    for word in &words[1..] {
        assert!(known.take(word).unwrap());
    }
    let before = known.ring().clone();
    for word in &words {
        assert!(!known.take(word).unwrap());
        let (of, epoch) = (key_subject(word).unwrap(), stored_epoch(word).unwrap());
        assert_eq!(of, unit());
        known.0.get_mut(&of).unwrap().admit(epoch);
    }
    // The same key granted in other words.
    let again = grant(&claim(&key(11), &key(10), head(7)), &key(11), Grantor::Unit(above()), &key(2));
    assert!(!known.take(&again).unwrap());
    assert_eq!(*known.ring(), before);
}

#[test]
fn a_key_that_is_held_stays_held_whoever_grants_it_again() {
    let mut known = Known::new();
    known.take(&rotated(&key(11), &key(10), head(7))).unwrap();
    // A unit that moved brings the word of a unit that is not above it here.
    let by_stranger =
        |at| grant(&claim(&key(11), &key(10), at), &key(11), Grantor::Unit(stranger()), &key(3));
    assert_eq!(known.examine(&by_stranger(head(7))), Ok(None));
    let other = Head { hash: Digest([0xee; 32]), ..head(7) };
    for at in [other, head(8)] {
        assert_eq!(known.examine(&by_stranger(at)), Err(Fault::Grantor { unit: unit() }));
    }
}

#[test]
fn a_lost_key_is_replaced_by_the_unit_above() {
    let mut known = Known::new();
    let lost = grant(&claim(&key(11), &key(10), head(7)), &key(11), Grantor::Unit(above()), &key(2));
    assert!(known.take(&lost).unwrap());
    known.ring().verify_header(unit(), &batch_after(head(7), &key(11))).unwrap();
    let old = known.ring().key_for(unit(), key(10).public().id(), BatchNumber(8)).unwrap_err();
    assert_eq!(old.code(), "key_out_of_turn");
}

#[test]
fn the_unit_above_replaces_a_key_whose_cut_over_was_never_reached() {
    let mut known = Known::new();
    // Rotated at batch 50, of which the tiers above have 7: the computer died, or somebody else rotated it.
    known.take(&rotated(&key(11), &key(10), head(50))).unwrap();
    let back = claim(&key(12), &key(11), head(7));
    let by_itself = grant(&back, &key(12), Grantor::Former, &key(11));
    assert_eq!(known.examine(&by_itself), Err(Fault::KeyFork { unit: unit() }));
    assert!(known.take(&grant(&back, &key(12), Grantor::Unit(above()), &key(2))).unwrap());
    let may =
        |seed, number| known.ring().key_for(unit(), key(seed).public().id(), BatchNumber(number)).is_ok();
    assert!(may(10, 7) && !may(10, 8) && !may(10, 50));
    assert!(!may(11, 8) && !may(11, 51));
    assert!(!may(12, 7) && may(12, 8) && may(12, 51));
    known.ring().verify_header(unit(), &batch_after(head(7), &key(12))).unwrap();
    // And it goes on from there.
    let next = rotated(&key(13), &key(12), head(9));
    assert!(known.take(&next).unwrap());
    assert!(known.ring().key_for(unit(), key(12).public().id(), BatchNumber(10)).is_err());
}

#[test]
fn a_first_key_begins_the_chain() {
    let mut known = Known::new();
    known.0.remove(&unit());
    let mut first = claim(&key(11), &key(10), head(7));
    // A claim to follow a key that nobody has heard of.
    let second = grant(&first, &key(11), Grantor::Unit(above()), &key(2));
    assert_eq!(known.examine(&second), Err(Fault::Grantor { unit: unit() }));
    first.replaces = None;
    for (after, hash) in [(7, head(7).hash), (7, Digest::default()), (0, head(7).hash)] {
        let late = KeyClaim { after: BatchNumber(after), hash, ..first.clone() };
        let late = grant(&late, &key(11), Grantor::Unit(above()), &key(2));
        assert_eq!(known.examine(&late), Err(Fault::Malformed("claim of a first key")), "{after} {hash}");
    }
    (first.after, first.hash) = (BatchNumber(0), Digest::default());
    let first = grant(&first, &key(11), Grantor::Unit(above()), &key(2));
    assert!(known.take(&first).unwrap());
    known.ring().verify_header(unit(), &batch_after(Head::default(), &key(11))).unwrap();
}

#[test]
fn a_statement_verifies_with_any_key_of_its_signer() {
    let mut known = Known::new();
    known.take(&rotated(&key(11), &key(10), head(7))).unwrap();
    let receipt = Receipt {
        parent: unit(),
        origin: unit(),
        number: BatchNumber(1),
        hash: Digest::default(),
        quarantined: Vec::new(),
        accepted_at_ms: 1,
    };
    for (seed, expected) in
        [(10, Ok(receipt.clone())), (11, Ok(receipt.clone())), (12, Err(Fault::Signature))]
    {
        assert_eq!(known.ring().verify::<Receipt>(&Signed::sign(&receipt, &key(seed))), expected, "{seed}");
    }
    let other = Signed::sign(&receipt, &key(11));
    assert_eq!(known.ring().verify::<Exclusions>(&other), Err(Fault::Kind));
}

#[test]
fn a_grant_longer_than_its_bound_is_refused_before_it_is_read() {
    let bytes = [b"DSK2".as_slice(), &[0; KeyGrant::BYTES_MAX]].concat();
    let long = Signed { bytes, signature: vec![0; SIGNATURE_BYTES] };
    assert!(matches!(key_subject(&long), Err(Fault::TooLarge { what: "key grant", .. })));
    let bytes = long.bytes[..KeyGrant::BYTES_MAX].to_vec();
    assert_eq!(key_subject(&Signed { bytes, ..long }), Err(Fault::Malformed("statement")));
}

#[test]
fn what_a_key_says_of_its_successor_does_not_make_the_successor_younger() {
    let mut known = Known::new();
    known.take(&rotated(&key(11), &key(10), head(3))).unwrap();
    // The rotation claims to be of time 6; somebody above stood for the first key at 1.
    assert_eq!(known.ring().vouched_at_ms(key(10).public().id()), Some(1));
    assert_eq!(known.ring().vouched_at_ms(key(11).public().id()), Some(1));
    // A key that the unit above granted counts from that grant on.
    let replaced = grant(&claim(&key(12), &key(11), head(5)), &key(12), Grantor::Unit(above()), &key(2));
    known.take(&replaced).unwrap();
    assert_eq!(known.ring().vouched_at_ms(key(12).public().id()), Some(6));
    assert_eq!(known.ring().vouched_at_ms(key(99).public().id()), None);
}

#[test]
fn a_unit_has_a_bounded_number_of_keys() {
    let mut known = Known::new();
    let last = 10 + danso_tier_config::limits::LEDGER_KEYS_PER_UNIT_MAX as u8 - 1;
    for seed in 10..last {
        assert!(known.take(&rotated(&key(seed + 1), &key(seed), head(u64::from(seed)))).unwrap());
    }
    let one_more = rotated(&key(last + 1), &key(last), head(u64::from(last)));
    assert_eq!(known.take(&one_more).unwrap_err(), Fault::KeyFork { unit: unit() });
    // A thief may have used them all up: the unit above still gives another one.
    let claimed = claim(&key(last + 1), &key(last), head(u64::from(last)));
    let replaced = grant(&claimed, &key(last + 1), Grantor::Unit(above()), &key(2));
    assert!(known.take(&replaced).unwrap());
}
