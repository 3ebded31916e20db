//! What goes over from a folder that is set aside into the new one: keys, directory, revocations, accounts and
//! other office records, orders of erasure, anchors; and batches that the parent never got.

use super::{
    super::{AcceptError, Actor, Node},
    Former,
};
use crate::store::{Record, StoreError, Topic};
use danso_core::{
    chain::{AuditHead, Batch, BatchNumber, Deed, Header, KeyRing, Revocations, Signed},
    domain::Sequence,
};
use danso_tier_config::UnitId;

/// What went over.
#[derive(Debug, Clone, Default)]
pub struct Carried {
    /// Where the audit log of the folder before had come to.
    pub audit: AuditHead,
    /// Office records: accounts, invitations; where no persons are recorded, requests.
    pub office: usize,
    /// Batches of units below that the parent did not have.
    pub below: u64,
    /// Own batches that the parent did not have and that follow its last.
    pub own: u64,
    /// Chains of which some of these did not go over, with the code of the reason.
    pub left: Vec<(UnitId, String)>,
}

impl Node {
    /// Begins a new folder: its audit log starts with where the one before had come to, then keys, directory
    /// and the rest go over that no chain carries. Durable on return.
    pub async fn carry_words(&self, former: Option<&Former>) -> Result<Carried, StoreError> {
        let mut carried = Carried::default();
        let Some(former) = former else {
            let text = "a new data folder; nothing of the one before it could be read";
            self.note(&Actor::local(), Deed::ChainResolved, text).await?;
            return Ok(carried);
        };
        let old = &former.store;
        carried.audit = old.view().audit;
        let AuditHead { number, hash } = carried.audit;
        let text = format!("a new data folder; the log of the one before ends with entry {number}, {hash}");
        self.note(&Actor::local(), Deed::ChainResolved, text).await?;
        self.carry_keys(former).await;
        let mut records = Vec::new();
        {
            let view = old.view();
            let own_list = view.revocations.get(&self.unit()).map(|held| held.signed.clone());
            let ring = self.ring_of(self.unit());
            let own_list = own_list.filter(|signed| ring.verify::<Revocations>(signed).is_ok());
            records.extend(own_list.map(Record::Revocations));
            for held in view.orders.values() {
                records.push(Record::ErasureOrder(held.signed.clone()));
                records.extend(held.done.values().cloned().map(Record::ErasureDone));
            }
            records.extend(view.anchors.values().copied().map(Record::Anchor));
        }
        let mut office = old.office_records()?;
        if self.records() {
            // They go over with their persons, once it is known who these are.
            office.retain(|record| record.topic != Topic::Requests);
        }
        carried.office = office.len();
        records.extend(office.into_iter().map(Record::Office));
        if !records.is_empty() {
            self.store.write(records.into_iter().map(Into::into).collect()).await?;
        }
        Ok(carried)
    }

    /// Keys, directory and lists of revocations, each verified anew; what does not stand up comes from above.
    async fn carry_keys(&self, former: &Former) {
        let (keys, directory, lists) = {
            let view = former.store.view();
            let keys: Vec<Signed> =
                view.keys.values().flat_map(KeyRing::epochs).map(|epoch| epoch.signed.clone()).collect();
            let directory = view.directory.as_ref().map(|held| held.signed.clone());
            let lists: Vec<Signed> = view.revocations.values().map(|held| held.signed.clone()).collect();
            (keys, directory, lists)
        };
        // Once before the directory, which the top signs, and once after: it says who stands above whom.
        let first = self.register(keys.clone()).await.is_ok();
        if let Some(directory) = directory
            && let Err(error) = self.take_directory(directory).await
        {
            tracing::warn!(code = error.code(), %error, "the directory of the folder before is not taken");
        }
        if !first && let Err(error) = self.register(keys).await {
            tracing::warn!(%error, "the keys of the folder before are not taken");
        }
        for list in lists {
            if let Err(error) = self.take_revocations(list).await {
                tracing::info!(
                    code = error.code(),
                    "a list of revocations of the folder before is not taken"
                );
            }
        }
    }

    /// Batches of the folder before that the parent does not have: of the units below, which hold receipts for
    /// them, and own ones that follow the parent's last. Blocks; durable on return.
    pub fn carry_batches(&self, former: &Former, carried: &mut Carried) -> Result<(), StoreError> {
        let heads: Vec<(UnitId, BatchNumber)> = {
            let view = former.store.view();
            view.chains.iter().map(|(origin, chain)| (*origin, chain.head.number)).collect()
        };
        for (origin, last) in heads {
            let mut number = self.head_of(origin).number.next();
            while number <= last {
                let Some(held) = former.store.batch(origin, number)? else { break };
                if origin == self.unit() {
                    if !self.carry_own(former, held.batch)? {
                        break;
                    }
                    carried.own += 1;
                } else if let Err(error) = self.carry_below(origin, held.batch) {
                    carried.left.push((origin, error.code().to_owned()));
                    break;
                } else {
                    carried.below += 1;
                }
                number = number.next();
            }
        }
        Ok(())
    }

    fn carry_below(&self, origin: UnitId, batch: Batch) -> Result<(), AcceptError> {
        let parent = self.unit();
        let denied = AcceptError::NotAllowed { child: parent, origin, parent };
        let child = self.child_towards(origin).ok_or(denied)?;
        self.accept_from(parent, child, batch)?.durable()
    }

    /// An own batch goes over as it was sealed: another one under its number would be a fork. False where it
    /// does not follow the head.
    fn carry_own(&self, former: &Former, batch: Batch) -> Result<bool, StoreError> {
        let Ok(header) = batch.header.decode_trusted::<Header>() else { return Ok(false) };
        let head = self.head_of(self.unit());
        if header.previous != head.hash || header.first != head.next {
            return Ok(false);
        }
        let mut records = Vec::new();
        for place in 0..u64::from(header.changes) {
            let sequence = Sequence(header.first.0 + place);
            let Some(change) = former.store.own_change(sequence)? else { return Ok(false) };
            records.push(Record::Own(vec![change]).into());
        }
        records.push(Record::Sealed(Box::new(batch)).into());
        self.store.stage(records, self.store.generation()).blocking_durable()?;
        Ok(true)
    }
}
