//! Recorded at a commune, counted above; lines that break and come back.

use super::{births, caught_up, differences, total};
use danso_core::{domain::Sex, rollup::Dimension};
use danso_tests::{Recorder, Tree, entries::person, tree::central, unit, until};

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
        assert_eq!(total(&births(&tree.node(unit(below)), &[], &[])), 1);
    }
    assert_eq!(total(&births(&tree.node(unit("002")), &[], &[])), 0);
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

#[tokio::test(flavor = "multi_thread")]
async fn a_commune_records_without_its_parent_and_catches_up() {
    let mut tree = Tree::four();
    tree.start_all().await;
    let (commune, district) = (unit("00001"), unit("001"));
    let mut recorder = Recorder::new(tree.node(commune));
    let home = recorder.household("2026-01-01").await;
    until("the commune is linked", || tree.changes(central(), commune) == 1).await;

    tree.stop(district).await;
    until("the commune knows that its line is down", || !tree.node(commune).link.read().unwrap().connected)
        .await;
    for day in 1..=5 {
        let child =
            recorder.birth(&format!("2026-03-{day:02}"), home, &format!("Trẻ {day}"), Sex::Male).await;
        assert_eq!(child.serial, day);
    }
    let here = || total(&births(&tree.node(commune), &[], &[]));
    until("the commune counts what it has sealed", || here() == 5).await;
    assert_eq!(tree.changes(central(), commune), 1);

    // The parent comes back where it was, and everything recorded meanwhile goes up.
    tree.start(district).await;
    caught_up(&tree, central()).await;
    assert_eq!(total(&births(&tree.node(central()), &[], &[])), 5);
    assert_eq!(differences(&tree, central()), []);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commune_that_was_switched_off_catches_up_and_has_lost_nothing() {
    let mut tree = Tree::four();
    let commune = unit("00037");
    // Nobody above runs yet: what is recorded waits on the commune's own disk.
    let mut recorder = Recorder::new(tree.start(commune).await);
    let home = recorder.household("2026-01-01").await;
    recorder.birth("2026-03-09", home, "Trẻ một", Sex::Female).await;
    tree.stop(commune).await;

    tree.start_all().await;
    caught_up(&tree, central()).await;
    assert_eq!(total(&births(&tree.node(central()), &["002"], &[])), 1);
    assert_eq!(total(&births(&tree.node(central()), &["001"], &[])), 0);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn central_equals_the_sum_of_all_communes_cell_by_cell() {
    let mut tree = Tree::four();
    tree.start_all().await;
    for (number, code) in ["00001", "00004", "00037", "00040"].into_iter().enumerate() {
        let mut recorder = Recorder::new(tree.node(unit(code)));
        let home = recorder.household("2026-01-01").await;
        let mut residents = Vec::new();
        for age in 0..=number {
            let born = format!("{}-02-03", 1960 + 10 * age);
            residents
                .push(recorder.register("2026-01-01", home, person("Lê Văn Tư", Sex::Male, &born)).await);
        }
        recorder.birth("2026-03-04", home, "Lê Thị Năm", Sex::Female).await;
        recorder.death("2026-03-05", residents[0]).await;
        if let Some(second) = residents.get(1) {
            recorder.departure("2026-03-06", *second).await;
        }
    }
    caught_up(&tree, central()).await;
    assert!(!tree.node(central()).store.view().tallies.is_empty());
    for top in [central(), unit("01")] {
        assert_eq!(differences(&tree, top), []);
    }
    assert_eq!(tree.node(central()).tallies_digest(), tree.node(unit("01")).tallies_digest());
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_tiers_count_without_districts() {
    let mut tree = Tree::three();
    tree.start_all().await;
    for (code, sex) in [("00001", Sex::Male), ("00004", Sex::Female)] {
        let mut recorder = Recorder::new(tree.node(unit(code)));
        let home = recorder.household("2026-01-01").await;
        recorder.birth("2026-03-09", home, "Trẻ", sex).await;
    }
    caught_up(&tree, central()).await;
    let top = tree.node(central());
    let mut query =
        super::question(danso_core::rollup::Measure::Births, &[], "2026-03".parse().unwrap(), &[]);
    query.by_tier = Some("commune".to_owned());
    let counted = top.count(&query).unwrap();
    let rows: Vec<(&str, i64)> = counted.rows.iter().map(|row| (row.keys[0].as_str(), row.count)).collect();
    assert_eq!(rows, [("00001@2025-07-01", 1), ("00004@2025-07-01", 1)]);
    assert_eq!(differences(&tree, central()), []);
    query.by_tier = Some("district".to_owned());
    assert_eq!(top.count(&query).unwrap_err().code(), "unknown_tier");
    tree.stop_all().await;
}
