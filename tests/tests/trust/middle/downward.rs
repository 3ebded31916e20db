//! What a lying district says to the commune, and what it no longer says to anyone.

use super::{Middle, commune, district, province};
use danso_core::chain::{Digest, LedgerKey};
use danso_node::operations::{CountQuery, Node, now_ms};
use danso_proto::v1::{self, child_message::Message as FromChild, parent_message::Message as FromParent};
use danso_tests::{
    liar::{head, receipt_of},
    until,
};
use std::time::Duration;
use tokio::time::timeout;
use tonic::Status;

/// How long a condition may take on a loaded machine before the test fails.
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn forged_receipts_hold_the_commune_and_acknowledge_nothing() {
    for (number, forged, code) in
        [(5, Digest([7; 32]), "parent_ahead"), (1, Digest([7; 32]), "parent_diverges")]
    {
        let mut middle = Middle::new().await;
        let _one = middle.batch().await;
        middle.line.receipt(&receipt_of(district(), commune(), number, forged, &middle.liar.key)).await;
        middle.held_below(code).await;
        middle.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_in_another_name_or_with_another_key_ends_the_line() {
    let mut middle = Middle::new().await;
    let one = middle.batch().await;
    let stranger = LedgerKey::from_seed(&[42; 32]);
    let forged = [
        receipt_of(district(), commune(), 1, one.hash(), &stranger),
        receipt_of(province(), commune(), 1, one.hash(), &middle.liar.key),
    ];
    for receipt in forged {
        middle.line.receipt(&receipt).await;
        middle.line.hung_up().await;
        until("the commune says why", || {
            middle.commune.link.read().unwrap().error.starts_with("parent_signature")
        })
        .await;
        assert_eq!(middle.commune.store.view().chains[&commune()].acknowledged.0, 0);
        middle.line = middle.liar.line().await;
        let welcome = middle.liar.welcome(&middle.tree, &[province()], Vec::new());
        middle.line.welcome(welcome).await;
    }
    // The true one is taken.
    middle.line.receipt(&middle.liar.receipt(&one)).await;
    until("the batch is acknowledged", || middle.commune.store.view().chains[&commune()].acknowledged.0 == 1)
        .await;
    middle.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_district_makes_its_communes_late() {
    let mut middle = Middle::new().await;
    let one = middle.receipted().await;
    middle.passed_on(&one).await;
    let as_of_ms = now_ms();
    let frozen = v1::Heartbeat {
        watermarks: vec![v1::Watermark { origin: commune().to_string(), number: 1, as_of_ms }],
        sent_at_ms: as_of_ms,
        ..v1::Heartbeat::default()
    };
    // The commune records on; what the district says stays as it was.
    let _two = middle.receipted().await;
    let found = async {
        loop {
            middle.up.send(FromChild::Heartbeat(frozen.clone())).await;
            while !matches!(middle.up.next().await, Ok(Some(FromParent::Heartbeat(_)))) {}
            if let Some(late) = late(&middle.province) {
                break late;
            }
        }
    };
    let late = timeout(PATIENCE, found).await.expect("the commune is late at the province");
    assert_eq!(late, as_of_ms);
    assert_eq!(middle.tree.head(province(), commune()), 1);
    middle.end().await;
}

/// Up to when the commune is known at the province, once it counts as late there.
fn late(province: &Node) -> Option<u64> {
    let question = CountQuery {
        measure: danso_core::rollup::Measure::Births,
        units: vec![commune().to_string()],
        by_tier: None,
        months: Some((province.today().month(), province.today().month())),
        filters: Vec::new(),
        group_by: Vec::new(),
        boundary: None,
    };
    let provenance = province.count(&question).unwrap().provenance;
    provenance.late.iter().find(|late| late.unit == commune()).map(|late| late.watermark_ms)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_false_head_in_the_welcome_holds_the_commune_and_an_old_one_is_harmless() {
    let mut middle = Middle::new().await;
    let one = middle.batch().await;
    let lies = [(9, Digest([7; 32]), "parent_ahead"), (1, Digest([7; 32]), "parent_diverges")];
    for (number, hash, code) in lies {
        middle.line.fail(Status::aborted("the district hangs up")).await;
        middle.line = middle.liar.line().await;
        let heads = vec![head(commune(), number, hash)];
        middle.line.welcome(middle.liar.welcome(&middle.tree, &[], heads)).await;
        middle.held_below(code).await;
    }
    // It says that it has nothing: everything comes again, byte for byte.
    middle.line.fail(Status::aborted("the district hangs up")).await;
    middle.line = middle.liar.line().await;
    middle.line.welcome(middle.liar.welcome(&middle.tree, &[], Vec::new())).await;
    assert_eq!(middle.line.batch().await, one);
    assert_eq!(middle.passed_on(&one).await.hash, one.hash());
    middle.assert_equal_counts();
    middle.end().await;
}
