//! A real parent, and its child's link in the test's hands.

use danso_core::{
    chain::{Batch, BatchNumber, Digest, Head, Header, PublicKey, Receipt, Signed},
    domain::{Reason, Sequence},
};
use danso_node::operations::Node;
use danso_proto::v1::Refusal;
use danso_tests::{
    Tree,
    forge::{ChildLink, Forger, public_key},
    unit, until,
};
use danso_tier_config::UnitId;
use std::sync::Arc;

/// What a refusal must not change.
#[derive(Debug, PartialEq)]
pub struct Held {
    chains: Vec<(Head, u64)>,
    tallies: Digest,
    quarantine: Vec<Vec<(Sequence, Reason)>>,
}

/// A running parent with a welcomed link of its child, and forgers of two origins below the child.
pub struct Scene {
    pub tree: Tree,
    pub parent: UnitId,
    pub child: UnitId,
    pub node: Arc<Node>,
    pub link: ChildLink,
    pub one: Forger,
    pub two: Forger,
    pub key: PublicKey,
}

impl Scene {
    /// Province 01 with the link of district 001 and its communes 00001 and 00004.
    pub async fn province() -> Self {
        let mut tree = Tree::four();
        let (parent, child) = (unit("01"), unit("001"));
        let node = tree.start(parent).await;
        let (one, two) = (Forger::new(&tree, unit("00001")), Forger::new(&tree, unit("00004")));
        let (link, _) = ChildLink::open(&tree, child, parent, &[one.origin, two.origin]).await;
        let key = public_key(&tree, parent);
        Self { tree, parent, child, node, link, one, two, key }
    }

    pub fn origins(&self) -> [UnitId; 2] {
        [self.one.origin, self.two.origin]
    }

    /// The state of both chains and all counts.
    pub fn held(&self) -> Held {
        let tallies = self.node.tallies_digest();
        let view = self.node.store.view();
        let row = |origin| view.chains.get(&origin).cloned().unwrap_or_default();
        Held {
            chains: self.origins().map(|origin| (row(origin).head, row(origin).quarantined)).to_vec(),
            tallies,
            quarantine: self.origins().map(|origin| self.node.quarantine(origin).unwrap()).to_vec(),
        }
    }

    /// Why an origin is held.
    pub fn hold(&self, origin: UnitId) -> Option<String> {
        self.node.store.view().chains.get(&origin).and_then(|chain| chain.held.clone())
    }

    /// Sends a batch that must be refused with `code` and change nothing.
    pub async fn refused(&mut self, batch: &Batch, code: &str) -> Refusal {
        let before = self.held();
        self.link.send_batch(batch).await;
        let refusal = self.link.refusal().await;
        assert_eq!(refusal.code, code, "{}", refusal.message);
        assert_eq!(self.held(), before);
        refusal
    }

    /// Sends a batch that must be accepted whole and gives the receipt as signed.
    pub async fn receipt(&mut self, batch: &Batch) -> Signed {
        self.link.send_batch(batch).await;
        self.link.receipt().await
    }

    /// Sends the next batch of a chain, which must be accepted; the receipt must be the parent's for it.
    pub async fn accepted(&mut self, batch: &Batch) -> Receipt {
        let signed = self.receipt(batch).await;
        let receipt: Receipt = signed.verify(self.key).unwrap();
        let header: Header = batch.header.decode_trusted().unwrap();
        assert_eq!((receipt.parent, receipt.origin), (self.parent, header.origin));
        assert_eq!((receipt.number, receipt.hash), (header.number, batch.hash()));
        let head = self.node.store.view().chains[&header.origin].head;
        assert_eq!(head, Head::after(&header, batch.hash()));
        assert_eq!(&self.stored(header.origin, header.number), batch);
        receipt
    }

    /// Both origins go on: the next batch of each is accepted and counted.
    pub async fn goes_on(&mut self) {
        let (one, two) = (self.one.next(2), self.two.next(1));
        for batch in [one, two] {
            let before = self.node.tallies_digest();
            assert_eq!(self.accepted(&batch).await.quarantined, []);
            assert_ne!(self.node.tallies_digest(), before);
        }
    }

    pub fn stored(&self, origin: UnitId, number: BatchNumber) -> Batch {
        self.node.store.batch(origin, number).unwrap().unwrap().batch
    }

    /// Waits until exactly `count` headers are kept as evidence.
    pub async fn evidence(&self, count: usize) {
        until("the evidence is kept", || self.node.store.evidence_count().unwrap() >= count).await;
        assert_eq!(self.node.store.evidence_count().unwrap(), count);
    }

    /// Opens the child's link again.
    pub async fn link_again(&mut self) {
        let origins = self.origins();
        self.link = ChildLink::open(&self.tree, self.child, self.parent, &origins).await.0;
    }

    /// Stops the parent in good order, starts it again, opens the link again.
    pub async fn restart(&mut self) {
        self.tree.stop(self.parent).await;
        self.node = self.tree.start(self.parent).await;
        self.link_again().await;
    }

    pub async fn end(mut self) {
        drop(self.link);
        self.tree.stop_all().await;
    }
}
