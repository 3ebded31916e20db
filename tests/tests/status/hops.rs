//! Lines that are cut, and the hop at which changes wait: named right at every tier above.

use crate::{codes, finding, four, standing, stands, start_behind_a_line};
use danso_node::operations::{lag::Severity, now_ms};
use danso_proto::v1::{
    Heartbeat, UnitReport, child_message::Message as FromChild, parent_message::Message as FromParent,
};
use danso_tests::{Recorder, forge::ChildLink, tree::central, unit, until};
use danso_tier_config::UnitId;

#[tokio::test(flavor = "multi_thread")]
async fn a_district_that_is_cut_off_is_the_hop_at_which_its_communes_wait() {
    let (commune, district, province) = (unit("00001"), unit("001"), unit("01"));
    let mut tree = four();
    for at in [central(), province] {
        tree.start(at).await;
    }
    let line = start_behind_a_line(&mut tree, district).await;
    for at in [commune, unit("002")] {
        tree.start(at).await;
    }
    let mut recorder = Recorder::new(tree.node(commune));
    recorder.household("2026-01-01").await;
    let top = tree.node(central());
    let open = stands(&top, commune, "central knows the whole way", |found| {
        found.connected == Some(true) && found.changes_here == 1 && found.changes_there == 1
    })
    .await;
    assert_eq!((open.waiting, open.changes_behind), (None, 0));
    assert_eq!(
        open.hops.iter().map(|hop| hop.unit).collect::<Vec<_>>(),
        [commune, district, province, central()]
    );

    line.cut();
    recorder.household("2026-01-02").await;
    until("the district has the change", || tree.changes(district, commune) == 2).await;
    for at in [province, central()] {
        let node = tree.node(at);
        let cut = stands(&node, district, "the cut is known", |found| found.connected == Some(false)).await;
        assert!(cut.last_contact_ms > 0 && !cut.is_unknown());
        assert_eq!(finding(&cut, "no_contact").place, district);
        let waiting = standing(&node, commune).waiting.unwrap();
        assert_eq!((waiting.from, waiting.to, waiting.cut), (district, province, true), "at {at}");
        // The commune's own line may be open: nothing is said of it.
        assert!(!codes(&standing(&node, commune)).contains(&"no_contact"));
        // The other district goes on.
        assert_eq!(standing(&node, unit("002")).connected, Some(true));
    }
    // The district itself says why, and knows that its commune is in order.
    let node = tree.node(district);
    let own = stands(&node, district, "the district has noticed", |found| !found.link_code.is_empty()).await;
    assert_eq!(own.connected, Some(false));
    assert_eq!(finding(&own, &own.link_code).severity, Severity::Warning);
    assert_eq!(standing(&node, commune).waiting, None);

    line.restore();
    let mended = stands(&top, commune, "everything is at central", |found| {
        found.changes_here == 2 && found.waiting.is_none()
    })
    .await;
    assert_eq!(mended.changes_behind, 0);
    let district = stands(&top, district, "the line is open", |found| found.connected == Some(true)).await;
    assert!(!codes(&district).contains(&"no_contact"));
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commune_that_is_cut_off_is_named_by_every_tier_above() {
    let (commune, district, province) = (unit("00001"), unit("001"), unit("01"));
    let mut tree = four();
    for at in [central(), province, district, unit("00004")] {
        tree.start(at).await;
    }
    let line = start_behind_a_line(&mut tree, commune).await;
    let mut recorder = Recorder::new(tree.node(commune));
    recorder.household("2026-01-01").await;
    let top = tree.node(central());
    stands(&top, commune, "the change is at central", |found| {
        found.connected == Some(true) && found.changes_here == 1
    })
    .await;
    line.cut();
    recorder.household("2026-01-02").await;
    for at in [district, province, central()] {
        let cut =
            stands(&tree.node(at), commune, "the cut is known", |found| found.connected == Some(false)).await;
        let waiting = cut.waiting.as_ref().unwrap();
        assert_eq!((waiting.from, waiting.to, waiting.cut), (commune, district, true), "at {at}");
        assert_eq!(finding(&cut, "no_contact").place, commune, "at {at}");
        assert_eq!(standing(&tree.node(at), unit("00004")).waiting, None);
    }
    // The commune knows what waits, and with whom it has no line.
    let own = stands(&tree.node(commune), commune, "the commune has noticed", |found| {
        found.connected == Some(false) && found.hops[0].oldest_unsent_ms.is_some()
    })
    .await;
    assert_eq!((own.changes_there, own.waiting), (2, None));

    line.restore();
    stands(&top, commune, "the rest is at central", |found| {
        found.changes_here == 2 && found.waiting.is_none()
    })
    .await;
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_a_tier_holds_and_cannot_pass_on_are_counted_at_their_hop() {
    let (commune, district, province) = (unit("00001"), unit("001"), unit("01"));
    let mut tree = four();
    for at in [central(), province, district, commune] {
        tree.start(at).await;
    }
    let mut recorder = Recorder::new(tree.node(commune));
    recorder.household("2026-01-01").await;
    until("the change is at central", || tree.changes(central(), commune) == 1).await;
    stands(&tree.node(central()), district, "its line is known to be open", |found| {
        found.connected == Some(true)
    })
    .await;
    // Told by a province that never passes the rest on.
    tree.stop(province).await;
    let (mut link, _) = ChildLink::open(&tree, province, central(), &[]).await;
    let told = |by, changes, oldest_unsent_age_ms| UnitReport {
        unit: commune.to_string(),
        by: UnitId::to_string(&by),
        changes,
        oldest_unsent_age_ms,
        ..UnitReport::default()
    };
    let reports =
        vec![told(commune, 9, Some(100)), told(district, 7, Some(7_200_000)), told(province, 1, None)];
    link.send(FromChild::Heartbeat(Heartbeat { reports, sent_at_ms: now_ms(), ..Heartbeat::default() }))
        .await;
    while !matches!(link.next().await, Ok(Some(FromParent::Heartbeat(_)))) {}
    let found = standing(&tree.node(central()), commune);
    let waiting = found.waiting.clone().unwrap();
    assert_eq!((waiting.from, waiting.to, waiting.cut), (district, province, false));
    assert_eq!((found.changes_here, found.changes_there, found.changes_behind), (1, 9, 8));
    let age = now_ms() - waiting.since_ms.unwrap();
    assert!((7_200_000..7_300_000).contains(&age), "{age}");
    let behind = finding(&found, "unit_behind");
    assert_eq!((behind.place, behind.severity), (district, Severity::Warning));
    assert!(
        behind.vietnamese.contains("8 thay đổi") && behind.english.contains("Quận Ba Đình"),
        "{behind:?}"
    );
    tree.stop_all().await;
}
