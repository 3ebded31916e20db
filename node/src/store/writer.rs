//! The one writer: gathers records, appends, syncs, applies, seals, answers, and flushes the index.

use super::{
    Inner, Staged, StoreError,
    apply::Applier,
    flushing::DISK_FULL,
    gathering::More,
    index::Index,
    ledger::{Kind, Ledger, LedgerError, Position},
    own::joined,
    pace::Pace,
    record::{AuditNote, Record, Rewritten},
    rows::ChainRow,
    view::View,
};
use danso_core::chain::{
    AuditEntry, AuditHead, Deed, Digest, Grantor, KeyClaim, KeyGrant, LedgerKey, Signed,
};
use danso_tier_config::{Limits, limits};
use std::{
    ops::ControlFlow,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{sync::oneshot, time::Instant};

/// Puts rows into the index.
pub(super) type Keeping = Box<dyn FnOnce(&Index) -> Result<(), StoreError> + Send>;

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
    /// Go on under another ledger key.
    Rotate {
        /// The new key.
        key: Box<LedgerKey>,
        /// Who ordered it.
        actor: Arc<str>,
        /// When it was made, Unix milliseconds.
        at_ms: u64,
        /// The grant, once durable.
        done: oneshot::Sender<Result<Signed, StoreError>>,
    },
    /// Put records in the place of earlier ones, together with others.
    Rewrite {
        /// Where the earlier ones lie, and what takes their place.
        rewrites: Vec<(Position, Record)>,
        /// What is written in the same group, before them.
        records: Vec<Staged>,
        /// Whether the earlier ones are scrubbed from their files.
        scrub: bool,
        /// The answer.
        done: Done,
    },
    /// Keep rows that follow from no record.
    Keep {
        /// Puts them into the index.
        work: Keeping,
        /// The answer.
        done: Done,
    },
    /// Go on with other limits.
    Limits(Box<Limits>),
    /// Seal all that waits, and say where the ledger ends then and what is counted there.
    Mark(oneshot::Sender<Result<Marked, StoreError>>),
    /// Flush the index and stop.
    Close(oneshot::Sender<()>),
}

/// A durable end of the ledger, and what is counted up to there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marked {
    pub position: Position,
    /// Digest over the heads of all chains.
    pub heads: Digest,
    /// Digest over all tallies.
    pub tallies: Digest,
}

pub(super) struct Writer {
    pub ledger: Ledger,
    pub inner: Arc<Inner>,
    pub key: Box<LedgerKey>,
    pub limits: Limits,
    pub flushed_at: Instant,
    /// When a part of what waited was written.
    pub flushed_some_at: Instant,
    /// When the oldest unsealed change came.
    pub unsealed_since: Option<Instant>,
    /// How the last batches of the own chain went.
    pub pace: Pace,
    /// Whether the index waits for space.
    pub full: bool,
    /// Whether a scrub waits for space.
    pub scrubs_wait: bool,
}

pub(super) type Done = oneshot::Sender<Result<(), StoreError>>;

impl Writer {
    /// Carries out an order, together with those that `more` gives, and does what is due. Breaks once closed.
    pub fn obey(&mut self, first: Order, more: &mut More<'_>) -> ControlFlow<()> {
        self.carry_out(first, more)?;
        self.seal_if_due();
        self.flush_due();
        // A flush may have taken longer than changes are gathered.
        self.seal_if_due();
        ControlFlow::Continue(())
    }

    /// Carries out an order, together with those that `more` gives. Breaks once closed.
    pub fn carry_out(&mut self, first: Order, more: &mut More<'_>) -> ControlFlow<()> {
        match self.gather(first, more) {
            Some(Order::Close(closed)) => {
                self.close(closed);
                return ControlFlow::Break(());
            }
            Some(Order::Rotate { key, actor, at_ms, done }) => {
                let _ = done.send(self.rotate(key, &actor, at_ms));
            }
            Some(Order::Rewrite { rewrites, records, scrub, done }) => {
                let _ = done.send(self.rewrite(&rewrites, records, scrub));
            }
            Some(Order::Keep { work, done }) => {
                let _ = done.send(self.inner.index.takes_more().and_then(|()| work(&self.inner.index)));
            }
            Some(Order::Limits(limits)) => self.limits = *limits,
            Some(Order::Mark(done)) => {
                let _ = done.send(self.mark());
            }
            Some(Order::Append { .. }) | None => {}
        }
        ControlFlow::Continue(())
    }

    /// Does what is due when no order came within [`Writer::patience`].
    pub fn wait_ended(&mut self) {
        self.commit(Vec::new(), Vec::new());
        self.flush_due();
        self.seal_if_due();
    }

    fn seal_if_due(&mut self) {
        if self.may_seal() {
            self.commit(Vec::new(), Vec::new());
        }
    }

    /// How long to wait for an order before something else is due.
    pub fn patience(&self) -> Duration {
        let flush = Duration::from_millis(limits::INDEX_FLUSH_MS).saturating_sub(self.flushed_at.elapsed());
        let flush = self.flush_some_in().map_or(flush, |part| part.min(flush));
        self.seal_in().map_or(flush, |seal| seal.min(flush)).max(Duration::from_millis(1))
    }

    /// Append, sync, apply, answer. On failure nothing of the group is acknowledged.
    pub fn commit(&mut self, mut group: Vec<Staged>, answers: Vec<Done>) {
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
    fn write(&mut self, group: Vec<Staged>, awaited: bool) -> Result<Vec<Position>, StoreError> {
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
    fn mark(&mut self) -> Result<Marked, StoreError> {
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

    /// Turns notes into entries of the audit chain: numbered, linked, signed. Notes about adjacent changes by
    /// one actor become one entry.
    fn audit(&self, group: &mut Vec<Staged>) {
        let mut notes: Vec<AuditNote> = Vec::new();
        group.retain(|staged| {
            let Record::Note(note) = &staged.record else { return true };
            if !notes.last_mut().is_some_and(|last| last.merge(note)) {
                notes.push(note.clone());
            }
            false
        });
        if notes.is_empty() {
            return;
        }
        let mut head = self.inner.view.read().expect("no holder of the view panics").audit;
        group.extend(notes.into_iter().map(|note| Record::Audit(self.entry(&mut head, &note)).into()));
    }

    fn entry(&self, head: &mut AuditHead, note: &AuditNote) -> Signed {
        let entry = AuditEntry {
            unit: self.inner.unit,
            number: head.number + 1,
            previous: head.hash,
            at_ms: note.at_ms,
            actor: note.actor.chars().take(limits::AUDIT_TEXT_CHARS_MAX).collect(),
            deed: note.deed,
            subject: note.subject.to_string().chars().take(limits::AUDIT_TEXT_CHARS_MAX).collect(),
            key: self.key.public().id(),
        };
        let signed = Signed::sign(&entry, &self.key);
        *head = AuditHead::after(&entry, &signed);
        signed
    }

    /// The new key, claimed by itself and granted by the one in force, holds from the next batch on.
    fn rotate(&mut self, key: Box<LedgerKey>, actor: &str, at_ms: u64) -> Result<Signed, StoreError> {
        if self.inner.stopped() {
            return Err(StoreError::Stopped);
        }
        let head = {
            let view = self.inner.view.read().expect("no holder of the view panics");
            view.chains.get(&self.inner.unit).map(|chain| chain.head).unwrap_or_default()
        };
        let former = self.key.public().id();
        let claim = KeyClaim {
            unit: self.inner.unit,
            key: key.public().to_bytes(),
            replaces: Some(former),
            after: head.number,
            hash: head.hash,
            claimed_at_ms: at_ms,
        };
        let claim = Signed::sign(&claim, &key);
        let grant =
            Signed::sign(&KeyGrant { claim, grantor: Grantor::Former, granted_at_ms: at_ms }, &self.key);
        let text =
            format!("ledger key {former} replaced by {} after batch {}", key.public().id(), head.number);
        let note = AuditNote::text(actor, Deed::KeyChanged, text, at_ms);
        let mut group = vec![Record::Registration(grant.clone()).into(), Record::Note(note).into()];
        self.audit(&mut group);
        self.write(group, true)?;
        self.key = key;
        Ok(grant)
    }

    /// Writes records in the place of earlier ones, durably, then scrubs the earlier ones.
    fn rewrite(
        &mut self,
        rewrites: &[(Position, Record)],
        records: Vec<Staged>,
        scrub: bool,
    ) -> Result<(), StoreError> {
        if self.inner.stopped() {
            return Err(StoreError::Stopped);
        }
        let mut group = records;
        let vault = &self.inner.index.vault;
        group.extend(
            rewrites
                .iter()
                .map(|(of, inner)| Staged::from(Record::Rewritten(Rewritten::new(*of, inner, scrub, vault)))),
        );
        self.audit(&mut group);
        self.write(group, true)?;
        if !scrub {
            return Ok(());
        }
        self.scrub_all().inspect_err(|error| self.scrubs_wait |= error.code() == DISK_FULL)
    }

    fn close(&mut self, closed: oneshot::Sender<()>) {
        self.flush();
        if let Err(error) = self.inner.index.close() {
            tracing::warn!(%error, "the index was not settled; it is caught up at the next start");
        }
        let _ = closed.send(());
    }
}
