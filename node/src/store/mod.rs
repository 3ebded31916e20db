//! The store: the ledger is the truth, sled and the memory are derived from it.
//!
//! | file | holds |
//! |---|---|
//! | `ledger/` | append-only segment files |
//! | `record.rs` | the kinds of ledger record |
//! | `encoding.rs` | records as bytes, personal parts encrypted |
//! | `own.rs` | own changes as records: those of one commit together |
//! | `captures.rs` | what recognises what was recorded, in memory |
//! | `register.rs` | the own register: rows of the index, names out of the ledger |
//! | `recent.rs` | personal parts read lately, in memory only |
//! | `lookups.rs` | the search by number and household, in memory only |
//! | `names.rs` | the search by name, in memory only |
//! | `keys.rs` | the one table of sled keys |
//! | `rows.rs` | the rows kept under them |
//! | `index/` | sled behind an overlay of unflushed writes; all its batches |
//! | `whole.rs` | the check sum over all rows of the index |
//! | `view.rs` | what is held in memory |
//! | `apply/` | what each record does to memory and index |
//! | `writer/` | the one writer: gather, append, sync, apply, seal, answer, flush |
//! | `staged.rs` | a record on its way, with what is known of it |
//! | `opening.rs` | start: folder, key, index |
//! | `replaying.rs` | catching up: records of the ledger applied again |
//! | `verifying.rs` | the full check against a recount |
//! | `stopped.rs` | a stopped node's folder: its audit log checked, its key at rest wrapped anew |
//! | `reading/` | look-ups: batches, receipts, persons, households |
//! | `differences.rs` | an index against a recount, row by row, each with its name |
//! | `directory.rs` | packing of directory versions |
//! | `folder.rs` | FORMAT, lock, ballast |
//! | `room.rs` | what the disk has left |
//! | `occupied.rs` | what the index takes up, for those who look after it |
//! | `lag.rs` | samples of each unit's lag, and the last reports of units: rows that may be lost |
//! | `written_by.rs` | which program wrote the folder last |
//! | `foreign.rs` | records and rows out of bytes that anybody may have put there |
//! | `at_rest/` | encryption of what names a person: sealing, its key, its lock |
//! | `envelope/` | files that leave the node, sealed to one receiver |
//! | `backup/` | copies of the ledger in pieces, sealed, under a signed list |
//! | `error.rs` | errors and their stable codes |
//!
//! Invariants:
//! 1. Nothing is answered before it is appended and synced; nothing is applied before that either.
//! 2. The index reflects a position of the ledger; whatever lies after it is applied again at start.
//! 3. Memory and index can always be rebuilt from the ledger and then have the same digests.
//! 4. After a failed sync nothing is acknowledged. After a full disk the group is refused and the node goes on:
//!    what the index cannot write waits in memory, up to a limit, and is written as soon as there is room.

mod apply;
pub mod at_rest;
pub mod backup;
mod captures;
mod differences;
mod directory;
mod encoding;
pub mod envelope;
mod error;
mod folder;
pub mod foreign;
mod index;
mod keys;
mod lag;
pub mod ledger;
mod lookups;
mod names;
mod occupied;
mod opening;
mod own;
mod reading;
mod recent;
mod record;
mod register;
mod replaying;
mod room;
mod rows;
mod staged;
mod stopped;
mod verifying;
mod view;
mod whole;
mod writer;
mod written_by;

#[cfg(test)]
mod tests;

pub use directory::{pack as pack_directory, unpack as unpack_directory};
pub use error::StoreError;
pub use folder::mark_restored;
pub use lag::LagSample;
pub use opening::{OpenReport, Options, rebuild};
pub use reading::{HeldBatch, Naming};
pub use record::{
    AcceptedBatch, Anchor, AuditNote, Evidence, OfficeRecord, OwnChange, Record, RecoveredBatch, Resolution,
    Rewritten, Subject, Topic,
};
pub use rows::{BatchRow, ChainRow, HouseholdRow, PersonRow, Recording};
pub use staged::Staged;
pub use stopped::{AuditGrounds, AuditReport, rewrap, verify_audit};
pub use verifying::{VerifyReport, verify};
pub use view::{HeldOrder, HeldRevocations, StoredDirectory, View};
pub use writer::Ticket;
pub use written_by::SOFTWARE;

use danso_core::{
    chain::{LedgerKey, Signed},
    domain::Sequence,
};
use danso_tier_config::{Limits, UnitId};
use index::Index;
use ledger::LedgerReader;
use recent::Recent;
use std::{
    path::PathBuf,
    sync::{
        Arc, OnceLock, RwLock, RwLockReadGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{oneshot, watch};
use writer::{Order, Queue};

struct Inner {
    unit: UnitId,
    /// The data folder.
    folder: PathBuf,
    view: RwLock<View>,
    index: Index,
    reader: LedgerReader,
    recent: Recent,
    generation: AtomicU64,
    /// The last own change that is applied, as the view has it: who records does not wait for the view.
    applied: AtomicU64,
    /// Own changes are not sealed: the parent holds other batches of this chain.
    held: AtomicBool,
    changed: watch::Sender<u64>,
    failure: watch::Sender<Option<StoreError>>,
    /// Who is told how long each sync took.
    syncs: OnceLock<SyncWatch>,
}

/// Somebody who is told how long each sync of the ledger took.
type SyncWatch = Box<dyn Fn(Duration) + Send + Sync>;

impl Inner {
    fn stop(&self, error: StoreError) {
        self.failure.send_if_modified(|failure| {
            let first = failure.is_none();
            failure.get_or_insert(error);
            first
        });
    }

    fn stopped(&self) -> bool {
        self.failure.borrow().is_some()
    }
}

/// A handle on the store; cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
    orders: Queue,
}

impl Store {
    /// The unit whose folder this is.
    pub fn unit(&self) -> UnitId {
        self.inner.unit
    }

    /// The state in memory. Hold the guard briefly: the writer waits for it.
    pub fn view(&self) -> RwLockReadGuard<'_, View> {
        self.inner.view.read().expect("no holder of the view panics")
    }

    /// Changes the state in memory past ledger and index, for benches of what reads it: a nation of it is there within
    /// seconds. Nothing of this is durable, and the folder must not be used again.
    #[doc(hidden)]
    pub fn fill(&self, fill: impl FnOnce(&mut View)) {
        fill(&mut self.inner.view.write().expect("no holder of the view panics"));
    }

    /// What staged records build on. After a failed write it moves on, and all staged on the old one is void.
    pub fn generation(&self) -> u64 {
        self.inner.generation.load(Ordering::Acquire)
    }

    /// The last own change that is applied. At least what a view that was seen before has.
    pub fn applied(&self) -> Sequence {
        Sequence(self.inner.applied.load(Ordering::Acquire))
    }

    /// Queues records to be written together, in the order of the calls.
    pub fn stage(&self, mut records: Vec<Staged>, generation: u64) -> Ticket {
        let (done, ticket) = oneshot::channel();
        for staged in &mut records {
            staged.prepare(&self.inner.index.vault);
        }
        if self.inner.stopped() {
            let _ = done.send(Err(StoreError::Stopped));
        } else {
            // A closed queue drops `done`, and the ticket reads that as stopped.
            self.orders.send(Order::Append { records, generation, done });
        }
        self.orders.ticket(ticket)
    }

    /// Goes on under another ledger key. On return the grant is durable and the next batch is signed with it.
    ///
    /// Errors: what a write has; the key in force is then still the old one.
    pub async fn rotate(&self, key: LedgerKey, actor: Arc<str>, at_ms: u64) -> Result<Signed, StoreError> {
        let (done, granted) = oneshot::channel();
        self.orders.send(Order::Rotate { key: Box::new(key), actor, at_ms, done });
        granted.await.unwrap_or(Err(StoreError::Stopped))
    }

    /// The writer goes on with other limits. Those of the index keep until the next start.
    pub fn set_limits(&self, limits: Limits) {
        self.orders.send(Order::Limits(Box::new(limits)));
    }

    /// Puts records in the place of earlier ones (by the position where these lie now) and writes others in the
    /// same group, before them. With `scrub` the earlier ones are gone from their files on return.
    pub async fn rewrite(
        &self,
        rewrites: Vec<(ledger::Position, Record)>,
        records: Vec<Staged>,
        scrub: bool,
    ) -> Result<(), StoreError> {
        let (done, outcome) = oneshot::channel();
        self.orders.send(Order::Rewrite { rewrites, records, scrub, done });
        outcome.await.unwrap_or(Err(StoreError::Stopped))
    }

    /// Queues the names of a batch that came without them: the record at `position` gets them in its place.
    pub fn stage_names(
        &self,
        position: ledger::Position,
        personal: Option<Vec<u8>>,
        generation: u64,
    ) -> Result<Ticket, StoreError> {
        let named = self.with_names(position, personal)?;
        let rewritten = Rewritten::new(position, &named, false, &self.inner.index.vault);
        Ok(self.stage(vec![Record::Rewritten(rewritten).into()], generation))
    }

    /// Stages records and waits until they are durable.
    pub async fn write(&self, records: Vec<Staged>) -> Result<(), StoreError> {
        self.stage(records, self.generation()).durable().await
    }

    /// Stops (or allows again) the sealing of own changes: a node restored from an old backup must not fork
    /// its chain.
    pub fn hold_own_chain(&self, held: bool) {
        self.inner.held.store(held, Ordering::Release);
        if !held {
            folder::forget_restored(&self.inner.folder);
            self.orders.look();
        }
    }

    /// When this folder was restored from a backup, Unix milliseconds, if the parent was not heard since.
    pub fn restored_at_ms(&self) -> Option<u64> {
        folder::restored_at_ms(&self.inner.folder)
    }

    /// Whether own changes are not sealed.
    pub fn own_chain_held(&self) -> bool {
        self.inner.held.load(Ordering::Acquire)
    }

    /// Tells how long each sync of the ledger takes from now on. Only the first who asks is told.
    pub fn watch_syncs(&self, watch: impl Fn(Duration) + Send + Sync + 'static) {
        let _ = self.inner.syncs.set(Box::new(watch));
    }

    /// Counts up with every group that was applied.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.inner.changed.subscribe()
    }

    /// Shows the error after which the store stopped, once there is one.
    pub fn failure(&self) -> watch::Receiver<Option<StoreError>> {
        self.inner.failure.subscribe()
    }

    /// Writes what is staged, flushes the index and ends the writer. A repeat does nothing.
    pub async fn close(&self) {
        let (closed, wait) = oneshot::channel();
        self.orders.send(Order::Close(closed));
        let _ = wait.await;
        self.orders.ended().await;
    }
}
