//! A running node: opens what it needs in order, serves, links up, and ends in the opposite order.
//!
//! | file | holds |
//! |---|---|
//! | `at_rest.rs` | where the key at rest is found, and how a new one takes its place |
//! | `keys.rs` | ledger keys in the key folder |
//! | `rebuild.rs` | a new data folder from the parent and from what the old one has |
//! | `restore.rs` | a data folder restored from a backup, and proved |
//! | `conflicts.rs` | the list of changes that it could not record again |
//! | `rescue.rs` | a node that cannot open its store: it stays up to say why and what mends it |
//! | `start.rs` | opening of a node: keys, directory, store, listener |
//! | `tasks.rs` | what runs beside the server: the uplink, closing of months |
//!
//! Invariants:
//! 1. Nothing is served before the store has caught up with its ledger.
//! 2. When the store of a running node stops, the process ends with an error: nothing is acknowledged after it.
//! 3. The first signal drains, the second leaves at once; both lose nothing that was acknowledged.

mod at_rest;
mod conflicts;
pub mod keys;
mod rebuild;
mod rescue;
mod restore;
mod start;
mod tasks;

pub use at_rest::{Rewrapped, rewrap};
pub use rebuild::{RebuildError, Rebuilt, rebuild_from_parent};
pub use rescue::is_met_with_rescue;
pub use restore::{Chosen, RestoreBackupError, RestoredBackup, restore_backup};
pub use start::{Running, RuntimeError, read_directory, start, start_on, store_options};

use danso_tier_config::{NodeConfig, limits};
use std::{path::Path, time::Duration};
use tokio::signal::unix::{SignalKind, signal};

/// Runs a node until a signal ends it or its store fails. Where its store cannot be opened and `rescue` names the
/// node's file, it stays up in rescue mode until a signal ends it, and the error is given after that.
pub async fn run(config: NodeConfig, rescue: Option<&Path>) -> Result<(), RuntimeError> {
    let started = start(config.clone(), &mut |done, all| {
        tracing::info!(percent = done * 100 / all.max(1), "catching up with the ledger");
    })
    .await;
    let running = match (started, rescue) {
        (Ok(running), _) => running,
        (Err(error), None) => return Err(error),
        (Err(error), Some(file)) => {
            let mut end = signal(SignalKind::terminate()).map_err(RuntimeError::Signal)?;
            let stop = async move {
                tokio::select! {
                    _ = tokio::signal::ctrl_c() => {}
                    _ = end.recv() => {}
                }
            };
            rescue::stay(&config, file, &error, stop).await;
            return Err(error);
        }
    };
    tracing::info!(unit = %running.node.unit(), address = %running.address, "serving");
    let mut failure = running.node.store.failure();
    let mut end = signal(SignalKind::terminate()).map_err(RuntimeError::Signal)?;
    let failed = tokio::select! {
        _ = tokio::signal::ctrl_c() => None,
        _ = end.recv() => None,
        failed = failure.wait_for(Option::is_some) => failed.ok().and_then(|failed| failed.clone()),
    };
    let stop = running.stop();
    let drain = Duration::from_millis(limits::STOP_GRACE_MS);
    tokio::select! {
        _ = tokio::time::timeout(drain, stop) => {}
        _ = tokio::signal::ctrl_c() => {}
        _ = end.recv() => {}
    }
    tracing::info!("stopped");
    failed.map_or(Ok(()), |error| Err(RuntimeError::Store(error)))
}
