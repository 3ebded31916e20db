//! Changes that are stored and not counted, the same at every tier.

use crate::scene::Scene;
use danso_core::{
    chain::{BatchNumber, Quarantined, Receipt, strip},
    domain::{Core, Event, Reason, Sequence},
    rollup::{Dimension, Measure},
};
use danso_node::operations::{CountQuery, Node};
use danso_tests::{
    Tree,
    forge::{ChildLink, Forger, public_key},
    unit, until,
};
use danso_tier_config::{Policy, UnitId};

fn births(node: &Node, origin: UnitId) -> i64 {
    let query = CountQuery {
        measure: Measure::Births,
        units: vec![origin.to_string()],
        by_tier: None,
        months: Some(("2026-01".parse().unwrap(), "2026-01".parse().unwrap())),
        filters: Vec::new(),
        group_by: Vec::<Dimension>::new(),
        boundary: None,
    };
    node.count(&query).unwrap().rows[0].count
}

fn impossible_order(core: &mut Core) {
    if let Event::Born { order, .. } = &mut core.event {
        *order = 31;
    }
}

fn mother_of_five(core: &mut Core) {
    if let Event::Born { mother_birth, .. } = &mut core.event {
        *mother_birth = "2021-01".parse().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_breaks_a_rule_is_not_counted_at_any_tier_and_the_rest_is() {
    let mut tree = Tree::four();
    let (province, district, commune) = (unit("01"), unit("001"), unit("00001"));
    tree.start(province).await;
    tree.start(district).await;
    let mut forger = Forger::new(&tree, commune);
    let mut cores: Vec<Core> = (1..=4).map(|sequence| forger.birth(sequence)).collect();
    impossible_order(&mut cores[1]);
    mother_of_five(&mut cores[3]);
    let changes: Vec<_> = cores.iter().map(|core| forger.named(core)).collect();
    let batch = strip(forger.seal(&changes), Policy::Names);
    forger.follow(&batch);
    let (mut link, _) = ChildLink::open(&tree, commune, district, &[commune]).await;
    link.send_batch(&batch).await;
    let receipt: Receipt = link.receipt().await.verify(public_key(&tree, district)).unwrap();
    let expected = [
        Quarantined { sequence: Sequence(2), reason: Reason::BirthOrder },
        Quarantined { sequence: Sequence(4), reason: Reason::MotherAge },
    ];
    assert_eq!(receipt.quarantined, expected);
    let next = forger.next(3);
    link.send_batch(&next).await;
    let receipt: Receipt = link.receipt().await.verify(public_key(&tree, district)).unwrap();
    assert_eq!((receipt.number, receipt.quarantined), (BatchNumber(2), Vec::new()));
    until("both batches are at the province", || tree.head(province, commune) == 2).await;
    for tier in [district, province] {
        let node = tree.node(tier);
        let verdicts: Vec<_> = node.quarantine(commune).unwrap();
        assert_eq!(verdicts, expected.map(|each| (each.sequence, each.reason)));
        assert_eq!(node.store.view().chains[&commune].quarantined, 2);
        assert_eq!(births(&node, commune), 5);
        assert_eq!(node.store.batch(commune, BatchNumber(1)).unwrap().unwrap().batch, batch);
    }
    until("the province's receipts came back", || {
        tree.node(district).store.view().chains[&commune].acknowledged == BatchNumber(2)
    })
    .await;
    drop(link);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_core_of_a_newer_format_is_kept_and_forwarded_verbatim_and_not_counted() {
    let mut tree = Tree::four();
    let (province, district, commune) = (unit("01"), unit("001"), unit("00001"));
    tree.start(province).await;
    tree.start(district).await;
    let mut forger = Forger::new(&tree, commune);
    let mut changes = forger.births(3);
    changes[1].core[0] = danso_core::domain::CHANGE_FORMAT + 1;
    changes[1].core.extend(b"what a later program says");
    let batch = strip(forger.seal(&changes), Policy::Names);
    forger.follow(&batch);
    let (mut link, _) = ChildLink::open(&tree, commune, district, &[commune]).await;
    link.send_batch(&batch).await;
    let receipt: Receipt = link.receipt().await.verify(public_key(&tree, district)).unwrap();
    assert_eq!(receipt.quarantined, [Quarantined { sequence: Sequence(2), reason: Reason::NewerFormat }]);
    let next = forger.next(1);
    link.send_batch(&next).await;
    until("both batches are at the province", || tree.head(province, commune) == 2).await;
    for tier in [district, province] {
        let node = tree.node(tier);
        assert_eq!(node.quarantine(commune).unwrap(), [(Sequence(2), Reason::NewerFormat)]);
        assert_eq!(births(&node, commune), 3);
        assert_eq!(node.store.batch(commune, BatchNumber(1)).unwrap().unwrap().batch, batch);
    }
    drop(link);
    // A start reads the batch again and reaches the same verdict and counts.
    let digest = tree.node(province).tallies_digest();
    tree.stop_all().await;
    let again = tree.start(province).await;
    assert_eq!(again.tallies_digest(), digest);
    assert_eq!(again.quarantine(commune).unwrap(), [(Sequence(2), Reason::NewerFormat)]);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_core_that_cannot_be_read_is_quarantined_and_the_rest_is_counted() {
    let mut scene = Scene::province().await;
    let mut changes = scene.one.births(3);
    changes[0].core.truncate(5);
    changes[2].core = Vec::new();
    let batch = strip(scene.one.seal(&changes), Policy::Names);
    scene.one.follow(&batch);
    let receipt = scene.accepted(&batch).await;
    let malformed = |sequence| Quarantined { sequence: Sequence(sequence), reason: Reason::Malformed };
    assert_eq!(receipt.quarantined, [malformed(1), malformed(3)]);
    assert_eq!(births(&scene.node, scene.one.origin), 1);
    scene.goes_on().await;
    assert_eq!(births(&scene.node, scene.one.origin), 3);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_verdict_is_told_even_when_receipts_are_gathered() {
    let mut scene = Scene::province().await;
    let mut batches = Vec::new();
    for round in 0..12 {
        let mut core = scene.one.birth(scene.one.head.next.0);
        if round % 3 == 0 {
            impossible_order(&mut core);
        }
        let change = scene.one.named(&core);
        let batch = strip(scene.one.seal(&[change]), Policy::Names);
        scene.one.follow(&batch);
        batches.push(batch);
    }
    for batch in &batches {
        scene.link.send_batch(batch).await;
    }
    let mut told = Vec::new();
    loop {
        let receipt: Receipt = scene.link.receipt().await.verify(scene.key).unwrap();
        told.extend(receipt.quarantined.iter().map(|each| each.sequence.0));
        if receipt.number == BatchNumber(12) {
            break;
        }
    }
    assert_eq!(told, [1, 4, 7, 10]);
    scene.end().await;
}
