//! A running node: opens what it needs in order, serves, links up, and ends in the opposite order.
//!
//! | file | holds |
//! |---|---|
//! | `at_rest.rs` | where the key at rest is found, and how a new one takes its place |
//! | `error.rs` | why a node does not start, or ended |
//! | `keys/` | ledger keys in the key folder |
//! | `rebuild/` | a new data folder from the parent and from what the old one has |
//! | `restore.rs` | a data folder restored from a backup, and proved |
//! | `conflicts.rs` | the list of changes that it could not record again |
//! | `rescue.rs` | a node that cannot open its store: it stays up to say why and what mends it |
//! | `service.rs` | what the service manager is told |
//! | `start.rs` | opening of a node: keys, directory, store, listener |
//! | `stopping.rs` | the signals that a node obeys, and the one grace of a stop |
//! | `reload.rs` | SIGHUP: keys and settings read again while it runs |
//! | `web.rs` | the pages beside the server |
//! | `tasks.rs` | what runs beside the server: closing of months, samples of lag, a look at the disk |
//!
//! Invariants:
//! 1. Nothing is served before the store has caught up with its ledger.
//! 2. When the store of a running node stops, the process ends with an error: nothing is acknowledged after it.
//! 3. The first signal drains within one grace, the second leaves at once; both lose nothing that was acknowledged.
//! 4. A node in rescue mode ends in the same way. A file that is read again and has faults changes nothing.

mod at_rest;
mod conflicts;
mod error;
pub mod keys;
mod rebuild;
mod reload;
mod rescue;
mod restore;
mod service;
mod start;
mod stopping;
mod tasks;
mod web;

pub use at_rest::{Rewrapped, rewrap};
pub use error::RuntimeError;
pub use rebuild::{RebuildError, Rebuilt, rebuild_from_parent};
pub use rescue::is_met_with_rescue;
pub use restore::{Chosen, RestoreBackupError, RestoredBackup, restore_backup};
pub use start::{Running, read_directory, start, start_on, store_options};

use danso_tier_config::NodeConfig;
use std::{path::Path, sync::Arc};
use stopping::{Signals, Word, drained, hang_ups};

/// Runs a node until a signal ends it or its store fails; `file` is the node's file, read again at SIGHUP. Where its
/// store cannot be opened and `rescue` is wanted, it stays up in rescue mode until a signal ends it, and the error is
/// given after that.
pub async fn run(config: NodeConfig, file: &Path, rescue: bool) -> Result<(), RuntimeError> {
    let hang_ups = hang_ups()?;
    let started = start(config.clone(), &mut |done, all| {
        let percent = done * 100 / all.max(1);
        tracing::info!(percent, "catching up with the ledger");
        service::catching_up(percent);
    })
    .await;
    let running = match started {
        Ok(running) => running,
        Err(error) if rescue => {
            rescue::stay(&config, file, &error, &mut Signals::listen(hang_ups)?).await;
            return Err(error);
        }
        Err(error) => return Err(error),
    };
    let mut signals = Signals::listen(hang_ups)?;
    let web = running.web.as_ref().map(ToString::to_string).unwrap_or_default();
    tracing::info!(unit = %running.node.unit(), address = %running.address, web, "serving");
    let watched = tokio::spawn(service::serving(Arc::clone(&running.node), running.address));
    let mut failure = running.node.store.failure();
    let failed = loop {
        tokio::select! {
            word = signals.next() => match word {
                Word::End => break None,
                Word::Reload => reload::reload(&running, file).await,
            },
            failed = failure.wait_for(Option::is_some) => break failed.ok().and_then(|failed| failed.clone()),
        }
    };
    watched.abort();
    service::stopping();
    drained(running.stop(), &mut signals).await;
    tracing::info!("stopped");
    failed.map_or(Ok(()), |error| Err(RuntimeError::Store(error)))
}
