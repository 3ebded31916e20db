//! Requests of persons about their data: due dates shown, durable, and answered by those who may.

use danso_core::{
    chain::Deed,
    domain::{PersonId, Sex},
};
use danso_node::{
    operations::Node,
    transport::{
        client::{ClientError, NodeClient},
        tls::Role,
    },
};
use danso_proto::v1::{
    ChangeRequestRequest, OpenRequestRequest, PersonRequest,
    change_request_request::{Acknowledge, Change, Extend, Fulfil, Refuse},
};
use danso_tests::{Recorder, Tree, entries::person, unit};
use std::sync::Arc;

async fn somebody(node: &Arc<Node>) -> PersonId {
    let mut recorder = Recorder::new(Arc::clone(node));
    let home = recorder.household("2026-01-01").await;
    recorder.register("2026-01-01", home, person("Nguyễn An", Sex::Male, "1990-01-01")).await
}

fn opening(id: &str, person: PersonId, kind: &str, received_on: &str) -> OpenRequestRequest {
    OpenRequestRequest {
        id: id.to_owned(),
        person: person.to_string(),
        kind: kind.to_owned(),
        received_on: received_on.to_owned(),
    }
}

async fn change(client: &NodeClient, id: &str, change: Change) -> Result<PersonRequest, ClientError> {
    client.change_request(ChangeRequestRequest { id: id.to_owned(), change: Some(change) }).await
}

async fn code_of(answer: impl Future<Output = Result<PersonRequest, ClientError>>) -> String {
    answer.await.unwrap_err().code
}

fn noted(node: &Node) -> Vec<String> {
    let last = node.store.view().audit.number;
    let page = node.audit_page(1, last).unwrap();
    let requests = page.into_iter().filter(|(entry, _)| entry.deed == Deed::RequestChanged);
    requests.map(|(entry, _)| entry.subject).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_followed_from_receipt_to_fulfilment_across_a_restart() {
    let mut tree = Tree::four();
    let commune = unit("00001");
    let node = tree.start(commune).await;
    let who = somebody(&node).await;
    let client = tree.client(commune).await;
    // Received on a Monday long ago: both days are past.
    let opened = client.open_request(opening("1/2026", who, "view", "2026-03-02")).await.unwrap();
    assert_eq!((opened.state.as_str(), opened.person.as_str()), ("open", who.to_string().as_str()));
    assert_eq!((opened.answer_due.as_str(), opened.fulfilment_due.as_str()), ("2026-03-04", "2026-03-12"));
    assert_eq!((opened.answer_overdue, opened.fulfilment_overdue), (true, true));
    let today = node.today();
    client.open_request(opening("2/2026", who, "restrict", "")).await.unwrap();
    let late = change(&client, "1/2026", Change::Extend(Extend { reason: "hồ sơ giấy".to_owned() }));
    assert_eq!(code_of(late).await, "request_overdue");
    let extended = change(&client, "2/2026", Change::Extend(Extend { reason: "hồ sơ giấy".to_owned() }));
    let extended = extended.await.unwrap();
    assert_eq!((extended.state.as_str(), extended.extended_on), ("extended", today.to_string()));
    assert_eq!(extended.fulfilment_due, today.plus_days(30).to_string());
    change(&client, "1/2026", Change::Acknowledge(Acknowledge {})).await.unwrap();
    drop(client);
    tree.stop(commune).await;

    let node = tree.start(commune).await;
    let client = tree.client(commune).await;
    let listed = client.list_requests(false).await.unwrap().requests;
    let states: Vec<_> = listed.iter().map(|one| (one.id.as_str(), one.state.as_str())).collect();
    assert_eq!(states, [("1/2026", "acknowledged"), ("2/2026", "extended")], "what falls due first first");
    assert_eq!((listed[0].answer_overdue, listed[0].fulfilment_overdue), (false, true));
    let fulfilled = change(&client, "1/2026", Change::Fulfil(Fulfil {})).await.unwrap();
    assert_eq!((fulfilled.state.as_str(), fulfilled.fulfilment_overdue), ("fulfilled", false));
    let refused =
        change(&client, "2/2026", Change::Refuse(Refuse { reason: "luật".to_owned() })).await.unwrap();
    assert_eq!((refused.state.as_str(), refused.refusal_reason.as_str()), ("refused", "luật"));
    assert!(client.list_requests(false).await.unwrap().requests.is_empty());
    assert_eq!(client.list_requests(true).await.unwrap().requests.len(), 2);
    let of = |id: &str, word: &str| format!("request {id} of person {who}: {word}");
    let expected = [
        of("1/2026", "opened"),
        of("2/2026", "opened"),
        of("2/2026", "extended"),
        of("1/2026", "acknowledged"),
        of("1/2026", "fulfilled"),
        of("2/2026", "refused"),
    ];
    assert_eq!(noted(&node), expected);
    // A repeat answers the same and writes nothing.
    change(&client, "1/2026", Change::Fulfil(Fulfil {})).await.unwrap();
    assert_eq!(noted(&node).len(), expected.len());
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_refused_with_its_code() {
    let mut tree = Tree::four();
    let commune = unit("00001");
    let node = tree.start(commune).await;
    let who = somebody(&node).await;
    let client = tree.client(commune).await;
    let tomorrow = node.today().plus_days(1).to_string();
    let nobody = PersonId { unit: commune, serial: 77 };
    for (opening, code) in [
        (opening("a b", who, "view", ""), "request_id"),
        (opening("1", who, "erase", ""), "request_kind"),
        (opening("1", who, "view", "2026-13-01"), "request_date"),
        (opening("1", who, "view", &tomorrow), "request_date"),
        (opening("1", nobody, "view", ""), "person_unknown"),
    ] {
        assert_eq!(code_of(client.open_request(opening)).await, code);
    }
    assert_eq!(code_of(change(&client, "1", Change::Acknowledge(Acknowledge {}))).await, "request_unknown");
    client.open_request(opening("1", who, "delete", "")).await.unwrap();
    assert_eq!(code_of(client.open_request(opening("1", who, "view", ""))).await, "request_exists");
    // A deletion is fulfilled by erasing, not by saying so.
    assert_eq!(code_of(change(&client, "1", Change::Fulfil(Fulfil {}))).await, "request_not_erased");
    let reasonless = change(&client, "1", Change::Refuse(Refuse { reason: " ".to_owned() }));
    assert_eq!(code_of(reasonless).await, "request_reason");
    assert_eq!(noted(&node).len(), 1);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_lists_requests_and_an_officer_answers_them() {
    let mut tree = Tree::four();
    let commune = unit("00001");
    let node = tree.start(commune).await;
    let who = somebody(&node).await;
    let officer = tree.client_as(commune, &tree.person_keys(Role::Officer, commune)).await;
    let auditor = tree.client_as(commune, &tree.person_keys(Role::Auditor, commune)).await;
    let analyst = tree.client_as(commune, &tree.person_keys(Role::Analyst, commune)).await;
    officer.open_request(opening("1", who, "delete", "")).await.unwrap();
    assert_eq!(auditor.list_requests(false).await.unwrap().requests.len(), 1);
    assert_eq!(code_of(auditor.open_request(opening("2", who, "view", ""))).await, "not_allowed");
    assert_eq!(auditor.erase(&who.to_string(), "1").await.unwrap_err().code, "not_allowed");
    assert_eq!(analyst.list_requests(false).await.unwrap_err().code, "not_allowed");
    let erased = officer.erase(&who.to_string(), "1").await.unwrap();
    assert_eq!((erased.leaves, erased.restated), (1, 0));
    assert_eq!(erased.awaiting, [unit("001").to_string(), unit("01").to_string()]);
    let listed = auditor.list_requests(false).await.unwrap().requests;
    assert!(listed[0].erased_here && listed[0].awaiting == erased.awaiting);
    tree.stop_all().await;
}
