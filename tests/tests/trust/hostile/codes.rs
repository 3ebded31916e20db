//! Each kind of rudeness has its exact code, at the peer and in what the node counts of itself.

use super::{
    child, others_are_served, parent,
    raw::{closed, shake},
    refused,
};
use danso_node::{
    operations::{
        Node,
        enrolment::InvitationToken,
        meters::{CALLS_DENIED, LINKS_BROKEN},
    },
    transport::{
        authority::{Authority, Issued, Validity},
        client::NodeClient,
        tls::{AUTHORITY_FILE, Keys, connect, guest_client},
    },
    wire::status::code_of,
};
use danso_proto::v1::{
    ChildMessage, EnrolBegin, Head, Heartbeat, Hello, child_message::Message as FromChild,
    enrolment_client::EnrolmentClient,
};
use danso_tests::{
    Tree,
    forge::{ChildLink, Forger, channel, garbage, grpc_frame, hello},
    unit, until,
};
use danso_tier_config::limits;
use std::{
    fs,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// Opens a stream with a first message, sends the next ones, and gives the code with which it ends.
async fn ended(tree: &Tree, first: Option<FromChild>, next: Vec<FromChild>) -> String {
    let channel = channel(tree, child(), parent()).await;
    let mut link = ChildLink::begin(channel, ChildMessage { message: first }).await.unwrap();
    if !next.is_empty() {
        link.welcome().await;
    }
    for message in next {
        link.send(message).await;
    }
    code_of(&link.end().await)
}

async fn counted(node: &Node, code: &str, before: u64) {
    until(code, || node.meters.value(LINKS_BROKEN, code) == before + 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_rude_link_is_ended_with_its_code_and_counted_under_it() {
    let mut tree = Tree::four();
    let node = tree.start(parent()).await;
    let good = || hello(&tree, child(), &[]);
    let next_version = limits::PROTOCOL_VERSION + 1;
    let later = Hello { protocol_version: next_version, protocol_version_min: next_version, ..good() };
    let other = Hello { unit: unit("002").to_string(), ..good() };
    let head = Head { origin: "00001@2025-07-01".to_owned(), hash: vec![1; 31].into(), ..Head::default() };
    let malformed = Hello { heads: vec![head], ..good() };
    let forger = Forger::new(&tree, unit("00001"));
    let mut long = forger.seal(&forger.births(1));
    long.personal = Some(vec![7; limits::MESSAGE_BYTES_MAX]);
    let long = FromChild::Batch(danso_node::wire::link::batch_message(long));
    let odd_mark = Heartbeat { audit_number: 1, audit_hash: vec![1; 3].into(), ..Heartbeat::default() };
    let cases: [(Option<FromChild>, Vec<FromChild>, &str); 8] = [
        (None, vec![], "hello_missing"),
        (Some(FromChild::Heartbeat(Heartbeat::default())), vec![], "hello_missing"),
        (Some(FromChild::Hello(later)), vec![], "protocol_version"),
        (Some(FromChild::Hello(other)), vec![], "not_allowed"),
        (Some(FromChild::Hello(malformed)), vec![], "message_malformed"),
        (Some(FromChild::Hello(good())), vec![FromChild::Hello(good())], "hello_repeated"),
        (Some(FromChild::Hello(good())), vec![FromChild::Heartbeat(odd_mark)], "message_malformed"),
        (Some(FromChild::Hello(good())), vec![long], "message_too_large"),
    ];
    for (first, next, code) in cases {
        let before = node.meters.value(LINKS_BROKEN, code);
        assert_eq!(ended(&tree, first, next).await, code);
        counted(&node, code, before).await;
    }
    let before = node.meters.value(LINKS_BROKEN, "message_malformed");
    let status = garbage(channel(&tree, child(), parent()).await, &grpc_frame("\x08\x01"), None).await;
    assert_eq!(code_of(&status), "message_malformed");
    counted(&node, "message_malformed", before).await;
    others_are_served(&tree).await;
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_certificate_is_refused_and_counted_under_its_code() {
    let mut tree = Tree::four();
    let foreign = Tree::three();
    let node = tree.start(parent()).await;
    let now = SystemTime::now();
    let hours = |count: u64| Duration::from_secs(count * 3_600);
    let authority = |tree: &Tree| Authority::open(&tree.path("authority")).unwrap();
    let both = [&tree, &foreign]
        .map(|tree| fs::read_to_string(tree.keys(unit("01")).join(AUTHORITY_FILE)).unwrap())
        .concat();
    let own = authority(&tree);
    let issue = |from: &Authority, validity| from.issue_node(child(), &[], validity).unwrap();
    let cases: [(Issued, SystemTime, &str); 3] = [
        (issue(&authority(&foreign), Validity::days(now, 1)), now, "tls_peer_foreign"),
        (issue(&own, Validity::ended(now)), now - hours(24), "tls_peer_expired"),
        (issue(&own, Validity::later(now)), now + hours(24), "tls_peer_not_yet_valid"),
    ];
    for (issued, read_at, code) in cases {
        let folder = tempfile::tempdir().unwrap();
        issued.write(folder.path(), &both).unwrap();
        let config = Keys::read(folder.path(), read_at).unwrap().client();
        closed(&mut shake(&tree, parent(), config).await).await;
        until(code, || refused(&node, code) == 1).await;
    }
    others_are_served(&tree).await;
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_token_that_is_none_is_refused_and_counted_under_its_code() {
    let mut tree = Tree::four();
    let node = tree.start(parent()).await;
    let authority = tree.keys(child()).join(AUTHORITY_FILE);
    let address = tree.address(parent()).to_string();
    let guessed = format!("danso_{}_{}", "0".repeat(16), "0".repeat(64));
    let long = "x".repeat(8_000);
    for (turn, token) in [guessed.as_str(), "abc", &long].into_iter().enumerate() {
        let connected = NodeClient::connect_with_token(&address, parent(), &authority, Some(token)).await;
        assert_eq!(connected.unwrap().node_info().await.unwrap_err().code, "token_unknown");
        assert_eq!(node.meters.value(CALLS_DENIED, "token_unknown"), turn as u64 + 1);
    }
    let config: Arc<_> = guest_client(&authority, SystemTime::now()).unwrap();
    let mut newcomer = EnrolmentClient::new(connect(&address, parent(), config).await.unwrap());
    let unknown = InvitationToken::random(unit("001"), [7; 32]).expose();
    for (invitation, code) in [
        (String::new(), "invitation_malformed"),
        (long, "invitation_malformed"),
        (unknown.clone(), "invitation_unknown"),
    ] {
        let before = node.meters.value(CALLS_DENIED, code);
        let status = newcomer.begin(EnrolBegin { invitation }).await.unwrap_err();
        assert_eq!(code_of(&status), code);
        assert_eq!(node.meters.value(CALLS_DENIED, code), before + 1);
    }
    others_are_served(&tree).await;
    tree.stop_all().await;
}
