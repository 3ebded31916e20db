//! The audit log: who reads it is in it, what it must hold, and how a cut end is found out.

use danso_core::chain::{AuditEntry, Deed};
use danso_node::{
    operations::{Actor, Node},
    transport::{client::ClientError, tls::Role},
};
use danso_proto::v1::{self, LiftAnchorRequest, ShowAuditRequest};
use danso_tests::{Recorder, Tree, tree::central, unit, until};
use std::{fs, path::Path};

fn entries(node: &Node) -> Vec<AuditEntry> {
    let last = node.store.view().audit.number;
    node.audit_page(1, last).unwrap().into_iter().map(|(entry, _)| entry).collect()
}

fn count(node: &Node, deed: Deed) -> usize {
    entries(node).iter().filter(|entry| entry.deed == deed).count()
}

pub async fn note(node: &Node, number: u64) {
    node.note(&Actor::account("hoa.nguyen"), Deed::PersonalRead, format!("person {number}")).await.unwrap();
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}

async fn shown(
    client: &danso_node::transport::client::NodeClient,
    request: ShowAuditRequest,
) -> Vec<v1::AuditEntry> {
    let mut entries = Vec::new();
    client.show_audit(request, &mut |entry| entries.push(entry)).await.unwrap();
    entries
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_reads_the_log_and_is_in_it_and_nobody_else_reads_it() {
    let mut tree = Tree::three();
    let (commune, province) = (unit("00001"), unit("01"));
    let node = tree.start(commune).await;
    for number in 0..5 {
        note(&node, number).await;
    }
    let keys = tree.person_keys(Role::Auditor, province);
    let auditor = tree.client_as(commune, &keys).await;
    let request = ShowAuditRequest { from: 2, last: 0, deed: String::new() };
    let found = shown(&auditor, request).await;
    let here = entries(&node);
    let last = here.last().unwrap();
    assert_eq!((last.deed, last.number), (Deed::AuditRead, here.len() as u64));
    assert!(last.actor.starts_with(&format!("certificate auditor {province}")), "{}", last.actor);
    assert_eq!(last.subject, format!("entries 2-{}", here.len() - 1));
    assert_eq!(
        found.iter().map(|entry| entry.number).collect::<Vec<_>>(),
        (2..last.number).collect::<Vec<_>>()
    );
    // What is shown is what was signed.
    for shown in &found {
        let signed = danso_core::chain::Signed {
            bytes: shown.statement.to_vec(),
            signature: shown.signature.to_vec(),
        };
        let entry: AuditEntry = node.ring_of(commune).verify(&signed).unwrap();
        assert_eq!((entry.number, entry.subject), (shown.number, shown.subject.clone()));
    }
    let last_reads = ShowAuditRequest { from: 0, last: 2, deed: "personal_read".to_owned() };
    let subjects: Vec<String> =
        shown(&auditor, last_reads).await.into_iter().map(|entry| entry.subject).collect();
    assert_eq!(subjects, ["person 3", "person 4"]);

    for role in [Role::Operator, Role::Officer, Role::Analyst, Role::Collaborator] {
        let other = tree.client_as(commune, &tree.person_keys(role, province)).await;
        let refused = other.verify_audit().await.unwrap_err();
        assert_eq!(refused.code, "not_allowed", "{}", role.as_str());
    }
    // An auditor of a part does not read the log of the whole.
    tree.start(province).await;
    let keys = tree.person_keys(Role::Auditor, commune);
    let refused: ClientError = tree.client_as(province, &keys).await.verify_audit().await.unwrap_err();
    assert_eq!(refused.code, "not_allowed");
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_from_an_old_backup_is_found_out_by_the_parent_until_somebody_lifts_the_anchor() {
    let mut tree = Tree::three();
    let (commune, province) = (unit("00001"), unit("01"));
    tree.start(province).await;
    let anchored = |tree: &Tree| {
        let anchors = tree.node(province).child_anchors();
        anchors.iter().find(|anchor| anchor.child == commune).map(|anchor| anchor.head)
    };
    let node = tree.start(commune).await;
    note(&node, 1).await;
    until("the parent has heard of all", || anchored(&tree) == Some(node.store.view().audit)).await;
    until("the parent has it durably", || tree.node(province).store.view().anchors.contains_key(&commune))
        .await;
    let durable = tree.node(province).store.view().anchors[&commune].head;
    assert!(durable.number > 0);
    tree.stop(commune).await;
    let (data, backup) = (tree.home(commune).join("data"), tree.path("backup"));
    copy(&data, &backup);

    let node = tree.start(commune).await;
    for number in 2..9 {
        note(&node, number).await;
    }
    let known = node.store.view().audit;
    until("the parent has heard of all", || anchored(&tree) == Some(node.store.view().audit)).await;
    assert_eq!(tree.client(commune).await.node_info().await.map(|info| info.audit_cut), Ok(false));
    tree.stop(commune).await;
    fs::remove_dir_all(&data).unwrap();
    copy(&backup, &data);

    let node = tree.start(commune).await;
    until("the cut is seen", || node.parent_anchor().cut).await;
    let client = tree.client(commune).await;
    let info = client.node_info().await.unwrap();
    assert!(info.audit_cut && info.audit_parent_number >= known.number && info.audit_number < known.number);
    let answer = client.verify_audit().await.unwrap();
    assert!(answer.cut && answer.broken_at == 0, "the log that is left is whole");
    // It grows beyond the anchor and hides nothing by it.
    let kept = anchored(&tree).unwrap();
    while node.store.view().audit.number <= kept.number {
        note(&node, 77).await;
    }
    let before = node.link.read().unwrap().clone();
    assert!(before.connected);
    Recorder::new(node.clone()).household("2026-01-01").await;
    until("the link goes on", || tree.changes(province, commune) == 1).await;
    assert_eq!(anchored(&tree), Some(kept));
    assert!(node.parent_anchor().cut);
    let cut =
        || tree.node(province).child_anchors().iter().any(|anchor| anchor.child == commune && anchor.cut);
    until("the parent says so, too", cut).await;

    // The parent keeps the anchor over its own restart, as far as it was durable.
    tree.stop(province).await;
    tree.start(province).await;
    assert!(anchored(&tree).unwrap().number >= durable.number);

    let lift = |reason: &str| LiftAnchorRequest { unit: commune.to_string(), reason: reason.to_owned() };
    let above = tree.client(province).await;
    assert_eq!(above.lift_anchor(lift(" ")).await.unwrap_err().code, "audit_reason");
    let other = LiftAnchorRequest { unit: unit("00004").to_string(), reason: "x".to_owned() };
    assert_eq!(above.lift_anchor(other).await.unwrap_err().code, "audit_no_anchor");
    above.lift_anchor(lift("put back from the backup")).await.unwrap();
    until("the log is told again", || anchored(&tree) == Some(node.store.view().audit)).await;
    assert!(!node.parent_anchor().cut);
    assert!(
        tree.node(province).child_anchors().iter().all(|anchor| !anchor.cut),
        "what was lifted comes again"
    );
    let lifted = entries(&tree.node(province)).into_iter().find(|entry| entry.deed == Deed::ChainResolved);
    assert!(lifted.unwrap().subject.ends_with("lifted: put back from the backup"));
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_go_up_are_noted_once_a_link_and_day_and_directories_once_a_version() {
    let mut tree = Tree::three();
    tree.start_all().await;
    let (commune, province) = (unit("00001"), unit("01"));
    let mut recorder = Recorder::new(tree.node(commune));
    for _ in 0..5 {
        recorder.household("2026-01-01").await;
        let sequence = tree.node(commune).store.view().recording.sequence;
        until("central has it", || tree.changes(central(), commune) == sequence).await;
    }
    assert_eq!(count(&tree.node(commune), Deed::PersonalSent), 1);
    let entries = entries(&tree.node(commune));
    let sent = entries.iter().find(|entry| entry.deed == Deed::PersonalSent).unwrap();
    assert!(sent.subject.starts_with(&format!("batches with names to {province} on ")), "{}", sent.subject);
    // Nothing that names a person passes the province.
    assert_eq!(count(&tree.node(province), Deed::PersonalSent), 0);
    until("the directory came down", || tree.node(commune).directory_version() == 1).await;
    for at in [commune, province, central()] {
        assert_eq!(count(&tree.node(at), Deed::ConfigurationChanged), 1, "{at}");
    }
    tree.stop_all().await;
}
