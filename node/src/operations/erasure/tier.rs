//! Orders and words that come over the links: verified, kept, carried out on what is held here.

use super::{ErasureError, work::Kept};
use crate::{
    operations::{actor::Actor, node::Node},
    store::{AuditNote, Record, Staged, StoreError},
};
use danso_core::{
    chain::{BatchNumber, Deed, Digest, ErasureDone, ErasureOrder, Fault, Signed, Statement, order_digest},
    domain::requests::RequestId,
    replication::may_speak_for,
};
use danso_tier_config::{UnitId, limits};
use std::{collections::BTreeSet, sync::Arc};

impl Node {
    /// Takes orders from a child (of its subtree) or, with `None`, from the parent (of the own subtree), and
    /// carries them out. On return those taken are durable, and carried out unless the key at rest is missing.
    ///
    /// A repeat does nothing. Gives why others were not taken. Errors: what a write has.
    pub async fn take_orders(
        self: &Arc<Self>,
        child: Option<UnitId>,
        signed: Vec<Signed>,
    ) -> Result<Vec<(Digest, ErasureError)>, ErasureError> {
        let actor = child.or(self.config.parent.as_ref().map(|parent| parent.unit));
        let actor = actor.map_or_else(Actor::local, Actor::node);
        let (mut new, mut refused, mut due) = (Vec::<Kept>::new(), Vec::new(), BTreeSet::new());
        // Before it is this one's turn: what takes long to refuse keeps nobody else waiting.
        for signed in signed {
            let digest = order_digest(&signed);
            if self.store.view().orders.contains_key(&digest) || !due.insert(digest) {
                due.insert(digest);
                continue;
            }
            match self.verified_order(child, signed, &new).await {
                Ok(kept) => new.push(kept),
                Err(ErasureError::Store(error)) if !matches!(error, StoreError::Locked) => {
                    return Err(error.into());
                }
                Err(error) => refused.push((digest, error)),
            }
        }
        if new.is_empty() && !self.is_open(|digest| due.contains(digest)) {
            return Ok(refused);
        }
        let _turn = self.erasing.lock().await;
        // Somebody else may have brought them meanwhile.
        new.retain(|kept| !self.store.view().orders.contains_key(&kept.digest()));
        let origins: BTreeSet<UnitId> = new.iter().map(|kept| kept.order.origin).collect();
        if !new.is_empty() {
            self.store
                .write(new.iter().flat_map(|kept| kept.records(&actor, self.now_ms())).collect())
                .await?;
            self.settle(origins).await?;
        }
        self.finish(&actor, |digest| due.contains(digest)).await?;
        Ok(refused)
    }

    /// Carries out what was ordered and is not carried out yet: after a crash, or once the key at rest is back.
    pub async fn finish_erasures(self: &Arc<Self>) -> Result<(), ErasureError> {
        let _turn = self.erasing.lock().await;
        self.finish(&Actor::local(), |_| true).await
    }

    /// Whether an order is known and not carried out here.
    fn is_open(&self, among: impl Fn(&Digest) -> bool) -> bool {
        let (own, view) = (self.unit(), self.store.view());
        view.orders.iter().any(|(digest, held)| among(digest) && !held.done.contains_key(&own))
    }

    async fn finish(
        self: &Arc<Self>,
        actor: &Actor,
        among: impl Fn(&Digest) -> bool,
    ) -> Result<(), ErasureError> {
        let waiting: Vec<Kept> = {
            let view = self.store.view();
            let open = view
                .orders
                .iter()
                .filter(|(digest, held)| among(digest) && !held.done.contains_key(&self.unit()));
            open.map(|(_, held)| Kept { signed: held.signed.clone(), order: held.order.clone() }).collect()
        };
        if waiting.is_empty() {
            return Ok(());
        }
        if self.store.require_key().is_err() {
            tracing::warn!(orders = waiting.len(), "orders of erasure wait for the key at rest");
            return Ok(());
        }
        for kept in &waiting {
            if kept.order.origin == self.unit() {
                self.staging().forget(kept.order.person);
            }
        }
        for kept in waiting {
            let subject = kept.subject();
            match self.carry_out(actor, vec![kept], Vec::new()).await {
                // It was taken unchecked, without the key; the others do not wait for it.
                Err(error @ ErasureError::Leaves { .. }) => {
                    tracing::error!(
                        code = error.code(),
                        subject,
                        "an order of erasure does not fit what is held"
                    );
                }
                outcome => outcome?,
            }
        }
        Ok(())
    }

    /// Signature, standing, size together with those that came `beside` it, and the leaves against what is held.
    async fn verified_order(
        self: &Arc<Self>,
        child: Option<UnitId>,
        signed: Signed,
        beside: &[Kept],
    ) -> Result<Kept, ErasureError> {
        if signed.bytes.len() > ErasureOrder::BYTES_MAX {
            let (bytes, max) = (signed.bytes.len(), ErasureOrder::BYTES_MAX);
            let fault = Fault::TooLarge { what: "order of erasure", bytes, max };
            return Err(ErasureError::NotSigned(fault));
        }
        let claimed: ErasureOrder = signed.decode_trusted().map_err(ErasureError::NotSigned)?;
        let origin = claimed.origin;
        let order: ErasureOrder = self.ring_of(origin).verify(&signed).map_err(ErasureError::NotSigned)?;
        let comes_this_way = match child {
            Some(child) => may_speak_for(&self.directory(), self.today(), self.unit(), child, origin),
            None => origin == self.unit() || self.lies_below(origin, self.unit()),
        };
        if !comes_this_way {
            return Err(ErasureError::NotAllowed { origin });
        }
        if self.too_many(&order, beside) {
            return Err(ErasureError::TooMany { origin });
        }
        let places: BTreeSet<_> = order.leaves.iter().map(|leaf| (leaf.number, leaf.sequence)).collect();
        if places.len() < order.leaves.len() {
            return Err(ErasureError::Leaves { origin });
        }
        if order.request.parse::<RequestId>().is_err() {
            return Err(ErasureError::NotSigned(Fault::Malformed("request of an order of erasure")));
        }
        let kept = Kept { signed, order };
        // Without the key at rest the leaves cannot be looked at; they are when it is back.
        if self.store.require_key().is_ok() {
            let checked = kept.clone();
            self.blocking(move |node| node.check_leaves(&checked)).await?;
        }
        Ok(kept)
    }

    /// Whether an origin orders more than a node keeps: orders, leaves, or leaves of batches that never came.
    fn too_many(&self, order: &ErasureOrder, beside: &[Kept]) -> bool {
        let view = self.store.view();
        let known = view.orders.values().map(|held| &held.order);
        let all = known.chain(beside.iter().map(|kept| &kept.order));
        let (mut orders, mut leaves) = (1, order.leaves.len());
        for held in all.filter(|held| held.origin == order.origin) {
            orders += 1;
            leaves += held.leaves.len();
        }
        let head = view.chains.get(&order.origin).map(|chain| chain.head.number).unwrap_or_default();
        let ahead = (order.origin, head.next())..=(order.origin, BatchNumber(u64::MAX));
        let new_of = |order: &ErasureOrder| order.leaves.iter().filter(|leaf| leaf.number > head).count();
        let here = beside.iter().map(|kept| &kept.order).filter(|other| other.origin == order.origin);
        let new = new_of(order) + here.map(new_of).sum::<usize>();
        let waiting = view.erased.range(ahead).map(|(_, leaves)| leaves.len()).sum::<usize>();
        order.leaves.len() > limits::ERASURE_LEAVES_MAX
            || orders > limits::ERASURE_ORDERS_PER_ORIGIN_MAX
            || leaves > limits::ERASURE_LEAVES_PER_ORIGIN_MAX
            || (new > 0 && waiting + new > limits::ERASURE_LEAVES_AHEAD_MAX)
    }

    /// Waits until every batch of these origins that was checked before the orders were known is applied.
    async fn settle(self: &Arc<Self>, origins: BTreeSet<UnitId>) -> Result<(), ErasureError> {
        self.blocking(move |node| origins.into_iter().for_each(|origin| node.acceptance.settle(origin)))
            .await;
        Ok(self.store.write(Vec::new()).await?)
    }

    /// Takes the words of tiers above that they carried out orders. Durable on return; those known, those of
    /// other orders and those that nobody above signed are passed over. Gives how many were new.
    ///
    /// Errors: what a write has.
    pub async fn take_confirmations(self: &Arc<Self>, signed: Vec<Signed>) -> Result<usize, ErasureError> {
        let new: Vec<(Signed, ErasureDone)> =
            signed.into_iter().filter_map(|signed| Some((signed.clone(), self.new_word(&signed)?))).collect();
        if new.is_empty() {
            return Ok(0);
        }
        let count = new.len();
        let by = self.config.parent.as_ref().map_or_else(Actor::local, |parent| Actor::node(parent.unit));
        let records = new.into_iter().flat_map(|(signed, done)| {
            let short = format!("{:?}", done.order);
            let subject = format!("order {short} at {}: {} erased", done.tier_unit, done.erased);
            let note = AuditNote::text(&by.words(), Deed::ErasureConfirmed, subject, self.now_ms());
            [Staged::from(Record::ErasureDone(signed)), Record::Note(note).into()]
        });
        self.store.write(records.collect()).await?;
        self.settle_requests().await?;
        Ok(count)
    }

    fn new_word(&self, signed: &Signed) -> Option<ErasureDone> {
        if signed.bytes.len() > ErasureDone::BYTES_MAX {
            return None;
        }
        let claimed: ErasureDone = signed.decode_trusted().ok()?;
        let known = {
            let view = self.store.view();
            let held = view.orders.get(&claimed.order)?;
            held.order.origin != claimed.origin || held.done.contains_key(&claimed.tier_unit)
        };
        if known || !self.lies_below(self.unit(), claimed.tier_unit) {
            return None;
        }
        let verified = self.ring_of(claimed.tier_unit).verify::<ErasureDone>(signed);
        if verified.is_err() {
            tracing::warn!(tier = %claimed.tier_unit, "a word about an erasure is not signed by its tier");
        }
        verified.ok()
    }
}
