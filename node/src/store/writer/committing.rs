//! A group of records made durable: appended, synced, applied, answered.

use super::{Done, Marked, Writer};
use crate::store::{
    Inner, Staged, StoreError,
    apply::Applier,
    ledger::{Kind, LedgerError, Position},
    own::joined,
    record::Record,
    rows::ChainRow,
    view::View,
};
use danso_core::chain::Digest;
use danso_tier_config::limits;
use std::{sync::atomic::Ordering, time::Duration};
use tokio::time::Instant;

impl Writer {
    /// Append, sync, apply, answer. On failure nothing of the group is acknowledged.
    pub(super) fn commit(&mut self, mut group: Vec<Staged>, answers: Vec<Done>) {
        if self.inner.stopped() {
            for done in answers {
                let _ = done.send(Err(StoreError::Stopped));
            }
            return;
        }
        self.seal_due(&mut group, false);
        self.audit(&mut group);
        if group.is_empty() {
            // An empty order asks only whether everything before it is durable; it is.
            for done in answers {
                let _ = done.send(Ok(()));
            }
            return;
        }
        let awaited = answers.iter().any(|done| !done.is_closed());
        let outcome = self.write(group, awaited).map(drop);
        for done in answers {
            let _ = done.send(outcome.clone());
        }
    }

    /// Append, sync, apply. Gives where the records lie. Receipts of the parent for which nobody waits are synced with
    /// what comes next: one that a crash loses is sent again at the next hello.
    pub(super) fn write(&mut self, group: Vec<Staged>, awaited: bool) -> Result<Vec<Position>, StoreError> {
        let mut group = joined(group);
        let repeatable = |staged: &Staged| matches!(staged.record, Record::ParentReceipt(_));
        let sync = awaited || !group.iter().all(repeatable);
        let made_here = |staged: &Staged| repeatable(staged) || matches!(staged.record, Record::Sealed(_));
        let built_on = !group.iter().all(made_here);
        // What cannot be applied is not made durable either.
        let room = self.inner.index.takes_more();
        let refused = room.is_err();
        let outcome = room.and_then(|()| self.append(&mut group, sync)).and_then(|positions| {
            // By now it is durable, so that no error may read as a refusal.
            self.apply(group, &positions).map_err(|error| match error {
                StoreError::IndexFull(reason) => StoreError::Index(reason),
                other => other,
            })?;
            Ok(positions)
        });
        if let Err(error) = &outcome {
            if built_on {
                self.inner.generation.fetch_add(1, Ordering::AcqRel);
            }
            // Sealing is tried again, but not as fast as the disk refuses it.
            let later = Instant::now() + Duration::from_millis(limits::SEAL_RETRY_MS);
            self.unsealed_since = self.unsealed_since.map(|_| later);
            tracing::error!(code = error.code(), %error, "a group of records was not written");
            // After these two the ledger is as it was before; after anything else nothing is certain.
            let kept =
                matches!(error, StoreError::Ledger { code: "disk_full" | "ledger_record_too_large", .. });
            if !(refused || kept) {
                self.inner.stop(error.clone());
            }
        }
        self.inner.changed.send_modify(|count| *count += 1);
        outcome
    }

    fn append(&mut self, group: &mut [Staged], sync: bool) -> Result<Vec<Position>, StoreError> {
        for staged in &mut *group {
            staged.encode(&self.inner.index.vault);
        }
        let encoded = |staged| Staged::encoded(staged).expect("notes became entries, all else is encoded");
        let borrowed: Vec<(Kind, &[u8])> = group.iter().map(encoded).collect();
        let positions = self.ledger.append(&borrowed).map_err(|error: LedgerError| {
            if matches!(error, LedgerError::DiskFull { .. }) {
                tracing::error!("the disk is full: nothing is taken until space is freed");
            }
            error
        })?;
        if sync {
            let since = Instant::now();
            self.ledger.sync()?;
            if let Some(watch) = self.inner.syncs.get() {
                watch(since.elapsed());
            }
        }
        Ok(positions)
    }

    fn apply(&mut self, group: Vec<Staged>, positions: &[Position]) -> Result<(), StoreError> {
        let mut view = self.inner.view.write().expect("no holder of the view panics");
        let Inner { index, reader, recent, unit, .. } = &*self.inner;
        let durable = |(staged, position): (Staged, &Position)| (staged.record, *position, staged.known);
        let durable = group.into_iter().zip(positions).map(durable).collect();
        let awaits = |view: &View| view.chains.get(unit).is_some_and(ChainRow::awaits_receipt);
        let awaited = awaits(&view);
        Applier { view: &mut view, index, ledger: reader, recent, unit: *unit }.apply(durable)?;
        if awaited && !awaits(&view) {
            self.pace.answered();
        }
        view.position = self.ledger.end();
        self.inner.applied.store(view.recording.sequence, Ordering::Release);
        self.unsealed_since = match (view.unsealed.is_empty(), self.unsealed_since) {
            (true, _) => None,
            (false, since) => since.or_else(|| Some(Instant::now())),
        };
        Ok(())
    }

    /// An end of the ledger for a copy of it. No own change before it waits to be sealed, so that a node restored from
    /// the copy can take its chain back; where that cannot be (a full disk, a held chain) the copy is still worth more
    /// than none.
    pub(super) fn mark(&mut self) -> Result<Marked, StoreError> {
        let mut group = Vec::new();
        self.seal_due(&mut group, true);
        let written = if group.is_empty() { Ok(Vec::new()) } else { self.write(group, true) };
        // Receipts may wait to be synced with what comes next.
        if !self.inner.stopped()
            && written.is_ok()
            && let Err(error) = self.ledger.sync()
        {
            self.inner.stop(error.into());
        }
        if self.inner.stopped() {
            return Err(StoreError::Stopped);
        }
        let view = self.inner.view.read().expect("no holder of the view panics");
        Ok(Marked {
            position: self.ledger.end().min(self.inner.reader.end()),
            heads: view.heads_digest(view.chains.keys().copied()),
            tallies: Digest(view.tallies.digest()),
        })
    }
}
