//! What units say of themselves: it comes to the top, is believed from the right child only, and outlives a start.

use crate::{codes, finding, four, standing, stands};
use danso_node::operations::{
    lag::{SOFTWARE, Severity, UnitStanding},
    now_ms,
};
use danso_proto::v1::{
    Heartbeat, UnitReport, child_message::Message as FromChild, parent_message::Message as FromParent,
};
use danso_tests::{
    Recorder,
    forge::{ChildLink, Forger},
    tree::central,
    unit, until,
};
use danso_tier_config::UnitId;

#[tokio::test(flavor = "multi_thread")]
async fn disk_version_certificate_and_clock_of_every_unit_arrive_at_central() {
    let mut tree = four();
    tree.start_all().await;
    let top = tree.node(central());
    let units: Vec<UnitId> = tree.directory.rows().iter().map(|row| row.id).collect();
    assert_eq!(units.len(), 8);
    let complete = |found: &UnitStanding| {
        let clock = found.unit == central() || found.clock_offset_ms.is_some();
        found.connected == Some(true) && found.disk.is_some() && found.certificate_days.is_some() && clock
    };
    until("central knows every unit", || {
        let standings = top.standings(None);
        standings.len() == 8 && standings.iter().all(complete)
    })
    .await;
    for found in top.standings(None) {
        let disk = found.disk.unwrap();
        assert!(disk.free_bytes > 0 && disk.free_bytes <= disk.size_bytes, "{disk:?}");
        assert_eq!(found.software, SOFTWARE);
        // The tree's certificates are made for 30 days, just now.
        assert_eq!(found.certificate_days, Some(29), "{}", found.unit);
        assert_eq!(found.at_rest, "open");
        assert!(found.clock_offset_ms.unwrap_or(0).abs() < 60_000);
        assert!(found.last_contact_ms <= now_ms() && found.last_contact_ms > 0);
        assert_eq!(found.hops.len(), if found.tier == "commune" { 4 } else { 1 });
    }
    // Below a district only what lies there, itself among it.
    let below: Vec<UnitId> = top.standings(Some(unit("001"))).into_iter().map(|found| found.unit).collect();
    assert_eq!(below, [unit("001"), unit("00001"), unit("00004")]);
    tree.stop_all().await;
}

fn report(unit: UnitId, by: UnitId) -> UnitReport {
    UnitReport {
        unit: unit.to_string(),
        by: by.to_string(),
        batches: 7,
        changes: 70,
        connected: Some(false),
        link_code: "stream_silent".to_owned(),
        software: "danso 0.0.1".to_owned(),
        disk_free_bytes: Some(1_000),
        disk_size_bytes: 2_000,
        certificate_days: Some(2),
        at_rest: "locked".to_owned(),
        ..UnitReport::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_a_foreign_unit_is_passed_over_and_of_a_foreign_computer_too() {
    let (province, district, foreign) = (unit("01"), unit("001"), unit("002"));
    let mut tree = four();
    let node = tree.start(province).await;
    let (mut link, _) = ChildLink::open(&tree, district, province, &[]).await;
    let reports = vec![
        // Another district, by itself and by the liar; a commune of it; the parent; a unit that nobody knows.
        report(foreign, foreign),
        report(foreign, district),
        report(unit("00037"), district),
        report(unit("00037"), foreign),
        report(province, province),
        report(unit("00001"), province),
        report(unit("09999"), district),
        // What it may say: of itself, and of the line to its commune.
        report(district, district),
        report(unit("00001"), district),
    ];
    link.send(FromChild::Heartbeat(Heartbeat { reports, sent_at_ms: now_ms(), ..Heartbeat::default() }))
        .await;
    while !matches!(link.next().await, Ok(Some(FromParent::Heartbeat(_)))) {}

    for stranger in [foreign, unit("00037")] {
        let found = standing(&node, stranger);
        assert!(found.is_unknown() && found.software.is_empty() && found.disk.is_none(), "{found:?}");
        assert_eq!((found.changes_behind, codes(&found)), (0, vec!["unit_never_linked"]));
    }
    assert_eq!(standing(&node, province).software, SOFTWARE);
    let told = standing(&node, district);
    assert_eq!(
        (told.software.as_str(), told.certificate_days, told.connected),
        ("danso 0.0.1", Some(2), Some(true))
    );
    let worst: Vec<(&str, Severity)> =
        told.findings.iter().map(|finding| (finding.code.as_str(), finding.severity)).collect();
    assert_eq!(
        worst,
        [
            ("disk_low", Severity::Critical),
            ("certificate_ends_soon", Severity::Critical),
            ("at_rest_locked", Severity::Critical),
            ("software_older", Severity::Note),
        ]
    );
    // Of the commune's line it may speak, not of the commune's computer.
    let commune = standing(&node, unit("00001"));
    assert_eq!((commune.connected, commune.link_code.as_str()), (Some(false), "stream_silent"));
    assert_eq!((commune.software.as_str(), commune.disk, commune.certificate_days), ("", None, None));
    drop(link);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_sends_no_reports_stays_welcome_and_its_refused_batches_are_told() {
    let (province, district) = (unit("01"), unit("001"));
    let mut tree = four();
    let node = tree.start(province).await;
    let mut forger = Forger::new(&tree, unit("00001"));
    let (mut link, _) = ChildLink::open(&tree, district, province, &[forger.origin]).await;
    link.send(FromChild::Heartbeat(Heartbeat { sent_at_ms: now_ms(), ..Heartbeat::default() })).await;
    while !matches!(link.next().await, Ok(Some(FromParent::Heartbeat(_)))) {}
    let batch = forger.next(1);
    link.send_batch(&batch).await;
    link.receipt().await;
    // A second batch 1: the chain has forked.
    let other = Forger::new(&tree, forger.origin).next(2);
    link.send_batch(&other).await;
    let code = link.refusal().await.code;
    let found = standing(&node, district);
    assert_eq!((found.connected, found.software.as_str()), (Some(true), ""));
    let commune = standing(&node, forger.origin);
    assert_eq!((commune.connected, commune.changes_here, commune.changes_behind), (None, 1, 0));
    assert_eq!(commune.refused, 1);
    assert_eq!(commune.last_refused.as_ref().map(|(_, code)| code.as_str()), Some(code.as_str()));
    assert!(codes(&commune).contains(&"batches_refused"), "{:?}", codes(&commune));
    drop(link);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_started_again_knows_when_it_last_heard_of_a_unit() {
    let (commune, district) = (unit("00001"), unit("001"));
    let mut tree = four();
    tree.start(district).await;
    tree.start(commune).await;
    Recorder::new(tree.node(commune)).household("2026-01-01").await;
    let before = stands(&tree.node(district), commune, "the commune is linked", |found| {
        found.changes_here == 1 && !found.software.is_empty() && found.connected == Some(true)
    })
    .await;
    tree.stop(commune).await;
    tree.stop(district).await;
    let node = tree.start(district).await;
    let after = standing(&node, commune);
    assert_eq!(after.connected, Some(false));
    assert!(after.last_contact_ms >= before.last_contact_ms);
    assert_eq!(finding(&after, "no_contact").place, commune);
    assert_eq!((after.software, after.certificate_days), (before.software, before.certificate_days));
    tree.stop_all().await;
}
