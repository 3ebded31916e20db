//! Hello, versions, garbage, message sizes.

use crate::scene::Scene;
use danso_core::{chain::BatchNumber, replication::Carried};
use danso_node::wire::{link, status::code_of};
use danso_proto::v1::{ChildMessage, Heartbeat, Registrations, child_message::Message as FromChild};
use danso_tests::forge::{ChildLink, channel, garbage, grpc_frame, hello};
use danso_tier_config::limits;
use tonic::{Code, Status};

fn assert_status(status: &Status, grpc: Code, code: &str) {
    assert_eq!((status.code(), code_of(status).as_str()), (grpc, code), "{}", status.message());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hello_of_another_protocol_version_is_told_which_one_is_needed() {
    let mut scene = Scene::province().await;
    let (least, most) = (limits::PROTOCOL_VERSION_MIN, limits::PROTOCOL_VERSION);
    for (min, max) in [(most + 1, most + 3), (0, least - 1)] {
        let mut other = hello(&scene.tree, scene.child, &[]);
        (other.protocol_version_min, other.protocol_version) = (min, max);
        let mut link = ChildLink::greet(&scene.tree, scene.child, scene.parent, other).await.unwrap();
        let status = link.end().await;
        assert_status(&status, Code::FailedPrecondition, "protocol_version");
        let needed = format!("versions {least} to {most}");
        assert!(status.message().contains(&needed), "{}", status.message());
    }
    // A later program that still speaks this version is welcome and answers in it.
    let mut later = hello(&scene.tree, scene.child, &[]);
    (later.protocol_version_min, later.protocol_version) = (most, most + 1);
    scene.link = ChildLink::greet(&scene.tree, scene.child, scene.parent, later).await.unwrap();
    assert_eq!(scene.link.welcome().await.protocol_version, most);
    scene.goes_on().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_begins_with_one_hello() {
    let mut scene = Scene::province().await;
    let heartbeat = FromChild::Heartbeat(Heartbeat::default());
    let registrations = FromChild::Registrations(Registrations::default());
    for first in [None, Some(heartbeat), Some(registrations)] {
        let channel = channel(&scene.tree, scene.child, scene.parent).await;
        let mut link = ChildLink::begin(channel, ChildMessage { message: first }).await.unwrap();
        assert_status(&link.end().await, Code::FailedPrecondition, "hello_missing");
    }
    let (mut link, _) = ChildLink::open(&scene.tree, scene.child, scene.parent, &[]).await;
    link.send(FromChild::Hello(hello(&scene.tree, scene.child, &[]))).await;
    assert_status(&link.end().await, Code::FailedPrecondition, "hello_repeated");
    // The newer link took the place of the scene's own.
    scene.link = ChildLink::open(&scene.tree, scene.child, scene.parent, &scene.origins()).await.0;
    scene.goes_on().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_link_of_a_child_counts_and_the_older_one_ends() {
    let mut scene = Scene::province().await;
    let newer = ChildLink::open(&scene.tree, scene.child, scene.parent, &scene.origins()).await.0;
    let mut older = std::mem::replace(&mut scene.link, newer);
    // Until the newer one counts, a moment after its welcome, the older one is answered.
    older.send(FromChild::Heartbeat(Heartbeat::default())).await;
    assert_status(&older.end().await, Code::Aborted, "link_replaced");
    assert_eq!(scene.node.linked_children().len(), 1);
    scene.goes_on().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hello_with_a_malformed_head_is_refused() {
    let mut scene = Scene::province().await;
    let head = |origin: &str, hash: usize| danso_proto::v1::Head {
        origin: origin.to_owned(),
        number: 1,
        hash: vec![0; hash].into(),
        ..danso_proto::v1::Head::default()
    };
    let many = vec![head("00001@2025-07-01", 32); limits::HELLO_ORIGINS_MAX + 1];
    for heads in [vec![head("nowhere", 32)], vec![head("00001@2025-07-01", 31)], many] {
        let mut other = hello(&scene.tree, scene.child, &[]);
        other.heads = heads;
        let mut link = ChildLink::greet(&scene.tree, scene.child, scene.parent, other).await.unwrap();
        assert_status(&link.end().await, Code::InvalidArgument, "message_malformed");
    }
    scene.goes_on().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_refused_as_malformed_and_the_parent_goes_on() {
    let mut scene = Scene::province().await;
    let channel = channel(&scene.tree, scene.child, scene.parent).await;
    let cases = [
        ("not protobuf", grpc_frame("Cong hoa xa hoi chu nghia Viet Nam")),
        ("a hello cut short", grpc_frame("\x0a\x20too short")),
        ("a hello that is a number", grpc_frame("\x08\x01")),
        ("a field number of 0", grpc_frame("\x02\x01a")),
        ("thousands of groups in each other", grpc_frame(&"{".repeat(0x7f7f))),
        ("a message shorter than its frame says", grpc_frame("\x0a\x03abc")[..8].to_owned()),
        ("compressed, though nobody agreed to it", grpc_frame("\x0a\x03abc").replacen('\0', "\x01", 1)),
        ("a frame flag that there is not", grpc_frame("\x0a\x03abc").replacen('\0', "\x05", 1)),
    ];
    for (what, body) in cases {
        let status = garbage(channel.clone(), &body, None).await;
        let found = (status.code(), code_of(&status));
        assert_eq!(
            found,
            (Code::InvalidArgument, "message_malformed".to_owned()),
            "{what}: {}",
            status.message()
        );
    }
    let status = garbage(channel.clone(), "", None).await;
    assert_status(&status, Code::FailedPrecondition, "hello_missing");
    // Compression is not offered: what cannot be unpacked cannot be a bomb.
    for encoding in ["gzip", "zstd"] {
        let status = garbage(channel.clone(), &grpc_frame("\x0a\x03abc"), Some(encoding)).await;
        assert_eq!(status.code(), Code::Unimplemented, "{}", status.message());
    }
    scene.goes_on().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_above_the_limit_is_out_of_range_and_what_came_before_it_is_kept() {
    let mut scene = Scene::province().await;
    let batch = scene.one.next(1);
    scene.link.send_batch(&batch).await;
    let mut long = scene.one.next(1);
    long.personal = Some(vec![7; 9 << 20]);
    scene.link.send_batch(&long).await;
    let receipt: danso_core::chain::Receipt = scene.link.receipt().await.verify(scene.key).unwrap();
    assert_eq!(receipt.hash, batch.hash());
    assert_status(&scene.link.end().await, Code::OutOfRange, "message_too_large");
    assert_eq!(scene.tree.head(scene.parent, scene.one.origin), 1);
    // A frame that only claims to be two gigabytes long.
    let channel = channel(&scene.tree, scene.child, scene.parent).await;
    let status = garbage(channel, "\0\x7f\x7f\x7f\x7f", None).await;
    assert_status(&status, Code::OutOfRange, "message_too_large");
    scene.link_again().await;
    scene.one.head = scene.node.store.view().chains[&scene.one.origin].head;
    scene.goes_on().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_message_without_a_header_ends_the_stream_only() {
    let mut scene = Scene::province().await;
    scene.link.send(FromChild::Batch(danso_proto::v1::Batch::default())).await;
    assert_status(&scene.link.end().await, Code::InvalidArgument, "message_malformed");
    scene.link_again().await;
    scene.goes_on().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_header_follows_what_its_stream_carried_and_nothing_else() {
    let mut scene = Scene::province().await;
    let batches = [scene.one.next(2), scene.one.next(1), scene.one.next(3)];
    let mut carried = Carried::default();
    let messages = batches.each_ref().map(|batch| link::carried_message(batch.clone(), &mut carried));
    assert_eq!(messages.each_ref().map(|message| message.previous_left_out), [false, true, true]);
    let [first, second, third] = messages.map(FromChild::Batch);
    scene.link.send(first).await;
    scene.link.receipt().await;
    // Behind another header it becomes one that nobody signed.
    let before = scene.held();
    scene.link.send(third.clone()).await;
    assert_eq!(scene.link.refusal().await.code, "batch_signature");
    assert_eq!(scene.held(), before);
    // A new stream has carried nothing yet.
    scene.link_again().await;
    scene.link.send(second.clone()).await;
    assert_status(&scene.link.end().await, Code::InvalidArgument, "message_malformed");
    scene.link_again().await;
    scene.accepted(&batches[1]).await;
    scene.link.send(third).await;
    scene.link.receipt().await;
    assert_eq!(scene.stored(scene.one.origin, BatchNumber(3)), batches[2]);
    scene.goes_on().await;
    scene.end().await;
}
