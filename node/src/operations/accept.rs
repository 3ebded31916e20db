//! Acceptance of a child's batch, in the order of the design: limits, standing, signature, link, frames,
//! verdicts, then ledger, apply, receipt. Exactly once, whatever is repeated.

use super::{meters::BATCH_SIZE, node::Node};
use crate::store::{AcceptedBatch, Evidence, HeldBatch, Record, Staged, StoreError, Ticket};
use danso_core::{
    chain::{
        Batch, BatchNumber, Digest, Exclusions, Fault, Head, Header, Link, Receipt, SIGNATURE_BYTES, Signed,
        check_link, erase_leaves, matching_leaves, open, origin_of,
    },
    replication::may_speak_for,
    rollup::judge,
};
use danso_tier_config::{Policy, UnitId, limits};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex},
};

/// What was staged for one origin and may not be applied yet.
#[derive(Debug, Default)]
pub(super) struct Chain {
    generation: u64,
    head: Head,
    hashes: BTreeMap<BatchNumber, Digest>,
    evidence: usize,
    /// What is kept against the chain already; read when it is first needed.
    contradictions: Option<BTreeSet<(String, Digest)>>,
    /// Up to here all batches have their names, as far as somebody has looked.
    pub(super) named_up_to: BatchNumber,
    /// Batches whose names are on their way to the ledger since this generation began.
    naming: BTreeSet<BatchNumber>,
}

/// Chains in acceptance; each origin has a lock of its own, so that none waits for another.
#[derive(Debug, Default)]
pub(super) struct Acceptance {
    chains: Mutex<HashMap<UnitId, Arc<Mutex<Chain>>>>,
}

impl Acceptance {
    /// Waits until no batch of an origin is between its check and its place in the writer's queue.
    pub(super) fn settle(&self, origin: UnitId) {
        let chain = self.chains.lock().expect("no acceptance panics").get(&origin).cloned();
        drop(chain.as_ref().map(|chain| chain.lock().expect("no acceptance panics")));
    }
}

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

/// Why a batch was not accepted.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AcceptError {
    /// It breaks a rule of its chain.
    #[error(transparent)]
    Chain(#[from] Fault),
    /// The child may not speak for the origin.
    #[error("{child} may not speak for {origin} at {parent}")]
    NotAllowed {
        /// Who sent it.
        child: UnitId,
        /// Whose it claims to be.
        origin: UnitId,
        /// This node.
        parent: UnitId,
    },
    /// The origin is held until somebody clears up a contradiction.
    #[error("{origin} is held because of {code}")]
    Held {
        /// Whose chain.
        origin: UnitId,
        /// Why.
        code: String,
    },
    /// It could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AcceptError {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Chain(fault) => fault.code(),
            Self::NotAllowed { .. } => "not_allowed",
            Self::Held { .. } => "origin_held",
            Self::Store(error) => error.code(),
        }
    }

    /// The number that the chain expects, where that is what is wrong.
    pub fn expected(&self) -> BatchNumber {
        match self {
            Self::Chain(Fault::Gap { expected, .. }) => *expected,
            _ => BatchNumber(0),
        }
    }
}

impl Accepted {
    /// Waits until the batch is durable and applied. Blocks.
    pub(super) fn durable(self) -> Result<(), AcceptError> {
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

    /// Who holds this takes batches of the origin, and nobody else.
    pub(in crate::operations) fn turn_of(&self, origin: UnitId) -> Arc<Mutex<Chain>> {
        let mut chains = self.acceptance.chains.lock().expect("no acceptance panics");
        Arc::clone(chains.entry(origin).or_default())
    }

    /// Takes over what was applied meanwhile, or everything after a failed write.
    fn refresh(&self, origin: UnitId, chain: &mut Chain) {
        let generation = self.store.generation();
        let applied = self.store.view().chains.get(&origin).map(|chain| chain.head).unwrap_or_default();
        if chain.generation != generation || applied.number > chain.head.number {
            let kept = std::mem::take(chain);
            let naming = if kept.generation == generation { kept.naming } else { BTreeSet::new() };
            *chain = Chain { generation, head: applied, hashes: BTreeMap::new(), naming, ..kept };
        }
        chain.hashes = chain.hashes.split_off(&applied.number.next());
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
        let count = quarantined.len();
        let receipt = Receipt { parent: self.unit(), origin, number, hash, quarantined, accepted_at_ms };
        let receipt = Signed::sign(&receipt, &self.signing.key());
        let quarantined = judged.quarantined.clone();
        let names_due = policy == Policy::Names && batch.personal.is_none();
        let receipt_given = receipt.clone();
        let record =
            AcceptedBatch { child, batch, quarantined, receipt: receipt_given, accepted_at_ms, names_due };
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

    /// A batch that is held already. Names that it brings and that are missing here are taken.
    fn repeated(
        &self,
        chain: &mut Chain,
        child: UnitId,
        mut batch: Batch,
        header: &Header,
    ) -> Result<Ticket, AcceptError> {
        let generation = chain.generation;
        let nothing_new = || self.store.stage(Vec::new(), generation);
        // A second copy behind the first would be one that no erasure finds. Without room they are asked for again.
        if chain.naming.contains(&header.number) || self.require_room().is_err() {
            return Ok(nothing_new());
        }
        let policy = self.policy_from(child);
        let held = self.store.batch(header.origin, header.number)?;
        // What was dropped by policy stays dropped.
        if header.number <= self.store.compacted(header.origin)? {
            return Ok(nothing_new());
        }
        let nameless = |held: &HeldBatch| held.batch.personal.is_none() && !held.veiled;
        let Some(held) =
            held.filter(nameless).filter(|_| batch.personal.is_some() && policy == Policy::Names)
        else {
            return Ok(nothing_new());
        };
        open(&batch, header, policy)?;
        self.forget_what_was_ordered(&mut batch, header)?;
        let ticket = self.store.stage_names(held.position, batch.personal, generation)?;
        if chain.naming.len() >= limits::NAMING_BATCHES_MAX {
            // Most of them have arrived long since: once this one is there, so are all.
            self.store.stage(Vec::new(), generation).blocking_durable()?;
            chain.naming.clear();
        } else {
            chain.naming.insert(header.number);
        }
        Ok(ticket)
    }

    /// Erases from a batch what was ordered to be erased before it came.
    pub(super) fn forget_what_was_ordered(&self, batch: &mut Batch, header: &Header) -> Result<(), Fault> {
        let Some(frame) = &batch.personal else { return Ok(()) };
        let leaves = self.store.view().erased.get(&(header.origin, header.number)).cloned();
        if let Some(leaves) = leaves {
            // An order for another leaf, of a chain that went another way, finds nothing here.
            let leaves = matching_leaves(frame, header, &leaves)?;
            batch.personal = Some(erase_leaves(frame, header, &leaves)?.0);
        }
        Ok(())
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

    /// Keeps the header of what contradicts a chain. A fork holds the origin until it is cleared up.
    fn keep_evidence(
        &self,
        chain: &mut Chain,
        child: UnitId,
        origin: UnitId,
        (header, cores): (Signed, Option<Vec<u8>>),
        error: &AcceptError,
    ) {
        let AcceptError::Chain(fault) = error else {
            return;
        };
        let contradicts = matches!(
            fault,
            Fault::Fork { .. }
                | Fault::WrongPrevious { .. }
                | Fault::Signature
                | Fault::Root { .. }
                | Fault::FalseDeltas { .. }
        );
        // A fork is kept whatever was kept before it: it holds the origin.
        let hold = matches!(fault, Fault::Fork { .. });
        if !contradicts || (!hold && chain.evidence >= limits::EVIDENCE_PER_ORIGIN_MAX) {
            return;
        }
        let code = fault.code().to_owned();
        // The same batch sent again says nothing new, also where somebody has decided about it since.
        if !self.contradictions(chain, origin).insert((code.clone(), Digest::of(&[&header.bytes]))) {
            return;
        }
        chain.evidence += 1;
        tracing::error!(%child, %origin, code, hold, "a batch contradicts its chain");
        // Never more than what may pass the boundary.
        let may_pass = |cores: &Vec<u8>| {
            self.policy_from(child) >= Policy::Cores && cores.len() <= limits::FRAME_BYTES_MAX
        };
        let cores = cores.filter(|_| hold).filter(may_pass);
        let evidence = Evidence { child, origin, code, header, hold, at_ms: self.now_ms(), cores };
        // Its ticket is not awaited: the refusal does not depend on it.
        let _ = self.store.stage(vec![Record::Evidence(Box::new(evidence)).into()], self.store.generation());
    }

    /// A child's word that it holds another batch of a chain than this node: kept as evidence, once. Nothing is
    /// held for it, since the child sends nothing more of that chain. Blocks.
    pub fn hear_divergence(&self, child: UnitId, header: Signed) -> Result<(), AcceptError> {
        let origin = origin_of(&header.bytes)?;
        let parent = self.unit();
        if !may_speak_for(&self.directory(), self.today(), parent, child, origin) {
            return Err(AcceptError::NotAllowed { child, origin, parent });
        }
        let number = self.ring_of(origin).verify_header(origin, &header)?.number;
        let turn = self.turn_of(origin);
        let mut chain = turn.lock().expect("no acceptance panics");
        if chain.evidence >= limits::EVIDENCE_PER_ORIGIN_MAX {
            return Ok(());
        }
        let found = Digest::of(&[&header.bytes]);
        let known = self.store.batch_row(origin, number)?.map(|row| row.hash);
        let Some(known) = known.filter(|known| *known != found) else { return Ok(()) };
        let code = Fault::Fork { origin, number, known, found }.code().to_owned();
        if !self.contradictions(&mut chain, origin).insert((code.clone(), found)) {
            return Ok(());
        }
        tracing::error!(%child, %origin, code, number = number.0, "a child holds another batch under this number");
        let evidence =
            Evidence { child, origin, code, header, hold: false, at_ms: self.now_ms(), cores: None };
        let _ = self.store.stage(vec![Record::Evidence(Box::new(evidence)).into()], self.store.generation());
        Ok(())
    }

    fn contradictions<'a>(&self, chain: &'a mut Chain, origin: UnitId) -> &'a mut BTreeSet<(String, Digest)> {
        chain.contradictions.get_or_insert_with(|| {
            // Unreadable evidence is no reason to keep less of the new.
            let kept = self.store.evidence().unwrap_or_default().into_iter();
            let kept = kept.filter(|evidence| evidence.origin == origin);
            kept.map(|evidence| (evidence.code, Digest::of(&[&evidence.header.bytes]))).collect()
        })
    }

    /// A batch as it may pass to the parent under `policy`.
    pub fn batch_for(
        &self,
        origin: UnitId,
        number: BatchNumber,
        policy: Policy,
    ) -> Result<Option<Batch>, AcceptError> {
        let Some(held) = self.store.batch(origin, number)? else {
            return Ok(None);
        };
        let mut batch = held.batch;
        if policy < Policy::Cores && batch.cores.is_some() {
            self.add_counts(&mut batch)?;
        }
        Ok(Some(danso_core::chain::strip(batch, policy)))
    }

    /// Adds what travels where the cores do not: the deltas, and what this tier excluded of them.
    fn add_counts(&self, batch: &mut Batch) -> Result<(), AcceptError> {
        let header: Header = batch.header.decode_trusted()?;
        let deltas = batch.deltas.take();
        let kept = Batch { personal: None, ..batch.clone() };
        let contents = open(&kept, &header, Policy::Cores)?;
        let judged = judge(&contents, &header, None)?;
        batch.deltas = Some(
            deltas
                .unwrap_or_else(|| danso_core::chain::write_frame(judged.claim().iter().map(Vec::as_slice))),
        );
        if !judged.quarantined.is_empty() {
            let exclusions = Exclusions {
                tier_unit: self.unit(),
                origin: header.origin,
                number: header.number,
                hash: batch.hash(),
                deltas: danso_core::rollup::encode_leaves(&judged.excluded),
                quarantined: judged.quarantined,
            };
            batch.exclusions = Some(Signed::sign(&exclusions, &self.signing.key()));
        }
        Ok(())
    }
}
