//! Garbage, silence and numbers: whoever says nothing useful is dropped, and everyone else is served.

use super::{
    super::{Bounds, Cause, connect, server_name},
    CLIENT, Log, Node, PATIENCE, Root, SERVER, check, unit,
};
use rustls::{ClientConfig, pki_types::ServerName};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

pub(super) const SHORT: Bounds = Bounds {
    handshake: Duration::from_millis(300),
    connections: 64,
    per_address: 64,
    per_identity: 64,
    guests: 64,
    guest: Duration::from_millis(300),
    idle: PATIENCE,
};

/// Reads until the other side has closed; how it closes does not matter.
pub(super) async fn closed(stream: &mut (impl AsyncReadExt + Unpin)) {
    let mut bytes = [0; 1_024];
    let drain = async { while matches!(stream.read(&mut bytes).await, Ok(count) if count > 0) {} };
    timeout(PATIENCE, drain).await.expect("the connection must be closed");
}

pub(super) async fn serves(node: &Node, root: &Root) {
    check(connect(&node.address(), unit(SERVER), root.keys(CLIENT).client()).await.unwrap()).await.unwrap();
}

async fn shaken(node: &Node, root: &Root) -> TlsStream<TcpStream> {
    shaken_with(node, root.keys(CLIENT).client()).await
}

pub(super) async fn shaken_with(node: &Node, config: Arc<ClientConfig>) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(node.address).await.unwrap();
    let name = ServerName::try_from(server_name(unit(SERVER))).unwrap();
    TlsConnector::from(config).connect(name, stream).await.unwrap()
}

#[tokio::test]
async fn plain_text_is_refused_and_others_are_served() {
    let root = Root::new();
    let node = Node::start(root.keys(SERVER).server(), Bounds::default()).await;
    let (log, _guard) = Log::start();
    for garbage in
        [&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &[0xff; 4_096]]
    {
        let mut stream = TcpStream::connect(node.address).await.unwrap();
        stream.write_all(garbage).await.unwrap();
        closed(&mut stream).await;
        serves(&node, &root).await;
    }
    assert_eq!(log.count(Cause::NotTls.code()), 3, "{}", log.text());
}

#[tokio::test]
async fn a_silent_connection_is_dropped_and_delays_nobody() {
    let root = Root::new();
    let node = Node::start(root.keys(SERVER).server(), SHORT).await;
    let (log, _guard) = Log::start();
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(node.address).await.unwrap());
    }
    serves(&node, &root).await;
    for stream in &mut silent {
        closed(stream).await;
    }
    log.shows(Cause::Timeout.code()).await;
    serves(&node, &root).await;
}

#[tokio::test]
async fn silence_after_the_handshake_is_dropped() {
    let root = Root::new();
    let node = Node::start(root.keys(SERVER).server(), SHORT).await;
    let (log, _guard) = Log::start();
    let mut silent = shaken(&node, &root).await;
    let mut slow = shaken(&node, &root).await;
    slow.write_all(b"PRI * HTTP/2").await.unwrap();
    slow.flush().await.unwrap();
    serves(&node, &root).await;
    closed(&mut silent).await;
    closed(&mut slow).await;
    log.shows("tls_silent").await;
    assert_eq!(log.count("tls_silent"), 2, "{}", log.text());
    assert!(log.text().contains("identity=node 00004@2025-07-01"), "{}", log.text());
    serves(&node, &root).await;
}

#[tokio::test]
async fn a_connection_in_use_outlives_the_bound_on_silence() {
    let root = Root::new();
    let mut node = Node::start(root.keys(SERVER).server(), SHORT).await;
    let channel = connect(&node.address(), unit(SERVER), root.keys(CLIENT).client()).await.unwrap();
    check(channel.clone()).await.unwrap();
    let first = node.peers.recv().await.unwrap();
    let mut silent = shaken(&node, &root).await;
    closed(&mut silent).await;
    check(channel).await.unwrap();
    assert_eq!(node.peers.recv().await, Some(first), "the second call came by another connection");
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_for_a_place() {
    let root = Root::new();
    let bounds = Bounds { connections: 2, ..SHORT };
    let node = Node::start(root.keys(SERVER).server(), bounds).await;
    let (log, _guard) = Log::start();
    let mut silent = Vec::new();
    for _ in 0..6 {
        silent.push(TcpStream::connect(node.address).await.unwrap());
    }
    serves(&node, &root).await;
    log.shows("net_connections_full").await;
    for stream in &mut silent {
        closed(stream).await;
    }
}

#[tokio::test]
async fn too_many_connections_of_one_holder_are_refused_and_told_once() {
    let root = Root::new();
    let mut node =
        Node::start(root.keys(SERVER).server(), Bounds { per_identity: 2, ..Bounds::default() }).await;
    let (log, _guard) = Log::start();
    let client = root.keys(CLIENT).client();
    let mut open = Vec::new();
    for _ in 0..2 {
        let channel = connect(&node.address(), unit(SERVER), client.clone()).await.unwrap();
        check(channel.clone()).await.unwrap();
        open.push((channel, node.peers.recv().await.unwrap()));
    }
    for _ in 0..3 {
        closed(&mut shaken(&node, &root).await).await;
    }
    assert_eq!(log.count("net_identity_full"), 1, "{}", log.text());
    let other = connect(&node.address(), unit(SERVER), root.keys(SERVER).client()).await.unwrap();
    check(other).await.unwrap();
    for (channel, peer) in &open {
        check(channel.clone()).await.unwrap();
        while node.peers.recv().await.as_ref() != Some(peer) {}
    }
    drop(open);
    let freed = async { while connect(&node.address(), unit(SERVER), client.clone()).await.is_err() {} };
    timeout(PATIENCE, freed).await.expect("a dropped connection leaves its place");
}

#[tokio::test]
async fn too_many_connections_of_one_address_are_refused_and_told_once() {
    let root = Root::new();
    let node = Node::start(root.keys(SERVER).server(), Bounds { per_address: 2, ..Bounds::default() }).await;
    let (log, _guard) = Log::start();
    let held =
        [TcpStream::connect(node.address).await.unwrap(), TcpStream::connect(node.address).await.unwrap()];
    for _ in 0..3 {
        closed(&mut TcpStream::connect(node.address).await.unwrap()).await;
    }
    assert_eq!(log.count("net_address_full"), 1, "{}", log.text());
    drop(held);
    let client = root.keys(CLIENT).client();
    let freed = async { while connect(&node.address(), unit(SERVER), client.clone()).await.is_err() {} };
    timeout(PATIENCE, freed).await.expect("a dropped connection leaves its place");
}
