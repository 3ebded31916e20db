//! Any order, repetition and loss of batches from several origins ends in the tallies of a plain recount.

use super::{differences_of, verified};
use danso_core::{
    chain::{Batch, BatchNumber, Digest, Fault, Head, Header, Link, PublicKey, check_link, open, strip},
    replication::{Answer, Outbox},
    rollup::{Tallies, judge},
};
use danso_node::{operations::Node, runtime, store::Store};
use danso_tests::{ChainBook, Tree, book::recount, unit};
use danso_tier_config::{Policy, UnitId};
use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseResult, TestRunner},
};
use std::{collections::BTreeMap, fs};

const ORIGINS: [&str; 3] = ["00001", "00004", "00037"];
/// Batches sent and not answered; small, so that it is often full.
const WINDOW: u32 = 3;

/// Something that happens to a link. The number chooses among what is there.
#[derive(Debug, Clone, Copy)]
enum Happening {
    Send,
    Deliver(usize),
    DeliverTwice(usize),
    Lose(usize),
    Answer(usize),
    LoseAnswer(usize),
    Reconnect,
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let any = prop_oneof![
        6 => Just(Happening::Send),
        6 => (0..8usize).prop_map(Happening::Deliver),
        2 => (0..8usize).prop_map(Happening::DeliverTwice),
        1 => (0..8usize).prop_map(Happening::Lose),
        5 => (0..8usize).prop_map(Happening::Answer),
        1 => (0..8usize).prop_map(Happening::LoseAnswer),
        1 => Just(Happening::Reconnect),
    ];
    prop::collection::vec(any, 0..150)
}

/// What each origin writes, and after which steps it seals.
fn writings() -> impl Strategy<Value = Vec<Vec<(u8, u16, bool)>>> {
    let step = (any::<u8>(), any::<u16>(), prop::bool::weighted(0.4));
    prop::collection::vec(prop::collection::vec(step, 1..25), ORIGINS.len())
}

/// A parent as far as the sender sees it.
trait Parent {
    fn accept(&mut self, origin: UnitId, batch: Batch) -> Answer;
    fn heads(&self) -> Vec<(UnitId, BatchNumber, Digest)>;
}

/// The chains of all origins and the outbox that sends them over a bad line.
struct Sender {
    batches: BTreeMap<UnitId, Vec<Batch>>,
    outbox: Outbox,
    up: Vec<(UnitId, BatchNumber)>,
    down: Vec<(UnitId, Answer)>,
}

impl Sender {
    fn new(batches: BTreeMap<UnitId, Vec<Batch>>) -> Self {
        let mut outbox = Outbox::new();
        for (origin, batches) in &batches {
            outbox.held_here(*origin, BatchNumber(batches.len() as u64));
        }
        Self { batches, outbox, up: Vec::new(), down: Vec::new() }
    }

    fn batch(&self, origin: UnitId, number: BatchNumber) -> Batch {
        strip(self.batches[&origin][number.0 as usize - 1].clone(), Policy::Names)
    }

    /// A new connection. What was under way still arrives, for example from a USB stick.
    fn connect(&mut self, parent: &impl Parent) {
        self.outbox.lost();
        let hash = |origin: UnitId, number: BatchNumber| {
            self.batches[&origin].get(number.0 as usize - 1).map(Batch::hash)
        };
        let contradictions = self.outbox.welcomed(parent.heads(), WINDOW, hash);
        assert_eq!(contradictions, []);
    }

    fn deliver(&mut self, place: usize, parent: &mut impl Parent) {
        let (origin, number) = self.up[place];
        let answer = parent.accept(origin, self.batch(origin, number));
        self.down.push((origin, answer));
    }

    fn happen(&mut self, happening: Happening, parent: &mut impl Parent) {
        let (up, down) = (self.up.len(), self.down.len());
        match happening {
            Happening::Send => self.up.extend(self.outbox.next_batch()),
            Happening::Deliver(any) if up > 0 => {
                self.deliver(any % up, parent);
                self.up.remove(any % up);
            }
            Happening::DeliverTwice(any) if up > 0 => self.deliver(any % up, parent),
            Happening::Lose(any) if up > 0 => drop(self.up.remove(any % up)),
            Happening::Answer(any) if down > 0 => {
                let (origin, answer) = self.down.remove(any % down);
                self.outbox.answered(origin, answer);
            }
            Happening::LoseAnswer(any) if down > 0 => drop(self.down.remove(any % down)),
            Happening::Reconnect => self.connect(parent),
            _ => {}
        }
    }

    /// A last connection on which nothing is lost.
    fn finish(&mut self, parent: &mut impl Parent) {
        self.connect(parent);
        let batches: usize = self.batches.values().map(Vec::len).sum();
        for _ in 0..10 * (batches + self.up.len() + self.down.len() + 1) {
            for happening in [Happening::Send, Happening::Deliver(0), Happening::Answer(0)] {
                self.happen(happening, parent);
            }
        }
        assert!(self.outbox.is_idle() && !self.outbox.holds_any(), "something was never sent");
    }
}

fn answer_to(number: BatchNumber, refusal: Option<(&str, BatchNumber)>) -> Answer {
    match refusal {
        None => Answer::Received(number),
        Some((code, expected)) => {
            assert_eq!(code, "batch_gap", "batch {number} was refused for another reason than its place");
            Answer::Refused { code: code.to_owned(), expected }
        }
    }
}

/// The pure part of acceptance: signature, link, roots, verdicts, tallies.
#[derive(Default)]
struct PureParent {
    keys: BTreeMap<UnitId, PublicKey>,
    chains: BTreeMap<UnitId, (Head, Vec<Digest>)>,
    tallies: Tallies,
}

impl PureParent {
    fn take(&mut self, batch: &Batch) -> Result<BatchNumber, Fault> {
        let origin = danso_core::chain::origin_of(&batch.header.bytes)?;
        let header: Header = batch.header.verify(self.keys[&origin])?;
        let (head, hashes) = self.chains.entry(origin).or_default();
        let known = hashes.get(header.number.0 as usize - 1).copied();
        if check_link(head, &header, batch.hash(), known)? == Link::Repeat {
            return Ok(header.number);
        }
        let judged = judge(&open(batch, &header, Policy::Names)?, &header, None)?;
        self.tallies.apply(origin, &judged.counted);
        hashes.push(batch.hash());
        *head = Head::after(&header, batch.hash());
        Ok(header.number)
    }
}

impl Parent for PureParent {
    fn accept(&mut self, _: UnitId, batch: Batch) -> Answer {
        match self.take(&batch) {
            Ok(number) => answer_to(number, None),
            Err(Fault::Gap { expected, found, .. }) => answer_to(found, Some(("batch_gap", expected))),
            Err(fault) => answer_to(BatchNumber(0), Some((fault.code(), BatchNumber(0)))),
        }
    }

    fn heads(&self) -> Vec<(UnitId, BatchNumber, Digest)> {
        self.chains.iter().map(|(origin, (head, _))| (*origin, head.number, head.hash)).collect()
    }
}

/// A real node of a province, its store and ledger; the districts send.
struct RealParent<'a> {
    node: &'a Node,
    runtime: &'a tokio::runtime::Runtime,
}

impl Parent for RealParent<'_> {
    fn accept(&mut self, origin: UnitId, batch: Batch) -> Answer {
        let directory = self.node.directory();
        let child = directory.at(self.node.today()).parent(origin).unwrap();
        match self.node.accept(child, batch) {
            Ok(accepted) => {
                let number = accepted.number;
                let receipt = self.runtime.block_on(accepted.receipt(self.node)).unwrap();
                let receipt: danso_core::chain::Receipt =
                    receipt.verify(self.node.signing.key().public()).unwrap();
                assert_eq!((receipt.origin, receipt.number), (origin, number));
                answer_to(number, None)
            }
            Err(error) => answer_to(BatchNumber(0), Some((error.code(), error.expected()))),
        }
    }

    fn heads(&self) -> Vec<(UnitId, BatchNumber, Digest)> {
        let view = self.node.store.view();
        view.chains.iter().map(|(origin, chain)| (*origin, chain.head.number, chain.head.hash)).collect()
    }
}

/// Books written and sealed as the steps say, and their chains.
fn written(tree: &Tree, writings: &[Vec<(u8, u16, bool)>]) -> (Vec<ChainBook>, BTreeMap<UnitId, Vec<Batch>>) {
    let mut batches: BTreeMap<UnitId, Vec<Batch>> = BTreeMap::new();
    let mut books = Vec::new();
    for (origin, steps) in ORIGINS.map(unit).into_iter().zip(writings) {
        let mut book = ChainBook::new(origin, tree.ledger_key(origin));
        for (kind, pick, seals) in steps {
            book.write_any(*kind, *pick);
            batches.entry(origin).or_default().extend(seals.then(|| book.seal()).flatten());
        }
        batches.entry(origin).or_default().extend(book.seal());
        books.push(book);
    }
    (books, batches)
}

fn run(sender: &mut Sender, happenings: &[Happening], parent: &mut impl Parent) {
    sender.connect(parent);
    for happening in happenings {
        sender.happen(*happening, parent);
    }
    sender.finish(parent);
}

#[test]
fn any_interleaving_of_chains_is_counted_like_a_recount() {
    let tree = Tree::four();
    let keys: BTreeMap<_, _> =
        ORIGINS.map(unit).into_iter().map(|origin| (origin, tree.ledger_key(origin).public())).collect();
    let mut runner = TestRunner::new(Config { cases: 400, failure_persistence: None, ..Config::default() });
    let cases = (writings(), happenings());
    let outcome = runner.run(&cases, |(writings, happenings)| -> TestCaseResult {
        let (books, batches) = written(&tree, &writings);
        let mut parent = PureParent { keys: keys.clone(), ..PureParent::default() };
        run(&mut Sender::new(batches), &happenings, &mut parent);
        prop_assert_eq!(differences_of(&recount(&books), &parent.tallies), vec![]);
        Ok(())
    });
    outcome.unwrap();
}

/// A node of the province that never listens, on a folder of its own.
fn real_node(tree: &Tree) -> Node {
    let config = tree.config(unit("01"));
    let (store, _) = Store::open(runtime::store_options(&config).unwrap(), &mut |_, _| ()).unwrap();
    let signing = runtime::keys::read(&config.keys, config.unit).unwrap();
    Node::new(config, store, signing, tree.directory.clone())
}

#[test]
fn any_interleaving_at_a_real_store_is_counted_like_a_recount_and_kept() {
    let tree = Tree::four();
    let data = tree.home(unit("01")).join("data");
    let registrations: Vec<_> = ORIGINS
        .map(unit)
        .into_iter()
        .map(|origin| runtime::keys::read(&tree.keys(origin), origin).unwrap().registrations[0].clone())
        .collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::new(Config { cases: 16, failure_persistence: None, ..Config::default() });
    let cases = (writings(), happenings());
    let outcome = runner.run(&cases, |(writings, happenings)| -> TestCaseResult {
        if data.exists() {
            fs::remove_dir_all(&data).unwrap();
        }
        let (books, batches) = written(&tree, &writings);
        let expected = recount(&books);
        let node = real_node(&tree);
        runtime.block_on(node.register(registrations.clone())).unwrap();
        let mut parent = RealParent { node: &node, runtime: &runtime };
        run(&mut Sender::new(batches), &happenings, &mut parent);
        let differences = differences_of(&expected, &node.store.view().tallies);
        runtime.block_on(node.store.close());
        drop(node);
        prop_assert_eq!(differences, vec![]);

        // What was counted is what the ledger says.
        let report = verified(&tree, unit("01")).unwrap();
        prop_assert_eq!(report.differences, Vec::<String>::new());
        prop_assert_eq!(report.tallies, Digest(expected.digest()));
        Ok(())
    });
    outcome.unwrap();
}
