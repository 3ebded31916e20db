//! What meets a batch beside its chain: names that come late, orders of erasure that came first, revoked keys, a
//! child's word of another batch, exclusions beyond their bound.

use crate::scene::Scene;
use danso_core::{
    chain::{
        Batch, BatchNumber, ErasedLeaf, ErasureOrder, Leaves, PersonalLeaf, Receipt, Revoked,
        SIGNATURE_BYTES, Signed, read_frame, strip,
    },
    domain::PersonId,
};
use danso_node::operations::{AcceptError, Actor};
use danso_tests::{
    Tree,
    forge::{ChildLink, Forger, public_key},
    tree::central,
    unit,
};
use danso_tier_config::{Policy, UnitId, limits};
use tokio::task::block_in_place;

/// First and last batch of an origin of which names are due.
fn nameless(scene: &Scene, origin: UnitId) -> (u64, u64) {
    let (first, last) = scene.node.store.view().chains[&origin].nameless;
    (first.0, last.0)
}

fn leaves(batch: &Batch) -> Leaves {
    read_frame(batch.personal.as_ref().unwrap(), "personal", 100).unwrap()
}

fn leaf(bytes: &[u8]) -> PersonalLeaf<'_> {
    PersonalLeaf::decode(bytes).unwrap()
}

fn hear(scene: &Scene, child: UnitId, header: &Signed) -> Result<(), AcceptError> {
    block_in_place(|| scene.node.hear_divergence(child, header.clone()))
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_were_left_out_are_due_and_come_with_a_repeat() {
    let mut scene = Scene::province().await;
    let origin = scene.one.origin;
    let (first, second) = (scene.one.next(2), scene.one.next(2));
    let bare = Batch { personal: None, ..first.clone() };
    let receipt = scene.receipt(&bare).await;
    scene.accepted(&second).await;
    assert_eq!(nameless(&scene, origin), (1, 1));
    // Another batch's names are not this one's; less than nothing is nothing new.
    let foreign = Batch { personal: second.personal.clone(), ..first.clone() };
    scene.refused(&foreign, "batch_root").await;
    assert_eq!(scene.receipt(&bare).await, receipt);
    assert_eq!(scene.stored(origin, BatchNumber(1)), bare);
    assert_eq!(nameless(&scene, origin), (1, 1));
    // The receipt does not wait for the names: a second repeat stands behind them.
    for _ in 0..2 {
        assert_eq!(scene.receipt(&first).await, receipt);
    }
    danso_tests::until("the names are there", || scene.stored(origin, BatchNumber(1)) == first).await;
    danso_tests::until("no names are due", || nameless(&scene, origin) == (0, 0)).await;
    assert_eq!(scene.receipt(&bare).await, receipt);
    assert_eq!(scene.stored(origin, BatchNumber(1)), first);
    scene.goes_on().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_names_are_due_where_none_may_pass() {
    let mut tree = Tree::four();
    let (province, commune) = (unit("01"), unit("00001"));
    let node = tree.start(central()).await;
    let forger = Forger::new(&tree, commune);
    let (mut link, welcome) = ChildLink::open(&tree, province, central(), &[commune]).await;
    assert_eq!(welcome.policy, "cores");
    let named = strip(forger.seal(&forger.births(2)), Policy::Names);
    let batch = strip(named.clone(), Policy::Cores);
    // A repeat that brings names after all gets its receipt, and they are not kept.
    for sent in [&batch, &batch, &named] {
        link.send_batch(sent).await;
        let receipt: Receipt = link.receipt().await.verify(public_key(&tree, central())).unwrap();
        assert_eq!((receipt.number, receipt.hash), (BatchNumber(1), batch.hash()));
        assert_eq!(node.store.view().chains[&commune].nameless, Default::default());
        assert_eq!(node.store.batch(commune, BatchNumber(1)).unwrap().unwrap().batch, batch);
    }
    drop(link);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_ordered_to_be_erased_is_erased_from_a_batch_that_comes_later() {
    let mut scene = Scene::province().await;
    let origin = scene.one.origin;
    let (first, second) = (scene.one.next(3), scene.one.next(2));
    let ordered = |batch: &Batch, number, place: u64, sequence| {
        let hash = leaf(leaves(batch).get(place as usize).unwrap()).hash();
        ErasedLeaf { number: BatchNumber(number), sequence: danso_core::domain::Sequence(sequence), hash }
    };
    let order = ErasureOrder {
        origin,
        request: "1".to_owned(),
        person: PersonId { unit: origin, serial: 2 },
        leaves: vec![ordered(&first, 1, 1, 2), ordered(&second, 2, 0, 4)],
        ordered_at_ms: 1,
    };
    let signed = Signed::sign(&order, &scene.one.key);
    assert!(scene.node.take_orders(Some(scene.child), vec![signed]).await.unwrap().is_empty());
    let erased = |scene: &Scene, number| -> Vec<bool> {
        let stored = scene.stored(origin, BatchNumber(number));
        leaves(&stored).iter().map(|bytes| matches!(leaf(bytes), PersonalLeaf::Erased(_))).collect()
    };
    scene.receipt(&first).await;
    assert_eq!(erased(&scene, 1), [false, true, false]);
    // Also where the names come after the batch.
    let bare = Batch { personal: None, ..second.clone() };
    scene.receipt(&bare).await;
    for _ in 0..2 {
        scene.receipt(&second).await;
    }
    danso_tests::until("the names are there", || nameless(&scene, origin) == (0, 0)).await;
    assert_eq!(erased(&scene, 2), [true, false]);
    scene.goes_on().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_signs_up_to_its_cut_over_and_nothing_beyond() {
    let mut scene = Scene::province().await;
    let origin = scene.one.origin;
    let what = Revoked::Node { unit: origin, issued_until_ms: 0, after: Some(BatchNumber(2)) };
    scene.node.revoke(what, "stolen", &Actor::local()).await.unwrap();
    for _ in 0..2 {
        let batch = scene.one.next(1);
        scene.accepted(&batch).await;
    }
    let head = scene.one.head;
    for _ in 0..2 {
        let beyond = scene.one.next(1);
        scene.refused(&beyond, "key_revoked").await;
    }
    scene.one.head = head;
    let other = scene.two.next(1);
    scene.accepted(&other).await;
    scene.evidence(0).await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_childs_word_of_another_batch_is_kept_once_and_holds_nothing() {
    let mut scene = Scene::province().await;
    let (child, origin) = (scene.child, scene.one.origin);
    let start = scene.one.head;
    let first = scene.one.next(2);
    scene.accepted(&first).await;
    // The same batch, and one that is not here yet.
    let second = scene.one.seal(&scene.one.births(1));
    hear(&scene, child, &first.header).unwrap();
    hear(&scene, child, &second.header).unwrap();
    scene.evidence(0).await;
    let honest = std::mem::replace(&mut scene.one.head, start);
    let fork = scene.one.seal(&scene.one.births(3));
    let stranger = hear(&scene, unit("002"), &fork.header).unwrap_err();
    assert!(matches!(stranger, AcceptError::NotAllowed { .. }), "{stranger}");
    assert_eq!((stranger.code(), stranger.expected()), ("not_allowed", BatchNumber(0)));
    for _ in 0..2 {
        hear(&scene, child, &fork.header).unwrap();
        scene.evidence(1).await;
    }
    let kept = scene.node.store.evidence().unwrap().remove(0);
    assert_eq!((kept.child, kept.origin, kept.code.as_str()), (child, origin, "batch_fork"));
    assert_eq!((kept.header, kept.hold, kept.cores), (fork.header, false, None));
    assert_eq!(scene.hold(origin), None);
    scene.one.head = honest;
    scene.goes_on().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_childs_words_of_other_batches_are_bounded() {
    let mut scene = Scene::province().await;
    let start = scene.one.head;
    let first = scene.one.next(1);
    scene.accepted(&first).await;
    scene.one.head = start;
    for _ in 0..limits::EVIDENCE_PER_ORIGIN_MAX {
        // Refused for its chain, which fills what is kept of the origin.
        scene.one.head.hash.0[0] ^= 1;
        scene.one.head.number = BatchNumber(1);
        let wrong = scene.one.next(1);
        scene.refused(&wrong, "batch_wrong_previous").await;
    }
    scene.evidence(limits::EVIDENCE_PER_ORIGIN_MAX).await;
    scene.one.head = start;
    let fork = scene.one.seal(&scene.one.births(3));
    hear(&scene, scene.child, &fork.header).unwrap();
    scene.evidence(limits::EVIDENCE_PER_ORIGIN_MAX).await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_alone_of_other_batches_are_bounded_too() {
    let mut scene = Scene::province().await;
    let start = scene.one.head;
    let first = scene.one.next(1);
    scene.accepted(&first).await;
    for at in 0..limits::EVIDENCE_PER_ORIGIN_MAX + 4 {
        scene.one.head = start;
        let other = scene.one.seal(&scene.one.births(2 + at as u64));
        hear(&scene, scene.child, &other.header).unwrap();
    }
    scene.evidence(limits::EVIDENCE_PER_ORIGIN_MAX).await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cores_of_a_fork_are_kept_where_they_may_pass_and_are_not_too_long() {
    let mut scene = Scene::province().await;
    let forked = |forger: &mut Forger| {
        let start = forger.head;
        let fork = strip(forger.seal(&forger.births(3)), Policy::Names);
        let first = forger.next(1);
        assert_ne!(forger.head, start);
        (first, fork)
    };
    let ((first, fork), (other_first, other_fork)) = (forked(&mut scene.one), forked(&mut scene.two));
    let too_long = Batch { cores: Some(vec![7; limits::FRAME_BYTES_MAX + 1]), ..other_fork };
    scene.accepted(&first).await;
    scene.refused(&fork, "batch_fork").await;
    scene.evidence(1).await;
    let cores_of = |scene: &Scene| scene.node.store.evidence().unwrap().pop().unwrap().cores;
    assert_eq!(cores_of(&scene), fork.cores);
    scene.accepted(&other_first).await;
    scene.refused(&too_long, "batch_fork").await;
    scene.evidence(2).await;
    assert_eq!(cores_of(&scene), None);
    for origin in scene.origins() {
        assert_eq!(scene.hold(origin).as_deref(), Some("batch_fork"));
    }
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exclusions_beyond_their_bound_are_refused_by_their_size() {
    let scene = Scene::province().await;
    let child = scene.child;
    let counts = strip(scene.one.seal(&scene.one.births(1)), Policy::Counts);
    let before = scene.held();
    for (length, code) in [
        (limits::SIGNED_BYTES_MAX, "batch_signature"),
        (limits::SIGNED_BYTES_MAX + 1, "batch_too_large"),
        (limits::SIGNED_BYTES_MAX + 2, "batch_too_large"),
    ] {
        let exclusions = Signed { bytes: vec![0; length], signature: vec![0; SIGNATURE_BYTES] };
        let batch = Batch { exclusions: Some(exclusions), ..counts.clone() };
        let refused = block_in_place(|| scene.node.accept(child, batch)).unwrap_err();
        assert_eq!(refused.code(), code, "{length}");
        assert_eq!(scene.held(), before);
    }
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_passes_on_as_it_came_less_what_is_withheld() {
    let mut scene = Scene::province().await;
    let (sealed, other) = (scene.one.seal(&scene.one.births(2)), scene.two.seal(&scene.two.births(1)));
    let (names, counts) = (strip(sealed.clone(), Policy::Names), strip(other, Policy::Counts));
    scene.accepted(&names).await;
    scene.accepted(&counts).await;
    let passed = |origin, policy| scene.node.batch_for(origin, BatchNumber(1), policy).unwrap();
    for policy in [Policy::Names, Policy::Cores, Policy::Counts] {
        assert_eq!(passed(scene.one.origin, policy), Some(strip(sealed.clone(), policy)), "{policy}");
        // What came as counts goes on as counts.
        assert_eq!(passed(scene.two.origin, policy), Some(counts.clone()), "{policy}");
        assert_eq!(scene.node.batch_for(scene.one.origin, BatchNumber(2), policy).unwrap(), None);
    }
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_against_a_chain_is_not_kept_again_after_a_restart() {
    let mut scene = Scene::province().await;
    let good = scene.one.next(1);
    let mut forged = good.clone();
    forged.header.signature[0] ^= 1;
    scene.refused(&forged, "batch_signature").await;
    scene.evidence(1).await;
    scene.restart().await;
    scene.refused(&forged, "batch_signature").await;
    scene.accepted(&good).await;
    scene.goes_on().await;
    scene.evidence(1).await;
    scene.end().await;
}
