//! What a lying district sends to the province.

use super::{Middle, commune, district, province};
use danso_core::{
    chain::{Batch, Header, LedgerKey, Signed, read_frame, strip, write_frame},
    domain::Core,
    rollup::claim,
};
use danso_tests::{
    forge::{ChildLink, Forger},
    unit, until,
};
use danso_tier_config::{Policy, limits};

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_batch_shows_above_as_a_gap() {
    let mut middle = Middle::new().await;
    let (one, two, three) = (middle.batch().await, middle.batch().await, middle.batch().await);
    middle.passed_on(&one).await;
    let refusal = middle.refused(&three, "batch_gap").await;
    assert_eq!((refusal.origin, refusal.expected), (commune().to_string(), 2));
    middle.passed_on(&two).await;
    middle.passed_on(&three).await;
    middle.assert_equal_counts();
    middle.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reordered_batches_are_taken_in_their_order_only() {
    let mut middle = Middle::new().await;
    let (one, two) = (middle.batch().await, middle.batch().await);
    assert_eq!(middle.refused(&two, "batch_gap").await.expected, 1);
    middle.passed_on(&one).await;
    middle.passed_on(&two).await;
    assert_eq!(middle.at_province(), 2);
    middle.assert_equal_counts();
    middle.end().await;
}

/// The header with one byte changed, the signature as it was.
fn altered_header(batch: &Batch, place: usize) -> Batch {
    let mut bytes = batch.header.bytes.clone();
    bytes[place] ^= 1;
    Batch { header: Signed { bytes, signature: batch.header.signature.clone() }, ..batch.clone() }
}

/// A frame with one byte of its last leaf changed, compressed anew.
fn altered_frame(frame: &[u8]) -> Vec<u8> {
    let mut leaves = read_frame(frame, "frame", limits::BATCH_DELTAS_MAX).unwrap().to_vec();
    *leaves.last_mut().unwrap().last_mut().unwrap() ^= 1;
    write_frame(leaves.iter().map(Vec::as_slice))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_altered_byte_anywhere_is_found_out_above() {
    let mut middle = Middle::new().await;
    let first = middle.batch().await;
    middle.passed_on(&first).await;
    let batch = middle.birth().await;
    // From the end, where hashes, times and the key id lie: the origin is read before the signature.
    let length = batch.header.bytes.len();
    for place in [length - 1, length - 9, length - 40, length - 80] {
        middle.refused(&altered_header(&batch, place), "batch_signature").await;
    }
    let mut signature = batch.clone();
    signature.header.signature[63] ^= 1;
    middle.refused(&signature, "batch_signature").await;
    let cores = batch.cores.as_ref().map(|frame| altered_frame(frame));
    middle.refused(&Batch { cores, ..batch.clone() }, "batch_root").await;
    let personal = batch.personal.as_ref().map(|frame| altered_frame(frame));
    middle.refused(&Batch { personal, ..batch.clone() }, "batch_root").await;
    // Less than the policy allows may be sent: then the deltas are what is verified.
    let counts = counts_only(&batch);
    let deltas = counts.deltas.as_ref().map(|frame| altered_frame(frame));
    middle.refused(&Batch { deltas, ..counts }, "batch_root").await;
    middle.passed_on(&batch).await;
    middle.assert_equal_counts();
    middle.end().await;
}

/// A batch of the commune as it would travel with its counts alone.
pub fn counts_only(batch: &Batch) -> Batch {
    let frame = batch.cores.as_ref().unwrap();
    let cores = read_frame(frame, "cores", limits::BATCH_CHANGES_MAX as usize).unwrap();
    let cores: Vec<_> = cores.iter().map(|core| Core::decode(core).unwrap()).collect();
    let deltas = write_frame(claim(&cores).iter().map(Vec::as_slice));
    strip(Batch { deltas: Some(deltas), ..batch.clone() }, Policy::Counts)
}

#[tokio::test(flavor = "multi_thread")]
async fn replayed_batches_get_the_receipt_of_then_and_count_once() {
    let mut middle = Middle::new().await;
    let (one, two) = (middle.batch().await, middle.batch().await);
    let first = middle.passed_on(&one).await;
    middle.passed_on(&two).await;
    let digest = middle.province.tallies_digest();
    for _ in 0..3 {
        assert_eq!(middle.passed_on(&one).await, first);
    }
    assert_eq!((middle.at_province(), middle.province.tallies_digest()), (2, digest));
    middle.assert_equal_counts();
    middle.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invented_batch_is_signed_by_no_key_of_the_commune() {
    let mut middle = Middle::new().await;
    let one = middle.batch().await;
    middle.passed_on(&one).await;
    let mut forger = Forger::new(&middle.tree, commune());
    forger.follow(&one);
    let births = forger.births(2);
    let claimed = strip(forger.seal(&births), Policy::Names);
    let header: Header = claimed.header.decode_trusted().unwrap();
    let district_key = middle.tree.ledger_key(district());
    for key in [district_key, LedgerKey::from_seed(&[42; 32])] {
        // Its own name in the header, and the commune's.
        let own = Forger { origin: commune(), key, head: forger.head };
        middle.refused(&strip(own.seal(&births), Policy::Names), "batch_signature").await;
        let as_commune = Batch { header: Signed::sign(&header, &own.key), ..claimed.clone() };
        middle.refused(&as_commune, "batch_signature").await;
    }
    // The same header twice is one piece of it.
    until("the evidence is kept", || middle.province.store.evidence_count().unwrap() == 3).await;
    let two = middle.batch().await;
    middle.passed_on(&two).await;
    middle.assert_equal_counts();
    middle.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_from_another_district_is_not_allowed_even_with_the_right_signature() {
    let mut middle = Middle::new().await;
    let foreign = Forger::new(&middle.tree, unit("00037")).next(1);
    middle.refused(&foreign, "not_allowed").await;
    // A unit of its own district is, under its own name.
    let sibling = Forger::new(&middle.tree, unit("00004")).next(1);
    let mut renamed: Header = sibling.header.decode_trusted().unwrap();
    renamed.origin = commune();
    let renamed = Batch { header: Signed::sign(&renamed, &middle.tree.ledger_key(unit("00004"))), ..sibling };
    middle.refused(&renamed, "batch_signature").await;
    middle.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn withheld_names_are_named_by_batch_at_the_tier_that_should_have_them() {
    let mut middle = Middle::new().await;
    let (one, two, three) = (middle.batch().await, middle.batch().await, middle.batch().await);
    middle.passed_on(&one).await;
    middle.passed_on(&strip(two.clone(), Policy::Cores)).await;
    middle.passed_on(&three).await;
    middle.assert_equal_counts();
    let client = middle.tree.client(province()).await;
    let status = client.replication_status().await.unwrap();
    let row = status.units.iter().find(|row| row.unit == commune().to_string()).unwrap();
    assert_eq!((row.names_missing_from, row.names_missing_to), (2, 2));
    // Asked for at the next welcome, and taken when they come.
    let (up, welcome) = ChildLink::open(&middle.tree, district(), province(), &[commune()]).await;
    let asked = welcome.heads.iter().find(|head| head.origin == commune().to_string()).unwrap();
    assert_eq!((asked.names_missing_from, asked.names_missing_to), (2, 2));
    middle.up = up;
    middle.passed_on(&two).await;
    let view = || middle.province.store.view().chains[&commune()].nameless;
    until("the names are there", || view().0.0 == 0).await;
    middle.end().await;
}
