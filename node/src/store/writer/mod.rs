//! The one writer: gathers records, appends, syncs, applies, seals, answers, and flushes the index.
//!
//! | file | holds |
//! |---|---|
//! | `seat.rs` | its seat: a thread of its own, or whoever waits |
//! | `queue.rs` | how orders reach it |
//! | `orders.rs` | the way there |
//! | `bell.rs` | what wakes the thread, once enough has come |
//! | `gathering.rs` | which orders it commits together |
//! | `ticket.rs` | the answer to an order, and the word that somebody waits |
//! | `committing.rs` | a group appended, synced, applied, answered |
//! | `batching.rs` | when it seals what waits into batches |
//! | `pace.rs` | how long it gathers for a batch, and how many |
//! | `signing.rs` | entries of the audit chain, the grant of its next key |
//! | `flushing.rs` | what it does with the index: flush, open anew |
//! | `scrubbing.rs` | records in the place of earlier ones, and those scrubbed |

mod batching;
mod bell;
mod committing;
mod flushing;
mod gathering;
mod orders;
mod pace;
mod queue;
mod scrubbing;
mod seat;
mod signing;
mod ticket;

pub(super) use queue::Queue;
pub use ticket::Ticket;

use super::{
    Inner, Staged, StoreError,
    index::Index,
    ledger::{Ledger, Position},
    record::Record,
};
use danso_core::chain::{Digest, LedgerKey, Signed};
use danso_tier_config::{Limits, limits};
use gathering::More;
use pace::Pace;
use std::{ops::ControlFlow, sync::Arc, time::Duration};
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

/// Whoever has it is the only one who writes.
pub(super) struct Writer {
    ledger: Ledger,
    inner: Arc<Inner>,
    key: Box<LedgerKey>,
    limits: Limits,
    flushed_at: Instant,
    /// When a part of what waited was written.
    flushed_some_at: Instant,
    /// When the oldest unsealed change came.
    unsealed_since: Option<Instant>,
    /// How the last batches of the own chain went.
    pace: Pace,
    /// Whether the index waits for space.
    full: bool,
    /// Whether a scrub waits for space.
    scrubs_wait: bool,
}

pub(super) type Done = oneshot::Sender<Result<(), StoreError>>;

impl Writer {
    /// The writer of an open store; `full` where the index waits for space.
    pub fn new(ledger: Ledger, inner: Arc<Inner>, key: LedgerKey, limits: Limits, full: bool) -> Self {
        let now = Instant::now();
        let waits = !inner.view.read().expect("no holder of the view panics").unsealed.is_empty();
        Self {
            ledger,
            inner,
            key: Box::new(key),
            limits,
            flushed_at: now,
            flushed_some_at: now,
            unsealed_since: waits.then_some(now),
            pace: Pace::default(),
            full,
            scrubs_wait: false,
        }
    }

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
        self.seal_in()
            .map_or(flush, |seal| seal.min(flush))
            .max(Duration::from_millis(limits::WRITER_REST_MS))
    }

    fn close(&mut self, closed: oneshot::Sender<()>) {
        self.flush();
        if let Err(error) = self.inner.index.close() {
            tracing::warn!(%error, "the index was not settled; it is caught up at the next start");
        }
        let _ = closed.send(());
    }
}
