//! What may not be erased, and orders that nobody may give.

use super::scene::*;
use danso_core::{
    chain::{Digest, ErasedLeaf, ErasureDone, ErasureOrder, Signed, order_digest},
    domain::{
        PersonId, Sequence,
        requests::{RequestId, RequestKind},
    },
};
use danso_node::operations::{Actor, ErasureError, Node};
use danso_tests::{Tree, unit, until};
use danso_tier_config::UnitId;
use std::sync::Arc;
#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_erased_is_refused_with_its_code() {
    let mut tree = Tree::four();
    let node = tree.start(commune()).await;
    let recorded = record(&node).await;
    let nobody = PersonId { unit: commune(), serial: 99 };
    let erase = |person, request: &str| {
        let (node, request) = (Arc::clone(&node), request.parse::<RequestId>().unwrap());
        async move { node.erase(&Actor::local(), person, &request).await.map_err(|error| error.code()) }
    };
    let today = node.today();
    let open = |id: &str, person, kind| {
        let (node, id) = (Arc::clone(&node), id.parse::<RequestId>().unwrap());
        async move {
            node.open_request(&Actor::local(), id, person, kind, today).await.map_err(|error| error.code())
        }
    };
    assert_eq!(erase(nobody, "1").await, Err("person_unknown"));
    assert_eq!(erase(recorded.person, "1").await, Err("request_unknown"));
    assert_eq!(open("1", nobody, RequestKind::Delete).await, Err("person_unknown"));
    open("1", recorded.person, RequestKind::View).await.unwrap();
    assert_eq!(erase(recorded.person, "1").await, Err("request_not_deletion"));
    open("2", recorded.neighbour, RequestKind::Delete).await.unwrap();
    assert_eq!(erase(recorded.person, "2").await, Err("request_not_deletion"));
    open("3", recorded.person, RequestKind::Delete).await.unwrap();
    let refused = danso_node::operations::requests::RequestDeed::Refused { reason: "luật".to_owned() };
    node.change_request(&Actor::local(), "3".parse().unwrap(), refused).await.unwrap();
    assert_eq!(erase(recorded.person, "3").await, Err("request_closed"));
    open("4", recorded.person, RequestKind::Delete).await.unwrap();
    node.store.hold_own_chain(true);
    assert_eq!(erase(recorded.person, "4").await, Err("parent_ahead"));
    node.store.hold_own_chain(false);
    assert_eq!(node.store.person(recorded.person).unwrap().unwrap().facts.name, NAME, "nothing happened");
    tree.stop(commune()).await;

    std::fs::remove_file(tree.keys(commune()).join("at-rest.key")).unwrap();
    let locked = tree.start(commune()).await;
    let error = locked.erase(&Actor::local(), recorded.person, &"4".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.code(), "at_rest_locked");
    let above = tree.start(district()).await;
    let error = above.erase(&Actor::local(), recorded.person, &"4".parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, ErasureError::NotRecording), "{error}");
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_nobody_may_give_are_not_taken() {
    let mut tree = Tree::four();
    for unit in [district(), commune()] {
        start(&mut tree, unit).await;
    }
    let (below, above) = (tree.node(commune()), tree.node(district()));
    let recorded = record(&below).await;
    let last = below.store.view().recording.sequence;
    until("the district has all", || tree.changes(district(), commune()) == last).await;
    let naming = below.store.changes_naming(recorded.person).unwrap();
    let leaves: Vec<ErasedLeaf> = naming.iter().map(|naming| naming.leaf).collect();
    let honest = ErasureOrder {
        origin: commune(),
        request: "1".to_owned(),
        person: recorded.person,
        leaves: leaves.clone(),
        ordered_at_ms: 1,
    };
    let (own, foreign) = (tree.ledger_key(commune()), tree.ledger_key(unit("00004")));
    let taken = |child: UnitId, signed: Signed| {
        let above = Arc::clone(&above);
        async move {
            let mut refused = above.take_orders(Some(child), vec![signed]).await.unwrap();
            refused.pop().map(|(_, error)| error.code())
        }
    };
    let mut tampered = Signed::sign(&honest, &own);
    *tampered.bytes.last_mut().unwrap() ^= 1;
    assert_eq!(taken(commune(), tampered).await, Some("erasure_signature"));
    assert_eq!(taken(commune(), Signed::sign(&honest, &foreign)).await, Some("erasure_signature"));
    // Another child brings it.
    assert_eq!(taken(unit("00004"), Signed::sign(&honest, &own)).await, Some("not_allowed"));
    let mut wrong = honest.clone();
    wrong.leaves[0].hash.0[0] ^= 1;
    assert_eq!(taken(commune(), Signed::sign(&wrong, &own)).await, Some("erasure_leaves"));
    let mut outside = honest.clone();
    outside.leaves[0].sequence = Sequence(10_000);
    assert_eq!(taken(commune(), Signed::sign(&outside, &own)).await, Some("erasure_leaves"));
    // The same place twice, each time with another hash.
    let mut twice = honest.clone();
    twice.leaves.extend((1..100).map(|byte| ErasedLeaf { hash: Digest([byte; 32]), ..honest.leaves[0] }));
    assert_eq!(taken(commune(), Signed::sign(&twice, &own)).await, Some("erasure_leaves"));
    assert!(above.store.view().orders.is_empty());
    assert!(frames(&above).iter().any(|frame| names_secret(frame)));
    let order = Signed::sign(&honest, &own);
    assert_eq!(taken(commune(), order.clone()).await, None);
    assert!(!frames(&above).iter().any(|frame| names_secret(frame)));
    // Twice is harmless, and the word stays the same one.
    let word = |node: &Node| node.store.view().orders[&order_digest(&order)].done[&district()].clone();
    let first = word(&above);
    assert_eq!(taken(commune(), order.clone()).await, None);
    assert_eq!(word(&above), first);

    // A word that the tier itself did not sign is passed over.
    let done: ErasureDone = first.decode_trusted().unwrap();
    let forged = Signed::sign(&ErasureDone { tier_unit: province(), ..done }, &foreign);
    assert_eq!(below.take_confirmations(vec![forged]).await.unwrap(), 0);
    tree.stop_all().await;
}
