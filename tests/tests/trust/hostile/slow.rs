//! A reader that never reads while its parent has much to say: what waits for it is bounded, and everyone else,
//! its own next link included, is served.

use super::{
    child, in_time, others_are_served, parent,
    raw::{Http2, config, kind},
};
use danso_core::chain::Receipt;
use danso_node::operations::meters::LINKS_BROKEN;
use danso_proto::v1::{ChildMessage, Heartbeat, child_message::Message as FromChild};
use danso_tests::{
    Tree,
    forge::{ChildLink, Forger, hello, public_key},
    unit, until,
};
use prost::Message;

const LINK: &str = "/danso.v1.Replication/Link";
/// What a stream may send before the other side makes room, by HTTP/2's default.
const WINDOW_BYTES: usize = 65_535;
/// The largest frame by default.
const FRAME_BYTES: usize = 16_384;

fn framed(message: FromChild) -> Vec<u8> {
    let body = ChildMessage { message: Some(message) }.encode_to_vec();
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[0][..], &length, &body].concat()
}

/// Takes what fits into its window and makes no more room, while its parent has more to say; pings it answers.
async fn deaf(tree: &Tree) -> Http2 {
    let mut deaf = Http2::open(tree, parent(), config(tree, child())).await;
    deaf.call(1, LINK).await;
    deaf.data(1, &framed(FromChild::Hello(hello(tree, child(), &[]))), false).await;
    // Each of these gets an answer that is longer: together far more than window and queue hold.
    let heartbeats = framed(FromChild::Heartbeat(Heartbeat { sent_at_ms: 1, ..Heartbeat::default() }));
    let heartbeats = heartbeats.repeat(FRAME_BYTES / heartbeats.len());
    for _ in 0..3 {
        deaf.data(1, &heartbeats, false).await;
    }
    deaf
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_of_a_reader_that_never_reads_is_ended_and_counted() {
    let mut tree = Tree::four();
    let node = tree.start(parent()).await;
    let mut deaf = deaf(&tree).await;
    until("it has a link", || node.linked_children().contains_key(&child())).await;
    let ended = in_time("its link is ended", || node.meters.value(LINKS_BROKEN, "stream_unread") == 1);
    // Meanwhile it answers pings, or its connection would end before.
    let listening = async { while deaf.next().await.is_some() {} };
    tokio::select! {
        () = ended => {}
        () = listening => panic!("its connection ended"),
    }
    assert!(node.linked_children().is_empty());
    others_are_served(&tree).await;
    drop(deaf);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_never_reads_gets_no_more_than_its_window_and_holds_nobody_up() {
    let mut tree = Tree::four();
    let node = tree.start(parent()).await;
    let mut deaf = deaf(&tree).await;
    // The window fills to its last byte.
    let mut taken = 0;
    while taken < WINDOW_BYTES {
        let frame = deaf.next().await.expect("the connection stays");
        taken += if frame.kind == kind::DATA { frame.payload.len() } else { 0 };
    }
    // Its own link is held up; those of others are not, and neither is a new one of its own.
    for (who, origin) in [(unit("002"), unit("00037")), (child(), unit("00001"))] {
        let mut forger = Forger::new(&tree, origin);
        let (mut link, _) = ChildLink::open(&tree, who, parent(), &[origin]).await;
        let batch = forger.next(3);
        link.send_batch(&batch).await;
        let receipt: Receipt = link.receipt().await.verify(public_key(&tree, parent())).unwrap();
        assert_eq!(receipt.hash, batch.hash());
    }
    others_are_served(&tree).await;
    // Nothing more came meanwhile: the answer to a ping is next.
    deaf.ping().await;
    loop {
        let frame = deaf.next().await.expect("the connection stays");
        assert_ne!(frame.kind, kind::DATA, "more than the window came");
        if frame.kind == kind::PING && frame.flags & 1 == 1 {
            break;
        }
    }
    assert_eq!(taken, WINDOW_BYTES);
    // When it goes, its link ends.
    drop(deaf);
    until("only the new links are left", || node.linked_children().is_empty()).await;
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_tiny_frames_ends_its_connection_and_nothing_else() {
    let mut tree = Tree::four();
    let node = tree.start(parent()).await;
    let (mut link, _) = ChildLink::open(&tree, unit("002"), parent(), &[]).await;
    let mut flood = Http2::open(&tree, parent(), config(&tree, child())).await;
    flood.call(1, LINK).await;
    flood.data(1, &framed(FromChild::Hello(hello(&tree, child(), &[]))), false).await;
    for byte in framed(FromChild::Heartbeat(Heartbeat::default())).repeat(2_000) {
        flood.data(1, &[byte], false).await;
    }
    flood.closed().await;
    until("its link is closed", || !node.linked_children().contains_key(&child())).await;
    link.send(FromChild::Heartbeat(Heartbeat::default())).await;
    assert!(matches!(link.next().await, Ok(Some(_))));
    others_are_served(&tree).await;
    drop(link);
    tree.stop_all().await;
}
