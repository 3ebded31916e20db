//! The people and the tree of the tests of erasure, and what is looked for in folders.

use danso_core::{
    chain::{AuditEntry, BatchNumber, Deed, Digest, read_frame},
    domain::{
        Area, HouseholdFacts, HouseholdId, PersonFacts, PersonId, Sex,
        entry::{Entry, PersonData},
        requests::{RequestId, RequestKind},
    },
};
use danso_node::{
    operations::{Actor, Erased, Node},
    runtime::{self, store_options},
    store::{Options, Store, verify},
};
use danso_tests::{
    Recorder, Tree,
    entries::person,
    tree::{all_bytes, central},
    unit,
};
use danso_tier_config::UnitId;
use std::sync::Arc;
pub const NAME: &str = "Nguyễn Thị Tuyệt Mật";
pub const CITIZEN: &str = "001195009876";
pub const INSURANCE: &str = "HN4010123456789";
pub const PHONE: &str = "0912345678";
pub const SECRETS: [&str; 4] = [NAME, CITIZEN, INSURANCE, PHONE];
pub const NEIGHBOUR: &str = "Trần Văn Ở Lại";
pub const NEW_HOUSEHOLD: &str = "0777";
pub const NEW_ADDRESS: &str = "Ngõ Chung Nhà 9";

pub fn commune() -> UnitId {
    unit("00001")
}

pub fn district() -> UnitId {
    unit("001")
}

pub fn province() -> UnitId {
    unit("01")
}

pub fn way_up() -> [UnitId; 4] {
    [commune(), district(), province(), central()]
}

/// Starts a node whose data folder is not encrypted, so that its files can be searched.
pub async fn start(tree: &mut Tree, unit: UnitId) -> Arc<Node> {
    let mut config = tree.config(unit);
    if !config.data.join("FORMAT").exists() {
        let plain = Options { at_rest: None, ..store_options(&config).unwrap() };
        Store::open(plain, &mut |_, _| ()).unwrap().0.close().await;
    }
    config.at_rest = Some(tree.home(unit).join("none.key"));
    let running = runtime::start(config, &mut |_, _| ()).await.unwrap();
    let node = Arc::clone(&running.node);
    tree.running.insert(unit, running);
    node
}

pub async fn plain_tree() -> Tree {
    let mut tree = Tree::four();
    for unit in way_up().into_iter().rev() {
        start(&mut tree, unit).await;
    }
    tree
}

/// What was recorded: the person to be forgotten and a neighbour, who moved into a household of their own
/// with one change whose leaf names that household.
pub struct Recorded {
    pub person: PersonId,
    pub neighbour: PersonId,
    pub home: HouseholdId,
}

pub async fn record(node: &Arc<Node>) -> Recorded {
    let mut recorder = Recorder::new(Arc::clone(node));
    let first = recorder.household("2026-01-01").await;
    let facts = PersonFacts {
        name: NAME.to_owned(),
        citizen_number: CITIZEN.to_owned(),
        subject_code: INSURANCE.to_owned(),
        phone: PHONE.to_owned(),
        ..PersonFacts::default()
    };
    let data = PersonData { facts, ..person(NAME, Sex::Female, "1995-05-05") };
    let person_id = recorder.register("2026-01-01", first, data).await;
    let neighbour = recorder.register("2026-01-01", first, person(NEIGHBOUR, Sex::Male, "1990-01-01")).await;
    let facts = HouseholdFacts { number: NEW_HOUSEHOLD.to_owned(), address: NEW_ADDRESS.to_owned() };
    let members = vec![person_id, neighbour];
    let split = Entry::SplitHousehold { from: first, members, area: Area(2), facts };
    let home = recorder.record("2026-02-01", split).await.household.unwrap();
    recorder.record("2026-02-02", Entry::Marriage(person_id)).await;
    Recorded { person: person_id, neighbour, home }
}

pub fn reference() -> RequestId {
    "12/YC-2026".parse().unwrap()
}

pub async fn ask(node: &Arc<Node>, person: PersonId) {
    let today = node.today();
    node.open_request(&Actor::local(), reference(), person, RequestKind::Delete, today).await.unwrap();
}

pub async fn erase(node: &Arc<Node>, person: PersonId) -> Erased {
    ask(node, person).await;
    node.erase(&Actor::local(), person, &reference()).await.unwrap()
}

/// The tiers that have not confirmed, once the request is open; `None` when it is fulfilled.
pub async fn awaiting(node: &Arc<Node>) -> Option<Vec<UnitId>> {
    let listed = node.list_requests(false).await.unwrap();
    listed.into_iter().next().map(|shown| shown.awaiting)
}

pub async fn confirmed_by_all(node: &Arc<Node>) {
    let asked = Arc::clone(node);
    danso_tests::eventually("every tier confirms", || {
        let node = Arc::clone(&asked);
        async move { awaiting(&node).await.is_none().then_some(()) }
    })
    .await;
}

/// Whether `wanted` stands anywhere in `bytes`. Looks for its first byte, then compares.
pub fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    let (first, rest) = wanted.split_first().unwrap();
    let mut left = bytes;
    while let Some(found) = left.iter().position(|byte| byte == first) {
        left = &left[found + 1..];
        if left.starts_with(rest) {
            return true;
        }
    }
    false
}

/// All bytes of a tier's data folder, pages of zeros cut short: files are reserved ahead of use.
pub fn bytes_of(tree: &Tree, tier: UnitId) -> Vec<u8> {
    let zeros = [0; 4_096];
    let bytes = all_bytes(&tree.home(tier).join("data"));
    let pages = bytes.chunks(zeros.len());
    let kept =
        pages.map(|page| if *page == zeros[..page.len()] { &page[..page.len().min(64)] } else { page });
    kept.flatten().copied().collect()
}

/// The personal frames of the commune's batches at a tier.
pub fn frames(node: &Node) -> Vec<Vec<u8>> {
    let head = node.store.view().chains.get(&commune()).map_or(0, |chain| chain.head.number.0);
    let batch = |number| node.store.batch(commune(), BatchNumber(number)).unwrap().unwrap().batch;
    (1..=head).filter_map(|number| batch(number).personal).collect()
}

pub fn plain(frame: &[u8]) -> Vec<u8> {
    read_frame(frame, "personal", 100).unwrap().to_vec().concat()
}

pub fn names_secret(frame: &[u8]) -> bool {
    SECRETS.iter().any(|secret| contains(&plain(frame), secret.as_bytes()))
}

/// Fails where a file of the tier holds a secret or one of the frames in which it stood.
pub fn assert_forgotten(bytes: &[u8], old: &[Vec<u8>], tier: UnitId) {
    for secret in SECRETS {
        assert!(!contains(bytes, secret.as_bytes()), "{tier} still holds {secret}");
    }
    for frame in old {
        assert!(!contains(bytes, frame), "{tier} still holds a frame that names the person");
    }
}

pub fn verified(tree: &Tree, tier: UnitId) -> Digest {
    let mut config = tree.config(tier);
    config.at_rest = Some(tree.home(tier).join("none.key"));
    let report = verify(&store_options(&config).unwrap(), &mut |_, _| ()).unwrap();
    assert_eq!(report.differences, Vec::<String>::new(), "at {tier}");
    report.tallies
}

pub fn entries(node: &Node, deed: Deed) -> Vec<AuditEntry> {
    let last = node.store.view().audit.number;
    let page = node.audit_page(1, last).unwrap();
    page.into_iter().map(|(entry, _)| entry).filter(|entry| entry.deed == deed).collect()
}

pub fn others_are_named(node: &Node, recorded: &Recorded) {
    assert_eq!(node.store.person(recorded.neighbour).unwrap().unwrap().facts.name, NEIGHBOUR);
    let home = node.store.household(recorded.home).unwrap().unwrap();
    assert_eq!((home.facts.number.as_str(), home.facts.address.as_str()), (NEW_HOUSEHOLD, NEW_ADDRESS));
    let forgotten = node.store.person(recorded.person).unwrap().unwrap();
    assert!(forgotten.facts == PersonFacts::default() && forgotten.state.is_some());
    assert!(node.store.persons_by_name("Tuyệt Mật", 10).unwrap().is_empty());
    assert_eq!(node.store.person_by_citizen_number(CITIZEN).unwrap(), None);
}
