//! Acceptance of a child's batch, in the order of the design: limits, standing, signature, link, frames,
//! verdicts, then ledger, apply, receipt. Exactly once, whatever is repeated.
//!
//! | file | holds |
//! |---|---|
//! | `chain.rs` | what was staged for an origin, and whose turn it is |
//! | `error.rs` | why a batch was not accepted |
//! | `names.rs` | names that a repeat brings, and those that were ordered to be erased |
//! | `evidence.rs` | what is kept against a chain that contradicts itself |
//! | `passing.rs` | a batch as it passes to the parent |

mod chain;
mod error;
mod evidence;
mod names;
mod passing;

pub(super) use chain::{Acceptance, Chain};
pub use error::AcceptError;

use super::{meters::BATCH_SIZE, node::Node};
use crate::store::{AcceptedBatch, Record, Staged, StoreError, Ticket};
use danso_core::{
    chain::{
        Batch, BatchNumber, Digest, Exclusions, Fault, Head, Header, Link, Receipt, SIGNATURE_BYTES, Signed,
        check_link, open, origin_of,
    },
    replication::may_speak_for,
    rollup::judge,
};
use danso_tier_config::{Policy, UnitId, limits};

/// A batch on its way to being durable.
#[derive(Debug)]
pub struct Accepted {
    /// Whose chain.
    pub origin: UnitId,
    /// Which batch.
    pub number: BatchNumber,
    /// Whether some of its changes are not counted.
    pub quarantined: usize,
    /// How many changes it holds; 0 for a repeat.
    changes: u32,
    receipt: Option<Signed>,
    ticket: Ticket,
}

impl Accepted {
    /// Waits until the batch is durable and applied. Blocks.
    pub(in crate::operations) fn durable(self) -> Result<(), AcceptError> {
        Ok(self.ticket.blocking_durable()?)
    }

    /// Waits until the batch is durable and applied, then gives the receipt. A repeat gets the same one.
    pub async fn receipt(self, node: &Node) -> Result<Signed, AcceptError> {
        self.ticket.durable().await?;
        if let Some(receipt) = self.receipt {
            node.meters.observe(BATCH_SIZE, "", f64::from(self.changes));
            return Ok(receipt);
        }
        let held = node.store.batch(self.origin, self.number)?;
        held.and_then(|held| held.receipt).ok_or(AcceptError::Store(StoreError::Retry))
    }
}

impl Node {
    /// Checks a child's batch and queues it to be written. Blocks for the length of the checks; call it
    /// off the async threads. Nothing is durable before [`Accepted::receipt`] returns.
    pub fn accept(&self, child: UnitId, batch: Batch) -> Result<Accepted, AcceptError> {
        self.accept_from(child, child, batch)
    }

    /// The same for a batch of `child`'s subtree that somebody else sent: the parent gives it back, or it lies
    /// in a folder that was set aside.
    pub(in crate::operations) fn accept_from(
        &self,
        sender: UnitId,
        child: UnitId,
        batch: Batch,
    ) -> Result<Accepted, AcceptError> {
        let origin = origin_of(&batch.header.bytes)?;
        let parent = self.unit();
        if !may_speak_for(&self.directory(), self.today(), parent, child, origin) {
            return Err(AcceptError::NotAllowed { child, origin, parent });
        }
        // Before anything of it is kept: a signature has one length.
        if batch.header.signature.len() != SIGNATURE_BYTES {
            return Err(Fault::Signature.into());
        }
        let chain = self.turn_of(origin);
        let mut chain = chain.lock().expect("no acceptance panics");
        self.refresh(origin, &mut chain);
        if let Some(code) = self.store.view().chains.get(&origin).and_then(|chain| chain.held.clone()) {
            return Err(AcceptError::Held { origin, code });
        }
        let (header, cores) = (batch.header.clone(), batch.cores.clone());
        self.accept_into(&mut chain, child, batch, origin).inspect_err(|error| {
            self.keep_evidence(&mut chain, sender, origin, (header, cores), error);
        })
    }

    fn accept_into(
        &self,
        chain: &mut Chain,
        child: UnitId,
        mut batch: Batch,
        origin: UnitId,
    ) -> Result<Accepted, AcceptError> {
        let header = self.ring_of(origin).verify_header(origin, &batch.header)?;
        self.check_revoked(&header)?;
        let (number, hash) = (header.number, batch.hash());
        let known = match chain.hashes.get(&number) {
            Some(hash) => Some(*hash),
            None => self.store.batch_row(origin, number)?.map(|row| row.hash),
        };
        if check_link(&chain.head, &header, hash, known)? == Link::Repeat {
            let ticket = self.repeated(chain, child, batch, &header)?;
            return Ok(Accepted { origin, number, quarantined: 0, changes: 0, receipt: None, ticket });
        }
        self.require_room()?;
        let policy = self.policy_from(child);
        let contents = open(&batch, &header, policy)?;
        let exclusions = self.exclusions(child, &batch, &header, hash)?;
        let judged = judge(&contents, &header, exclusions.as_ref())?;
        self.forget_what_was_ordered(&mut batch, &header)?;
        let accepted_at_ms = self.now_ms();
        let quarantined = judged.quarantined.clone();
        let told = Receipt { parent: self.unit(), origin, number, hash, quarantined, accepted_at_ms };
        let receipt = Signed::sign(&told, &self.signing.key());
        let (quarantined, count) = (told.quarantined, judged.quarantined.len());
        let names_due = policy == Policy::Names && batch.personal.is_none();
        let kept = receipt.clone();
        let record = AcceptedBatch { child, batch, quarantined, receipt: kept, accepted_at_ms, names_due };
        let staged = Staged::judged(Record::Accepted(Box::new(record)), judged);
        let ticket = self.store.stage(vec![staged], chain.generation);
        chain.head = Head::after(&header, hash);
        chain.hashes.insert(number, hash);
        let changes = header.changes;
        Ok(Accepted { origin, number, quarantined: count, changes, receipt: Some(receipt), ticket })
    }

    /// A key that was revoked signs nothing beyond the cut-over.
    fn check_revoked(&self, header: &Header) -> Result<(), Fault> {
        let (origin, number) = (header.origin, header.number);
        let cut_overs = self.cut_overs_of(origin);
        if cut_overs.is_empty() {
            return Ok(());
        }
        let vouched = self.ring_of(origin).vouched_at_ms(header.key);
        let falls = |(after, issued_until_ms): &&(BatchNumber, u64)| {
            number > *after && vouched.is_some_and(|vouched| vouched <= *issued_until_ms)
        };
        match cut_overs.iter().find(falls) {
            Some((after, _)) => Err(Fault::KeyRevoked { origin, after: *after, number }),
            None => Ok(()),
        }
    }

    /// The exclusions that came with counts, verified: signed by a tier between the origin and this node.
    fn exclusions(
        &self,
        child: UnitId,
        batch: &Batch,
        header: &Header,
        hash: Digest,
    ) -> Result<Option<Exclusions>, AcceptError> {
        let Some(signed) = &batch.exclusions else {
            return Ok(None);
        };
        if signed.bytes.len() > limits::SIGNED_BYTES_MAX {
            let max = limits::SIGNED_BYTES_MAX;
            return Err(Fault::TooLarge { what: "exclusions", bytes: signed.bytes.len(), max }.into());
        }
        let directory = self.directory();
        let tiers: Vec<UnitId> = std::iter::once(child)
            .chain(directory.at(self.today()).ancestors(header.origin))
            .filter(|tier| directory.at(self.today()).is_within(*tier, child))
            .collect();
        let verified = tiers.iter().find_map(|tier| {
            let exclusions: Exclusions = self.ring_of(*tier).verify(signed).ok()?;
            (exclusions.tier_unit == *tier).then_some(exclusions)
        });
        match verified {
            Some(found) if found.origin == header.origin && found.hash == hash => Ok(Some(found)),
            _ => Err(Fault::Signature.into()),
        }
    }
}
