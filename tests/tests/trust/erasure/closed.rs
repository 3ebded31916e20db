//! A household that only an erased person lived in, closed since: nothing states it again.

use super::scene::*;
use danso_core::domain::{Area, HouseholdFacts, Sex, entry::Entry};
use danso_tests::{Recorder, entries::person};

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_household_is_forgotten_with_the_leaf_that_named_it() {
    let mut tree = plain_tree().await;
    let node = tree.node(commune());
    let mut recorder = Recorder::new(node.clone());
    let home = recorder.household("2026-01-01").await;
    recorder.register("2026-01-01", home, person(NEIGHBOUR, Sex::Male, "1990-01-01")).await;
    let forgotten = recorder.register("2026-01-01", home, person(NAME, Sex::Female, "1995-05-05")).await;
    let facts = HouseholdFacts { number: NEW_HOUSEHOLD.to_owned(), address: NEW_ADDRESS.to_owned() };
    let split = Entry::SplitHousehold { from: home, members: vec![forgotten], area: Area(2), facts };
    let left = recorder.record("2026-02-01", split).await.household.unwrap();
    recorder.death("2026-03-01", forgotten).await;
    recorder.record("2026-03-02", Entry::CloseHousehold(left)).await;
    drop(recorder);

    let erased = erase(&node, forgotten).await;
    assert_eq!((erased.leaves, erased.restated), (2, 0));
    assert_eq!(node.store.household(left).unwrap().unwrap().facts, HouseholdFacts::default());
    let stays = node.store.household(home).unwrap().unwrap();
    assert!(!stays.facts.number.is_empty());
    drop(node);
    tree.stop_all().await;
    // The index as it is, and as the ledger makes it anew.
    verified(&tree, commune());
    std::fs::remove_dir_all(tree.home(commune()).join("data/index")).unwrap();
    let node = start(&mut tree, commune()).await;
    assert_eq!(node.store.household(left).unwrap().unwrap().facts, HouseholdFacts::default());
    assert!(node.store.household(home).unwrap().unwrap().facts == stays.facts);
    drop(node);
    tree.stop_all().await;
    verified(&tree, commune());
}
