//! Lists of revocations: signed whole, and small enough at their fullest.

use super::unit;
use crate::chain::*;
use danso_tier_config::limits;

fn full() -> Revocations {
    let reason = "ậ".repeat(limits::REVOCATION_REASON_CHARS_MAX);
    let what = Revoked::Node { unit: unit(), issued_until_ms: u64::MAX, after: Some(BatchNumber(u64::MAX)) };
    let entry = Revocation { what, reason, at_ms: u64::MAX };
    let entries = vec![entry; limits::REVOCATIONS_MAX];
    Revocations { issuer: unit(), version: u64::MAX, issued_at_ms: u64::MAX, entries }
}

#[test]
fn the_fullest_list_verifies_and_a_longer_one_is_refused() {
    let key = LedgerKey::from_seed(&[7; 32]);
    let mut list = full();
    let signed = Signed::sign(&list, &key);
    assert_eq!(signed.verify::<Revocations>(key.public()), Ok(list.clone()));
    let one = list.entries[0].clone();
    let more = Revocations::BYTES_MAX / signed.bytes.len() * list.entries.len();
    list.entries.extend(vec![one; more]);
    let long = Signed::sign(&list, &key);
    assert!(matches!(long.verify::<Revocations>(key.public()), Err(Fault::TooLarge { .. })));
}

#[test]
fn an_entry_taken_out_of_a_list_breaks_its_signature() {
    let key = LedgerKey::from_seed(&[7; 32]);
    let certificate = |serial| Revocation {
        what: Revoked::Certificate { serial: [serial; 16] },
        reason: "mất máy".to_owned(),
        at_ms: 5,
    };
    let list = Revocations {
        issuer: unit(),
        version: 2,
        issued_at_ms: 5,
        entries: vec![certificate(1), certificate(2)],
    };
    let signed = Signed::sign(&list, &key);
    let shorter = Revocations { entries: vec![certificate(1)], ..list };
    let shorter = Signed { signature: signed.signature.clone(), ..Signed::sign(&shorter, &key) };
    assert_eq!(shorter.verify::<Revocations>(key.public()), Err(Fault::Signature));
    // A list under somebody else's key is no list.
    assert_eq!(signed.verify::<Revocations>(LedgerKey::from_seed(&[8; 32]).public()), Err(Fault::Signature));
}
