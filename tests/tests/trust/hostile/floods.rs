//! Too many connections, streams, calls and origins, and TLS of yesterday.

use super::{
    child, others_are_served, parent,
    raw::{Http2, PATIENCE, closed, config, dial, kind, shake},
    refused,
};
use danso_node::{transport::tls::server_name, wire::status::code_of};
use danso_tests::{
    Tree,
    forge::{ChildLink, hello, registration},
    unit, until,
};
use danso_tier_config::limits;
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName, version::TLS12};
use std::{net::Ipv4Addr, sync::Arc};
use tokio::{io::AsyncReadExt, net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;
use tonic::Code;

const WATCH: &str = "/grpc.health.v1.Health/Watch";

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_from_one_address_leaves_room_for_others() {
    let mut tree = Tree::four();
    let node = tree.start(parent()).await;
    let flood = Ipv4Addr::new(127, 250, 0, 1);
    let mut open = Vec::new();
    for _ in 0..limits::CONNECTIONS_PER_ADDRESS_MAX {
        open.push(dial(tree.address(parent()), flood).await);
    }
    closed(&mut dial(tree.address(parent()), flood).await).await;
    assert_eq!(refused(&node, "net_address_full"), 1);
    others_are_served(&tree).await;
    drop(open);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_with_one_certificate_leaves_room_for_others() {
    let mut tree = Tree::four();
    let node = tree.start(parent()).await;
    let mut open = Vec::new();
    for _ in 0..limits::CONNECTIONS_PER_IDENTITY_MAX {
        open.push(Http2::open(&tree, parent(), config(&tree, child())).await);
    }
    closed(&mut shake(&tree, parent(), config(&tree, child())).await).await;
    assert_eq!(refused(&node, "net_identity_full"), 1);
    others_are_served(&tree).await;
    let sibling = ChildLink::open(&tree, unit("002"), parent(), &[]).await;
    drop((sibling, open));
    tree.stop_all().await;
}

/// An open call that goes on: a watch of the node's health.
async fn watch(line: &mut Http2, stream: u32) {
    line.call(stream, WATCH).await;
    line.data(stream, &[0; 5], true).await;
}

fn streams() -> impl Iterator<Item = u32> {
    (1..).step_by(2).take(limits::STREAMS_MAX as usize)
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_beyond_the_limit_of_a_connection_are_refused() {
    let mut tree = Tree::four();
    tree.start(parent()).await;
    let mut line = Http2::open(&tree, parent(), config(&tree, child())).await;
    let beyond = 2 * limits::STREAMS_MAX + 1;
    for stream in streams().chain([beyond]) {
        watch(&mut line, stream).await;
    }
    let reset = loop {
        let frame = line.next().await.expect("the connection goes on");
        if frame.kind == kind::RST_STREAM {
            break frame;
        }
    };
    // REFUSED_STREAM: nothing was done, it may be tried again.
    assert_eq!((reset.stream, reset.payload), (beyond, vec![0, 0, 0, 7]));
    others_are_served(&tree).await;
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_beyond_the_limit_of_a_holder_are_refused_over_all_its_connections() {
    let mut tree = Tree::four();
    let node = tree.start(parent()).await;
    let mut open = Vec::new();
    for _ in 0..limits::CALLS_PER_IDENTITY_MAX / limits::STREAMS_MAX as usize {
        let mut line = Http2::open(&tree, parent(), config(&tree, child())).await;
        for stream in streams() {
            watch(&mut line, stream).await;
        }
        // All of them are answered, so all of them are open.
        let mut answered = 0;
        while answered < limits::STREAMS_MAX {
            let frame = line.next().await.expect("the connection goes on");
            answered += u32::from(frame.kind == kind::HEADERS);
        }
        open.push(line);
    }
    assert_eq!(refused(&node, "calls_full"), 0);
    let mut more = Http2::open(&tree, parent(), config(&tree, child())).await;
    watch(&mut more, 1).await;
    until("the call is refused", || refused(&node, "calls_full") == 1).await;
    others_are_served(&tree).await;
    // Calls that have ended leave their place.
    drop(open);
    let client = tree.client_as(parent(), &tree.keys(child())).await;
    danso_tests::eventually("there is room again", || async { client.node_info().await.ok() }).await;
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hello_with_too_many_origins_or_keys_is_refused() {
    let mut tree = Tree::four();
    tree.start(parent()).await;
    let head = danso_tests::liar::head(unit("00001"), 1, danso_core::chain::Digest::default());
    let mut heads = hello(&tree, child(), &[]);
    heads.heads = vec![head; limits::HELLO_ORIGINS_MAX + 1];
    let mut keys = hello(&tree, child(), &[]);
    keys.registrations = vec![registration(&tree, unit("00001")); limits::HELLO_ORIGINS_MAX + 1];
    for hello in [heads, keys] {
        let mut link = ChildLink::greet(&tree, child(), parent(), hello).await.unwrap();
        let status = link.end().await;
        assert_eq!((status.code(), code_of(&status).as_str()), (Code::InvalidArgument, "message_malformed"));
    }
    others_are_served(&tree).await;
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_of_yesterday_is_refused_by_the_whole_node() {
    let mut tree = Tree::four();
    let node = tree.start(parent()).await;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[&TLS12]).unwrap();
    let old = builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
    let stream = TcpStream::connect(tree.address(parent())).await.unwrap();
    let name = ServerName::try_from(server_name(parent())).unwrap();
    let ended = timeout(PATIENCE, TlsConnector::from(Arc::new(old)).connect(name, stream)).await;
    let error = ended.expect("the node answers").unwrap_err();
    assert!(error.to_string().contains("ProtocolVersion"), "{error}");
    until("it is counted", || refused(&node, "tls_version") == 1).await;
    others_are_served(&tree).await;
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_tls_is_refused_and_counted() {
    let mut tree = Tree::four();
    let node = tree.start(parent()).await;
    let mut stream = TcpStream::connect(tree.address(parent())).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, b"GET / HTTP/1.1\r\nHost: danso\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the node closes");
    until("it is counted", || refused(&node, "tls_not_tls") == 1).await;
    others_are_served(&tree).await;
    tree.stop_all().await;
}
