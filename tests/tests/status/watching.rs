//! Watching the units: first everything, then what changes, for those who may, until the node stops.

use crate::four;
use danso_node::transport::{client::ReplicationWatch, tls::Role};
use danso_proto::v1::ReplicationStatusAnswer;
use danso_tests::{Recorder, unit};

async fn next(watch: &mut ReplicationWatch) -> ReplicationStatusAnswer {
    watch.next().await.unwrap().expect("the stream goes on")
}

/// The units of an answer, in its order.
fn units(answer: &ReplicationStatusAnswer) -> Vec<&str> {
    answer.standings.iter().map(|found| found.unit.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_delivered_after_everything_and_the_stream_ends_with_the_node() {
    let (commune, province) = (unit("00001"), unit("01"));
    let mut tree = four();
    for at in [province, unit("001"), commune] {
        tree.start(at).await;
    }
    let client = tree.client(province).await;
    let mut watch = client.watch_replication("").await.unwrap();
    let first = next(&mut watch).await;
    assert!(!first.partial);
    assert_eq!(first.standings.len(), 7);

    Recorder::new(tree.node(commune)).household("2026-01-01").await;
    let id = commune.to_string();
    let changed = loop {
        let answer = next(&mut watch).await;
        assert!(answer.partial && answer.units.is_empty());
        assert!(answer.standings.len() < 7, "only what changed: {:?}", units(&answer));
        if let Some(found) =
            answer.standings.into_iter().find(|found| found.unit == id && found.changes_here == 1)
        {
            break found;
        }
    };
    assert_eq!((changed.name.as_str(), changed.batches_here), ("Phường Phúc Xá", 1));

    // Another watches only what lies below a district in which nothing happens.
    let mut narrow = client.watch_replication("002").await.unwrap();
    let narrow_first = next(&mut narrow).await;
    let mut seen = units(&narrow_first);
    seen.sort_unstable();
    assert_eq!(seen, ["00037@2025-07-01", "00040@2025-07-01", "002@2025-07-01"]);

    tree.stop(province).await;
    while let Some(answer) = watch.next().await.unwrap() {
        assert!(answer.partial);
    }
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_sees_what_its_role_and_unit_allow() {
    let province = unit("01");
    let mut tree = four();
    tree.start(province).await;
    let officer = tree.person_keys(Role::Officer, unit("001"));
    let client = tree.client_as(province, &officer).await;
    let mut watch = client.watch_replication("").await.unwrap();
    let seen = next(&mut watch).await;
    let mut seen = units(&seen);
    seen.sort_unstable();
    assert_eq!(seen, ["00001@2025-07-01", "00004@2025-07-01", "001@2025-07-01"]);
    assert_eq!(client.watch_replication("002").await.unwrap_err().code, "outside_subtree");
    assert_eq!(client.replication_status_below("002").await.unwrap_err().code, "outside_subtree");
    assert_eq!(client.replication_status_below("77777").await.unwrap_err().code, "unknown_unit");
    let analyst = tree.person_keys(Role::Analyst, province);
    let client = tree.client_as(province, &analyst).await;
    assert_eq!(client.watch_replication("").await.unwrap_err().code, "not_allowed");
    tree.stop_all().await;
}
