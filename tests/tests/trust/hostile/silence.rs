//! Handshakes, connections and streams that go silent or crawl: each ends within its bound.

use super::{
    child, in_time, others_are_served, parent,
    raw::{Http2, PATIENCE, closed, config, guest, shake},
    refused,
};
use danso_node::{
    operations::{Node, meters::LINKS_BROKEN},
    wire::status::code_of,
};
use danso_proto::v1::{
    Heartbeat, child_message::Message as FromChild, intake_client::IntakeClient,
    replication_client::ReplicationClient,
};
use danso_tests::{
    Tree,
    forge::{ChildLink, channel},
    unit,
    wait::moment,
};
use std::{sync::Arc, time::Duration};
use tokio::{net::TcpStream, sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

const LINK: &str = "/danso.v1.Replication/Link";

fn broken(node: &Node) -> u64 {
    node.meters.value(LINKS_BROKEN, "stream_silent")
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_says_nothing_before_or_after_the_handshake_is_dropped() {
    let mut tree = Tree::four();
    let node = tree.start(parent()).await;
    let mut before = TcpStream::connect(tree.address(parent())).await.unwrap();
    let mut after = shake(&tree, parent(), config(&tree, child())).await;
    others_are_served(&tree).await;
    closed(&mut before).await;
    closed(&mut after).await;
    in_time("both are counted", || refused(&node, "net_timeout") == 1 && refused(&node, "tls_silent") == 1)
        .await;
    others_are_served(&tree).await;
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_without_calls_and_links_without_words_are_ended_whoever_holds_them() {
    let mut tree = Tree::four();
    let node = tree.start(parent()).await;
    let mut holder = Http2::open(&tree, parent(), config(&tree, child())).await;
    let mut stranger = Http2::open(&tree, parent(), guest(&tree, child())).await;
    let (silent, _) = ChildLink::open(&tree, unit("002"), parent(), &[]).await;
    // A link that is used stays: it is a call.
    let (mut used, _) = ChildLink::open(&tree, child(), parent(), &[]).await;
    let heartbeat = || FromChild::Heartbeat(Heartbeat::default());
    let using = async {
        loop {
            used.send(heartbeat()).await;
            assert!(matches!(used.next().await, Ok(Some(_))), "the link is open");
            moment(Duration::from_millis(500)).await;
        }
    };
    // An import of which nothing comes keeps no other out for ever.
    let commune = unit("00001");
    tree.start(commune).await;
    let import = async {
        let (_open, outgoing) = mpsc::channel(1);
        let mut client = IntakeClient::new(channel(&tree, commune, commune).await);
        client.import(ReceiverStream::new(outgoing)).await.unwrap_err()
    };
    let ending = async {
        let (mute, ..) = tokio::join!(import, holder.closed(), stranger.closed());
        assert_eq!(code_of(&mute), "stream_silent");
        in_time("the silent link is ended", || broken(&node) == 1).await;
    };
    tokio::select! {
        () = ending => {}
        () = using => {}
    }
    assert_eq!(refused(&node, "tls_guest_idle"), 1);
    assert!(refused(&node, "net_idle") >= 1);
    assert!(
        node.linked_children().contains_key(&child()) && !node.linked_children().contains_key(&unit("002"))
    );
    others_are_served(&tree).await;
    drop((silent, used));
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_without_a_hello_or_with_one_that_crawls_is_ended() {
    let mut tree = Tree::four();
    let node: Arc<Node> = tree.start(parent()).await;
    let mut slow = Http2::open(&tree, parent(), config(&tree, child())).await;
    slow.call(1, LINK).await;
    // A byte at a time of a hello of 256 bytes: each byte would put off a bound on silence alone.
    let crawl = async {
        let mut bytes = [&[0, 0, 0, 1, 0, 0x0a, 0xfd, 0x01][..], &[0x32; 200]].concat().into_iter();
        while broken(&node) < 2 {
            let byte = bytes.next().expect("the stream ends before the hello does");
            slow.data(1, &[byte], false).await;
            moment(Duration::from_millis(200)).await;
        }
    };
    let mute = async {
        let (_open, outgoing) = mpsc::channel(1);
        let mut client = ReplicationClient::new(channel(&tree, child(), parent()).await);
        let mut inbound = client.link(ReceiverStream::new(outgoing)).await.unwrap().into_inner();
        inbound.message().await.unwrap_err()
    };
    let both = async { tokio::join!(mute, crawl).0 };
    let status = timeout(PATIENCE, both).await.expect("both streams are ended");
    assert_eq!((status.code(), code_of(&status).as_str()), (Code::DeadlineExceeded, "stream_silent"));
    others_are_served(&tree).await;
    drop(slow);
    tree.stop_all().await;
}
