//! Ledger keys rotated on running nodes: nothing is lost, everything verifies, the former key is refused.

use danso_core::{
    chain::{BatchNumber, Fault, Grantor, KeyClaim, KeyGrant, LedgerKey, PublicKey, Signed},
    domain::Sex,
};
use danso_node::{
    operations::{Actor, Node, RotateError},
    runtime::{keys, store_options},
    store::{rebuild, verify},
};
use danso_tests::{
    Recorder, Tree,
    forge::{ChildLink, Forger},
    tree::central,
    unit, until,
};
use danso_tier_config::UnitId;
use std::{fs, sync::Arc};

/// Waits until everything that a commune recorded is counted at `top`.
async fn caught_up(tree: &Tree, commune: UnitId, top: UnitId) {
    until("everything recorded has come up", || {
        tree.changes(top, commune) == tree.node(commune).store.view().recording.sequence
    })
    .await;
}

fn in_force(node: &Node, unit: UnitId) -> PublicKey {
    node.key_of(unit).unwrap()
}

fn epochs(tree: &Tree, at: UnitId, of: UnitId) -> usize {
    tree.node(at).ring_of(of).epochs().len()
}

fn assert_whole(tree: &Tree, at: UnitId) {
    let report = verify(&store_options(&tree.config(at)).unwrap(), &mut |_, _| ()).unwrap();
    assert_eq!(report.differences, Vec::<String>::new(), "{at}");
    assert!(report.batches > 0, "{at}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_rotate_under_load_and_no_batch_is_lost() {
    let mut tree = Tree::four();
    tree.limits.batch_changes = 3;
    tree.start_all().await;
    let (commune, district) = (unit("00001"), unit("001"));
    let mut recorder = Recorder::new(tree.node(commune));
    let home = recorder.household("2026-01-01").await;
    let load = tokio::spawn(async move {
        for _ in 0..60 {
            recorder.birth("2026-03-01", home, "Nguyễn Thị Lan", Sex::Female).await;
        }
    });
    let mut former = Vec::new();
    for round in 1..=3u64 {
        until("the load goes on", || tree.changes(district, commune) >= round * 10).await;
        for at in [commune, district] {
            let rotated = tree.client(at).await.rotate_key().await.unwrap();
            former.push((at, rotated.former_key.clone()));
            assert_eq!(in_force(&tree.node(at), at).id().to_string(), rotated.key);
            assert_ne!(rotated.key, rotated.former_key);
        }
    }
    load.await.unwrap();
    caught_up(&tree, commune, central()).await;
    until("all receipts have come back", || {
        tree.node(commune)
            .store
            .view()
            .chains
            .get(&commune)
            .is_some_and(|own| own.acknowledged == own.head.number)
    })
    .await;
    until("the rotations are known at the top and below", || {
        epochs(&tree, central(), commune) == 4 && epochs(&tree, commune, district) == 4
    })
    .await;
    assert_eq!(tree.changes(central(), commune), 61);

    // After a restart and a rebuild from the ledger, at the commune and at the top, old batches verify.
    tree.stop_all().await;
    for at in [commune, district, central()] {
        assert_whole(&tree, at);
        let options = store_options(&tree.config(at)).unwrap();
        let (store, _) = rebuild(options, &mut |_, _| ()).unwrap();
        store.close().await;
        assert_whole(&tree, at);
    }
    tree.start_all().await;
    assert_eq!(epochs(&tree, commune, commune), 4);
    Recorder::new(tree.node(commune)).birth("2026-03-02", home, "Nguyễn Văn Ba", Sex::Male).await;
    caught_up(&tree, commune, central()).await;
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parents_new_key_reaches_its_children_before_the_first_receipt_under_it() {
    let mut tree = Tree::four();
    // No heartbeat comes to help.
    tree.limits.heartbeat_ms = 50_000;
    let (commune, district) = (unit("00001"), unit("001"));
    let parent = tree.start(district).await;
    let child = tree.start(commune).await;
    let mut recorder = Recorder::new(Arc::clone(&child));
    for _ in 0..10 {
        recorder.household("2026-01-01").await;
        parent.rotate_key(&Actor::local()).await.unwrap();
        recorder.household("2026-01-01").await;
        until("the receipt was taken", || {
            child.store.view().chains.get(&commune).is_some_and(|own| own.acknowledged.0 > 0)
                && tree.changes(district, commune) == child.store.view().recording.sequence
                && child.store.view().chains[&commune].acknowledged
                    == child.store.view().chains[&commune].head.number
        })
        .await;
    }
    assert_eq!(child.ring_of(district), parent.ring_of(district));
    // One link from the first day on: none ended with `parent_signature`.
    assert_eq!(parent.link_opened(unit("00004")), 1);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_former_key_is_refused_at_the_parent_beyond_its_cut_over() {
    let mut tree = Tree::four();
    let (commune, district) = (unit("00001"), unit("001"));
    let parent = tree.start(district).await;
    let child = tree.start(commune).await;
    let stolen = tree.ledger_key(commune);
    Recorder::new(Arc::clone(&child)).household("2026-01-01").await;
    caught_up(&tree, commune, district).await;
    child.rotate_key(&Actor::local()).await.unwrap();
    until("the parent knows", || parent.ring_of(commune).epochs().len() == 2).await;
    tree.stop(commune).await;

    let head = parent.store.view().chains[&commune].head;
    let mut thief = Forger { origin: commune, key: stolen, head };
    let (mut link, _) = ChildLink::open(&tree, commune, district, &[commune]).await;
    let forged = thief.next(1);
    link.send_batch(&forged).await;
    let refusal = link.refusal().await;
    assert_eq!(refusal.code, "key_out_of_turn");
    assert_eq!(parent.store.view().chains[&commune].head, head);
    // The key that took its place goes on.
    drop(link);
    let child = tree.start(commune).await;
    Recorder::new(child).household("2026-01-02").await;
    caught_up(&tree, commune, district).await;
    assert_eq!(tree.head(district, commune), head.number.0 + 1);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_cut_short_at_any_step_is_settled_at_the_next_start() {
    let mut tree = Tree::four();
    let commune = unit("00001");
    let folder = tree.keys(commune);
    let mut expected = 1;
    for cut in ["after the key was made", "after the grant was durable", "before the key took its place"] {
        let node = tree.start(commune).await;
        let before = in_force(&node, commune);
        Recorder::new(Arc::clone(&node)).household("2026-01-01").await;
        let old = fs::read(folder.join("ledger.key")).unwrap();
        let next = keys::prepare_rotation(&folder).unwrap();
        let made = next.public();
        if cut != "after the key was made" {
            expected += 1;
            let grant = node.store.rotate(next, Actor::local().words(), 1).await.unwrap();
            if cut == "before the key took its place" {
                keys::finish_rotation(&folder, &grant).unwrap();
                fs::rename(folder.join("ledger.key"), folder.join("ledger.key.next")).unwrap();
                fs::write(folder.join("ledger.key"), old).unwrap();
            }
        }
        tree.stop(commune).await;

        let node = tree.start(commune).await;
        let after = in_force(&node, commune);
        assert_eq!(node.ring_of(commune).epochs().len(), expected, "{cut}");
        assert_eq!(node.signing.key().public(), after, "{cut}");
        assert_eq!(tree.ledger_key(commune).public(), after, "{cut}");
        if cut == "after the key was made" {
            assert_eq!(after, before);
            // The key that was made is used by the next rotation.
            node.rotate_key(&Actor::local()).await.unwrap();
            expected += 1;
            assert_eq!(in_force(&node, commune), made);
        } else {
            assert_eq!(after, made, "{cut}");
        }
        assert!(!folder.join("ledger.key.next").exists(), "{cut}");
        Recorder::new(Arc::clone(&node)).household("2026-01-02").await;
        let own = || node.store.view().chains.get(&commune).map_or(0, |own| own.head.next.0 - 1);
        until("it is sealed", || own() == node.store.view().recording.sequence).await;
        tree.stop(commune).await;
        assert_whole(&tree, commune);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_behind_its_parent_does_not_rotate() {
    let mut tree = Tree::four();
    let node = tree.start(unit("00001")).await;
    let before = in_force(&node, unit("00001"));
    node.store.hold_own_chain(true);
    let refused = node.rotate_key(&Actor::local()).await.unwrap_err();
    assert!(matches!(refused, RotateError::Store(_)), "{refused}");
    assert_eq!(refused.code(), "parent_ahead");
    assert_eq!(in_force(&node, unit("00001")), before);
    tree.stop_all().await;
}

/// A rotation as a node makes it, with any cut-over.
fn rotation(of: UnitId, old: &LedgerKey, new: &LedgerKey, claim: impl FnOnce(&mut KeyClaim)) -> Signed {
    let mut claimed = KeyClaim {
        unit: of,
        key: new.public().to_bytes(),
        replaces: Some(old.public().id()),
        after: BatchNumber(0),
        hash: danso_core::chain::Digest::default(),
        claimed_at_ms: 1,
    };
    claim(&mut claimed);
    let claim = Signed::sign(&claimed, new);
    Signed::sign(&KeyGrant { claim, grantor: Grantor::Former, granted_at_ms: 1 }, old)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_would_deny_batches_held_is_passed_over() {
    let mut tree = Tree::four();
    let (commune, district) = (unit("00001"), unit("001"));
    let parent = tree.start(district).await;
    let mut forger = Forger::new(&tree, commune);
    let (mut link, _) = ChildLink::open(&tree, commune, district, &[commune]).await;
    for _ in 0..2 {
        link.send_batch(&forger.next(1)).await;
        link.receipt().await;
    }
    let (old, new) = (tree.ledger_key(commune), LedgerKey::from_seed(&[9; 32]));
    let at = |number: u64, hash| {
        rotation(commune, &old, &new, |claim| (claim.after, claim.hash) = (BatchNumber(number), hash))
    };
    let other = danso_core::chain::Digest([1; 32]);
    for denied in [at(1, other), at(2, other)] {
        parent.register(vec![denied]).await.unwrap();
        assert_eq!(in_force(&parent, commune), old.public());
    }
    parent.register(vec![at(2, forger.head.hash)]).await.unwrap();
    assert_eq!(in_force(&parent, commune), new.public());
    // And the batch under the new key follows the one that it named.
    forger.key = new;
    link.send_batch(&forger.next(1)).await;
    link.receipt().await;
    // Somebody who is nobody's parent grants a key.
    let stranger = tree.ledger_key(unit("00004"));
    let newest = LedgerKey::from_seed(&[8; 32]);
    let claim = KeyClaim {
        unit: commune,
        key: newest.public().to_bytes(),
        replaces: Some(forger.key.public().id()),
        after: forger.head.number,
        hash: forger.head.hash,
        claimed_at_ms: 1,
    };
    let claim = Signed::sign(&claim, &newest);
    let grant = KeyGrant { claim, grantor: Grantor::Unit(unit("00004")), granted_at_ms: 1 };
    let refused = parent.register(vec![Signed::sign(&grant, &stranger)]).await.unwrap_err();
    let cause = std::error::Error::source(&refused).and_then(|cause| cause.downcast_ref::<Fault>());
    assert_eq!(cause, Some(&Fault::Grantor { unit: commune }));
    tree.stop_all().await;
}
