//! Who may read the numbers: programs on this computer, and whoever shows a token that sees the whole node.

use crate::ask::{check, get};
use danso_node::operations::{Node, meters::CALLS_DENIED};
use danso_proto::v1::{MakeTokenRequest, Program, make_token_request::Holder};
use danso_tests::{Tree, tree::central, unit};
use danso_tier_config::UnitId;
use std::net::SocketAddr;

async fn served() -> (Tree, SocketAddr) {
    let mut tree = Tree::three();
    let address = tree.open_web(unit("01"));
    tree.start(unit("01")).await;
    (tree, address)
}

async fn token(tree: &Tree, at: UnitId, role: &str, of: UnitId) -> String {
    let name = format!("prom-{role}-{}", of.code);
    let program = Program { name, role: role.to_owned(), unit: of.to_string() };
    let request =
        MakeTokenRequest { holder: Some(Holder::Program(program)), label: "Prometheus".to_owned(), days: 30 };
    tree.client(at).await.make_token(request).await.unwrap().token
}

fn denied(node: &Node, code: &str) -> u64 {
    node.meters.value(CALLS_DENIED, code)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_on_this_computer_reads_the_numbers_without_a_token() {
    let (mut tree, address) = served().await;
    let answer = get(address, "/metrics", &[]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(
        answer.head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"),
        "{}",
        answer.head
    );
    assert!(answer.head.contains("cache-control: no-store"), "{}", answer.head);
    assert!(answer.body.contains("danso_node_ready 1\n"), "{}", answer.body);
    check(&answer.body);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_through_a_proxy_or_by_a_foreign_name_needs_a_token() {
    let (mut tree, address) = served().await;
    let node = tree.node(unit("01"));
    let foreign: [(&str, &str); 5] = [
        ("X-Forwarded-For", "10.0.0.9"),
        ("Forwarded", "for=10.0.0.9"),
        ("X-Real-IP", "127.0.0.1"),
        ("Via", "1.1 proxy"),
        ("Host", "rebound.example:7480"),
    ];
    for (count, header) in (1..).zip(foreign) {
        let answer = get(address, "/metrics", &[header]).await;
        assert_eq!(answer.status, 401, "{header:?}");
        assert!(answer.head.contains("www-authenticate: bearer"), "{}", answer.head);
        assert!(answer.body.starts_with("error[not_authenticated]: Cần mã truy cập / "), "{}", answer.body);
        assert!(!answer.body.contains("danso_node"), "{}", answer.body);
        assert_eq!(denied(&node, "not_authenticated"), count);
    }
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_reads_the_numbers_if_its_role_sees_the_status_of_the_whole_node() {
    let (mut tree, address) = served().await;
    let (at, node) = (unit("01"), tree.node(unit("01")));
    let table = [
        ("auditor", unit("01"), 200),
        ("operator", unit("01"), 200),
        ("officer", unit("01"), 200),
        ("analyst", unit("01"), 403),
        ("collaborator", unit("01"), 403),
        ("auditor", unit("00001"), 403),
    ];
    for (role, of, expected) in table {
        let bearer = format!("Bearer {}", token(&tree, at, role, of).await);
        // As from elsewhere.
        let headers = [("Authorization", bearer.as_str()), ("Host", "province.example")];
        let answer = get(address, "/metrics", &headers).await;
        assert_eq!(answer.status, expected, "{role} of {of}: {}", answer.body);
        assert_eq!(answer.body.contains("error[not_allowed]"), expected == 403, "{role} of {of}");
    }
    assert_eq!(denied(&node, "not_allowed"), 3);
    // A token that is no good is worse than none.
    for shown in ["Bearer danso_nonsense", "Basic YTpi", "Bearer", ""] {
        let answer = get(address, "/metrics", &[("Authorization", shown)]).await;
        assert_eq!(answer.status, 401, "{shown}");
        assert!(answer.body.starts_with("error[token_unknown]: "), "{}", answer.body);
    }
    assert_eq!(denied(&node, "token_unknown"), 4);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_pages_listens_nowhere_for_them() {
    let mut tree = Tree::three();
    let address = tree.open_web(central());
    tree.webs.clear();
    tree.start(central()).await;
    assert!(crate::ask::try_get(address, "/metrics", &[]).await.is_none());
    tree.stop_all().await;
}
