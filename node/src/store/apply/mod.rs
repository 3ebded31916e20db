//! What each ledger record does to the state in memory and to the index. The same at start and in service.
//!
//! | file | holds |
//! |---|---|
//! | `register.rs` | own changes and the rows of persons and households that they leave |
//! | `trust.rs` | keys, revocations, orders of erasure, rewritten records, audit and office |
//!
//! Invariants:
//! 1. Applying a record twice leaves what applying it once does, except what is counted up.
//! 2. Nothing here reads the clock or anything but the record, the view and the index.

mod register;
mod trust;

use super::{
    StoreError,
    index::Index,
    keys,
    ledger::{LedgerReader, Position},
    recent::Recent,
    record::{AcceptedBatch, Evidence, OwnChange, Record, RecoveredBatch},
    rows::{BatchRow, ChainRow},
    staged::Known,
    view::View,
};
use danso_core::{
    chain::{Batch, BatchNumber, Contents, Exclusions, Fault, Header, Receipt, Signed, check_link, open},
    domain::{Reason, Sequence},
    rollup::{Delta, Judged, RowId, judge},
};
use danso_tier_config::{Policy, UnitId};

/// The place where records take effect.
pub(super) struct Applier<'a> {
    pub view: &'a mut View,
    pub index: &'a Index,
    /// Reads what was applied before.
    pub ledger: &'a LedgerReader,
    pub recent: &'a Recent,
    pub unit: UnitId,
}

/// Reads again what follows from a batch that was verified before it was stored.
pub(super) fn reread(batch: &Batch) -> Result<(Header, Judged), Fault> {
    let header: Header = batch.header.decode_trusted()?;
    let mut kept = batch.clone();
    if kept.cores.is_some() {
        kept.deltas = None;
    }
    kept.personal = None;
    let policy = if kept.cores.is_some() { Policy::Cores } else { Policy::Counts };
    let contents: Contents = open(&kept, &header, policy)?;
    let exclusions = batch.exclusions.as_ref().map(Signed::decode_trusted::<Exclusions>).transpose()?;
    let judged = judge(&contents, &header, exclusions.as_ref())?;
    Ok((header, judged))
}

fn damaged(position: Position, fault: &Fault) -> StoreError {
    StoreError::Ledger {
        code: "ledger_damaged",
        message: format!("stored batch at {position} does not verify: {fault}"),
    }
}

/// Where own changes lie that share a record.
fn places_of(changes: &[OwnChange], position: Position) -> Vec<(Sequence, Position)> {
    changes.iter().map(|change| (change.sequence, position)).collect()
}

/// First and last batch.
type Range = (BatchNumber, BatchNumber);

/// A durable record, where it lies, and what is known of it.
pub(super) type Durable = (Record, Position, Known);

impl Applier<'_> {
    /// Applies durable records that were written together. What all own changes among them have in common is written
    /// once: before any row names one of them, where they lie, since whoever reads the register waits for nobody.
    pub fn apply(&mut self, group: Vec<Durable>) -> Result<(), StoreError> {
        let places = |(record, position, _): &Durable| places_of(record.own_changes(), *position);
        let own: Vec<(Sequence, Position)> = group.iter().flat_map(places).collect();
        self.index.put_own(&own)?;
        let recording = self.view.recording;
        for durable in group {
            self.record(durable)?;
        }
        if self.view.recording != recording {
            self.index.put(keys::RECORDING, &self.view.recording);
        }
        Ok(())
    }

    fn record(&mut self, (record, position, known): Durable) -> Result<(), StoreError> {
        match record {
            Record::Own(changes) => self.own(changes, position, known)?,
            Record::Sealed(batch) => self.sealed(&batch, position, known.counts())?,
            Record::Accepted(accepted) => self.accepted(&accepted, position, known.counts())?,
            Record::ParentReceipt(signed) => self.parent_receipt(&signed)?,
            Record::Registration(signed) => {
                let unit = self.view.register(&signed)?;
                self.index.put(keys::registration(unit, position), &());
            }
            Record::Directory(signed) => {
                let version = self.view.set_directory(signed)?;
                self.index.put(keys::directory(version), &position.0);
            }
            Record::Release(signed) => {
                let number = self.view.set_release(&signed)?;
                self.index.put(keys::release(number), &position.0);
            }
            Record::Evidence(evidence) => self.evidence(&evidence, position),
            Record::Recovered(recovered) => self.recovered(&recovered, position, known.counts())?,
            Record::Revocations(signed) => {
                let issuer = self.view.set_revocations(signed)?;
                self.index.put(keys::revocations(issuer), &position.0);
            }
            Record::ErasureOrder(signed) => self.erasure_order(signed, position)?,
            Record::ErasureDone(signed) => {
                let done = self.view.add_done(signed)?;
                self.index.put(keys::done(done.order, done.tier_unit), &position.0);
            }
            Record::Rewritten(rewritten) => self.rewritten(&rewritten, position)?,
            Record::Resolution(resolution) => self.resolved(resolution.origin),
            Record::Office(_) => self.index.put(keys::office(position), &()),
            Record::Audit(signed) => self.audit(&signed, position)?,
            Record::Anchor(anchor) => {
                self.index.put(keys::anchor(anchor.child), &anchor);
                self.view.anchors.insert(anchor.child, anchor);
            }
            Record::Note(_) => unreachable!("the writer turns notes into entries before they are applied"),
        }
        Ok(())
    }

    /// A batch of the own chain that came back: counted, acknowledged, and its persons in the register again.
    fn recovered(
        &mut self,
        recovered: &RecoveredBatch,
        position: Position,
        judged: Option<Judged>,
    ) -> Result<(), StoreError> {
        let (header, judged) = Self::read_again(&recovered.batch, position, judged)?;
        self.recovered_rows(&recovered.batch, &header, position)?;
        for (sequence, capture) in &recovered.captures {
            self.captured(*capture, *sequence);
        }
        self.advance(&recovered.batch, &header, &judged, position, None, header.recorded_to.millis())?;
        self.parent_receipt(&recovered.receipt)
    }

    /// A chain that was held goes on as it stands here.
    fn resolved(&mut self, origin: UnitId) {
        if let Some(chain) = self.view.chains.get_mut(&origin) {
            chain.held = None;
            self.index.put(keys::chain(origin), chain);
        }
    }

    fn sealed(
        &mut self,
        batch: &Batch,
        position: Position,
        judged: Option<Judged>,
    ) -> Result<(), StoreError> {
        let (header, judged) = Self::read_again(batch, position, judged)?;
        self.view.unsealed.drain(..(header.changes as usize).min(self.view.unsealed.len()));
        self.advance(batch, &header, &judged, position, None, header.recorded_to.millis())
    }

    fn accepted(
        &mut self,
        accepted: &AcceptedBatch,
        position: Position,
        judged: Option<Judged>,
    ) -> Result<(), StoreError> {
        let (header, judged) = Self::read_again(&accepted.batch, position, judged)?;
        let child = Some(accepted.child);
        self.advance(&accepted.batch, &header, &judged, position, child, accepted.accepted_at_ms)?;
        if accepted.names_due && accepted.batch.personal.is_none() {
            self.nameless(&header, |(first, last), number| {
                (if first.0 == 0 { number } else { first.min(number) }, last.max(number))
            });
        }
        Ok(())
    }

    /// Changes the range of batches of a chain whose names are missing.
    fn nameless(&mut self, header: &Header, change: fn(Range, BatchNumber) -> Range) {
        if let Some(chain) = self.view.chains.get_mut(&header.origin) {
            chain.nameless = change(chain.nameless, header.number);
            self.index.put(keys::chain(header.origin), chain);
        }
    }

    /// Names of a batch came late, or were there. Within the range they leave a cover of what is still missing.
    pub(super) fn named(&mut self, header: &Header) {
        self.nameless(header, |(first, last), number| {
            let first = if number == first { number.next() } else { first };
            let last = if number == last { BatchNumber(number.0 - 1) } else { last };
            if first > last { (BatchNumber(0), BatchNumber(0)) } else { (first, last) }
        });
    }

    fn read_again(
        batch: &Batch,
        position: Position,
        judged: Option<Judged>,
    ) -> Result<(Header, Judged), StoreError> {
        match judged {
            Some(judged) => {
                let header = batch.header.decode_trusted().map_err(|fault| damaged(position, &fault))?;
                Ok((header, judged))
            }
            None => reread(batch).map_err(|fault| damaged(position, &fault)),
        }
    }

    fn advance(
        &mut self,
        batch: &Batch,
        header: &Header,
        judged: &Judged,
        position: Position,
        child: Option<UnitId>,
        received_at_ms: u64,
    ) -> Result<(), StoreError> {
        let (origin, hash) = (header.origin, batch.hash());
        let head = self.view.chains.get(&origin).map(|chain| chain.head).unwrap_or_default();
        check_link(&head, header, hash, None).map_err(|fault| damaged(position, &fault))?;
        for quarantined in &judged.quarantined {
            self.index.put(keys::quarantined(origin, quarantined.sequence), &quarantined.reason);
        }
        self.count(origin, &judged.counted);
        let chain = self.view.chains.entry(origin).or_default();
        chain.head = danso_core::chain::Head::after(header, hash);
        chain.child = child;
        chain.received_at_ms = received_at_ms;
        chain.quarantined += judged.quarantined.len() as u64;
        self.index.put(keys::chain(origin), chain);
        self.index.put(keys::batch(origin, header.number), &BatchRow { position: position.0, hash });
        Ok(())
    }

    fn count(&mut self, origin: UnitId, deltas: &[Delta]) {
        self.view.count(origin, deltas);
        let row = |delta: &Delta| RowId::of(origin, delta.month, delta.cell);
        // Deltas are sorted: those of a row mostly lie side by side.
        for of_row in deltas.chunk_by(|one, next| row(one) == row(next)) {
            self.index.mark(row(&of_row[0]));
        }
    }

    fn parent_receipt(&mut self, signed: &Signed) -> Result<(), StoreError> {
        let receipt: Receipt = signed
            .decode_trusted()
            .map_err(|_| StoreError::Index("a stored receipt is unreadable".to_owned()))?;
        let mut new = 0;
        if receipt.origin == self.unit {
            for quarantined in &receipt.quarantined {
                let key = keys::quarantined(self.unit, quarantined.sequence);
                new += u64::from(self.index.get::<Reason>(&key)?.is_none());
                self.index.put(key, &quarantined.reason);
            }
        }
        let chain: &mut ChainRow = self.view.chains.entry(receipt.origin).or_default();
        chain.acknowledged = chain.acknowledged.max(receipt.number);
        chain.quarantined += new;
        self.index.put(keys::chain(receipt.origin), chain);
        Ok(())
    }

    fn evidence(&mut self, evidence: &Evidence, position: Position) {
        self.index.put(keys::evidence(position), &evidence.origin);
        if evidence.hold {
            let chain = self.view.chains.entry(evidence.origin).or_default();
            chain.held = Some(evidence.code.clone());
            self.index.put(keys::chain(evidence.origin), chain);
        }
    }
}
