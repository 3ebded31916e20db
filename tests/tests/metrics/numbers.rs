//! Every declared metric is told by real nodes, after what it counts has happened.

use crate::ask::{check, declared, samples, value};
use danso_core::domain::Sex;
use danso_node::{
    operations::{
        Node,
        meters::{
            BATCH_SIZE, CALL_DURATION, CALLS_FAILED, CONNECTIONS_REFUSED, DECLARED, LEDGER_SYNC,
            RECEIPT_LATENCY, RELAYS_REFUSED,
        },
        now_ms,
    },
    transport::client::NodeClient,
};
use danso_proto::v1::{CountRequest, Heartbeat, child_message::Message as FromChild};
use danso_tests::{
    Recorder, Tree,
    entries::person,
    forge::{ChildLink, Forger},
    tree::central,
    unit, until,
};
use danso_tier_config::UnitId;
use std::{collections::BTreeSet, sync::Arc};
use tonic::{
    body::Body,
    codegen::{Service as _, http},
};

/// Counted by what only a liar in the middle does; `trust/confirmed.rs` looks for it in the text.
const TOLD_ELSEWHERE: &[&str] = &[RELAYS_REFUSED.name];
/// A name that is recorded, and must be in no number.
const NAME: &str = "Nguyễn Thị Hòa Bình";

fn commune() -> UnitId {
    unit("00001")
}

/// A commune records a birth that reaches central, and every receipt has come back.
async fn recorded(tree: &Tree) {
    let mut recorder = Recorder::new(tree.node(commune()));
    let home = recorder.household("2026-01-01").await;
    recorder.register("2026-01-01", home, person(NAME, Sex::Female, "1995-05-05")).await;
    recorder.birth("2026-03-09", home, "Nguyễn An", Sex::Male).await;
    until("the birth is at central", || tree.changes(central(), commune()) == 3).await;
    for at in [commune(), unit("001"), unit("01")] {
        let node = tree.node(at);
        let done = || node.store.view().chains[&commune()].acknowledged.0 == tree.head(at, commune());
        until("every receipt came back", done).await;
    }
}

/// What a child does that is not as it should be: its clock is a year off, its batch is forged, its call asks for a
/// unit that nobody knows, its certificate is another tree's, its sign-in is refused.
async fn misdeeds(tree: &mut Tree, at: UnitId) {
    let (child, node) = (unit("00004"), tree.node(at));
    tree.stop(child).await;
    let (mut link, _) = ChildLink::open(tree, child, at, &[child]).await;
    let sent_at_ms = now_ms() + 366 * 86_400_000;
    link.send(FromChild::Heartbeat(Heartbeat { sent_at_ms, ..Heartbeat::default() })).await;
    let mut forged = Forger::new(tree, child).next(1);
    forged.header.signature[7] ^= 1;
    link.send_batch(&forged).await;
    assert_eq!(link.refusal().await.code, "batch_signature");
    // A second hello ends a link with an error.
    link.send(FromChild::Hello(danso_tests::forge::hello(tree, child, &[]))).await;
    link.end().await;

    let client = tree.client(at).await;
    let question = CountRequest { units: vec!["99999".to_owned()], ..CountRequest::default() };
    client.count(question).await.unwrap_err();
    let stranger = tree.stranger_keys(child);
    assert!(NodeClient::connect(&tree.address(at).to_string(), at, &stranger).await.is_err());
    let guest = NodeClient::connect_with_token(
        &tree.address(at).to_string(),
        at,
        &tree.keys(at).join("ca.crt"),
        None,
    )
    .await
    .unwrap();
    guest.sign_in("nobody", "no password").await.unwrap_err();
    guest.node_info().await.unwrap_err();
    until("the stranger is counted", || {
        samples(&node.exposition()).iter().any(|sample| sample.name == CONNECTIONS_REFUSED.name)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_declared_metric_is_told_after_what_it_counts() {
    let mut tree = Tree::four();
    tree.start_all().await;
    recorded(&tree).await;
    misdeeds(&mut tree, unit("001")).await;
    let nodes: Vec<Arc<Node>> = [commune(), unit("001"), central()].map(|at| tree.node(at)).into();
    until("all of them are told", || {
        let texts: String = nodes.iter().map(|node| node.exposition()).collect();
        let told: BTreeSet<&str> =
            samples(&texts).iter().filter_map(|sample| declared(&sample.name)).collect();
        let missing = DECLARED.iter().map(|meter| meter.name).filter(|name| !told.contains(name));
        missing.eq(TOLD_ELSEWHERE.iter().copied())
    })
    .await;
    for node in &nodes {
        let text = node.exposition();
        check(&text);
        for word in [NAME, "Hòa", "Nguyễn", "Tổ 1", "nobody"] {
            assert!(!text.contains(word), "{word} is among the numbers");
        }
    }
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_say_what_has_happened() {
    let mut tree = Tree::four();
    tree.start_all().await;
    let district = tree.node(unit("001"));
    let before = value(&district.exposition(), "danso_changes_accepted_total", None);
    assert_eq!(before, Some(0.0), "what has not happened yet is told as 0");
    recorded(&tree).await;
    let own = tree.node(commune());
    let text = own.exposition();
    let of = |name: &str| value(&text, name, None);
    assert_eq!(of("danso_changes_recorded_total"), Some(3.0));
    assert_eq!(of("danso_register_persons"), Some(2.0));
    assert_eq!(of("danso_unsealed_changes"), Some(0.0));
    assert_eq!(of("danso_unacknowledged_batches"), Some(0.0));
    assert_eq!(of("danso_parent_link_up"), Some(1.0));
    let batches = tree.head(commune(), commune());
    assert_eq!(own.meters.value(RECEIPT_LATENCY, "own"), batches);
    assert_eq!(district.meters.value(RECEIPT_LATENCY, "passed_on"), batches);
    assert_eq!(district.meters.value(BATCH_SIZE, ""), batches);
    assert!(own.meters.value(LEDGER_SYNC, "") > 0);
    assert_eq!(district.meters.value(CALL_DURATION, "danso.v1.Replication/Link"), 2);

    let text = district.exposition();
    assert_eq!(value(&text, "danso_changes_accepted_total", None), Some(3.0));
    assert_eq!(value(&text, "danso_batches_accepted_total", None), Some(batches as f64));
    assert_eq!(value(&text, "danso_accepted_batch_changes_sum", None), Some(3.0));
    assert_eq!(value(&text, "danso_node_info", Some(("parent", "01@2025-07-01"))), Some(1.0));
    let end = value(&text, "danso_certificate_expiry_timestamp_seconds", None).unwrap();
    let days = (end - now_ms() as f64 / 1_000.0) / 86_400.0;
    assert!((29.0..=30.0).contains(&days), "{days}");
    // The same by gRPC, for `danso status --meters`.
    let rows = tree.client(unit("001")).await.meters().await.unwrap().meters;
    let row = rows.iter().find(|row| row.name == "danso_changes_accepted_total").unwrap();
    assert_eq!((row.label.as_str(), row.value.as_str(), row.count), ("", "", 3));
    let top = tree.node(central()).exposition();
    assert_eq!(value(&top, "danso_parent_link_up", None), None, "there is nobody above");
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_cut_is_told_with_what_waits_since_when() {
    let mut tree = Tree::four();
    tree.start_all().await;
    recorded(&tree).await;
    let node = tree.node(commune());
    assert_eq!(value(&node.exposition(), "danso_unsent_since_timestamp_seconds", None), Some(0.0));
    tree.stop(unit("001")).await;
    until("the cut is told", || value(&node.exposition(), "danso_parent_link_up", None) == Some(0.0)).await;
    let since = node.now_ms() as f64 / 1_000.0;
    Recorder::new(Arc::clone(&node)).household("2026-01-02").await;
    until("what waits is told", || {
        let told = value(&node.exposition(), "danso_unsent_since_timestamp_seconds", None).unwrap();
        told >= since - 1.0
    })
    .await;
    until("its batch is told", || {
        value(&node.exposition(), "danso_unacknowledged_batches", None) == Some(1.0)
    })
    .await;
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_nobody_serves_has_no_name_among_the_numbers() {
    let mut tree = Tree::three();
    let node = tree.start(central()).await;
    let channel = tree.channel_as(central(), &tree.keys(unit("01"))).await;
    for path in ["/danso.v1.Statistics/NguyenVanA", "/no.Such/Method"] {
        let mut channel = channel.clone();
        std::future::poll_fn(|context| channel.poll_ready(context)).await.unwrap();
        let request = http::Request::post(path).header("content-type", "application/grpc");
        let answer = channel.call(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.headers()["grpc-status"], "12");
    }
    let text = node.exposition();
    assert!(!text.contains("NguyenVanA") && !text.contains("no.Such"), "{text}");
    assert_eq!(node.meters.value(CALL_DURATION, "unknown"), 2);
    assert_eq!(node.meters.value(CALLS_FAILED, "grpc_unimplemented"), 2);
    tree.stop_all().await;
}
