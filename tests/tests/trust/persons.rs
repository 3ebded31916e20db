//! Persons of a register: found by name and number, shown whole, and every read in the audit log.

use danso_core::{
    chain::{AuditEntry, Deed},
    domain::{
        PersonFacts, PersonId, Sex,
        entry::{Entry, PersonData},
    },
};
use danso_node::{
    operations::Node,
    transport::{
        client::{ClientError, NodeClient},
        tls::Role,
    },
};
use danso_proto::v1::{FindPersonsRequest, PersonLine, find_persons_request::Question};
use danso_tests::{Recorder, Tree, entries::person, tree::central, unit};
use std::sync::Arc;

const CITIZEN: &str = "001195009876";
const INSURANCE: &str = "HN4010123456789";

/// A mother, a father and one who left.
async fn record(node: &Arc<Node>) -> [PersonId; 3] {
    let mut recorder = Recorder::new(Arc::clone(node));
    let home = recorder.household("2026-01-01").await;
    let facts = PersonFacts {
        name: "Nguyễn Thị Đào".to_owned(),
        citizen_number: CITIZEN.to_owned(),
        subject_code: INSURANCE.to_owned(),
        relation: "chủ hộ".to_owned(),
        ..PersonFacts::default()
    };
    let mother = PersonData { facts, ..person("", Sex::Female, "1995-05-05") };
    let mother = recorder.register("2026-01-01", home, mother).await;
    let father =
        recorder.register("2026-01-01", home, person("Nguyễn Văn Đạo", Sex::Male, "1990-01-01")).await;
    let gone = recorder.register("2026-01-01", home, person("Lê Thị Hoà", Sex::Female, "1970-01-01")).await;
    recorder.record("2026-02-01", Entry::Marriage(mother)).await;
    recorder.departure("2026-03-01", gone).await;
    [mother, father, gone]
}

fn reads(node: &Node) -> Vec<AuditEntry> {
    let last = node.store.view().audit.number;
    let page = node.audit_page(1, last).unwrap();
    page.into_iter().map(|(entry, _)| entry).filter(|entry| entry.deed == Deed::PersonalRead).collect()
}

async fn find(client: &NodeClient, question: Question) -> Result<Vec<PersonLine>, ClientError> {
    let request = FindPersonsRequest { max: 0, question: Some(question) };
    Ok(client.find_persons(request).await?.persons)
}

async fn names(client: &NodeClient, question: &str) -> Vec<String> {
    let found = find(client, Question::Name(question.to_owned())).await.unwrap();
    found.into_iter().map(|line| line.name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn persons_are_found_with_and_without_marks_also_after_a_restart() {
    let mut tree = Tree::four();
    let commune = unit("00001");
    let node = tree.start(commune).await;
    let [mother, _, gone] = record(&node).await;
    for start in 0..2 {
        let client = tree.client(commune).await;
        assert_eq!(names(&client, "dao").await, ["Nguyễn Thị Đào", "Nguyễn Văn Đạo"], "start {start}");
        assert_eq!(names(&client, "NGUYEN ĐẠO").await, ["Nguyễn Văn Đạo"]);
        assert_eq!(names(&client, "đào nguyễn").await, ["Nguyễn Thị Đào"]);
        assert_eq!(names(&client, "lê th").await, ["Lê Thị Hoà"]);
        assert_eq!(names(&client, "không có").await, Vec::<String>::new());
        let by_number = find(&client, Question::CitizenNumber(CITIZEN.to_owned())).await.unwrap();
        assert_eq!(by_number[0].id, mother.to_string());
        let by_code = find(&client, Question::SubjectCode(INSURANCE.to_owned())).await.unwrap();
        assert_eq!((by_code.len(), by_code[0].id.as_str()), (1, mother.to_string().as_str()));
        let left = find(&client, Question::Name("Hoà".to_owned())).await.unwrap();
        assert_eq!((left[0].id.as_str(), left[0].resident), (gone.to_string().as_str(), false));
        let empty = find(&client, Question::Name("  ".to_owned())).await.unwrap_err();
        assert_eq!(empty.code, "person_question");
        drop(client);
        tree.stop(commune).await;
        tree.start(commune).await;
    }
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_shown_with_household_and_history_and_each_read_is_noted_before_it_is_answered() {
    let mut tree = Tree::four();
    let commune = unit("00001");
    let node = tree.start(commune).await;
    let [mother, father, gone] = record(&node).await;
    let client = tree.client(commune).await;
    let shown = client.get_person(&mother.to_string()).await.unwrap();
    // Durable before the answer left: it is in the log of this very moment.
    let noted = reads(&node);
    assert_eq!(noted.len(), 1);
    assert_eq!(noted[0].actor, format!("node {commune}"));
    assert!(noted[0].subject.starts_with(&format!("person {mother}, with 1 others of household ")));
    let line = shown.line.unwrap();
    assert_eq!((line.name.as_str(), line.birth_date.as_str()), ("Nguyễn Thị Đào", "1995-05-05"));
    assert_eq!((line.household_number.as_str(), line.relation.as_str()), ("0001", "chủ hộ"));
    assert_eq!((shown.citizen_number.as_str(), shown.address.as_str()), (CITIZEN, "Tổ 1"));
    assert_eq!((shown.sex.as_str(), shown.marital.as_str()), ("female", "married"));
    let members: Vec<_> = shown.members.iter().map(|member| member.id.clone()).collect();
    assert_eq!(members, [father.to_string()]);
    let history: Vec<_> =
        shown.history.iter().map(|event| (event.kind.as_str(), event.sequence, event.named)).collect();
    assert_eq!(history, [("married", 5, false), ("person_registered", 2, true)]);

    let left = client.get_person(&gone.to_string()).await.unwrap();
    let kinds: Vec<_> = left.history.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!((kinds, left.members.len()), (vec!["moved_out", "person_registered"], 0));
    assert_eq!(reads(&node)[1].subject, format!("person {gone}"));
    names(&client, "nguyen").await;
    assert_eq!(reads(&node)[2].subject, "search, 2 found");
    assert!(reads(&node).iter().all(|entry| !entry.subject.contains("guy")), "ids only");

    let nobody = client.get_person(&format!("{commune}/99")).await.unwrap_err();
    assert_eq!(nobody.code, "person_unknown");
    assert_eq!(client.get_person("99").await.unwrap_err().code, "person_id");
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_those_who_may_read_persons_of_this_register() {
    let mut tree = Tree::four();
    let (commune, district) = (unit("00001"), unit("001"));
    tree.start(district).await;
    let node = tree.start(commune).await;
    record(&node).await;
    for (role, of, expected) in [
        (Role::Collaborator, commune, None),
        (Role::Officer, commune, None),
        (Role::Officer, district, None),
        (Role::Officer, unit("00004"), Some("not_allowed")),
        (Role::Operator, commune, Some("not_allowed")),
        (Role::Analyst, central(), Some("not_allowed")),
        (Role::Auditor, commune, Some("not_allowed")),
    ] {
        let client = tree.client_as(commune, &tree.person_keys(role, of)).await;
        let before = reads(&node).len();
        let found = find(&client, Question::Name("dao".to_owned())).await;
        assert_eq!(found.err().map(|error| error.code).as_deref(), expected, "{role:?} of {of}");
        assert_eq!(reads(&node).len() - before, usize::from(expected.is_none()));
    }
    let above = tree.client(district).await;
    let refused = find(&above, Question::Name("dao".to_owned())).await.unwrap_err();
    assert_eq!(refused.code, "not_recording");
    tree.stop(commune).await;

    std::fs::remove_file(tree.keys(commune).join("at-rest.key")).unwrap();
    tree.start(commune).await;
    let client = tree.client(commune).await;
    assert_eq!(find(&client, Question::Name("dao".to_owned())).await.unwrap_err().code, "at_rest_locked");
    assert_eq!(client.get_person(&format!("{commune}/1")).await.unwrap_err().code, "at_rest_locked");
    tree.stop_all().await;
}
