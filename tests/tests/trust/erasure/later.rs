//! Tiers that were away, set back, locked or killed carry an order out when they are back.

use super::scene::*;
use danso_core::chain::{BatchNumber, strip};
use danso_node::{
    operations::Actor,
    store::ledger::{Ledger, Options},
};
use danso_tests::{
    Tree,
    folder::{copy, put_back},
    tree::central,
    until,
};
use danso_tier_config::Policy;
use std::sync::Arc;
#[tokio::test(flavor = "multi_thread")]
async fn a_tier_that_is_away_executes_later_and_the_list_says_who_is_missing() {
    let mut tree = plain_tree().await;
    let node = tree.node(commune());
    let recorded = record(&node).await;
    let counted = node.store.view().recording.sequence;
    until("all is at central", || tree.changes(central(), commune()) == counted).await;
    let old: Vec<_> =
        frames(&tree.node(province())).into_iter().filter(|frame| names_secret(frame)).collect();
    tree.stop(province()).await;
    let erased = erase(&node, recorded.person).await;
    assert_eq!(erased.awaiting, [district(), province()]);
    let only_the_province = || {
        let node = Arc::clone(&node);
        async move { (awaiting(&node).await == Some(vec![province()])).then_some(()) }
    };
    danso_tests::eventually("the district confirms", only_the_province).await;
    assert!(contains(&bytes_of(&tree, province()), &old[0]));
    // A repeat orders nothing anew.
    let again = node.erase(&Actor::local(), recorded.person, &reference()).await.unwrap();
    assert_eq!((again.orders, again.leaves, again.restated), (erased.orders, 2, 0));
    start(&mut tree, province()).await;
    confirmed_by_all(&node).await;
    assert_eq!(awaiting(&node).await, None);
    let listed = node.list_requests(true).await.unwrap();
    assert_eq!(listed[0].request.state().word(), "fulfilled");
    tree.stop_all().await;
    assert_forgotten(&bytes_of(&tree, province()), &old, province());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_district_set_back_to_an_old_backup_executes_again() {
    let mut tree = plain_tree().await;
    let node = tree.node(commune());
    let recorded = record(&node).await;
    let counted = node.store.view().recording.sequence;
    until("all is at central", || tree.changes(central(), commune()) == counted).await;
    let old: Vec<_> =
        frames(&tree.node(district())).into_iter().filter(|frame| names_secret(frame)).collect();
    tree.stop(district()).await;
    let (data, backup) = (tree.home(district()).join("data"), tree.path("backup"));
    copy(&data, &backup);
    start(&mut tree, district()).await;
    erase(&node, recorded.person).await;
    confirmed_by_all(&node).await;
    until("central has the order", || tree.node(central()).store.view().orders.len() == 1).await;

    tree.stop(district()).await;
    put_back(&backup, &data);
    assert!(contains(&bytes_of(&tree, district()), &old[0]), "the backup holds the name");
    let restored = start(&mut tree, district()).await;
    until("the restored district has carried the order out again", || {
        let view = restored.store.view();
        view.orders.values().any(|held| held.done.contains_key(&district()))
    })
    .await;
    tree.stop_all().await;
    assert_forgotten(&bytes_of(&tree, district()), &old, district());
    verified(&tree, district());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commune_set_back_to_an_old_backup_forgets_again() {
    let mut tree = plain_tree().await;
    let node = tree.node(commune());
    let recorded = record(&node).await;
    let counted = node.store.view().recording.sequence;
    until("all is at central", || tree.changes(central(), commune()) == counted).await;
    let old: Vec<_> = frames(&node).into_iter().filter(|frame| names_secret(frame)).collect();
    tree.stop(commune()).await;
    let (data, backup) = (tree.home(commune()).join("data"), tree.path("backup"));
    copy(&data, &backup);
    let node = start(&mut tree, commune()).await;
    erase(&node, recorded.person).await;
    confirmed_by_all(&node).await;
    tree.stop(commune()).await;
    put_back(&backup, &data);
    let restored = start(&mut tree, commune()).await;
    assert_eq!(restored.store.persons_by_name("tuyệt mật", 10).unwrap().len(), 1);
    until("the restored commune has forgotten again", || {
        let view = restored.store.view();
        view.orders.values().any(|held| held.done.contains_key(&commune()))
    })
    .await;
    until("its chain is whole again", || tree.head(commune(), commune()) == tree.head(district(), commune()))
        .await;
    others_are_named(&restored, &recorded);
    tree.stop_all().await;
    assert_forgotten(&bytes_of(&tree, commune()), &old, commune());
    verified(&tree, commune());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_writing_anew_and_scrubbing_is_finished_at_the_next_start() {
    let mut tree = Tree::four();
    let node = start(&mut tree, commune()).await;
    let recorded = record(&node).await;
    let last = node.store.view().recording.sequence;
    until("all is sealed", || node.store.view().chains[&commune()].head.next.0 > last).await;
    tree.stop(commune()).await;
    let data = tree.home(commune()).join("data");
    let (before, after) = (tree.path("before"), tree.path("after"));
    copy(&data, &before);
    let node = start(&mut tree, commune()).await;
    let old: Vec<_> = frames(&node).into_iter().filter(|frame| names_secret(frame)).collect();
    erase(&node, recorded.person).await;
    tree.stop(commune()).await;
    copy(&data, &after);

    // The folder as a kill would have left it: all records written, none scrubbed, the index as before.
    put_back(&before, &data);
    {
        let (mut ledger, _) = Ledger::open(&data.join("ledger"), Options::default()).unwrap();
        let (later, _) = Ledger::open(&after.join("ledger"), Options::default()).unwrap();
        let written: Vec<_> = later.reader().iter_from(ledger.end()).map(Result::unwrap).collect();
        assert!(!written.is_empty());
        let borrowed: Vec<_> =
            written.iter().map(|record| (record.kind, record.payload.as_slice())).collect();
        ledger.append(&borrowed).unwrap();
        ledger.sync().unwrap();
    }
    let killed = bytes_of(&tree, commune());
    assert!(contains(&killed, NAME.as_bytes()) && contains(&killed, &old[0]));
    let again = start(&mut tree, commune()).await;
    others_are_named(&again, &recorded);
    tree.stop(commune()).await;
    assert_forgotten(&bytes_of(&tree, commune()), &old, commune());
    verified(&tree, commune());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_its_key_at_rest_keeps_an_order_and_executes_it_when_the_key_is_back() {
    let mut tree = Tree::four();
    for unit in way_up().into_iter().rev() {
        tree.start(unit).await;
    }
    let node = tree.node(commune());
    let recorded = record(&node).await;
    let counted = node.store.view().recording.sequence;
    until("all is at central", || tree.changes(central(), commune()) == counted).await;
    tree.stop(district()).await;
    let (key, away) = (tree.keys(district()).join("at-rest.key"), tree.path("away.key"));
    std::fs::rename(&key, &away).unwrap();
    let locked = tree.start(district()).await;
    erase(&node, recorded.person).await;
    until("the locked district keeps the order", || locked.store.view().orders.len() == 1).await;
    let others = || {
        let node = Arc::clone(&node);
        async move { (awaiting(&node).await == Some(vec![district()])).then_some(()) }
    };
    danso_tests::eventually("the province confirms past the locked district", others).await;
    tree.stop(district()).await;
    std::fs::rename(&away, &key).unwrap();
    let open = tree.start(district()).await;
    confirmed_by_all(&node).await;
    assert!(!frames(&open).iter().any(|frame| names_secret(frame)));
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_comes_after_the_order_is_erased_on_arrival() {
    let mut tree = Tree::four();
    for unit in [district(), commune()] {
        start(&mut tree, unit).await;
    }
    let node = tree.node(commune());
    let recorded = record(&node).await;
    let last = node.store.view().recording.sequence;
    until("the district has all", || tree.changes(district(), commune()) == last).await;
    let old: Vec<_> = frames(&node).into_iter().filter(|frame| names_secret(frame)).collect();
    let batches: Vec<_> = (1..=tree.head(commune(), commune()))
        .map(|number| node.store.batch(commune(), BatchNumber(number)).unwrap().unwrap().batch)
        .map(|batch| strip(batch, Policy::Names))
        .collect();
    erase(&node, recorded.person).await;
    let order = node.store.view().orders.values().next().unwrap().signed.clone();
    tree.stop_all().await;
    // A district with nothing but the keys: the order first, then the batches as they were before it.
    std::fs::remove_dir_all(tree.home(district()).join("data")).unwrap();
    let empty = start(&mut tree, district()).await;
    let ring = node.ring_of(commune());
    empty.register(ring.epochs().iter().map(|epoch| epoch.signed.clone()).collect()).await.unwrap();
    assert!(empty.take_orders(Some(commune()), vec![order]).await.unwrap().is_empty());
    for batch in batches {
        assert!(old.is_empty() || batch.personal.is_some());
        let (taker, child) = (Arc::clone(&empty), commune());
        let accepted =
            tokio::task::spawn_blocking(move || taker.accept(child, batch).unwrap()).await.unwrap();
        accepted.receipt(&empty).await.unwrap();
    }
    assert_eq!(tree.changes(district(), commune()), last);
    assert!(!frames(&empty).iter().any(|frame| names_secret(frame)));
    tree.stop_all().await;
    assert_forgotten(&bytes_of(&tree, district()), &old, district());
}
