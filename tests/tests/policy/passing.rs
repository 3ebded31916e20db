//! What each tier holds under each policy.

use super::{batches, commune, contains, way_up};
use danso_core::{
    chain::{Batch, Header, open, read_frame, strip},
    domain::{Method, PersonFacts, Sequence, Sex, entry::Entry},
    rollup::difference,
};
use danso_tests::{
    Recorder, Tree,
    entries::person,
    forge::public_key,
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

/// Encoded personal parts as the commune recorded them.
fn personal_parts(tree: &Tree) -> Vec<Vec<u8>> {
    let node = tree.node(commune());
    let changes = (1..=7).map(|sequence| node.store.own_change(Sequence(sequence)).unwrap().unwrap());
    changes.filter_map(|change| Some(change.personal?.1)).collect()
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
