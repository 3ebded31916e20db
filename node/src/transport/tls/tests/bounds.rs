//! Garbage, silence and numbers: whoever says nothing useful is dropped, and everyone else is served.

use super::{
    super::{Bounds, Cause, connect, server_name},
    CLIENT, Log, Node, PATIENCE, Root, SERVER, check, unit,
};
use rustls::pki_types::ServerName;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

const SHORT: Bounds = Bounds { handshake: Duration::from_millis(300), connections: 64 };

/// Reads until the other side has closed; how it closes does not matter.
async fn closed(stream: &mut (impl AsyncReadExt + Unpin)) {
    let mut bytes = [0; 1_024];
    let drain = async { while matches!(stream.read(&mut bytes).await, Ok(count) if count > 0) {} };
    timeout(PATIENCE, drain).await.expect("the connection must be closed");
}

async fn serves(node: &Node, root: &Root) {
    check(connect(&node.address(), unit(SERVER), root.keys(CLIENT).client()).await.unwrap()).await.unwrap();
}

async fn shaken(node: &Node, root: &Root) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(node.address).await.unwrap();
    let name = ServerName::try_from(server_name(unit(SERVER))).unwrap();
    TlsConnector::from(root.keys(CLIENT).client()).connect(name, stream).await.unwrap()
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
