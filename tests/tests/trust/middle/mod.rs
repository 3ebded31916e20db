//! A district that drops, reorders, alters, replays, invents and lies, between a real commune and a real
//! province: who finds out, by which code, and that nothing wrong is counted.
//!
//! | file | holds |
//! |---|---|
//! | `upward.rs` | what it sends to the province |
//! | `downward.rs` | what it says to the commune, and what it no longer says |
//!
//! Invariants:
//! 1. The district has its real keys: what is found out is not that it is a stranger.

mod downward;
mod upward;

pub use upward::counts_only;

use danso_core::{
    chain::{Batch, Receipt},
    domain::{HouseholdId, Sex},
};
use danso_node::operations::{Node, meters::BATCHES_REFUSED};
use danso_proto::v1::Refusal;
use danso_tests::{
    Recorder, Tree,
    forge::{ChildLink, public_key},
    liar::{Liar, Line},
    tree::central,
    unit, until,
};
use danso_tier_config::UnitId;
use std::sync::Arc;

pub fn commune() -> UnitId {
    unit("00001")
}

pub fn district() -> UnitId {
    unit("001")
}

pub fn province() -> UnitId {
    unit("01")
}

/// A real commune below, a real province above, and the district between them in the test's hands.
pub struct Middle {
    pub tree: Tree,
    pub commune: Arc<Node>,
    pub province: Arc<Node>,
    pub liar: Liar,
    pub line: Line,
    pub up: ChildLink,
    pub recorder: Recorder,
    home: Option<HouseholdId>,
}

impl Middle {
    pub async fn new() -> Self {
        let mut tree = Tree::four();
        let above = tree.start(province()).await;
        let mut liar = Liar::serve(&tree, district()).await;
        let below = tree.start(commune()).await;
        let line = liar.line().await;
        line.welcome(liar.welcome(&tree, &[province(), central()], Vec::new())).await;
        let (up, _) = ChildLink::open(&tree, district(), province(), &[commune(), district()]).await;
        let recorder = Recorder::new(Arc::clone(&below));
        Self { tree, commune: below, province: above, liar, line, up, recorder, home: None }
    }

    /// Records a household; the batch that the commune sends for it.
    pub async fn batch(&mut self) -> Batch {
        self.home = Some(self.recorder.household("2026-01-01").await);
        self.line.batch().await
    }

    /// Records a birth in the last household; the batch that the commune sends for it.
    async fn birth(&mut self) -> Batch {
        self.recorder.birth("2026-03-09", self.home.unwrap(), "Nguyễn Bí Ẩn", Sex::Female).await;
        self.line.batch().await
    }

    /// The same, with the district's receipt given to the commune.
    pub async fn receipted(&mut self) -> Batch {
        let batch = self.batch().await;
        self.line.receipt(&self.liar.receipt(&batch)).await;
        batch
    }

    /// Sends a batch up, which is accepted.
    pub async fn passed_on(&mut self, batch: &Batch) -> Receipt {
        self.up.send_batch(batch).await;
        self.up.receipt().await.verify(public_key(&self.tree, province())).unwrap()
    }

    /// Sends a batch up, which must be refused with `code`, counted as such, and change nothing.
    async fn refused(&mut self, batch: &Batch, code: &str) -> Refusal {
        let (before, digest) = (self.at_province(), self.province.tallies_digest());
        let counted = self.province.meters.value(BATCHES_REFUSED, code);
        self.up.send_batch(batch).await;
        let refusal = self.up.refusal().await;
        assert_eq!(refusal.code, code, "{}", refusal.message);
        assert_eq!(self.province.meters.value(BATCHES_REFUSED, code), counted + 1);
        assert_eq!((self.at_province(), self.province.tallies_digest()), (before, digest));
        refusal
    }

    fn at_province(&self) -> u64 {
        self.tree.head(province(), commune())
    }

    fn assert_equal_counts(&self) {
        assert_eq!(self.province.tallies_digest(), self.commune.tallies_digest());
        assert_eq!(self.province.quarantine(commune()).unwrap(), []);
    }

    /// Why the commune sends nothing more to its parent.
    async fn held_below(&self, code: &str) {
        until("the commune holds its chain", || {
            self.commune.link.read().unwrap().held.get(&commune()).is_some_and(|held| held == code)
        })
        .await;
        let acknowledged = self.commune.store.view().chains[&commune()].acknowledged;
        assert_eq!(acknowledged.0, 0, "a lie acknowledges nothing");
    }

    pub async fn end(mut self) {
        drop((self.up, self.line));
        self.tree.stop_all().await;
    }
}
