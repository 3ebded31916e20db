//! The one writer: gathers records, appends, syncs, applies, seals, answers, and flushes the index.

use super::{
    Inner, Staged, StoreError,
    apply::Applier,
    index::Reflected,
    ledger::{Kind, Ledger, LedgerError, Position},
    record::{OwnChange, Record},
    rows::ChainRow,
};
use danso_core::{
    chain::{Head, LedgerKey, SealInput, SealedChange, seal},
    domain::{Core, RecordedAt},
    rollup::Judged,
};
use danso_tier_config::{Limits, limits};
use std::{
    sync::{Arc, atomic::Ordering, mpsc},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// An order to the writer.
pub(super) enum Order {
    /// Make these records durable and apply them, all or none.
    Append {
        /// The records.
        records: Vec<Staged>,
        /// What the sender built on; an older generation is refused.
        generation: u64,
        /// The answer.
        done: oneshot::Sender<Result<(), StoreError>>,
    },
    /// Flush the index and stop.
    Close(oneshot::Sender<()>),
}

pub(super) struct Writer {
    pub ledger: Ledger,
    pub inner: Arc<Inner>,
    pub key: LedgerKey,
    pub limits: Limits,
    pub flushed_at: Instant,
    /// When the oldest unsealed change came.
    pub unsealed_since: Option<Instant>,
}

type Done = oneshot::Sender<Result<(), StoreError>>;

impl Writer {
    /// Runs until closed or until the ledger stops.
    pub fn run(mut self, orders: &mpsc::Receiver<Order>) {
        loop {
            match orders.recv_timeout(self.patience()) {
                Ok(first) => {
                    if let Some(closed) = self.gather(first, orders) {
                        self.close(closed);
                        return;
                    }
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    self.commit(Vec::new(), Vec::new());
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => return self.flush(true),
            }
            self.flush(false);
        }
    }

    /// How long to wait for an order before something else is due.
    fn patience(&self) -> Duration {
        let flush = Duration::from_millis(limits::INDEX_FLUSH_MS).saturating_sub(self.flushed_at.elapsed());
        let seal = self.unsealed_since.map(|since| {
            let due = since + Duration::from_millis(self.limits.batch_age_ms);
            due.saturating_duration_since(Instant::now())
        });
        seal.map_or(flush, |seal| seal.min(flush)).max(Duration::from_millis(1))
    }

    /// Commits everything that is waiting, as one group. Gives back a closing order.
    fn gather(&mut self, first: Order, orders: &mpsc::Receiver<Order>) -> Option<oneshot::Sender<()>> {
        let (mut group, mut answers) = (Vec::new(), Vec::new());
        let mut bytes = 0;
        let mut next = Some(first);
        let mut closing = None;
        while let Some(order) = next {
            match order {
                Order::Close(closed) => closing = Some(closed),
                Order::Append { records, generation, done } => {
                    if generation == self.inner.generation.load(Ordering::Acquire) {
                        bytes += records.iter().map(|staged| staged.record.size()).sum::<usize>();
                        group.extend(records);
                        answers.push(done);
                    } else {
                        let _ = done.send(Err(StoreError::Retry));
                    }
                }
            }
            let room = group.len() < limits::COMMIT_RECORDS_MAX && bytes < limits::COMMIT_BYTES_MAX;
            next = if room && closing.is_none() { orders.try_recv().ok() } else { None };
        }
        self.commit(group, answers);
        closing
    }

    /// Append, sync, apply, answer. On failure nothing of the group is acknowledged.
    fn commit(&mut self, mut group: Vec<Staged>, answers: Vec<Done>) {
        if self.inner.stopped() {
            for done in answers {
                let _ = done.send(Err(StoreError::Stopped));
            }
            return;
        }
        self.seal_due(&mut group);
        if group.is_empty() {
            // An empty order asks only whether everything before it is durable; it is.
            for done in answers {
                let _ = done.send(Ok(()));
            }
            return;
        }
        let outcome = self.make_durable(&group).and_then(|positions| self.apply(group, &positions));
        if let Err(error) = &outcome {
            self.inner.generation.fetch_add(1, Ordering::AcqRel);
            // Sealing is tried again, but not as fast as the disk refuses it.
            let later = Instant::now() + Duration::from_millis(limits::SEAL_RETRY_MS);
            self.unsealed_since = self.unsealed_since.map(|_| later);
            tracing::error!(code = error.code(), %error, "a group of records was not written");
            // After these two the ledger is as it was before; after anything else nothing is certain.
            if !matches!(error, StoreError::Ledger { code: "disk_full" | "ledger_record_too_large", .. }) {
                self.inner.stop(error.clone());
            }
        }
        for done in answers {
            let _ = done.send(outcome.clone());
        }
        self.inner.changed.send_modify(|count| *count += 1);
    }

    fn make_durable(&mut self, group: &[Staged]) -> Result<Vec<Position>, StoreError> {
        let encoded: Vec<(Kind, Vec<u8>)> = group.iter().map(|staged| staged.record.encode()).collect();
        let borrowed: Vec<(Kind, &[u8])> =
            encoded.iter().map(|(kind, bytes)| (*kind, bytes.as_slice())).collect();
        let positions = self.ledger.append(&borrowed).map_err(|error: LedgerError| {
            if matches!(error, LedgerError::DiskFull { .. }) {
                tracing::error!("the disk is full: nothing is taken until space is freed");
            }
            error
        })?;
        self.ledger.sync()?;
        Ok(positions)
    }

    fn apply(&mut self, group: Vec<Staged>, positions: &[Position]) -> Result<(), StoreError> {
        let mut view = self.inner.view.write().expect("no holder of the view panics");
        let mut applier = Applier { view: &mut view, index: &self.inner.index, unit: self.inner.unit };
        for (staged, position) in group.into_iter().zip(positions) {
            applier.apply(staged.record, *position, staged.judged)?;
        }
        view.position = self.ledger.end();
        self.unsealed_since = match (view.unsealed.is_empty(), self.unsealed_since) {
            (true, _) => None,
            (false, since) => since.or_else(|| Some(Instant::now())),
        };
        Ok(())
    }

    /// Seals what is due, in the same group as the changes themselves: one sync makes both durable.
    fn seal_due(&mut self, group: &mut Vec<Staged>) {
        let coming = group.iter().filter(|staged| matches!(staged.record, Record::Own(_))).count();
        let (chain, mut waiting) = {
            let view = self.inner.view.read().expect("no holder of the view panics");
            let chain = view.chains.get(&self.inner.unit).cloned().unwrap_or_default();
            let count = view.unsealed.len() + coming;
            if count == 0 || self.inner.held.load(Ordering::Acquire) || !self.due(&chain, count) {
                return;
            }
            (chain, view.unsealed.iter().cloned().collect::<Vec<_>>())
        };
        waiting.extend(group.iter().filter_map(|staged| match &staged.record {
            Record::Own(change) => Some(sealable(change, chain.head.recorded_to)),
            _ => None,
        }));
        let mut head = chain.head;
        let mut rest = waiting.as_slice();
        while !rest.is_empty() {
            let (changes, later) = rest.split_at(batch_length(rest, self.limits.batch_changes as usize));
            group.push(self.sealed(&mut head, changes));
            rest = later;
        }
    }

    /// Full, or old enough, or alone: nothing sent is still waiting for its receipt.
    fn due(&self, chain: &ChainRow, waiting: usize) -> bool {
        waiting >= self.limits.batch_changes as usize
            || (chain.acknowledged >= chain.head.number
                && self.unsealed_since.is_none_or(|since| since <= Instant::now()))
            || self
                .unsealed_since
                .is_some_and(|since| since.elapsed() >= Duration::from_millis(self.limits.batch_age_ms))
    }

    fn sealed(&self, head: &mut Head, changes: &[SealedChange]) -> Staged {
        let cores: Vec<Core> = changes
            .iter()
            .map(|change| Core::decode(&change.core).expect("own cores were encoded here"))
            .collect();
        let mut counted = Vec::new();
        for core in &cores {
            danso_core::rollup::deltas(core, &mut counted);
        }
        let judged = Judged { counted: danso_core::rollup::canonical(counted), ..Judged::default() };
        let deltas = judged.claim();
        let batch =
            seal(&SealInput { origin: self.inner.unit, head: *head, changes, deltas: &deltas }, &self.key);
        let header = batch.header.decode_trusted().expect("the header was encoded here");
        *head = Head::after(&header, batch.hash());
        Staged { record: Record::Sealed(batch), judged: Some(judged) }
    }

    /// Writes the derived rows to sled when it is time, never more than what is durable.
    fn flush(&mut self, now: bool) {
        let due = self.flushed_at.elapsed() >= Duration::from_millis(limits::INDEX_FLUSH_MS)
            || self.inner.index.unflushed() >= limits::INDEX_UNFLUSHED_KEYS_MAX;
        if !(now || due) {
            return;
        }
        self.flushed_at = Instant::now();
        if self.inner.index.unflushed() == 0 || self.inner.stopped() {
            return;
        }
        let reflected = {
            let view = self.inner.view.read().expect("no holder of the view panics");
            Reflected { position: view.position.0, tallies_check: view.tallies_check }
        };
        if let Err(error) = self.inner.index.flush(reflected) {
            tracing::error!(code = error.code(), %error, "the index could not be written");
            self.inner.stop(error);
        }
    }

    fn close(mut self, closed: oneshot::Sender<()>) {
        self.flush(true);
        if let Err(error) = self.inner.index.close() {
            tracing::warn!(%error, "the index was not settled; it is caught up at the next start");
        }
        let _ = closed.send(());
    }
}

/// How many of the waiting changes go into the next batch: as many as the limit allows and as surely fit
/// into its frames, at least one.
fn batch_length(waiting: &[SealedChange], changes_max: usize) -> usize {
    let mut bytes = 0;
    let fits = |change: &&SealedChange| {
        bytes += change.core.len().max(change.personal.as_ref().map_or(0, |(_, bytes)| bytes.len()));
        bytes <= limits::FRAME_BYTES_MAX / 2
    };
    waiting.iter().take(changes_max).take_while(fits).count().max(1)
}

fn sealable(change: &OwnChange, fallback: RecordedAt) -> SealedChange {
    let recorded_at = Core::decode(&change.core).map_or(fallback, |core| core.recorded_at);
    SealedChange { core: change.core.clone(), personal: change.personal.clone(), recorded_at }
}
