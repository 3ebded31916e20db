//! Recorded at a commune, counted at central.

use danso_core::{
    domain::Sex,
    rollup::{Dimension, Measure},
};
use danso_node::operations::{CountQuery, Counted, Node};
use danso_tests::{Recorder, Tree, entries::person, tree::central, unit, until};

fn births(node: &Node, units: &[&str], by: &[Dimension]) -> Counted {
    let query = CountQuery {
        measure: Measure::Births,
        units: units.iter().map(ToString::to_string).collect(),
        by_tier: None,
        months: Some(("2026-03".parse().unwrap(), "2026-03".parse().unwrap())),
        filters: Vec::new(),
        group_by: by.to_vec(),
        boundary: None,
    };
    node.count(&query).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_birth_reaches_central() {
    let mut tree = Tree::four();
    tree.start_all().await;
    let commune = unit("00001");
    let mut recorder = Recorder::new(tree.node(commune));
    let home = recorder.household("2026-01-01").await;
    recorder.register("2026-01-01", home, person("Nguyễn Thị Hòa", Sex::Female, "1995-05-05")).await;
    recorder.birth("2026-03-09", home, "Nguyễn An", Sex::Male).await;
    until("the birth is at central", || tree.changes(central(), commune) == 3).await;
    let top = tree.node(central());
    let counted = births(&top, &[], &[Dimension::Sex]);
    assert_eq!(counted.rows.len(), 1);
    assert_eq!((counted.rows[0].keys[0].as_str(), counted.rows[0].count), ("male", 1));
    for below in ["01", "001"] {
        assert_eq!(births(&tree.node(unit(below)), &[], &[]).rows[0].count, 1);
    }
    assert_eq!(births(&tree.node(unit("002")), &[], &[]).rows[0].count, 0);
    until("every receipt came back", || {
        let acknowledged = |at: &str| {
            let node = tree.node(unit(at));
            let view = node.store.view();
            view.chains.get(&commune).is_some_and(|chain| chain.acknowledged == chain.head.number)
        };
        ["00001", "001", "01"].into_iter().all(acknowledged)
    })
    .await;
    tree.stop_all().await;
}
