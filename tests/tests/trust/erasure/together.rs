//! Changes that share a record of the ledger: one person goes from it, the others stay.

use super::scene::*;
use danso_core::{
    chain::write_personal_frame,
    domain::{PersonFacts, PersonId, Sequence, Sex, entry::Entry},
};
use danso_node::{operations::Node, store::OwnChange};
use danso_tests::{Recorder, entries::person, tree::all_bytes, until};
use std::sync::Arc;

/// Corrections of each person in turn.
const ROUNDS: usize = 30;

/// Two persons, and changes that name one or the other, made faster than they are committed. Gives the sequences of
/// each person's.
async fn record_together(node: &Arc<Node>) -> ([PersonId; 2], [Vec<Sequence>; 2]) {
    let mut recorder = Recorder::new(Arc::clone(node));
    let home = recorder.household("2026-01-01").await;
    let forgotten = recorder.register("2026-01-01", home, person(NAME, Sex::Female, "1995-05-05")).await;
    let neighbour = recorder.register("2026-01-01", home, person(NEIGHBOUR, Sex::Male, "1990-01-01")).await;
    let (persons, mut sequences) = ([(forgotten, NAME), (neighbour, NEIGHBOUR)], [vec![], vec![]]);
    let mut last = None;
    for _ in 0..ROUNDS {
        for ((person, name), sequences) in persons.into_iter().zip(&mut sequences) {
            let facts = PersonFacts { name: name.to_owned(), ..PersonFacts::default() };
            let correction = Entry::Correction {
                person,
                sex: None,
                birth_date: None,
                ethnicity: None,
                education: None,
                marital: None,
                residence: None,
                facts: Some(facts),
            };
            let (change, ticket) = node.record(None, "2026-02-01".parse().unwrap(), correction).unwrap();
            sequences.push(change.sequence);
            last = ticket;
        }
    }
    last.unwrap().durable().await.unwrap();
    ([forgotten, neighbour], sequences)
}

/// The record of a change: where it lies, and what names persons in it, as it stands in the file.
fn record_of(node: &Node, sequence: Sequence) -> (Vec<OwnChange>, Vec<u8>) {
    let (_, changes) = node.store.own_record(sequence).unwrap().unwrap();
    let personal = changes.iter().map(|change| change.personal.as_ref());
    let frame = write_personal_frame(personal.map(|part| part.map(|(salt, bytes)| (salt, bytes.as_slice()))));
    (changes, frame)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_goes_from_records_that_others_share_and_they_stay() {
    let mut tree = plain_tree().await;
    let node = tree.node(commune());
    let ([forgotten, neighbour], [theirs, others]) = record_together(&node).await;
    let shared: Vec<Vec<u8>> = theirs
        .iter()
        .map(|sequence| record_of(&node, *sequence))
        .filter(|(changes, _)| changes.iter().any(|change| others.contains(&change.sequence)))
        .map(|(_, frame)| frame)
        .collect();
    assert!(!shared.is_empty(), "no record was shared");
    let data = tree.home(commune()).join("data");
    let bytes = all_bytes(&data);
    assert!(shared.iter().all(|frame| contains(&bytes, frame)), "the search below can fail");
    until("all is sealed", || node.store.view().unsealed.is_empty()).await;
    // Names that were read are kept in memory.
    assert_eq!(node.store.person(forgotten).unwrap().unwrap().facts.name, NAME);

    let erased = erase(&node, forgotten).await;
    assert_eq!(erased.leaves as usize, ROUNDS + 1);
    let bytes = all_bytes(&data);
    assert!(!contains(&bytes, NAME.as_bytes()) && !shared.iter().any(|frame| contains(&bytes, frame)));
    let check = |node: &Node| {
        let personal = |sequence: &Sequence| node.store.own_change(*sequence).unwrap().unwrap().personal;
        assert!(theirs.iter().all(|sequence| personal(sequence).is_none()));
        assert!(others.iter().all(|sequence| personal(sequence).is_some()));
        let name = |person| node.store.person(person).unwrap().unwrap().facts.name;
        assert_eq!((name(forgotten).as_str(), name(neighbour).as_str()), ("", NEIGHBOUR));
    };
    check(&node);
    drop(node);
    tree.stop_all().await;
    verified(&tree, commune());
    std::fs::remove_dir_all(data.join("index")).unwrap();
    check(&*start(&mut tree, commune()).await);
    tree.stop_all().await;
}
