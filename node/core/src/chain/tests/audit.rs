//! An audit chain that was altered, shortened in the middle, reordered or added to is found out, by number.

use super::unit;
use crate::chain::*;

fn key(seed: u8) -> LedgerKey {
    LedgerKey::from_seed(&[seed; 32])
}

/// Key 1, then key 2, of which either may sign.
fn ring() -> KeyRing {
    let first = Registration { unit: unit(), key: key(1).public().to_bytes(), registered_at_ms: 1 };
    let claim = KeyClaim {
        unit: unit(),
        key: key(2).public().to_bytes(),
        replaces: Some(key(1).public().id()),
        after: BatchNumber(0),
        hash: Digest::default(),
        claimed_at_ms: 2,
    };
    let claim = Signed::sign(&claim, &key(2));
    let grant = Signed::sign(&KeyGrant { claim, grantor: Grantor::Former, granted_at_ms: 2 }, &key(1));
    let mut ring = KeyRing::default();
    for signed in [Signed::sign(&first, &key(9)), grant] {
        ring.admit(stored_epoch(&signed).unwrap());
    }
    ring
}

fn entry(head: &AuditHead, seed: u8, subject: &str) -> (Signed, AuditHead) {
    let entry = AuditEntry {
        unit: unit(),
        number: head.number + 1,
        previous: head.hash,
        at_ms: 1_000 + head.number,
        actor: "account hoa.nguyen".to_owned(),
        deed: Deed::PersonalRead,
        subject: subject.to_owned(),
        key: key(seed).public().id(),
    };
    let signed = Signed::sign(&entry, &key(seed));
    let head = AuditHead::after(&entry, &signed);
    (signed, head)
}

/// Eight entries, the last four under the second key.
fn log() -> Vec<Signed> {
    let mut head = AuditHead::default();
    let mut log = Vec::new();
    for number in 1..=8 {
        let (signed, after) = entry(&head, if number > 4 { 2 } else { 1 }, &format!("person {number}"));
        head = after;
        log.push(signed);
    }
    log
}

/// The number at which a walk breaks; `None` for a whole log.
fn broken(log: &[Signed]) -> Option<u64> {
    let mut trail = AuditTrail::default();
    let ring = ring();
    let broken = log.iter().find_map(|signed| trail.follow(signed, unit(), &ring).err());
    broken.map(|fault| match fault {
        Fault::Audit { number } => number,
        other => panic!("{other}"),
    })
}

#[test]
fn a_whole_log_is_followed_to_its_head() {
    let log = log();
    assert_eq!(broken(&log), None);
    let mut trail = AuditTrail::default();
    let last = log.iter().map(|signed| trail.follow(signed, unit(), &ring()).unwrap()).last().unwrap();
    assert_eq!((last.number, last.subject.as_str()), (8, "person 8"));
    assert_eq!(trail.head, AuditHead { number: 8, hash: Digest::of(&[&log[7].bytes]) });
}

#[test]
fn every_altered_entry_is_named() {
    for place in 0..8 {
        let mut log = log();
        for bit in [0, 33, log[place].bytes.len() * 8 - 1] {
            log[place].bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(broken(&log), Some(place as u64 + 1), "bit {bit}");
            log[place].bytes[bit / 8] ^= 1 << (bit % 8);
        }
        log[place].signature[3] ^= 1;
        assert_eq!(broken(&log), Some(place as u64 + 1));
    }
}

#[test]
fn a_removed_entry_is_named() {
    for place in 0..7 {
        let mut log = log();
        log.remove(place);
        assert_eq!(broken(&log), Some(place as u64 + 1));
    }
    // The last one leaves no trace in the log itself: that is what anchors at the parent are for.
    let mut log = log();
    log.pop();
    assert_eq!(broken(&log), None);
}

#[test]
fn swapped_and_inserted_entries_are_named() {
    for place in 0..7 {
        let mut swapped = log();
        swapped.swap(place, place + 1);
        assert_eq!(broken(&swapped), Some(place as u64 + 1));
        let mut repeated = log();
        repeated.insert(place + 1, repeated[place].clone());
        assert_eq!(broken(&repeated), Some(place as u64 + 2));
    }
    // Well signed and numbered, but the next one does not follow it.
    let mut replaced = log();
    let head = AuditTrail::default();
    let mut trail = head;
    for signed in &replaced[..5] {
        trail.follow(signed, unit(), &ring()).unwrap();
    }
    replaced[5] = entry(&trail.head, 2, "another").0;
    assert_eq!(broken(&replaced), Some(7));
}

#[test]
fn a_key_that_has_a_successor_signs_no_more() {
    let mut log = log();
    let mut trail = AuditTrail::default();
    for signed in &log {
        trail.follow(signed, unit(), &ring()).unwrap();
    }
    log.push(entry(&trail.head, 1, "by the old key").0);
    assert_eq!(broken(&log), Some(9));
}

#[test]
fn an_entry_of_another_node_or_kind_or_by_another_key_is_named() {
    let entry_of = |seed, unit, key_named: u8| {
        let entry = AuditEntry {
            unit,
            number: 1,
            previous: Digest::default(),
            at_ms: 1,
            actor: "local".to_owned(),
            deed: Deed::Started,
            subject: String::new(),
            key: key(key_named).public().id(),
        };
        Signed::sign(&entry, &key(seed))
    };
    assert_eq!(broken(&[entry_of(1, unit(), 1)]), None);
    assert_eq!(broken(&[entry_of(1, "00004@2025-07-01".parse().unwrap(), 1)]), Some(1));
    assert_eq!(broken(&[entry_of(7, unit(), 7)]), Some(1));
    // Signed with one key of the unit, naming another.
    assert_eq!(broken(&[entry_of(1, unit(), 2)]), Some(1));
    let done =
        ErasureDone { tier_unit: unit(), origin: unit(), order: Digest::default(), erased: 1, done_at_ms: 1 };
    assert_eq!(broken(&[Signed::sign(&done, &key(1))]), Some(1));
    assert_eq!(Fault::Audit { number: 1 }.code(), "audit_broken");
}

#[test]
fn every_deed_has_a_word_of_its_own_and_keeps_its_place_in_the_format() {
    for (place, deed) in Deed::ALL.into_iter().enumerate() {
        assert_eq!(Deed::from_word(deed.as_str()), Some(deed));
        assert_eq!(deed as usize, place);
    }
    assert_eq!(Deed::from_word("nothing"), None);
}
