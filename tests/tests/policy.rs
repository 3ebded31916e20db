//! What passes each boundary: names, cores or counts. Whatever is withheld, batches verify above, counts
//! are equal, and no tier's folder holds what that tier must not have.

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

use danso_core::{
    chain::{Batch, BatchNumber, Exclusions, Header, Quarantined, Receipt, open, read_frame, strip},
    domain::{Core, Event, Method, PersonFacts, Reason, Sequence, Sex, entry::Entry},
    rollup::difference,
};
use danso_node::operations::Node;
use danso_tests::{
    Recorder, Tree,
    entries::person,
    forge::{ChildLink, Forger, edit_exclusions, public_key},
    tree::{all_bytes, central},
    unit, until,
};
use danso_tier_config::{Policy, UnitId, limits};

const NAME: &str = "Nguyễn Thị Tuyệt Mật";
const CHILD: &str = "Nguyễn Bí Ẩn";
const CITIZEN: &str = "001195009876";
const INSURANCE: &str = "HN4010123456789";
const PHONE: &str = "0912345678";
const ADDRESS: &str = "Tổ 1";

fn commune() -> UnitId {
    unit("00001")
}

/// The commune, its district, its province and central.
fn way_up() -> [UnitId; 4] {
    [commune(), unit("001"), unit("01"), central()]
}

/// A tree in which the named units send no more than these policies; all of commune 00001's way up runs.
async fn tree(policies: &[(UnitId, Policy)]) -> Tree {
    let mut tree = Tree::four();
    tree.policies = policies.iter().copied().collect();
    for unit in way_up().into_iter().rev() {
        tree.start(unit).await;
    }
    tree
}

/// Seven changes of commune 00001, with everything that a person can be named by.
async fn record(tree: &Tree) {
    let mut recorder = Recorder::new(tree.node(commune()));
    let home = recorder.household("2026-01-01").await;
    let facts = PersonFacts {
        name: NAME.to_owned(),
        birth_date: Some("1995-05-05".parse().unwrap()),
        citizen_number: CITIZEN.to_owned(),
        subject_code: INSURANCE.to_owned(),
        phone: PHONE.to_owned(),
        ..PersonFacts::default()
    };
    let mother = danso_core::domain::entry::PersonData { facts, ..person(NAME, Sex::Female, "1995-05-05") };
    let mother = recorder.register("2026-01-01", home, mother).await;
    recorder.record("2026-01-20", Entry::Marriage(mother)).await;
    recorder.record("2026-01-21", Entry::MethodStarted { person: mother, method: Method::Pill }).await;
    recorder.birth("2026-03-09", home, CHILD, Sex::Male).await;
    let second = recorder.birth("2026-03-09", home, CHILD, Sex::Female).await;
    recorder.death("2026-04-01", second).await;
    until("all changes are at central", || tree.changes(central(), commune()) == 7).await;
}

fn batches(node: &Node, origin: UnitId) -> Vec<Batch> {
    let head = node.store.view().chains[&origin].head.number;
    (1..=head.0).map(|number| node.store.batch(origin, BatchNumber(number)).unwrap().unwrap().batch).collect()
}

/// Encoded personal parts as the commune recorded them.
fn personal_parts(tree: &Tree) -> Vec<Vec<u8>> {
    let node = tree.node(commune());
    let changes = (1..=7).map(|sequence| node.store.own_change(Sequence(sequence)).unwrap().unwrap());
    changes.filter_map(|change| Some(change.personal?.1)).collect()
}

/// Whether `wanted` stands anywhere in `bytes`. Looks for its first byte, then compares.
fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
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

/// Every batch of the commune stands at `tier` with exactly the frames of `policy` and verifies there.
fn assert_batches(tree: &Tree, tier: UnitId, policy: Policy) {
    let (sealed, held) = (batches(&tree.node(commune()), commune()), batches(&tree.node(tier), commune()));
    assert_eq!(held.len(), sealed.len());
    for (sealed, held) in sealed.into_iter().zip(held) {
        assert_eq!(held, strip(sealed, policy), "{tier} holds the batch as sealed, less what is withheld");
        let header: Header = held.header.verify(public_key(tree, commune())).unwrap();
        let contents = open(&held, &header, policy).unwrap();
        assert_eq!(contents.personal.is_some(), policy == Policy::Names);
        assert_eq!(contents.cores.is_some(), policy >= Policy::Cores);
        assert_eq!(contents.deltas.is_some(), policy == Policy::Counts);
    }
}

fn assert_equal_counts(tree: &Tree) {
    let below = tree.node(commune());
    assert!(!below.store.view().tallies.is_empty());
    for tier in way_up() {
        let node = tree.node(tier);
        let differences = difference(&below.store.view().tallies, &node.store.view().tallies);
        assert_eq!(differences, [], "at {tier}");
        assert_eq!(node.tallies_digest(), below.tallies_digest());
        assert_eq!(node.quarantine(commune()).unwrap(), []);
    }
}

/// The bytes with long runs of zeros cut short: segments and the ballast are reserved ahead of use.
fn without_zeros(bytes: &[u8]) -> Vec<u8> {
    let zeros = [0; 4_096];
    let pages = bytes.chunks(zeros.len());
    pages
        .flat_map(|page| if *page == zeros[..page.len()] { &page[..page.len().min(64)] } else { page })
        .copied()
        .collect()
}

/// All bytes that a tier has: its folder, and the stored frames unpacked.
fn everything(tree: &Tree, tier: UnitId, stored: &[Batch]) -> Vec<u8> {
    let mut bytes = without_zeros(&all_bytes(&tree.home(tier).join("data")));
    for batch in stored {
        for frame in [&batch.personal, &batch.cores, &batch.deltas].into_iter().flatten() {
            let leaves = read_frame(frame, "frame", limits::BATCH_DELTAS_MAX).unwrap().to_vec();
            bytes.extend(leaves.concat());
        }
    }
    bytes
}

/// The policies make the tiers of `expected` hold just what they say.
async fn check(policies: &[(UnitId, Policy)], expected: [Policy; 3]) {
    let mut tree = tree(policies).await;
    record(&tree).await;
    assert_equal_counts(&tree);
    for (tier, policy) in way_up().into_iter().skip(1).zip(expected) {
        assert_batches(&tree, tier, policy);
    }
    let parts = personal_parts(&tree);
    assert_eq!(parts.len(), 4, "the household, the mother and both children are named");
    let cores: Vec<Vec<u8>> = batches(&tree.node(commune()), commune())
        .iter()
        .flat_map(|batch| read_frame(batch.cores.as_ref().unwrap(), "cores", 7).unwrap().to_vec())
        .collect();
    let stored: Vec<_> = way_up().map(|tier| batches(&tree.node(tier), commune())).to_vec();
    tree.stop_all().await;
    let secrets: Vec<&[u8]> = [NAME, CHILD, CITIZEN, INSURANCE, PHONE, ADDRESS]
        .into_iter()
        .map(str::as_bytes)
        .chain(parts.iter().map(Vec::as_slice))
        .collect();
    let names_here = [Policy::Names].into_iter().chain(expected);
    for ((tier, policy), stored) in way_up().into_iter().zip(names_here).zip(&stored) {
        let bytes = everything(&tree, tier, stored);
        assert!(
            contains(&bytes, &stored[0].header.bytes),
            "the folder of {tier} is searched where batches lie"
        );
        for secret in &secrets {
            assert_eq!(
                contains(&bytes, secret),
                policy == Policy::Names,
                "a name at {tier}, which gets {policy}"
            );
        }
        for core in &cores {
            assert_eq!(
                contains(&bytes, core),
                policy >= Policy::Cores,
                "a core at {tier}, which gets {policy}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn by_default_names_stop_at_the_province_and_cores_reach_central() {
    check(&[], [Policy::Names, Policy::Names, Policy::Cores]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commune_that_sends_cores_keeps_its_names() {
    check(&[(commune(), Policy::Cores)], [Policy::Cores, Policy::Cores, Policy::Cores]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_district_that_sends_counts_keeps_names_and_cores() {
    check(&[(unit("001"), Policy::Counts)], [Policy::Names, Policy::Counts, Policy::Counts]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commune_that_sends_counts_keeps_everything_else() {
    check(&[(commune(), Policy::Counts)], [Policy::Counts, Policy::Counts, Policy::Counts]).await;
}

/// A batch of three births of which the second is of a 31st child.
fn with_a_fault(forger: &mut Forger) -> Batch {
    let mut cores: Vec<Core> = (1..=3).map(|sequence| forger.birth(sequence)).collect();
    if let Event::Born { order, .. } = &mut cores[1].event {
        *order = 31;
    }
    let changes: Vec<_> = cores.iter().map(|core| forger.named(core)).collect();
    let batch = strip(forger.seal(&changes), Policy::Names);
    forger.follow(&batch);
    batch
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_tier_excludes_is_excluded_above_it_by_its_signed_word() {
    let mut tree = Tree::four();
    let district = unit("001");
    tree.policies.insert(district, Policy::Counts);
    for unit in [central(), unit("01"), district] {
        tree.start(unit).await;
    }
    let mut forger = Forger::new(&tree, commune());
    let faulty = with_a_fault(&mut forger);
    let good = forger.next(2);
    let (mut link, _) = ChildLink::open(&tree, commune(), district, &[commune()]).await;
    for batch in [&faulty, &good] {
        link.send_batch(batch).await;
        link.receipt().await;
    }
    until("both batches are at central", || tree.head(central(), commune()) == 2).await;
    let verdict = (Sequence(2), Reason::BirthOrder);
    let digest = tree.node(district).tallies_digest();
    for tier in [unit("01"), central()] {
        let node = tree.node(tier);
        assert_eq!(node.tallies_digest(), digest, "{tier} counts what the district counts");
        assert_eq!(node.quarantine(commune()).unwrap(), [verdict]);
        let held = batches(&node, commune());
        assert_eq!((held[0].cores.is_none(), held[0].personal.is_none()), (true, true));
        let signed = held[0].exclusions.clone().unwrap();
        let exclusions: Exclusions = signed.verify(public_key(&tree, district)).unwrap();
        assert_eq!((exclusions.tier_unit, exclusions.hash), (district, faulty.hash()));
        assert_eq!(exclusions.quarantined, [Quarantined { sequence: verdict.0, reason: verdict.1 }]);
        assert_eq!(held[1].exclusions, None);
    }
    drop(link);
    tree.stop_all().await;
    // A start reads the exclusions again.
    let again = tree.start(central()).await;
    assert_eq!(again.tallies_digest(), digest);
    tree.stop_all().await;
}

/// A parent under attack by its child: what the child sends must be refused with `code` and change nothing.
async fn refused(node: &Node, link: &mut ChildLink, batch: &Batch, code: &str) {
    let before = (node.tallies_digest(), node.store.view().chains.clone());
    link.send_batch(batch).await;
    let refusal = link.refusal().await;
    assert_eq!(refusal.code, code, "{}", refusal.message);
    assert_eq!((node.tallies_digest(), node.store.view().chains.clone()), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn tampered_exclusions_are_refused() {
    let mut tree = Tree::four();
    let (province, district) = (unit("01"), unit("001"));
    let node = tree.start(province).await;
    let mut forger = Forger::new(&tree, commune());
    let faulty = with_a_fault(&mut forger);
    let honest = counts_of(&tree, &faulty).await;
    let known = [commune(), district, unit("002")];
    let (mut link, _) = ChildLink::open(&tree, district, province, &known).await;
    let signed = honest.exclusions.clone().unwrap();
    let key = tree.ledger_key(district);
    let with = |exclusions| Batch { exclusions: Some(exclusions), ..honest.clone() };
    let mut edited = signed.clone();
    *edited.bytes.last_mut().unwrap() ^= 1;
    refused(&node, &mut link, &with(edited), "batch_signature").await;
    let mut unsigned = signed.clone();
    unsigned.signature.clear();
    refused(&node, &mut link, &with(unsigned), "batch_signature").await;
    // By the origin itself, by a district beside the way, and by the district in the name of another.
    for (signer, tier) in [(commune(), commune()), (unit("002"), unit("002")), (district, unit("01"))] {
        let by = edit_exclusions(&signed, &tree.ledger_key(signer), |exclusions| exclusions.tier_unit = tier);
        refused(&node, &mut link, &with(by), "batch_signature").await;
    }
    // Of another batch or another origin.
    let other = edit_exclusions(&signed, &key, |exclusions| exclusions.hash.0[0] ^= 1);
    refused(&node, &mut link, &with(other), "batch_signature").await;
    let other = edit_exclusions(&signed, &key, |exclusions| exclusions.origin = unit("00004"));
    refused(&node, &mut link, &with(other), "batch_signature").await;
    // Deltas that are none, and verdicts on changes that the batch does not hold.
    let garbage = edit_exclusions(&signed, &key, |exclusions| exclusions.deltas[0].truncate(1));
    refused(&node, &mut link, &with(garbage), "batch_malformed").await;
    let twice = edit_exclusions(&signed, &key, |exclusions| {
        exclusions.quarantined = vec![exclusions.quarantined[0]; 2];
    });
    refused(&node, &mut link, &with(twice), "batch_malformed").await;
    let foreign =
        edit_exclusions(&signed, &key, |exclusions| exclusions.quarantined[0].sequence = Sequence(4));
    refused(&node, &mut link, &with(foreign), "batch_malformed").await;
    // Exclusions beside the cores, which speak for themselves.
    let beside = Batch { exclusions: Some(signed.clone()), ..strip(faulty.clone(), Policy::Cores) };
    refused(&node, &mut link, &beside, "batch_frames").await;
    link.send_batch(&honest).await;
    let receipt: Receipt = link.receipt().await.verify(public_key(&tree, province)).unwrap();
    assert_eq!(receipt.quarantined, [Quarantined { sequence: Sequence(2), reason: Reason::BirthOrder }]);
    drop(link);
    tree.stop_all().await;
}

/// The batch as the district would send it under `counts`: made by a real district, which then stops.
async fn counts_of(tree: &Tree, batch: &Batch) -> Batch {
    let mut aside = Tree::four();
    let district = unit("001");
    copy_keys(tree, &aside, &way_up());
    let node = aside.start(district).await;
    let (mut link, _) = ChildLink::open(&aside, commune(), district, &[commune()]).await;
    link.send_batch(batch).await;
    link.receipt().await;
    let counts = node.batch_for(commune(), BatchNumber(1), Policy::Counts).unwrap().unwrap();
    assert_eq!((counts.cores.is_none(), counts.exclusions.is_some()), (true, true));
    drop(link);
    aside.stop_all().await;
    counts
}

/// Gives the units of one tree the keys of another, so that they sign alike.
fn copy_keys(from: &Tree, to: &Tree, units: &[UnitId]) {
    for unit in units {
        for file in std::fs::read_dir(from.keys(*unit)).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), to.keys(*unit).join(file.file_name())).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn edited_deltas_and_headers_of_counts_are_refused() {
    let mut tree = Tree::four();
    let (province, district) = (unit("01"), unit("001"));
    let node = tree.start(province).await;
    let mut forger = Forger::new(&tree, commune());
    let full = forger.seal(&forger.births(2));
    forger.follow(&full);
    let honest = strip(full, Policy::Counts);
    let (mut link, _) = ChildLink::open(&tree, district, province, &[commune()]).await;
    let leaves = read_frame(honest.deltas.as_ref().unwrap(), "tallies", 100).unwrap().to_vec();
    let fewer = danso_core::chain::write_frame(leaves[1..].iter().map(Vec::as_slice));
    refused(&node, &mut link, &Batch { deltas: Some(fewer), ..honest.clone() }, "batch_root").await;
    let mut more = leaves.clone();
    *more[0].last_mut().unwrap() += 2;
    let more = danso_core::chain::write_frame(more.iter().map(Vec::as_slice));
    refused(&node, &mut link, &Batch { deltas: Some(more), ..honest.clone() }, "batch_root").await;
    let mut header = honest.clone();
    *header.header.bytes.last_mut().unwrap() ^= 1;
    refused(&node, &mut link, &header, "batch_signature").await;
    link.send_batch(&honest).await;
    link.receipt().await;
    assert_eq!(tree.changes(province, commune()), 2);
    drop(link);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_do_not_cross_a_boundary_of_cores() {
    let mut tree = Tree::four();
    let province = unit("01");
    let node = tree.start(central()).await;
    let mut forger = Forger::new(&tree, commune());
    let named = forger.next(2);
    let (mut link, welcome) = ChildLink::open(&tree, province, central(), &[commune()]).await;
    assert_eq!(welcome.policy, "cores");
    refused(&node, &mut link, &named, "batch_frames").await;
    link.send_batch(&strip(named, Policy::Cores)).await;
    link.receipt().await;
    assert_eq!(tree.changes(central(), commune()), 2);
    drop(link);
    tree.stop_all().await;
    let bytes = all_bytes(&tree.home(central()).join("data"));
    assert!(!contains(&bytes, danso_tests::forge::FORGED_NAME.as_bytes()));
}
