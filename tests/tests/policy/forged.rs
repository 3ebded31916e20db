//! A child that edits what it passes on, or passes on what it must not.

use super::{batches, commune, contains, way_up};
use danso_core::{
    chain::{Batch, BatchNumber, Exclusions, Quarantined, Receipt, read_frame, strip},
    domain::{Core, Event, Reason, Sequence},
};
use danso_node::operations::Node;
use danso_tests::{
    Tree,
    forge::{ChildLink, Forger, edit_exclusions, public_key},
    tree::{all_bytes, central},
    unit, until,
};
use danso_tier_config::{Policy, UnitId};

/// A batch of three births of which the second is of a 31st child.
fn with_a_fault(forger: &mut Forger) -> Batch {
    let mut cores: Vec<Core> = (1..=3).map(|sequence| forger.birth(sequence)).collect();
    if let Event::Born { order, .. } = &mut cores[1].event {
        *order = 31;
    }
    let changes: Vec<_> = cores.iter().map(|core| forger.named(core)).collect();
    let batch = strip(forger.seal(&changes), Policy::Names);
    forger.follow(&batch);
    batch
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_tier_excludes_is_excluded_above_it_by_its_signed_word() {
    let mut tree = Tree::four();
    let district = unit("001");
    tree.policies.insert(district, Policy::Counts);
    for unit in [central(), unit("01"), district] {
        tree.start(unit).await;
    }
    let mut forger = Forger::new(&tree, commune());
    let faulty = with_a_fault(&mut forger);
    let good = forger.next(2);
    let (mut link, _) = ChildLink::open(&tree, commune(), district, &[commune()]).await;
    for batch in [&faulty, &good] {
        link.send_batch(batch).await;
        link.receipt().await;
    }
    until("both batches are at central", || tree.head(central(), commune()) == 2).await;
    let verdict = (Sequence(2), Reason::BirthOrder);
    let digest = tree.node(district).tallies_digest();
    for tier in [unit("01"), central()] {
        let node = tree.node(tier);
        assert_eq!(node.tallies_digest(), digest, "{tier} counts what the district counts");
        assert_eq!(node.quarantine(commune()).unwrap(), [verdict]);
        let held = batches(&node, commune());
        assert_eq!((held[0].cores.is_none(), held[0].personal.is_none()), (true, true));
        let signed = held[0].exclusions.clone().unwrap();
        let exclusions: Exclusions = signed.verify(public_key(&tree, district)).unwrap();
        assert_eq!((exclusions.tier_unit, exclusions.hash), (district, faulty.hash()));
        assert_eq!(exclusions.quarantined, [Quarantined { sequence: verdict.0, reason: verdict.1 }]);
        assert_eq!(held[1].exclusions, None);
    }
    drop(link);
    tree.stop_all().await;
    // A start reads the exclusions again.
    let again = tree.start(central()).await;
    assert_eq!(again.tallies_digest(), digest);
    tree.stop_all().await;
}

/// A parent under attack by its child: what the child sends must be refused with `code` and change nothing.
async fn refused(node: &Node, link: &mut ChildLink, batch: &Batch, code: &str) {
    let before = (node.tallies_digest(), node.store.view().chains.clone());
    link.send_batch(batch).await;
    let refusal = link.refusal().await;
    assert_eq!(refusal.code, code, "{}", refusal.message);
    assert_eq!((node.tallies_digest(), node.store.view().chains.clone()), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn tampered_exclusions_are_refused() {
    let mut tree = Tree::four();
    let (province, district) = (unit("01"), unit("001"));
    let node = tree.start(province).await;
    let mut forger = Forger::new(&tree, commune());
    let faulty = with_a_fault(&mut forger);
    let honest = counts_of(&tree, &faulty).await;
    let known = [commune(), district, unit("002")];
    let (mut link, _) = ChildLink::open(&tree, district, province, &known).await;
    let signed = honest.exclusions.clone().unwrap();
    let key = tree.ledger_key(district);
    let with = |exclusions| Batch { exclusions: Some(exclusions), ..honest.clone() };
    let mut edited = signed.clone();
    *edited.bytes.last_mut().unwrap() ^= 1;
    refused(&node, &mut link, &with(edited), "batch_signature").await;
    let mut unsigned = signed.clone();
    unsigned.signature.clear();
    refused(&node, &mut link, &with(unsigned), "batch_signature").await;
    // By the origin itself, by a district beside the way, and by the district in the name of another.
    for (signer, tier) in [(commune(), commune()), (unit("002"), unit("002")), (district, unit("01"))] {
        let by = edit_exclusions(&signed, &tree.ledger_key(signer), |exclusions| exclusions.tier_unit = tier);
        refused(&node, &mut link, &with(by), "batch_signature").await;
    }
    // Of another batch or another origin.
    let other = edit_exclusions(&signed, &key, |exclusions| exclusions.hash.0[0] ^= 1);
    refused(&node, &mut link, &with(other), "batch_signature").await;
    let other = edit_exclusions(&signed, &key, |exclusions| exclusions.origin = unit("00004"));
    refused(&node, &mut link, &with(other), "batch_signature").await;
    // Deltas that are none, and verdicts on changes that the batch does not hold.
    let garbage = edit_exclusions(&signed, &key, |exclusions| exclusions.deltas[0].truncate(1));
    refused(&node, &mut link, &with(garbage), "batch_malformed").await;
    let twice = edit_exclusions(&signed, &key, |exclusions| {
        exclusions.quarantined = vec![exclusions.quarantined[0]; 2];
    });
    refused(&node, &mut link, &with(twice), "batch_malformed").await;
    let foreign =
        edit_exclusions(&signed, &key, |exclusions| exclusions.quarantined[0].sequence = Sequence(4));
    refused(&node, &mut link, &with(foreign), "batch_malformed").await;
    // Exclusions beside the cores, which speak for themselves.
    let beside = Batch { exclusions: Some(signed.clone()), ..strip(faulty.clone(), Policy::Cores) };
    refused(&node, &mut link, &beside, "batch_frames").await;
    link.send_batch(&honest).await;
    let receipt: Receipt = link.receipt().await.verify(public_key(&tree, province)).unwrap();
    assert_eq!(receipt.quarantined, [Quarantined { sequence: Sequence(2), reason: Reason::BirthOrder }]);
    drop(link);
    tree.stop_all().await;
}

/// The batch as the district would send it under `counts`: made by a real district, which then stops.
async fn counts_of(tree: &Tree, batch: &Batch) -> Batch {
    let mut aside = Tree::four();
    let district = unit("001");
    copy_keys(tree, &aside, &way_up());
    let node = aside.start(district).await;
    let (mut link, _) = ChildLink::open(&aside, commune(), district, &[commune()]).await;
    link.send_batch(batch).await;
    link.receipt().await;
    let counts = node.batch_for(commune(), BatchNumber(1), Policy::Counts).unwrap().unwrap();
    assert_eq!((counts.cores.is_none(), counts.exclusions.is_some()), (true, true));
    drop(link);
    aside.stop_all().await;
    counts
}

/// Gives the units of one tree the keys of another, so that they sign alike.
fn copy_keys(from: &Tree, to: &Tree, units: &[UnitId]) {
    for unit in units {
        for file in std::fs::read_dir(from.keys(*unit)).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), to.keys(*unit).join(file.file_name())).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn edited_deltas_and_headers_of_counts_are_refused() {
    let mut tree = Tree::four();
    let (province, district) = (unit("01"), unit("001"));
    let node = tree.start(province).await;
    let mut forger = Forger::new(&tree, commune());
    let full = forger.seal(&forger.births(2));
    forger.follow(&full);
    let honest = strip(full, Policy::Counts);
    let (mut link, _) = ChildLink::open(&tree, district, province, &[commune()]).await;
    let leaves = read_frame(honest.deltas.as_ref().unwrap(), "tallies", 100).unwrap().to_vec();
    let fewer = danso_core::chain::write_frame(leaves[1..].iter().map(Vec::as_slice));
    refused(&node, &mut link, &Batch { deltas: Some(fewer), ..honest.clone() }, "batch_root").await;
    let mut more = leaves.clone();
    *more[0].last_mut().unwrap() += 2;
    let more = danso_core::chain::write_frame(more.iter().map(Vec::as_slice));
    refused(&node, &mut link, &Batch { deltas: Some(more), ..honest.clone() }, "batch_root").await;
    let mut header = honest.clone();
    *header.header.bytes.last_mut().unwrap() ^= 1;
    refused(&node, &mut link, &header, "batch_signature").await;
    link.send_batch(&honest).await;
    link.receipt().await;
    assert_eq!(tree.changes(province, commune()), 2);
    drop(link);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_do_not_cross_a_boundary_of_cores() {
    let mut tree = Tree::four();
    let province = unit("01");
    let node = tree.start(central()).await;
    let mut forger = Forger::new(&tree, commune());
    let named = forger.next(2);
    let (mut link, welcome) = ChildLink::open(&tree, province, central(), &[commune()]).await;
    assert_eq!(welcome.policy, "cores");
    refused(&node, &mut link, &named, "batch_frames").await;
    link.send_batch(&strip(named, Policy::Cores)).await;
    link.receipt().await;
    assert_eq!(tree.changes(central(), commune()), 2);
    drop(link);
    tree.stop_all().await;
    let bytes = all_bytes(&tree.home(central()).join("data"));
    assert!(!contains(&bytes, danso_tests::forge::FORGED_NAME.as_bytes()));
}
