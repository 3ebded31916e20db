//! What must hold at every moment, and what must hold in the end.

use crate::{
    careless::Careless,
    people::Acknowledged,
    place::{Place, Scene},
};
use danso_core::{
    chain::{BatchNumber, Digest, Header, open, strip},
    domain::{Core, Sequence, verdict},
    rollup::{Tallies, difference},
};
use danso_node::{
    operations::Node,
    runtime::store_options,
    store::{Store, verify},
};
use danso_tests::{Dice, Tree};
use danso_tier_config::{Policy, UnitId};
use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

/// The place above the careless commune: the last district.
const CARELESS_ABOVE: usize = 6;

/// Where a chain stood at a node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Stand {
    number: u64,
    acknowledged: u64,
}

/// What the checkers have seen so far.
#[derive(Default)]
pub struct Watch {
    /// By node and origin. Heads only move forward.
    stands: BTreeMap<(UnitId, UnitId), Stand>,
    /// By origin and number: the one hash that anybody ever held.
    hashes: BTreeMap<(UnitId, u64), Digest>,
}

fn stands(node: &Node) -> BTreeMap<UnitId, (Stand, Digest)> {
    let view = node.store.view();
    let stand = |chain: &danso_node::store::ChainRow| {
        let (number, acknowledged) = (chain.head.number.0, chain.acknowledged.0);
        (Stand { number, acknowledged }, chain.head.hash)
    };
    view.chains.iter().map(|(origin, chain)| (*origin, stand(chain))).collect()
}

impl Watch {
    /// A node's disk was put back: its heads may be behind those seen there.
    pub fn restored(&mut self, unit: UnitId) {
        self.stands.retain(|(at, _), _| *at != unit);
    }

    /// Looks at all nodes that run.
    pub fn look(&mut self, places: &[Arc<Place>], scene: &Scene) {
        let mut line = String::new();
        for (index, place) in places.iter().enumerate() {
            let Some(node) = place.node() else { continue };
            if let Some(code) =
                node.link.read().unwrap().error.split(':').next().filter(|code| !code.is_empty())
            {
                let _ = write!(line, " {index}!{code}");
            }
            for (origin, (stand, hash)) in stands(&node) {
                let before = self.stands.insert((place.unit, origin), stand).unwrap_or_default();
                assert!(
                    stand.number >= before.number && stand.acknowledged >= before.acknowledged,
                    "{} went back in the chain of {origin}: {before:?} to {stand:?}",
                    place.host
                );
                assert!(
                    stand.acknowledged <= stand.number,
                    "a receipt for a batch that {} lacks",
                    place.host
                );
                let one = *self.hashes.entry((origin, stand.number)).or_insert(hash);
                assert_eq!(one, hash, "batch {} of {origin} differs at {}", stand.number, place.host);
                let _ = write!(line, " {index}:{}.{}", stand.number, stand.acknowledged);
            }
        }
        scene.tell(line.trim());
    }

    /// Whether everything that a node holds can be had from its neighbours.
    pub fn is_elsewhere(places: &[Arc<Place>], at: usize) -> bool {
        let Some(node) = places[at].node() else { return false };
        if !node.records() {
            return true;
        }
        let Some(parent) = places[places[at].above()].node() else { return false };
        let above = stands(&parent).get(&node.unit()).map(|(stand, _)| stand.number);
        let own = stands(&node).get(&node.unit()).map(|(stand, _)| stand.number);
        node.store.view().unsealed.is_empty() && above == own
    }

    /// What central lacks of what the communes have, and who lacks a receipt.
    pub fn missing(places: &[Arc<Place>], careless: UnitId) -> String {
        let mut missing = String::new();
        for (index, place) in places.iter().enumerate().rev() {
            let Some(node) = place.node() else {
                let _ = write!(missing, "{} is down {:?}; ", place.host, place.ended.lock().unwrap());
                continue;
            };
            if !node.store.view().unsealed.is_empty() {
                let _ = write!(missing, "{} has unsealed changes; ", place.host);
            }
            let Some(parent) = (index > 0).then(|| &places[place.above()]) else { continue };
            let above = parent.node().map(|parent| stands(&parent)).unwrap_or_default();
            for (origin, (stand, _)) in stands(&node) {
                // A former parent keeps what it took, and nobody waits for it any more.
                if !is_within(places, careless, origin, index) {
                    continue;
                }
                let there = above.get(&origin).map_or(0, |(stand, _)| stand.number);
                if stand.number != there || stand.acknowledged != stand.number {
                    let link = node.link.read().unwrap().clone();
                    let _ = write!(
                        missing,
                        "{} has {stand:?} of {origin}, {} has {there}, link {} {:?} held {:?}; ",
                        place.host, parent.host, link.connected, link.error, link.held
                    );
                }
            }
        }
        missing
    }
}

/// All cores of an origin as a node holds them, by sequence.
fn cores(store: &Store, origin: UnitId) -> Vec<Core> {
    let head = store.view().chains.get(&origin).map_or(0, |chain| chain.head.number.0);
    let mut cores = Vec::new();
    for number in 1..=head {
        let found =
            store.batch(origin, BatchNumber(number)).unwrap().expect("every batch of a chain is there");
        let batch = strip(found.batch, Policy::Cores);
        let header: Header = batch.header.decode_trusted().unwrap();
        let contents = open(&batch, &header, Policy::Cores).unwrap();
        assert_eq!(header.first.0, cores.len() as u64 + 1, "sequences follow each other");
        cores.extend(contents.cores.unwrap().iter().map(|core| Core::decode(core).unwrap()));
    }
    cores
}

/// The numbers of the places above one, the nearest first.
fn above(places: &[Arc<Place>], at: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(at), |at| (*at > 0).then(|| places[*at].above())).skip(1)
}

/// Whether an origin's changes go to a place, or are recorded there.
fn is_within(places: &[Arc<Place>], careless: UnitId, origin: UnitId, at: usize) -> bool {
    match places.iter().position(|place| place.unit == origin) {
        Some(origin) => origin == at || above(places, origin).any(|above| above == at),
        None => {
            origin == careless
                && (at == CARELESS_ABOVE || above(places, CARELESS_ABOVE).any(|above| above == at))
        }
    }
}

/// Every acknowledged change is at its origin and at each tier above it, exactly once; tallies at every tier equal a
/// recount of the cores there; what is wrong is counted nowhere and told to who wrote it.
pub fn check_arrived(places: &[Arc<Place>], careless: &Careless, acknowledged: &[Acknowledged]) {
    let nodes: Vec<Arc<Node>> = places.iter().map(|place| place.node().expect("everybody runs")).collect();
    for (index, origin) in places.iter().enumerate().filter(|(index, _)| *index >= 7) {
        let own = cores(&nodes[index].store, origin.unit);
        for said in acknowledged.iter().filter(|said| said.unit == origin.unit) {
            let core = own.get(said.sequence.0 as usize - 1);
            let core = core.unwrap_or_else(|| panic!("{said:?} is lost at its origin"));
            let there = |person| core.persons.iter().any(|change| change.id == person);
            assert!(said.person.is_none_or(there), "{said:?} is another change now: {core:?}");
            let there = |household| core.households.iter().any(|change| change.id == household);
            assert!(said.household.is_none_or(there), "{said:?} is another change now: {core:?}");
        }
        for at in above(places, index) {
            let there = cores(&nodes[at].store, origin.unit);
            assert!(there == own, "{} has other changes of {}", places[at].host, origin.host);
        }
    }
    for (place, node) in places.iter().zip(&nodes) {
        check_tallies(&place.host, node);
    }
    check_wrong(&nodes, places, careless);
}

/// A plain recount: every core that stands up counts once.
fn check_tallies(host: &str, node: &Node) {
    let view = node.store.view();
    let all: Vec<(UnitId, Vec<Core>)> =
        view.chains.keys().map(|origin| (*origin, cores(&node.store, *origin))).collect();
    let sequenced = |origin: UnitId, all: &'_ [Core]| {
        let sequenced = (1..).map(Sequence).zip(all.to_vec());
        let counted = sequenced.filter(|(sequence, core)| verdict(core, *sequence).is_ok());
        counted.map(move |(_, core)| (origin, core)).collect::<Vec<_>>()
    };
    let counted: Vec<_> = all.iter().flat_map(|(origin, all)| sequenced(*origin, all)).collect();
    let recount = Tallies::recount(counted.iter().map(|(origin, core)| (*origin, core)));
    assert_eq!(difference(&recount, &view.tallies), [], "{host} counts otherwise than its cores");
}

/// What the careless commune wrote is everywhere above it, what is wrong of it is named there and counted nowhere, and
/// the commune was told each of it.
fn check_wrong(nodes: &[Arc<Node>], places: &[Arc<Place>], careless: &Careless) {
    let (written, wrong) = (careless.cores(), careless.wrong());
    assert_eq!(careless.told(), wrong, "what the careless commune was told");
    for at in std::iter::once(CARELESS_ABOVE).chain(above(places, CARELESS_ABOVE)) {
        assert!(
            cores(&nodes[at].store, careless.unit) == written,
            "{} has other changes of it",
            places[at].host
        );
        let named: BTreeMap<_, _> = nodes[at].quarantine(careless.unit).unwrap().into_iter().collect();
        assert_eq!(named, wrong, "{}", places[at].host);
    }
    for node in nodes {
        let quarantined = node
            .store
            .view()
            .chains
            .iter()
            .map(|(origin, chain)| (*origin, chain.quarantined))
            .collect::<Vec<_>>();
        assert!(
            quarantined.iter().all(|(origin, count)| *origin == careless.unit || *count == 0),
            "{quarantined:?}"
        );
    }
}

/// The folders of stopped nodes verify: records, signatures, links, roots, and the index equals a recount. One of
/// each tier is looked at, by chance: over all schedules every kind of node is seen after every kind of fault.
pub fn check_folders(tree: &Tree, places: &[Arc<Place>], dice: &mut Dice) {
    for (first, count) in [(0, 1), (1, 2), (3, 4), (7, 8)] {
        let place = &places[first + dice.below(count) as usize];
        let options = store_options(&tree.config(place.unit)).unwrap();
        let report =
            verify(&options, &mut |_, _| ()).unwrap_or_else(|error| panic!("{}: {error}", place.host));
        assert_eq!(report.differences, [""; 0], "{}", place.host);
    }
}
