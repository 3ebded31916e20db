//! Who is let in, who is refused, and the reason that both sides see.

use super::{
    super::{Bounds, Cause, ConnectError, Identity, Role, channel, connect, incoming, reason, server_name},
    CLIENT, Log, Node, PATIENCE, Root, SERVER, check, good, keys, odd_client, refused, unit,
};
use crate::transport::authority::Validity;
use rustls::{
    pki_types::ServerName,
    version::{TLS12, TLS13},
};
use std::time::{Duration, SystemTime};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsConnector;

const DAY: Duration = Duration::from_hours(24);

async fn start(root: &Root) -> Node {
    Node::start(root.keys(SERVER).server(), Bounds::default()).await
}

#[tokio::test]
async fn the_right_pair_connects_and_services_see_the_peer() {
    let root = Root::new();
    let mut node = start(&root).await;
    let person = root.authority.issue_person(Role::Analyst, unit(CLIENT), good()).unwrap();
    let person = keys(&person, root.pem(), SystemTime::now());
    for keys in [root.keys(CLIENT), person] {
        check(connect(&node.address(), unit(SERVER), keys.client()).await.unwrap()).await.unwrap();
        let peer = node.peers.recv().await.unwrap();
        assert_eq!(peer.identity, keys.identity());
        assert!(peer.address.ip().is_loopback());
    }
}

#[tokio::test]
async fn every_bad_client_is_refused_with_a_reason_at_both_sides() {
    let (root, foreign) = (Root::new(), Root::new());
    let node = start(&root).await;
    let now = SystemTime::now();
    let both = format!("{}{}", root.pem(), foreign.pem());
    let nameless = root.authority.sign(vec!["localhost".into()], true, good()).unwrap();
    let cases = [
        (keys(&foreign.node(CLIENT, good()), &both, now).client(), Cause::OwnForeign, Cause::PeerForeign),
        (
            keys(&root.node(CLIENT, Validity::ended(now)), root.pem(), now - DAY).client(),
            Cause::OwnExpired,
            Cause::PeerExpired,
        ),
        (
            keys(&root.node(CLIENT, Validity::later(now)), root.pem(), now + DAY).client(),
            Cause::OwnExpired,
            Cause::PeerNotYetValid,
        ),
        (odd_client(root.pem(), Some(nameless), &TLS13), Cause::OwnNameless, Cause::PeerNameless),
        (odd_client(root.pem(), None, &TLS12), Cause::Version, Cause::Version),
    ];
    for (config, at_client, at_server) in cases {
        let (log, _guard) = Log::start();
        assert_eq!(refused(&node.address(), config).await, at_client);
        log.shows(at_server.code()).await;
        assert!(log.text().contains("WARN") && log.text().contains("peer=127.0.0.1:"), "{}", log.text());
        check(connect(&node.address(), unit(SERVER), root.keys(CLIENT).client()).await.unwrap())
            .await
            .unwrap();
        assert_eq!(log.text().lines().count(), 1, "{}", log.text());
    }
}

#[tokio::test]
async fn a_refused_client_that_goes_on_writing_can_still_read_why() {
    let root = Root::new();
    let node = start(&root).await;
    let (log, _guard) = Log::start();
    let stream = TcpStream::connect(node.address).await.unwrap();
    let name = ServerName::try_from(server_name(unit(SERVER))).unwrap();
    let nameless = root.authority.sign(vec!["localhost".into()], true, good()).unwrap();
    let connector = TlsConnector::from(odd_client(root.pem(), Some(nameless), &TLS13));
    let mut stream = connector.connect(name, stream).await.unwrap();
    log.shows(Cause::PeerNameless.code()).await;
    for _ in 0..20 {
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        stream.flush().await.unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let error = stream.read_u8().await.unwrap_err();
    assert_eq!(reason(&error).cause, Cause::OwnNameless);
}

#[tokio::test]
async fn a_lazy_channel_tells_the_refusal_at_its_first_call() {
    let root = Root::new();
    let node = start(&root).await;
    let now = SystemTime::now();
    let expired = keys(&root.node(CLIENT, Validity::ended(now)), root.pem(), now - DAY);
    let channel = channel(&node.address(), unit(SERVER), expired.client()).unwrap();
    for _ in 0..3 {
        let found = reason(&check(channel.clone()).await.unwrap_err());
        assert_eq!(found.code(), "tls_own_expired", "{found}");
    }
}

#[tokio::test]
async fn another_unit_at_the_address_is_refused_by_the_client() {
    let root = Root::new();
    let node = start(&root).await;
    let (log, _guard) = Log::start();
    let client = root.keys(CLIENT).client();
    let error = connect(&node.address(), unit("79@2025-07-01"), client.clone()).await.unwrap_err();
    let ConnectError::Failed { reason, .. } = &error else { panic!("{error}") };
    assert_eq!(reason.cause, Cause::PeerOtherUnit);
    let sentence = &reason.sentence;
    assert!(sentence.starts_with("expected the node u79-20250701.node.danso, found "), "{sentence}");
    assert!(sentence.contains("u01-20040708.node.danso"), "{sentence}");
    log.shows(Cause::OwnUnfit.code()).await;
    check(connect(&node.address(), unit(SERVER), client).await.unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_client_refuses_servers_with_bad_certificates() {
    let (root, foreign) = (Root::new(), Root::new());
    let now = SystemTime::now();
    let person = root.authority.issue_person(Role::Operator, unit(SERVER), good()).unwrap();
    let cases = [
        (keys(&root.node(SERVER, Validity::ended(now)), root.pem(), now - DAY), Cause::PeerExpired),
        (keys(&root.node(SERVER, Validity::later(now)), root.pem(), now + DAY), Cause::PeerNotYetValid),
        (foreign.keys(SERVER), Cause::PeerForeign),
        (keys(&person, root.pem(), now), Cause::PeerUnfit),
    ];
    for (server, expected) in cases {
        let node = Node::start(server.server(), Bounds::default()).await;
        assert_eq!(refused(&node.address(), root.keys(CLIENT).client()).await, expected);
    }
}

#[tokio::test]
async fn an_exchanged_configuration_counts_from_the_next_connection() {
    let (old, new) = (Root::new(), Root::new());
    let mut node = start(&old).await;
    let (before, after) = (old.keys(CLIENT), new.keys(CLIENT));
    let open = connect(&node.address(), unit(SERVER), before.client()).await.unwrap();
    node.configs.send(new.keys(SERVER).server()).unwrap();
    assert_eq!(refused(&node.address(), before.client()).await, Cause::PeerForeign);
    check(connect(&node.address(), unit(SERVER), after.client()).await.unwrap()).await.unwrap();
    check(open).await.unwrap();
    assert_eq!(node.peers.recv().await.unwrap().identity, Identity::Node(unit(CLIENT)));
}

#[tokio::test]
async fn a_port_without_listener_refuses_and_a_dropped_server_frees_its_port() {
    let root = Root::new();
    let node = start(&root).await;
    let address = node.address();
    let channel = connect(&address, unit(SERVER), root.keys(CLIENT).client()).await.unwrap();
    check(channel.clone()).await.unwrap();
    drop(channel);
    drop(node);
    let freed = async { while TcpStream::connect(&address).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, freed).await.unwrap();
    assert_eq!(refused(&address, root.keys(CLIENT).client()).await, Cause::Refused);
}

#[tokio::test]
async fn a_lazy_channel_comes_back_with_its_server() {
    let root = Root::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let channel = channel(&address, unit(SERVER), root.keys(CLIENT).client()).unwrap();
    let found = reason(&check(channel.clone()).await.unwrap_err());
    assert_eq!(found.cause, Cause::Refused);
    assert_eq!(found.sentence, format!("{address}: connection refused, nothing listens there"));
    let listener = TcpListener::bind(&address).await.unwrap();
    let (_configs, current) = tokio::sync::watch::channel(root.keys(SERVER).server());
    let (_, health) = tonic_health::server::health_reporter();
    let connections = incoming(Box::new(listener), current, Bounds::default());
    tokio::spawn(tonic::transport::Server::builder().add_service(health).serve_with_incoming(connections));
    check(channel).await.unwrap();
}

#[tokio::test]
async fn a_name_without_address_is_told() {
    let root = Root::new();
    // A label of 64 characters is not a DNS name, so no resolver is asked.
    let address = format!("{}.invalid:7443", "a".repeat(64));
    assert_eq!(refused(&address, root.keys(CLIENT).client()).await, Cause::NameNotFound);
}

#[tokio::test]
async fn a_server_without_tls_is_told() {
    let root = Root::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (_, health) = tonic_health::server::health_reporter();
    let connections = tokio_stream::wrappers::TcpListenerStream::new(listener);
    tokio::spawn(tonic::transport::Server::builder().add_service(health).serve_with_incoming(connections));
    assert_eq!(refused(&address, root.keys(CLIENT).client()).await, Cause::NotTls);
}

#[tokio::test]
async fn an_address_is_host_and_port() {
    let client = Root::new().keys(CLIENT).client();
    for address in [
        "",
        ":7443",
        "host",
        "host:",
        "host:0",
        "host:70000",
        "me@host:1",
        "host:1/x",
        "http://host:1",
        "::1:1",
    ] {
        let expected = ConnectError::Address { address: address.into() };
        assert_eq!(channel(address, unit(SERVER), client.clone()).map(|_| ()), Err(expected), "{address}");
    }
    for address in ["127.0.0.1:7443", "[::1]:7443", "parent.example.vn:7443", "parent:1"] {
        assert!(channel(address, unit(SERVER), client.clone()).is_ok(), "{address}");
    }
}
