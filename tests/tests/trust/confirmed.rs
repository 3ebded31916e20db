//! What the tiers above signed for, as a commune sees it past its parent: a district that acknowledges and
//! passes nothing on is found out by the commune, and so is one that makes others not count.

use crate::middle::{Middle, commune, counts_only, district, province};
use danso_core::{
    chain::{
        Batch, BatchNumber, Exclusions, Grantor, Head, Header, KeyClaim, KeyGrant, LedgerKey, Quarantined,
        Signed, read_frame,
    },
    domain::{Core, Reason, Sequence},
    rollup::{canonical, deltas, encode_leaves},
};
use danso_node::{
    operations::{
        Node,
        confirmations::{AHEAD, Confirmation, DIVERGES, NOT_CONFIRMED, VERDICTS},
        meters::RELAYS_REFUSED,
        now_ms,
    },
    wire::link::signed_message,
};
use danso_proto::v1::{self, ReplicationStatusAnswer, child_message::Message as FromChild};
use danso_tests::{Recorder, Tree, forge::Forger, liar::receipt_of, tree::central, unit, until};
use danso_tier_config::{UnitId, limits};

/// What the commune knows of a tier, at a time.
fn at(node: &Node, tier: UnitId, now_ms: u64) -> Confirmation {
    let all = node.confirmations(commune(), now_ms);
    all.into_iter().find(|held| held.tier == tier).unwrap()
}

fn now(node: &Node, tier: UnitId) -> (u64, Option<&'static str>) {
    let held = at(node, tier, now_ms());
    (held.number.0, held.code)
}

/// A time at which whatever is missing now is late.
fn later() -> u64 {
    now_ms() + limits::CONFIRMATION_LATE_MS + limits::CONFIRMATION_QUIET_MS
}

async fn status(tree: &Tree) -> ReplicationStatusAnswer {
    tree.client(commune()).await.replication_status().await.unwrap()
}

async fn wait(node: &Node, tier: UnitId, expected: (u64, Option<&'static str>)) {
    until("the commune knows of it", || now(node, tier) == expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commune_sees_what_each_tier_above_has_signed_for_also_after_restarts() {
    let mut tree = Tree::four();
    for tier in [central(), province(), district(), commune()] {
        tree.start(tier).await;
    }
    let mut recorder = Recorder::new(tree.node(commune()));
    for _ in 0..3 {
        recorder.household("2026-01-01").await;
    }
    let head = || tree.head(commune(), commune());
    for tier in [district(), province(), central()] {
        until("it is confirmed", || now(&tree.node(commune()), tier) == (head(), None) && head() > 0).await;
    }
    let answer = status(&tree).await;
    let units: Vec<&str> = answer.confirmations.iter().map(|held| held.unit.as_str()).collect();
    assert_eq!(units, [district(), province(), central()].map(|tier| tier.to_string()));
    for held in &answer.confirmations {
        assert_eq!((held.number, held.code.as_str()), (head(), ""));
        assert!(held.accepted_at_ms > 0 && held.heard_at_ms > 0);
    }
    // Nothing new is recorded: whoever starts anew learns it from above.
    let number = head();
    for restarted in [commune(), district(), province()] {
        tree.stop(restarted).await;
        tree.start(restarted).await;
        tree.stop(commune()).await;
        let node = tree.start(commune()).await;
        for tier in [district(), province(), central()] {
            wait(&node, tier, (number, None)).await;
        }
    }
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_district_that_acknowledges_and_passes_nothing_on_is_found_out_by_the_commune() {
    let mut middle = Middle::new().await;
    let (one, _two) = (middle.receipted().await, middle.receipted().await);
    let node = middle.commune.clone();
    wait(&node, district(), (2, None)).await;
    assert_eq!(now(&node, province()), (0, None));
    assert_eq!(at(&node, district(), later()).code, None);
    assert_eq!(at(&node, province(), later()).code, Some(NOT_CONFIRMED));
    assert_eq!(at(&node, central(), later()).code, Some(NOT_CONFIRMED));
    // It passes one on after all, and the province's receipt with it.
    middle.passed_on(&one).await;
    middle.line.relay(&[province_receipt(&middle, 1)]).await;
    wait(&node, province(), (1, None)).await;
    let late = at(&node, province(), later());
    assert_eq!((late.number, late.code), (BatchNumber(1), Some(NOT_CONFIRMED)));
    let answer = status(&middle.tree).await;
    let numbers: Vec<u64> = answer.confirmations.iter().map(|held| held.number).collect();
    assert_eq!(numbers, [2, 1, 0]);
    middle.end().await;
}

/// The receipt that the real province gave for a batch of the commune.
fn province_receipt(middle: &Middle, number: u64) -> Signed {
    let held = middle.province.store.batch(commune(), BatchNumber(number)).unwrap().unwrap();
    held.receipt.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_that_no_tier_above_signed_are_counted_and_confirm_nothing() {
    let mut middle = Middle::new().await;
    let one = middle.receipted().await;
    let node = middle.commune.clone();
    wait(&node, district(), (1, None)).await;
    let by = |tier, origin, key: &LedgerKey| receipt_of(tier, origin, 1, one.hash(), key);
    let tree = &middle.tree;
    let (liar, above) = (&middle.liar.key, tree.ledger_key(province()));
    let garbage = Signed { bytes: b"DSR1 no receipt".to_vec(), signature: vec![0; 64] };
    let cases = [
        ("relay_signature", by(province(), commune(), liar)),
        ("relay_signature", by(central(), commune(), &above)),
        ("relay_stranger", by(unit("002"), commune(), &tree.ledger_key(unit("002")))),
        ("relay_stranger", by(province(), unit("00004"), &above)),
        ("relay_unreadable", garbage),
    ];
    for (code, forged) in cases {
        let before = node.meters.value(RELAYS_REFUSED, code);
        middle.line.relay(&[forged]).await;
        until(code, || node.meters.value(RELAYS_REFUSED, code) == before + 1).await;
        assert_eq!(now(&node, province()), (0, None));
        assert_eq!(now(&node, central()), (0, None));
    }
    let told = "danso_relayed_receipts_refused_total{code=\"relay_stranger\"} 2\n";
    assert!(node.exposition().contains(told));
    // The line goes on, and what the province did sign is taken.
    middle.line.relay(&[by(province(), commune(), &above)]).await;
    wait(&node, province(), (1, None)).await;
    assert_eq!(node.confirmations(unit("00004"), now_ms()).iter().map(|held| held.number.0).sum::<u64>(), 0);
    middle.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_receipt_relayed_again_takes_nothing_back() {
    let mut middle = Middle::new().await;
    let (one, two) = (middle.receipted().await, middle.receipted().await);
    let node = middle.commune.clone();
    wait(&node, district(), (2, None)).await;
    middle.passed_on(&one).await;
    middle.passed_on(&two).await;
    middle.line.relay(&[province_receipt(&middle, 2), province_receipt(&middle, 1)]).await;
    wait(&node, province(), (2, None)).await;
    middle.line.relay(&[province_receipt(&middle, 1)]).await;
    let unreadable = Signed { bytes: Vec::new(), signature: Vec::new() };
    // A mark in the stream: once it is refused, what came before it was taken.
    middle.line.relay(&[unreadable]).await;
    until("the mark is refused", || node.meters.value(RELAYS_REFUSED, "relay_unreadable") == 1).await;
    assert_eq!(now(&node, province()), (2, None));
    middle.end().await;
}

/// The district's word that `key` is the commune's from after `last` on.
fn usurped(middle: &Middle, last: &Batch, key: &LedgerKey) -> v1::SignedStatement {
    let header: Header = last.header.decode_trusted().unwrap();
    let claim = KeyClaim {
        unit: commune(),
        key: key.public().to_bytes(),
        replaces: Some(header.key),
        after: header.number,
        hash: last.hash(),
        claimed_at_ms: now_ms(),
    };
    let (claim, grantor) = (Signed::sign(&claim, key), Grantor::Unit(district()));
    signed_message(&Signed::sign(&KeyGrant { claim, grantor, granted_at_ms: now_ms() }, &middle.liar.key))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_district_that_gives_itself_the_communes_key_is_found_out_by_the_provinces_receipts() {
    let mut middle = Middle::new().await;
    let one = middle.receipted().await;
    let node = middle.commune.clone();
    wait(&node, district(), (1, None)).await;
    middle.passed_on(&one).await;
    let key = LedgerKey::from_seed(&[42; 32]);
    let registrations = vec![usurped(&middle, &one, &key)];
    middle.up.send(FromChild::Registrations(v1::Registrations { registrations })).await;
    let mut forger = Forger { origin: commune(), key, head: Head::default() };
    forger.follow(&one);
    // A tier above may replace a lost key, so the province takes it: that is why the commune must see it.
    let at = forger.head.recorded_to;
    let invented = forger.next(1);
    let invented =
        forger.edit_header(&invented, |header| (header.recorded_from, header.recorded_to) = (at, at));
    middle.passed_on(&invented).await;
    middle.line.relay(&[province_receipt(&middle, 2)]).await;
    wait(&node, province(), (2, Some(AHEAD))).await;
    // Once the commune has a batch of that number itself, the two differ.
    let two = middle.receipted().await;
    assert_ne!(two.hash(), invented.hash());
    wait(&node, province(), (0, Some(DIVERGES))).await;
    let answer = status(&middle.tree).await;
    assert_eq!(answer.confirmations[1].code, DIVERGES);
    assert_eq!(answer.units[0].confirmation_code, DIVERGES);
    middle.end().await;
}

/// The counts of a batch with everything excluded by the district's word.
fn nothing_counted(middle: &Middle, batch: &Batch) -> Batch {
    let header: Header = batch.header.decode_trusted().unwrap();
    let leaves = read_frame(batch.cores.as_ref().unwrap(), "cores", header.changes as usize).unwrap();
    let mut excluded = Vec::new();
    for core in leaves.iter() {
        deltas(&Core::decode(core).unwrap(), &mut excluded);
    }
    let sequences = (header.first.0..header.first.0 + u64::from(header.changes)).map(Sequence);
    let exclusions = Exclusions {
        tier_unit: district(),
        origin: commune(),
        number: header.number,
        hash: batch.hash(),
        quarantined: sequences.map(|sequence| Quarantined { sequence, reason: Reason::Malformed }).collect(),
        deltas: encode_leaves(&canonical(excluded)),
    };
    let exclusions = Some(Signed::sign(&exclusions, &middle.liar.key));
    Batch { exclusions, ..counts_only(batch) }
}

#[tokio::test(flavor = "multi_thread")]
async fn good_changes_left_uncounted_show_above_and_once_their_receipt_comes_down_at_the_commune() {
    let mut middle = Middle::new().await;
    let (one, two) = (middle.receipted().await, middle.receipted().await);
    let node = middle.commune.clone();
    wait(&node, district(), (2, None)).await;
    let receipt = middle.passed_on(&nothing_counted(&middle, &one)).await;
    assert_eq!(receipt.quarantined.len(), 1);
    middle.passed_on(&two).await;
    // The province sees that changes do not count and that it lacks what it should have got.
    let client = middle.tree.client(province()).await;
    let row = client.replication_status().await.unwrap().units.remove(0);
    assert_eq!((row.quarantined, row.names_missing_from, row.names_missing_to), (1, 1, 1));
    // The commune, once a receipt with the verdict comes down; a later one does not hide it.
    middle.line.relay(&[province_receipt(&middle, 2), province_receipt(&middle, 1)]).await;
    wait(&node, province(), (2, Some(VERDICTS))).await;
    middle.end().await;
}
