//! Two computers with one unit's keys, and a chain with two batches under one number.

use super::recovery::{has_all, printed, rebuild};
use danso_core::{
    chain::{Batch, Head, Header},
    domain::{PersonId, Sex},
};
use danso_node::{runtime, store::HeldBatch};
use danso_proto::v1::{InspectRequest, InspectedChain, ResolveRequest};
use danso_tests::{
    Recorder, Tree,
    entries::person,
    folder,
    forge::{ChildLink, Forger},
    tree::central,
    unit, until,
};
use danso_tier_config::{NodeConfig, UnitId};

async fn inspected(tree: &Tree, at: UnitId, origin: UnitId) -> InspectedChain {
    let client = tree.client(at).await;
    let answer = client.inspect_chains(InspectRequest { unit: origin.to_string() }).await.unwrap();
    answer.chains.into_iter().next().expect("the chain is known")
}

/// The hashes of what was received and of what is held, of the only evidence.
fn both(chain: &InspectedChain) -> (Vec<u8>, Vec<u8>) {
    assert_eq!(chain.evidence.len(), 1, "{:?}", chain.evidence);
    let row = &chain.evidence[0];
    let hash = |version: &Option<danso_proto::v1::ChainVersion>| version.as_ref().unwrap().hash.to_vec();
    assert_eq!(row.received.as_ref().unwrap().number, row.held.as_ref().unwrap().number);
    (hash(&row.received), hash(&row.held))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_backup_on_two_computers_is_found_out_told_to_both_and_healed() {
    let mut tree = Tree::four();
    tree.start_all().await;
    let (commune, district) = (unit("00001"), unit("001"));
    let home = Recorder::new(tree.node(commune)).household("2026-01-01").await;
    has_all(&tree, central(), commune).await;
    tree.stop(commune).await;
    let (first, second) = (tree.home(commune).join("data"), tree.home(commune).join("second"));
    folder::copy(&first, &second);
    let recorder = Recorder::new(tree.start(commune).await);
    let here = recorder.register("2026-01-02", home, person("Nguyễn An", Sex::Male, "1990-01-01")).await;
    has_all(&tree, central(), commune).await;
    let held = tree.node(district).head_of(commune);
    drop(recorder);
    tree.stop(commune).await;

    // The second computer records while its line is down.
    tree.stop(district).await;
    let listen = std::net::SocketAddr::from((tree.address(commune).ip(), 7_999));
    let other = NodeConfig { data: second.clone(), listen, ..tree.config(commune) };
    let running = runtime::start(other.clone(), &mut |_, _| ()).await.unwrap();
    let recorder = Recorder::new(std::sync::Arc::clone(&running.node));
    let there = recorder.register("2026-01-02", home, person("Trần Chi", Sex::Female, "1991-01-01")).await;
    assert_eq!(here, there, "one id for two persons");
    until("it is sealed", || running.node.store.view().unsealed.is_empty()).await;
    let sealed = running.node.head_of(commune);
    tree.start(district).await;
    until("the second computer is told", || {
        running.node.link.read().unwrap().held.get(&commune).map(String::as_str) == Some("parent_diverges")
    })
    .await;
    until("the parent is told", || tree.node(district).store.evidence_count().unwrap() == 1).await;
    let seen = inspected(&tree, district, commune).await;
    assert_eq!(both(&seen), (sealed.hash.0.to_vec(), held.hash.0.to_vec()));
    assert_eq!((seen.held_code.as_str(), seen.evidence[0].code.as_str()), ("", "batch_fork"));
    running.stop().await;

    // The second computer recovers; the first goes on as the third would: from the parent's chain.
    let file = tree.home(commune).join("second.toml");
    std::fs::write(&file, other.to_toml(&tree.home(commune))).unwrap();
    let text = printed(&rebuild(file).await, 0);
    assert!(text.contains("1 changes again"), "{text}");
    let running = runtime::start(other, &mut |_, _| ()).await.unwrap();
    until("both are at central", || tree.changes(central(), commune) == 3).await;
    let name = |id| running.node.store.person(id).unwrap().unwrap().facts.name;
    assert_eq!(name(here), "Nguyễn An");
    assert_eq!(name(PersonId { serial: here.serial + 1, ..here }), "Trần Chi");
    running.stop().await;
    let node = tree.start(commune).await;
    until("the first computer has both", || node.head_of(commune).next.0 == 4).await;
    tree.stop_all().await;
}

fn header(batch: &Batch) -> Header {
    batch.header.decode_trusted().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_holds_the_chain_until_the_operator_goes_on_with_what_is_held() {
    let mut tree = Tree::four();
    tree.start_all().await;
    let (commune, district) = (unit("00001"), unit("001"));
    let mut recorder = Recorder::new(tree.node(commune));
    let home = recorder.household("2026-01-01").await;
    recorder.household("2026-01-02").await;
    has_all(&tree, central(), commune).await;
    drop(recorder);
    tree.stop(commune).await;
    let node = tree.node(district);
    let HeldBatch { batch: one, .. } =
        node.store.batch(commune, danso_core::chain::BatchNumber(1)).unwrap().unwrap();

    // Somebody with the unit's keys signs another second batch.
    let mut forger = Forger::new(&tree, commune);
    forger.head = Head::after(&header(&one), one.hash());
    let other = forger.next(1);
    for round in 0..2 {
        let (mut link, _) = ChildLink::open(&tree, commune, district, &[commune]).await;
        link.send_batch(&other).await;
        let expected = if round == 0 { "batch_fork" } else { "origin_held" };
        assert_eq!(link.refusal().await.code, expected);
        until("it is kept", || node.store.evidence_count().unwrap() == 1).await;
        until("the chain is held", || node.store.view().chains[&commune].held.is_some()).await;
    }
    let seen = inspected(&tree, district, commune).await;
    assert_eq!(
        both(&seen),
        (
            other.hash().0.to_vec(),
            node.store.batch_row(commune, forger.head.number).unwrap().unwrap().hash.0.to_vec()
        )
    );
    assert_eq!((seen.held_code.as_str(), seen.evidence[0].hold), ("batch_fork", true));
    assert_eq!(seen.evidence[0].sender, commune.to_string());

    // The unit's own node is told, too, and sees it at its own computer.
    let own = tree.start(commune).await;
    Recorder::new(std::sync::Arc::clone(&own))
        .register("2026-01-03", home, person("Nguyễn An", Sex::Male, "1990-01-01"))
        .await;
    until("the unit is told", || own.link.read().unwrap().held.contains_key(&commune)).await;
    assert_eq!(inspected(&tree, commune, commune).await.link_held_code, "origin_held");
    assert!(!own.store.own_chain_held(), "its own chain is the one that is held above");

    let client = tree.client(district).await;
    let resolve = |reason: &str| ResolveRequest { unit: commune.to_string(), reason: reason.to_owned() };
    assert_eq!(client.resolve_chain(resolve(" ")).await.unwrap_err().code, "chain_reason");
    let answer = client.resolve_chain(resolve("the second PC was sold")).await.unwrap();
    assert_eq!(answer.held_code, "batch_fork");
    assert_eq!(client.resolve_chain(resolve("again")).await.unwrap_err().code, "chain_not_held");
    assert_eq!(inspected(&tree, district, commune).await.held_code, "");
    drop(own);
    tree.stop(commune).await;
    // The other batch again: refused, and nothing is held or kept for it a second time.
    let (mut link, _) = ChildLink::open(&tree, commune, district, &[commune]).await;
    link.send_batch(&other).await;
    assert_eq!(link.refusal().await.code, "batch_fork");
    drop(link);
    tree.start(commune).await;
    has_all(&tree, central(), commune).await;
    assert_eq!(node.store.evidence_count().unwrap(), 1);
    // The decision outlives a restart.
    drop(node);
    tree.stop(district).await;
    tree.start(district).await;
    assert_eq!(tree.node(district).store.view().chains[&commune].held, None);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_runs_a_node_decides_about_its_chains() {
    use danso_node::transport::tls::Role;
    let mut tree = Tree::four();
    tree.start(central()).await;
    let top = tree.address(central()).to_string();
    let request = || ResolveRequest { unit: "01".to_owned(), reason: "why".to_owned() };
    for (role, code) in [(Role::Operator, "chain_not_held"), (Role::Auditor, "not_allowed")] {
        let keys = tree.person_keys(role, central());
        let client =
            danso_node::transport::client::NodeClient::connect(&top, central(), &keys).await.unwrap();
        assert_eq!(client.resolve_chain(request()).await.unwrap_err().code, code);
        assert!(client.inspect_chains(InspectRequest::default()).await.unwrap().chains.is_empty());
    }
    tree.stop_all().await;
}
