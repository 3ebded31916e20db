//! Repeat, gap, fork, wrong previous, signatures, receipts.

use crate::scene::Scene;
use danso_core::{
    chain::{BatchNumber, LedgerKey, Receipt},
    domain::Sequence,
};
use danso_tests::{forge::ChildLink, unit};

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_gets_the_same_receipt_byte_for_byte_and_counts_once() {
    let mut scene = Scene::province().await;
    let (first, second) = (scene.one.next(3), scene.one.next(1));
    let receipt = scene.receipt(&first).await;
    scene.accepted(&second).await;
    let before = scene.held();
    assert_eq!(scene.receipt(&first).await, receipt);
    assert_eq!(scene.held(), before);
    scene.restart().await;
    assert_eq!(scene.receipt(&first).await, receipt);
    assert_eq!(scene.held(), before);
    scene.goes_on().await;
    scene.evidence(0).await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_is_refused_with_the_number_expected() {
    let mut scene = Scene::province().await;
    let batches = [scene.one.next(1), scene.one.next(1), scene.one.next(1)];
    let refusal = scene.refused(&batches[2], "batch_gap").await;
    assert_eq!((refusal.origin, refusal.expected), (scene.one.origin.to_string(), 1));
    scene.accepted(&batches[0]).await;
    assert_eq!(scene.refused(&batches[2], "batch_gap").await.expected, 2);
    scene.accepted(&batches[1]).await;
    scene.accepted(&batches[2]).await;
    scene.goes_on().await;
    scene.evidence(0).await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_holds_its_origin_over_a_restart_and_no_other() {
    let mut scene = Scene::province().await;
    let start = scene.one.head;
    let first = scene.one.next(2);
    scene.accepted(&first).await;
    let honest = scene.one.head;
    scene.one.head = start;
    let fork = scene.one.next(3);
    let refusal = scene.refused(&fork, "batch_fork").await;
    assert_eq!((refusal.origin, refusal.expected), (scene.one.origin.to_string(), 0));
    scene.evidence(1).await;
    assert_eq!(scene.hold(scene.one.origin).as_deref(), Some("batch_fork"));
    scene.one.head = honest;
    let next = scene.one.next(1);
    scene.refused(&next, "origin_held").await;
    let other = scene.two.next(1);
    scene.accepted(&other).await;
    scene.restart().await;
    assert_eq!(scene.hold(scene.one.origin).as_deref(), Some("batch_fork"));
    scene.refused(&next, "origin_held").await;
    let other = scene.two.next(1);
    scene.accepted(&other).await;
    assert_eq!(scene.hold(scene.two.origin), None);
    assert_eq!(scene.stored(scene.one.origin, BatchNumber(1)), first);
    scene.evidence(1).await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_on_another_predecessor_is_refused_and_kept_as_evidence() {
    let mut scene = Scene::province().await;
    let first = scene.one.next(1);
    scene.accepted(&first).await;
    let honest = scene.one.head;
    let batch = scene.one.seal(&scene.one.births(1));
    let batch = danso_core::chain::strip(batch, danso_tier_config::Policy::Names);
    let wrong = [
        scene.one.edit_header(&batch, |header| header.previous.0[0] ^= 1),
        scene.one.edit_header(&batch, |header| header.first = header.first.plus(1)),
        scene.one.edit_header(&batch, |header| header.first = Sequence(1)),
        scene
            .one
            .edit_header(&batch, |header| header.recorded_from = danso_core::domain::RecordedAt::default()),
        scene
            .one
            .edit_header(&batch, |header| header.recorded_to = danso_core::domain::RecordedAt::default()),
    ];
    for (index, batch) in wrong.iter().enumerate() {
        scene.refused(batch, "batch_wrong_previous").await;
        scene.evidence(index + 1).await;
    }
    assert_eq!(scene.hold(scene.one.origin), None);
    assert_eq!(scene.one.head, honest);
    scene.goes_on().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_signature_is_refused_and_kept_as_evidence() {
    let mut scene = Scene::province().await;
    let honest = scene.one.head;
    let good = scene.one.next(2);
    let mut flipped = good.clone();
    flipped.header.signature[9] ^= 1;
    let mut edited = good.clone();
    *edited.header.bytes.last_mut().unwrap() ^= 1;
    let mut swapped = scene.two.next(1);
    swapped.header.signature = good.header.signature.clone();
    for (index, batch) in [flipped, edited, swapped].iter().enumerate() {
        scene.refused(batch, "batch_signature").await;
        scene.evidence(index + 1).await;
    }
    // What is no signature at all proves nothing against anybody.
    for length in [0, 63, 65] {
        let mut odd = good.clone();
        odd.header.signature.resize(length, 7);
        scene.refused(&odd, "batch_signature").await;
    }
    scene.evidence(3).await;
    scene.accepted(&good).await;
    assert_ne!(scene.one.head, honest);
    scene.two.head = danso_core::chain::Head::default();
    scene.goes_on().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_registered_for_the_origin_signs_nothing() {
    let mut scene = Scene::province().await;
    let own = std::mem::replace(&mut scene.one.key, LedgerKey::from_seed(&[3; 32]));
    let by_stranger =
        danso_core::chain::strip(scene.one.seal(&scene.one.births(1)), danso_tier_config::Policy::Names);
    scene.refused(&by_stranger, "batch_signature").await;
    // The neighbour's key is registered, but for the neighbour.
    scene.one.key = scene.tree.ledger_key(scene.two.origin);
    let by_neighbour =
        danso_core::chain::strip(scene.one.seal(&scene.one.births(1)), danso_tier_config::Policy::Names);
    scene.refused(&by_neighbour, "batch_signature").await;
    scene.evidence(2).await;
    // The right key signs a header that names another one.
    scene.one.key = own;
    let good =
        danso_core::chain::strip(scene.one.seal(&scene.one.births(1)), danso_tier_config::Policy::Names);
    let misnamed = scene.one.edit_header(&good, |header| header.key.0[0] ^= 1);
    scene.refused(&misnamed, "batch_unknown_key").await;
    scene.goes_on().await;
    scene.evidence(2).await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_without_a_registered_key_is_refused_until_it_is_registered() {
    let mut scene = Scene::province().await;
    let (parent, child) = (scene.parent, unit("002"));
    let mut stranger = danso_tests::forge::Forger::new(&scene.tree, unit("00037"));
    let (mut link, _) = ChildLink::open(&scene.tree, child, parent, &[]).await;
    let batch = stranger.next(1);
    link.send_batch(&batch).await;
    assert_eq!(link.refusal().await.code, "batch_unknown_key");
    let registrations = vec![danso_tests::forge::registration(&scene.tree, stranger.origin)];
    let registrations = danso_proto::v1::Registrations { registrations };
    link.send(danso_proto::v1::child_message::Message::Registrations(registrations)).await;
    link.send_batch(&batch).await;
    let receipt: Receipt = link.receipt().await.verify(scene.key).unwrap();
    assert_eq!((receipt.origin, receipt.number), (stranger.origin, BatchNumber(1)));
    drop(link);
    scene.goes_on().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_are_cumulative_and_verify_with_the_registered_key_of_the_parent() {
    let mut scene = Scene::province().await;
    let origins = scene.origins();
    let (link, welcome) = ChildLink::open(&scene.tree, scene.child, scene.parent, &origins).await;
    scene.link = link;
    let authority =
        danso_node::runtime::keys::read(&scene.tree.keys(scene.child), scene.child).unwrap().authority;
    let registered: Vec<danso_core::chain::Registration> = welcome
        .registrations
        .into_iter()
        .map(|signed| danso_node::wire::link::signed(signed).verify(authority).unwrap())
        .collect();
    let own = registered.iter().find(|registration| registration.unit == scene.parent).unwrap();
    let key = danso_core::chain::PublicKey::from_bytes(&own.key).unwrap();
    let batches: Vec<_> = (0..20).map(|_| scene.one.next(1)).collect();
    for batch in &batches {
        scene.link.send_batch(batch).await;
    }
    let mut seen = BatchNumber(0);
    while seen < BatchNumber(20) {
        let receipt: Receipt = scene.link.receipt().await.verify(key).unwrap();
        assert!(receipt.number > seen, "{} after {seen}", receipt.number);
        assert_eq!(receipt.hash, batches[receipt.number.0 as usize - 1].hash());
        // A receipt is a promise about everything up to its number.
        assert!(scene.tree.head(scene.parent, scene.one.origin) >= receipt.number.0);
        seen = receipt.number;
    }
    assert_eq!(scene.tree.changes(scene.parent, scene.one.origin), 20);
    scene.goes_on().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_among_new_batches_does_not_hide_their_receipt() {
    let mut scene = Scene::province().await;
    let first = scene.one.next(1);
    scene.accepted(&first).await;
    for _ in 0..10 {
        let new: Vec<_> = (0..4).map(|_| scene.one.next(1)).collect();
        for batch in new.iter().chain([&first]) {
            scene.link.send_batch(batch).await;
        }
        let newest = new[3].hash();
        while scene.link.receipt().await.verify::<Receipt>(scene.key).unwrap().hash != newest {}
    }
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_missed_a_receipt_gets_it_after_its_next_hello() {
    let mut scene = Scene::province().await;
    let batch = scene.one.next(2);
    let receipt = scene.receipt(&batch).await;
    let mut hello = danso_tests::forge::hello(&scene.tree, scene.child, &[]);
    let head = scene.one.head;
    hello.heads = vec![danso_node::wire::link::head_message(scene.one.origin, &head, BatchNumber(0))];
    scene.link = ChildLink::greet(&scene.tree, scene.child, scene.parent, hello).await.unwrap();
    let welcome = scene.link.welcome().await;
    assert_eq!(
        welcome.heads,
        [danso_node::wire::link::head_message(scene.one.origin, &head, BatchNumber(0))]
    );
    assert_eq!(scene.link.receipt().await, receipt);
    scene.goes_on().await;
    scene.end().await;
}
