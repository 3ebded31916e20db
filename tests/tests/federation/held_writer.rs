//! Two things that meet while the first is on its way to the disk: the writer is held at its sync, so that what
//! comes second finds the first written and not applied.

use danso_core::{
    chain::{Batch, Digest, KeyClaim, LedgerKey, Signed, strip},
    domain::{Sex, requests::RequestKind},
};
use danso_node::{
    host::{DiskWatch, Host, Step, Steps},
    operations::{Actor, Node},
    runtime::keys,
    store::ledger::{self, Kind, Ledger, Position},
};
use danso_tests::{Recorder, Tree, entries::person, forge::Forger, unit};
use danso_tier_config::{Policy, UnitId};
use std::{
    fs::File,
    io,
    path::Path,
    pin::pin,
    sync::{Arc, Condvar, Mutex},
    task::{Context, Waker},
};

/// Lets no sync pass while it is closed.
#[derive(Default)]
struct Gate {
    closed: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    fn close(&self, closed: bool) {
        *self.closed.lock().unwrap() = closed;
        self.changed.notify_all();
    }
}

impl Steps for Gate {
    fn before(&self, step: Step, _: &Path) -> io::Result<()> {
        let mut closed = self.closed.lock().unwrap();
        while *closed && step == Step::SyncData {
            closed = self.changed.wait(closed).unwrap();
        }
        Ok(())
    }

    fn writes(&self, _: &Path, _: &File, _: u64, bytes: usize) -> usize {
        bytes
    }
}

/// Starts a unit's node whose writer can be held.
async fn held(tree: &mut Tree, at: UnitId) -> (Arc<Node>, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let host = Host { disk: DiskWatch::new(Arc::clone(&gate) as Arc<dyn Steps>), ..Host::default() };
    (tree.start_on(at, host).await, gate)
}

/// A district that knows a commune's key, and the commune's forger.
async fn district(tree: &mut Tree) -> (Arc<Node>, Arc<Gate>, Forger) {
    let commune = unit("00001");
    let (node, gate) = held(tree, unit("001")).await;
    let registrations = keys::read(&tree.keys(commune), commune).unwrap().registrations;
    node.register(registrations).await.unwrap();
    (node, gate, Forger::new(tree, commune))
}

async fn taken(node: &Arc<Node>, child: UnitId, batch: Batch) {
    let accepted = node.blocking(move |node| node.accept(child, batch)).await.unwrap();
    accepted.receipt(node).await.unwrap();
}

/// Begins something and does not wait for it.
fn begun<T>(work: &mut std::pin::Pin<&mut impl Future<Output = T>>) {
    assert!(work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_not_replaced_behind_a_batch_that_is_still_on_its_way() {
    let mut tree = Tree::four();
    let (node, gate, mut forger) = district(&mut tree).await;
    let commune = forger.origin;
    let first = forger.next(1);
    taken(&node, commune, first).await;
    let known = forger.head;
    let (token, _) = node.invite(commune, 1, true, [0; 32], &Actor::local()).await.unwrap();
    let new = LedgerKey::from_seed(&[9; 32]);
    let claim = |head: danso_core::chain::Head| {
        let claim = KeyClaim {
            unit: commune,
            key: new.public().to_bytes(),
            replaces: Some(tree.ledger_key(commune).public().id()),
            after: head.number,
            hash: head.hash,
            claimed_at_ms: 1,
        };
        Signed::sign(&claim, &new)
    };

    gate.close(true);
    let second = forger.next(1);
    let on_its_way = node.blocking(move |node| node.accept(commune, second)).await.unwrap();
    let too_early = claim(known);
    {
        let mut enrolling = pin!(node.enrol(&token, &too_early, Digest::of(&[b"early"])));
        begun(&mut enrolling);
        gate.close(false);
        // The terms were read before the batch was: it would lie beyond the new key's beginning.
        assert_eq!(enrolling.await.unwrap_err().code(), "enrolment_claim");
    }
    on_its_way.receipt(&node).await.unwrap();
    assert_eq!(node.ring_of(commune).epochs().len(), 1);
    let now = claim(forger.head);
    node.enrol(&token, &now, Digest::of(&[b"now"])).await.unwrap();
    assert_eq!(node.ring_of(commune).epochs().len(), 2);
    drop(node);
    tree.stop_all().await;
    assert_eq!(super::verified(&tree, unit("001")).unwrap().differences, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_come_twice_at_once_are_written_once() {
    let mut tree = Tree::four();
    let (node, gate, mut forger) = district(&mut tree).await;
    let commune = forger.origin;
    let whole = forger.next(2);
    taken(&node, commune, strip(whole.clone(), Policy::Cores)).await;

    gate.close(true);
    let mut repeats = Vec::new();
    for _ in 0..2 {
        let repeat = whole.clone();
        repeats.push(node.blocking(move |node| node.accept(commune, repeat)).await.unwrap());
    }
    gate.close(false);
    for repeat in repeats {
        repeat.receipt(&node).await.unwrap();
    }
    let held = node.store.batch(commune, danso_core::chain::BatchNumber(1)).unwrap().unwrap();
    assert_eq!(held.batch.personal, whole.personal);
    drop(node);
    tree.stop_all().await;
    let folder = tree.home(unit("001")).join("data/ledger");
    let (ledger, _) = Ledger::open(&folder, ledger::Options::default()).unwrap();
    let rewritten = Kind(13);
    let records = ledger.reader().iter_from(Position::START).map(Result::unwrap);
    assert_eq!(records.filter(|record| record.kind == rewritten).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_caller_went_away_is_in_memory_as_in_the_ledger() {
    let mut tree = Tree::four();
    let (node, gate) = held(&mut tree, unit("00001")).await;
    let mut recorder = Recorder::new(Arc::clone(&node));
    let home = recorder.household("2026-01-01").await;
    let someone = recorder.register("2026-01-02", home, person("Nguyễn An", Sex::Male, "1990-01-01")).await;
    assert_eq!(node.list_requests(true).await.unwrap().len(), 0);

    gate.close(true);
    let (today, actor) = (node.today(), Actor::local());
    {
        let id = "so-1".parse().unwrap();
        let opening = node.open_request(&actor, id, someone, RequestKind::View, today);
        let mut opening = pin!(opening);
        begun(&mut opening);
    }
    gate.close(false);
    assert_eq!(node.list_requests(true).await.unwrap().len(), 1);
    // And a second one of that name is one too many, or the same: never a new beginning.
    let again = node.open_request(&actor, "so-1".parse().unwrap(), someone, RequestKind::View, today);
    again.await.unwrap();
    assert_eq!(node.list_requests(true).await.unwrap().len(), 1);
    drop((node, recorder));
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_orders_of_erasure_without_end_end_the_link() {
    use danso_core::chain::ErasureOrder;
    use danso_proto::v1::{ErasuresUp, child_message::Message as FromChild};
    use danso_tests::forge::ChildLink;
    use danso_tier_config::limits;
    let mut tree = Tree::four();
    let (node, _gate, forger) = district(&mut tree).await;
    let commune = forger.origin;
    let (mut link, _) = ChildLink::open(&tree, commune, unit("001"), &[commune]).await;
    let stranger = LedgerKey::from_seed(&[5; 32]);
    let order = |number: usize| {
        let order = ErasureOrder {
            origin: commune,
            request: format!("so-{number}"),
            person: danso_core::domain::PersonId { unit: commune, serial: 1 },
            leaves: Vec::new(),
            ordered_at_ms: 1,
        };
        danso_node::wire::link::signed_message(&Signed::sign(&order, &stranger))
    };
    let sender = async {
        for first in (0..=limits::ERASURE_REFUSED_PER_LINK_MAX).step_by(limits::ERASURE_A_MESSAGE) {
            let orders = (first..first + limits::ERASURE_A_MESSAGE).map(order).collect();
            link.send_if_open(FromChild::Erasures(ErasuresUp { known: Vec::new(), orders })).await;
        }
    };
    sender.await;
    let ended = link.end().await;
    assert_eq!(danso_node::wire::status::code_of(&ended), "message_malformed");
    assert!(node.store.view().orders.is_empty());
    // Others, and the same child with a new link, go on.
    let (_link, welcome) = ChildLink::open(&tree, commune, unit("001"), &[commune]).await;
    assert_eq!(welcome.unit, unit("001").to_string());
    assert!(node.store.failure().borrow().is_none());
}
