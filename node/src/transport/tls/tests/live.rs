//! Open connections are checked again after a change, and cut if they no longer pass.

use super::{
    super::{Bounds, Keys, Role, connect, reason},
    CLIENT, Log, Node, PATIENCE, Root, SERVER,
    bounds::{closed, shaken_with},
    check,
    country::{Country, DISTRICT, SIBLING_DISTRICT, grounds},
    good, odd_client, unit,
};
use crate::transport::tls::Grounds;
use rustls::version::TLS13;
use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};
use tokio::time::timeout;

/// Waits until the server has entered so many connections.
async fn open(node: &Node, count: usize) {
    let wait = async {
        while node.connections.count() != count {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(PATIENCE, wait).await.expect("the connections must be entered");
}

#[tokio::test]
async fn revocation_cuts_open_connections_of_the_revoked_only() {
    let country = Country::new();
    let server = country.server();
    let mut node = Node::start(server.server(), Bounds::default()).await;
    let (log, _guard) = Log::start();
    let revoked = country.keys(&country.district.node(CLIENT));
    let mut stream = shaken_with(&node, revoked.client()).await;
    let channel = connect(&node.address(), unit(SERVER), revoked.client()).await.unwrap();
    let person = country.district.authority.issue_person(Role::Operator, unit(CLIENT), good()).unwrap();
    let other = connect(&node.address(), unit(SERVER), country.keys(&person).client()).await.unwrap();
    let guest = odd_client(country.root.pem(), None, &TLS13);
    let guest = connect(&node.address(), unit(SERVER), guest).await.unwrap();
    let mut peers = Vec::new();
    for channel in [&other, &guest] {
        check(channel.clone()).await.unwrap();
        peers.push(node.peers.recv().await.unwrap());
    }
    open(&node, 4).await;
    assert_eq!(node.connections.recheck(&server, SystemTime::now()), 0);
    let revoked_nodes = BTreeMap::from([(unit(CLIENT), u64::MAX)]);
    country.trust.set(Grounds { revoked_nodes, ..grounds(DISTRICT) });
    assert_eq!(node.connections.recheck(&server, SystemTime::now()), 2);
    closed(&mut stream).await;
    assert_eq!(log.count("tls_peer_revoked"), 2, "{}", log.text());
    assert!(log.text().contains("connection cut"), "{}", log.text());
    assert!(log.text().contains("identity=node 00004@2025-07-01"), "{}", log.text());
    // The channel dials again and is told why it is refused now.
    let again = async {
        loop {
            let code = reason(&check(channel.clone()).await.unwrap_err()).code();
            if code == "tls_own_revoked" {
                break;
            }
        }
    };
    timeout(PATIENCE, again).await.expect("the new connection must be refused as revoked");
    open(&node, 2).await;
    for (channel, peer) in [other, guest].into_iter().zip(peers) {
        check(channel).await.unwrap();
        assert_eq!(node.peers.recv().await, Some(peer), "the call came by another connection");
    }
}

async fn cut_by(node: &Node, client: &Keys, keys: &Keys, now: SystemTime, code: &str) {
    let (log, _guard) = Log::start();
    let mut stream = shaken_with(node, client.client()).await;
    open(node, 1).await;
    assert_eq!(node.connections.recheck(keys, now), 1);
    closed(&mut stream).await;
    assert_eq!(log.count(code), 1, "{}", log.text());
    open(node, 0).await;
}

#[tokio::test]
async fn a_removed_root_cuts_open_connections() {
    let (old, new) = (Root::new(), Root::new());
    let server = old.keys(SERVER);
    let node = Node::start(server.server(), Bounds::default()).await;
    cut_by(&node, &old.keys(CLIENT), &new.keys(SERVER), SystemTime::now(), "tls_peer_foreign").await;
}

#[tokio::test]
async fn an_expired_certificate_cuts_its_open_connection() {
    let root = Root::new();
    let server = root.keys(SERVER);
    let node = Node::start(server.server(), Bounds::default()).await;
    let later = SystemTime::now() + Duration::from_hours(31 * 24);
    cut_by(&node, &root.keys(CLIENT), &server, later, "tls_peer_expired").await;
}

#[tokio::test]
async fn a_replaced_directory_cuts_open_connections() {
    let country = Country::new();
    let server = country.server();
    let node = Node::start(server.server(), Bounds::default()).await;
    let client = country.keys(&country.district.node(CLIENT));
    let (log, _guard) = Log::start();
    let mut stream = shaken_with(&node, client.client()).await;
    open(&node, 1).await;
    country.trust.set(grounds(SIBLING_DISTRICT));
    assert_eq!(node.connections.recheck(&server, SystemTime::now()), 1);
    closed(&mut stream).await;
    assert_eq!(log.count("tls_peer_outside_subtree"), 1, "{}", log.text());
}
