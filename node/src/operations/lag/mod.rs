//! What a tier knows of every unit of its subtree: its line, its chain on every tier of the way, its computer, and
//! what is wrong with it.
//!
//! Every node says a few words of itself, and of each unit within it what its own ledger and its lines show; a
//! heartbeat carries them up, and each tier passes on what it heard. Nothing of it is needed for counting.
//!
//! | file | does |
//! |---|---|
//! | `reports.rs` | what this node says, and what it hears from below |
//! | `telling.rs` | which reports are due on the link to the parent |
//! | `shown.rs` | what a watcher was shown, and what changed since |
//! | `standing.rs` | one unit as it stands |
//! | `looking.rs` | the same, out of all reports of it |
//! | `findings.rs` | what is wrong with a unit, and how badly |
//! | `findings_tests.rs` | each of its rules, tested |
//! | `sentences.rs` | the same in words, with what to run |
//! | `history.rs` | one sample an hour, kept for a month |
//!
//! Invariants:
//! 1. A report is believed only from the child through whose subtree it comes, of a unit within the tier that says it.
//! 2. No report holds personal data, and none changes what is counted, accepted or acknowledged.
//! 3. Reports are in memory: they come again with the link. What is stored of them may be lost.

mod findings;
mod history;
mod looking;
mod reports;
mod sentences;
mod shown;
mod standing;
mod telling;

pub use danso_core::replication::{ChainReport, Contact, DiskSpace, OwnReport, UnitReport};
pub use findings::{Finding, Severity};
pub use shown::Shown;
pub use standing::{HopStanding, UnitStanding, WaitingAt};
pub use telling::Told;

pub use crate::store::{LagSample, SOFTWARE};

use danso_core::chain::BatchNumber;
use danso_tier_config::UnitId;
use reports::{Line, Refusals};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, atomic::AtomicU64},
};

/// What was seen of the units below, in memory.
#[derive(Debug, Default)]
pub struct Lag {
    /// What tiers below said, by unit and by who said it.
    heard: RwLock<BTreeMap<(UnitId, UnitId), UnitReport>>,
    /// The children's lines that are not open.
    lines: Mutex<BTreeMap<UnitId, Line>>,
    /// Batches refused here, by chain.
    refused: Mutex<BTreeMap<UnitId, Refusals>>,
    /// When the first batch of each chain was recorded that the parent has not signed for.
    oldest: Mutex<BTreeMap<UnitId, (BatchNumber, u64)>>,
    /// Uncounted changes of each chain a day ago.
    uncounted: Mutex<BTreeMap<UnitId, u64>>,
    /// When the node's certificate begins, Unix milliseconds.
    certificate_from_ms: AtomicU64,
    /// When it ends; 0 for unknown.
    certificate_until_ms: AtomicU64,
    /// When the parent last said anything, Unix milliseconds; 0 for never.
    parent_heard_ms: AtomicU64,
    /// The last look at all units, for those who watch.
    looked: Mutex<Option<(u64, Arc<Vec<UnitStanding>>)>>,
}

/// What is behind a lock that nobody breaks for long: a map that a panic left is still one.
fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}
