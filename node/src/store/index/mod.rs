//! sled as a derived index: everything looked up, behind an overlay of what is not flushed yet.
//!
//! | file | holds |
//! |---|---|
//! | `opening.rs` | the index opened, opened anew after a full disk, and closed |
//! | `overlay.rs` | what waits in memory |
//! | `pages.rs` | rows side by side share one value of sled |
//! | `register.rs` | rows of persons, households and own changes |
//! | `writing.rs` | the flush of what waits in memory |
//!
//! Order of a flush: all absolute values in small batches (replaying the ledger over them ends the same), then
//! everything that is counted up (tallies, chain rows, counters) together with the position in one atomic batch: it
//! must never be replayed over. Every batch carries the check sum over all values, and an index is opened only where
//! all of them have it.

mod opening;
mod overlay;
mod pages;
mod register;
mod writing;

use overlay::Overlay;

pub(super) use opening::Unusable;
pub(super) use pages::is_page;

use super::{
    StoreError,
    at_rest::Vault,
    folder,
    keys::{self, Key},
    ledger::Position,
};
use danso_core::{domain, rollup::RowId};
use danso_tier_config::limits;
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

/// What the position row holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Reflected {
    /// The ledger up to here is reflected.
    pub position: u64,
    /// Check sum over the tallies of that position.
    pub tallies_check: u64,
}

/// Values by key, in order.
pub(super) type Found = BTreeMap<Key, Vec<u8>>;

/// Is shown keys with their values.
pub(super) type Show<'a> = dyn FnMut(&[u8], &[u8]) -> Result<(), StoreError> + 'a;

/// sled and the overlay of unflushed writes.
pub(super) struct Index {
    /// Gone once the store is closed, whoever still holds a handle on it.
    database: RwLock<Option<sled::Db>>,
    overlay: RwLock<Overlay>,
    /// The last row that was written before its turn.
    written_to: Mutex<Key>,
    /// The check sum over all rows that are written.
    check: Mutex<u128>,
    /// Why it cannot be trusted any more.
    broken: OnceLock<StoreError>,
    /// Whether a write found no space: sled never writes again, the folder must be opened anew.
    failed: AtomicBool,
    /// Counts up when the database was opened anew.
    openings: AtomicU64,
    /// Whether it writes without looking for room, for tests of what sled does then.
    #[cfg(test)]
    pub blind: AtomicBool,
    folder: PathBuf,
    cache_bytes: u64,
    /// Seals what names persons in records of the ledger.
    pub vault: Arc<Vault>,
}

impl Index {
    fn overlay(&self) -> std::sync::RwLockReadGuard<'_, Overlay> {
        self.overlay.read().expect("no holder of the overlay panics")
    }

    fn database(&self) -> Result<sled::Db, StoreError> {
        let database = self.database.read().expect("no holder of the database panics");
        database.clone().ok_or_else(|| {
            if self.has_failed() { full("it is being opened anew") } else { StoreError::Stopped }
        })
    }

    /// Why the index cannot be trusted any more, once something in it could not be read or written.
    pub fn broken(&self) -> Option<StoreError> {
        self.broken.get().cloned()
    }

    /// Lets sled work. Its errors, its panics and rows that are none are the end of this index.
    fn work<T>(&self, work: impl FnOnce(&sled::Db) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let database = self.database()?;
        let worked = catch_unwind(AssertUnwindSafe(|| work(&database)))
            .unwrap_or_else(|_| Err(StoreError::Index("it panicked".to_owned())));
        if let Err(error @ StoreError::Index(_)) = &worked {
            // On a full disk it may fail in any way until it is opened again.
            if !self.has_failed() && self.broken.set(error.clone()).is_ok() {
                // The next start then does not try this index.
                let _ = std::fs::File::create(folder::doubt(&self.folder));
            }
        }
        if matches!(worked, Err(StoreError::IndexFull(_))) {
            self.failed.store(true, Ordering::Release);
        }
        worked
    }

    /// Sets a key.
    pub fn put<T: Serialize>(&self, key: impl Into<Key>, value: &T) {
        let value = encoded(value);
        debug_assert!(value.len() <= limits::SLED_VALUE_BYTES_MAX, "a row stays below sled's blob size");
        self.overlay.write().expect("no holder of the overlay panics").insert(key.into(), Some(value));
    }

    /// Notes that a row of tallies changed; a flush writes it.
    pub fn mark(&self, row: RowId) {
        self.overlay.write().expect("no holder of the overlay panics").tallies.insert(row);
    }

    /// Removes a key.
    pub fn remove(&self, key: impl Into<Key>) {
        self.overlay.write().expect("no holder of the overlay panics").insert(key.into(), None);
    }

    /// The value of a key, unflushed writes included.
    pub fn get<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, StoreError> {
        self.of_one_opening(|| {
            if let Some(value) = self.overlay().get(key) {
                return value.as_deref().map(decode).transpose();
            }
            self.work(|database| pages::get(database, key, decode))
        })
    }

    /// Reads again where the database was opened anew between a look at the overlay and one at the database: what
    /// was in one of them may be in the other now.
    fn of_one_opening<T>(&self, read: impl Fn() -> T) -> T {
        loop {
            let openings = self.openings.load(Ordering::Acquire);
            let found = read();
            if self.openings.load(Ordering::Acquire) == openings {
                return found;
            }
        }
    }

    /// All keys with a prefix and their values, unflushed writes included, in order; of tallies what is stored.
    pub fn scan(&self, prefix: &[u8]) -> Result<Found, StoreError> {
        self.of_one_opening(|| self.scan_once(prefix))
    }

    fn scan_once(&self, prefix: &[u8]) -> Result<Found, StoreError> {
        // The overlay first: a flush between the two reads then shows a row twice, never not at all.
        let changed = self.overlay().beginning(prefix);
        let mut found = self.work(|database| pages::scan(database, prefix))?;
        for (key, value) in changed {
            match value {
                Some(value) => found.insert(key, value),
                None => found.remove(&key),
            };
        }
        Ok(found)
    }

    /// Shows every key with a prefix and its value, unflushed writes included, in no order; of tallies what is stored.
    pub fn each(&self, prefix: &[u8], show: &mut Show<'_>) -> Result<(), StoreError> {
        let changed = self.overlay().beginning(prefix);
        self.work(|database| {
            for row in database.scan_prefix(prefix) {
                let (key, value) = row.map_err(StoreError::index)?;
                if !changed.contains_key(&*key) {
                    show(&key, &value)?;
                }
            }
            Ok(())
        })?;
        changed
            .iter()
            .filter_map(|(key, value)| Some((key, value.as_ref()?)))
            .try_for_each(|(key, value)| show(key, value))
    }

    /// Number of unflushed keys.
    pub fn unflushed(&self) -> usize {
        self.overlay().len()
    }

    /// Number of unflushed keys that may be written before the position is.
    pub fn waiting(&self) -> usize {
        self.overlay().absolute.len()
    }

    /// Whether more may be written on top of what is not flushed.
    ///
    /// Errors: [`StoreError::IndexFull`].
    pub fn takes_more(&self) -> Result<(), StoreError> {
        if self.has_failed() {
            return Err(full("an earlier write found no space"));
        }
        let unflushed = self.unflushed();
        if unflushed >= limits::INDEX_OVERLAY_KEYS_MAX {
            return Err(full(&format!("{unflushed} keys wait in memory")));
        }
        Ok(())
    }

    /// Whether a write found no space; only [`Index::reopen`] helps then.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Where the index lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The ledger position that no row is ahead of, and up to which the ledger is durable; `None` for a new one.
    pub fn reach(&self) -> Result<Option<Position>, StoreError> {
        Ok(self.get(keys::REACH)?.map(Position))
    }

    /// The position that the index reflects; `None` for a new one.
    pub fn reflected(&self) -> Result<Option<Reflected>, StoreError> {
        self.get(keys::POSITION)
    }
}

fn full(reason: &str) -> StoreError {
    StoreError::IndexFull(reason.to_owned())
}

/// The bytes of a row.
pub(super) fn encoded<T: Serialize>(row: &T) -> Vec<u8> {
    domain::encoded(&(keys::VALUE_FORMAT, row))
}

/// The row of a value's bytes.
pub(super) fn decode<T: DeserializeOwned>(value: &[u8]) -> Result<T, StoreError> {
    match value.split_first() {
        Some((&keys::VALUE_FORMAT, bytes)) => {
            postcard::from_bytes(bytes).map_err(|_| StoreError::Index("a row is not decodable".to_owned()))
        }
        _ => Err(StoreError::Index("a row has an unknown format".to_owned())),
    }
}
