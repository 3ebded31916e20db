//! Connections without a certificate: served as guests, bounded in number, and dropped unless vouched for.

use super::{
    super::{Bounds, Identity, connect},
    Log, Node, PATIENCE, Root, SERVER,
    bounds::{SHORT, closed, serves, shaken_with},
    check, odd_client, unit,
};
use rustls::{ClientConfig, version::TLS13};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

fn guest(root: &Root) -> Arc<ClientConfig> {
    odd_client(root.pem(), None, &TLS13)
}

#[tokio::test]
async fn a_client_without_certificate_is_a_guest() {
    let root = Root::new();
    let mut node = Node::start(root.keys(SERVER).server(), Bounds::default()).await;
    let (log, _guard) = Log::start();
    check(connect(&node.address(), unit(SERVER), guest(&root)).await.unwrap()).await.unwrap();
    assert_eq!(node.peers.recv().await.unwrap().identity, Identity::Guest);
    assert_eq!(log.text(), "");
}

#[tokio::test]
async fn a_guest_stays_only_if_vouched_for() {
    let root = Root::new();
    let bounds = Bounds { guest: Duration::from_millis(500), ..Bounds::default() };
    let mut node = Node::start(root.keys(SERVER).server(), bounds).await;
    let (log, _guard) = Log::start();
    let vouched = connect(&node.address(), unit(SERVER), guest(&root)).await.unwrap();
    check(vouched.clone()).await.unwrap();
    let first = node.peers.recv().await.unwrap();
    first.vouch();
    let idle = connect(&node.address(), unit(SERVER), guest(&root)).await.unwrap();
    check(idle.clone()).await.unwrap();
    let dropped = node.peers.recv().await.unwrap();
    log.shows("tls_guest_idle").await;
    assert!(log.text().contains(&format!("peer={}", dropped.address)), "{}", log.text());
    check(vouched).await.unwrap();
    assert_eq!(node.peers.recv().await, Some(first), "the vouched call came by another connection");
    assert_eq!(log.count("tls_guest_idle"), 1, "{}", log.text());
    serves(&node, &root).await;
}

#[tokio::test]
async fn guests_are_bounded_apart_from_those_with_certificates() {
    let root = Root::new();
    let bounds = Bounds { guests: 2, guest: PATIENCE, handshake: PATIENCE, ..SHORT };
    let mut node = Node::start(root.keys(SERVER).server(), bounds).await;
    let (log, _guard) = Log::start();
    let mut seated = Vec::new();
    for _ in 0..2 {
        let channel = connect(&node.address(), unit(SERVER), guest(&root)).await.unwrap();
        check(channel.clone()).await.unwrap();
        seated.push((channel, node.peers.recv().await.unwrap()));
    }
    for _ in 0..3 {
        closed(&mut shaken_with(&node, guest(&root)).await).await;
    }
    assert_eq!(log.count("net_guests_full"), 1, "{}", log.text());
    serves(&node, &root).await;
    // A place is free once the guest is vouched for, and once a guest has gone.
    seated[0].1.vouch();
    let third = connect(&node.address(), unit(SERVER), guest(&root)).await.unwrap();
    check(third).await.unwrap();
    let (channel, peer) = seated.pop().unwrap();
    drop(channel);
    let freed = async { while connect(&node.address(), unit(SERVER), guest(&root)).await.is_err() {} };
    timeout(PATIENCE, freed).await.expect("a dropped guest leaves its place");
    drop(peer);
    check(seated[0].0.clone()).await.unwrap();
}
