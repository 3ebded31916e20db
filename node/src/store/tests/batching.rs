//! When changes become batches: alone at once, close together as one. Time is virtual here.

use super::{
    super::{writer::Order, *},
    options,
};
use crate::host::{Host, Threads};
use danso_core::{
    chain::{BatchNumber, Receipt},
    domain::{
        Area, Book, HouseholdFacts, HouseholdKind, RecordedAt, Sequence,
        entry::{Entry, change_of},
    },
};
use danso_tier_config::limits;
use std::time::Duration;
use tokio::{sync::oneshot, task::yield_now, time::advance};

/// A commune's store, and a register to make changes against.
struct Commune {
    store: Store,
    book: Book,
    changes: u64,
    _folder: tempfile::TempDir,
}

type Answer = oneshot::Receiver<Result<(), StoreError>>;

fn is_durable(answer: &mut Answer) -> bool {
    matches!(answer.try_recv(), Ok(Ok(())))
}

fn unit() -> UnitId {
    "00001@2025-07-01".parse().unwrap()
}

impl Commune {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = Host { threads: Threads::None, ..Host::default() };
        let options = Options { host, ..options(&folder.path().join("data")) };
        let (store, _) = Store::open(options, &mut |_, _| ()).unwrap();
        Self { store, book: Book::new(unit()), changes: 0, _folder: folder }
    }

    /// The next change: a household is opened.
    fn change(&mut self) -> Record {
        self.changes += 1;
        let facts = HouseholdFacts { number: self.changes.to_string(), address: String::new() };
        let entry = Entry::OpenHousehold { area: Area(1), kind: HouseholdKind::Family, facts };
        let (sequence, at) =
            (Sequence(self.changes), RecordedAt::from_millis(1_800_000_000_000 + self.changes));
        let change = change_of(entry, "2026-01-01".parse().unwrap(), at, sequence, &self.book).unwrap();
        self.book.apply(&change.core);
        Record::Own(vec![OwnChange { sequence, capture: None, core: change.core.encode(), personal: None }])
    }

    /// Opens so many households, one after the other.
    async fn records(&mut self, count: u64) {
        for _ in 0..count {
            let own = self.change();
            self.store.write(vec![own.into()]).await.unwrap();
        }
    }

    /// Opens so many households at once.
    async fn records_at_once(&mut self, count: usize) {
        let records = (0..count).map(|_| self.change().into()).collect();
        self.store.write(records).await.unwrap();
    }

    /// An order to append a record, and its answer.
    fn order(&self, record: Record) -> (Order, Answer) {
        let (done, answer) = oneshot::channel();
        (Order::Append { records: vec![record.into()], generation: self.store.generation(), done }, answer)
    }

    /// An order to append the next change.
    fn next(&mut self) -> (Order, Answer) {
        let own = self.change();
        self.order(own)
    }

    /// Lets orders come while nobody carries any out.
    fn come(&self, orders: impl IntoIterator<Item = Order>) {
        orders.into_iter().for_each(|order| self.store.orders.parts().0.send(order));
    }

    /// Groups that were applied.
    fn groups(&self) -> u64 {
        *self.store.changed().borrow()
    }

    /// The parent signs for all that was sealed.
    async fn receipt(&self) {
        self.store.write(vec![self.signed().into()]).await.unwrap();
    }

    fn signed(&self) -> Record {
        let head = self.store.view().chains[&unit()].head;
        let receipt = Receipt {
            parent: "01@2004-07-01".parse().unwrap(),
            origin: unit(),
            number: head.number,
            hash: head.hash,
            quarantined: Vec::new(),
            accepted_at_ms: 1,
        };
        Record::ParentReceipt(Signed::sign(&receipt, &LedgerKey::from_seed(&[8; 32])))
    }

    /// Latest batch, and changes sealed.
    fn sealed(&self) -> (u64, u64) {
        let head = self.store.view().chains.get(&unit()).map(|chain| chain.head).unwrap_or_default();
        (head.number.0, if head.number == BatchNumber(0) { 0 } else { head.next.0 - 1 })
    }
}

/// Lets so much time pass for the writer, which has seen all that came before.
async fn pass(millis: u64) {
    let others_run = async || {
        for _ in 0..10 {
            yield_now().await;
        }
    };
    others_run().await;
    advance(Duration::from_millis(millis)).await;
    others_run().await;
}

#[tokio::test(start_paused = true)]
async fn a_change_alone_leaves_at_once_and_those_close_behind_it_together() {
    let mut commune = Commune::open();
    commune.records(1).await;
    assert_eq!(commune.sealed(), (1, 1));
    commune.records(2).await;
    commune.receipt().await;
    assert_eq!(commune.sealed(), (1, 1), "the last batch is too young");
    pass(limits::SEAL_GAP_MS).await;
    assert_eq!(commune.sealed(), (2, 3));
    commune.receipt().await;
    pass(1_000).await;
    commune.records(1).await;
    assert_eq!(commune.sealed(), (3, 4));
}

#[tokio::test(start_paused = true)]
async fn a_batch_holds_more_only_where_the_parent_has_answered_quickly() {
    let some = limits::SEAL_SLOW_CHANGES;
    for (answered_in, batches) in [(0, 2), (limits::SEAL_QUICK_MS, 2), (limits::SEAL_QUICK_MS + 1, 3)] {
        let mut commune = Commune::open();
        commune.records_at_once(some).await;
        assert_eq!(commune.sealed(), (1, some as u64));
        pass(answered_in).await;
        commune.receipt().await;
        pass(limits::SEAL_FLOOD_GAP_MS).await;
        commune.records_at_once(2 * some).await;
        assert_eq!(commune.sealed(), (batches, 3 * some as u64), "{answered_in}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_flow_is_gathered_for_longer() {
    let mut commune = Commune::open();
    commune.records(1).await;
    commune.receipt().await;
    commune.records(limits::SEAL_FLOW_CHANGES as u64).await;
    pass(limits::SEAL_GAP_MS).await;
    assert_eq!(commune.sealed(), (1, 1));
    pass(limits::SEAL_FLOW_GAP_MS - limits::SEAL_GAP_MS).await;
    assert_eq!(commune.sealed(), (2, 1 + limits::SEAL_FLOW_CHANGES as u64));
}

#[tokio::test(start_paused = true)]
async fn without_a_receipt_changes_wait_for_their_age_at_most() {
    let mut commune = Commune::open();
    commune.records(1).await;
    commune.records(1).await;
    pass(limits::SEAL_FLOW_GAP_MS).await;
    assert_eq!(commune.sealed(), (1, 1));
    pass(Limits::default().batch_age_ms).await;
    assert_eq!(commune.sealed(), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn all_that_is_there_is_one_group() {
    let mut commune = Commune::open();
    let (orders, answers): (Vec<_>, Vec<_>) = (0..3).map(|_| commune.next()).unzip();
    commune.come(orders);
    assert_eq!(commune.groups(), 0);
    commune.store.orders.parts().1.turn().unwrap();
    assert!(answers.into_iter().all(|mut answer| is_durable(&mut answer)));
    assert_eq!((commune.groups(), commune.sealed()), (1, (1, 3)));
}

#[tokio::test(start_paused = true)]
async fn who_waits_commits_all_that_is_there() {
    let mut commune = Commune::open();
    let (orders, answers): (Vec<_>, Vec<_>) = (0..3).map(|_| commune.next()).unzip();
    let (_, seat) = commune.store.orders.parts();
    assert!(seat.help(), "nobody else is at it");
    assert_eq!(commune.groups(), 0, "nothing was ordered");
    commune.come(orders);
    assert!(seat.help());
    assert!(answers.into_iter().all(|mut answer| is_durable(&mut answer)));
    assert_eq!((commune.groups(), commune.sealed()), (1, (1, 3)));
}

#[tokio::test(start_paused = true)]
async fn who_waits_leaves_orders_that_do_more_than_append_and_all_behind_them() {
    let mut commune = Commune::open();
    let ((one, mut first), (two, mut second)) = (commune.next(), commune.next());
    let (_, seat) = commune.store.orders.parts();
    commune.come([one, Order::Limits(Box::default()), two]);
    assert!(seat.help() && seat.help());
    assert!(is_durable(&mut first) && !is_durable(&mut second));
    seat.turn().unwrap();
    assert!(seat.help());
    assert!(is_durable(&mut second));
}

#[tokio::test(start_paused = true)]
async fn nobody_helps_where_so_much_waits_that_it_must_be_flushed_first() {
    let mut commune = Commune::open();
    let (order, mut answer) = commune.next();
    let index = &commune.store.inner.index;
    for row in 0..limits::INDEX_UNFLUSHED_KEYS_MAX as u64 {
        index.put(keys::office(ledger::Position(row)), &row);
    }
    commune.come([order]);
    let (_, seat) = commune.store.orders.parts();
    assert!(seat.help());
    assert!(!is_durable(&mut answer));
    seat.turn().unwrap();
    assert!(is_durable(&mut answer) && index.unflushed() < limits::INDEX_UNFLUSHED_KEYS_MAX);
}
