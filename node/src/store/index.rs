//! sled as a derived index: everything looked up, behind an overlay of what is not flushed yet.
//!
//! | file | holds |
//! |---|---|
//! | `overlay.rs` | what waits in memory |
//! | `pages.rs` | rows side by side share one value of sled |
//! | `register.rs` | rows of persons, households and own changes |
//! | `writing.rs` | the flush of what waits in memory |
//!
//! Order of a flush: all absolute values in small batches (replaying the ledger over them ends the same), then
//! everything that is counted up (tallies, chain rows, counters) together with the position in one atomic batch: it
//! must never be replayed over. Every batch carries the check sum over all values, and an index is opened only where
//! all of them have it.

mod overlay;
mod pages;
mod register;
mod writing;

use overlay::Overlay;

pub(super) use pages::is_page;

use super::{
    StoreError,
    at_rest::Vault,
    folder,
    keys::{self, Key},
    ledger::Position,
    room,
    whole::checked,
};
use danso_core::{domain, rollup::RowId};
use danso_tier_config::limits;
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
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

/// Why sled could not be used; the index is rebuilt from the ledger then.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    /// Damaged: to be set aside.
    #[error("index is unusable: {0}")]
    Damaged(String),
    /// Whole, as far as anybody knows, but there is no space to open it.
    #[error("index finds no space: {0}")]
    Full(String),
    /// In use by a handle that is still closing: not to be touched.
    #[error("index is still in use")]
    InUse,
}

/// How sled says that another handle holds its lock; it has no error of its own for it.
const LOCKED: &str = "could not acquire lock";

impl Index {
    /// Opens or creates the index. A panic inside sled while it opens counts as damage. An index that an
    /// earlier handle is just closing is waited for.
    pub fn open(folder: &Path, cache_bytes: u64, vault: &Arc<Vault>) -> Result<Self, Unusable> {
        let since = Instant::now();
        loop {
            match Self::open_now(folder, cache_bytes, vault) {
                Err(Unusable::InUse) if since.elapsed() < Duration::from_millis(limits::INDEX_LOCK_MS) => {
                    std::thread::sleep(Duration::from_millis(limits::INDEX_LOCK_POLL_MS));
                }
                other => return other,
            }
        }
    }

    fn open_now(folder: &Path, cache_bytes: u64, vault: &Arc<Vault>) -> Result<Self, Unusable> {
        let path = folder.to_path_buf();
        let opened = catch_unwind(move || {
            let database = sled::Config::new()
                .path(path)
                .cache_capacity(cache_bytes)
                .segment_size(limits::SLED_SEGMENT_BYTES)
                .flush_every_ms(Some(limits::SLED_FLUSH_MS))
                .mode(sled::Mode::LowSpace)
                .open()?;
            checked(&database).map(|check| (database, check))
        });
        match opened {
            Ok(Ok((database, Some(check)))) => Ok(Self {
                database: RwLock::new(Some(database)),
                overlay: RwLock::default(),
                written_to: Mutex::default(),
                check: Mutex::new(check),
                broken: OnceLock::new(),
                failed: AtomicBool::new(false),
                openings: AtomicU64::new(0),
                #[cfg(test)]
                blind: AtomicBool::new(false),
                folder: folder.to_path_buf(),
                cache_bytes,
                vault: Arc::clone(vault),
            }),
            Ok(Ok((_, None))) => Err(Unusable::Damaged("its rows do not have their check sum".to_owned())),
            Ok(Err(error)) if error.to_string().contains(LOCKED) => Err(Unusable::InUse),
            Ok(Err(error)) => match StoreError::index(error) {
                StoreError::IndexFull(reason) => Err(Unusable::Full(reason)),
                other => Err(Unusable::Damaged(other.to_string())),
            },
            Err(_) => Err(Unusable::Damaged("it panicked while opening".to_owned())),
        }
    }

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

    /// Lets go of a database that found no space and opens its folder anew or, where it lost something, builds a
    /// new one. `catch_up` brings it up to the ledger before anybody reads from it; what finds no space yet stays in
    /// memory. Called by the writer only; reads wait, and get [`StoreError::IndexFull`] while a new one is built.
    ///
    /// Errors: after [`StoreError::IndexFull`] a repeat tries again, and reads get the same until then.
    pub fn reopen(&self, catch_up: &dyn Fn(&Self) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let left = room::left_bytes(&self.folder);
        if left < limits::INDEX_REOPEN_BYTES {
            return Err(full(&format!("{left} bytes left, none to open it again")));
        }
        let mut database = self.database.write().expect("no holder of the database panics");
        if let Some(failed) = database.take() {
            // On a thread of its own: after a failed write those of sled may never end.
            std::thread::spawn(move || drop(failed));
            let closed = wait_until_closed(&self.folder);
            closed.map_err(|error| StoreError::Index(format!("it is not let go: {error}")))?;
        }
        let fresh = match self.opened_again(catch_up) {
            Err(StoreError::Index(reason)) => {
                tracing::warn!(
                    reason,
                    "the index did not survive the full disk: it is built anew from the ledger"
                );
                drop(database);
                let _ = wait_until_closed(&self.folder);
                folder::forget(&self.folder).map_err(|error| StoreError::Index(error.to_string()))?;
                let fresh = self.opened_again(catch_up)?;
                database = self.database.write().expect("no holder of the database panics");
                fresh
            }
            other => other?,
        };
        self.take_check(fresh.check);
        *database = fresh.database.into_inner().expect("nobody else has seen it");
        let _ = std::fs::remove_file(folder::doubt(&self.folder));
        let overlay = fresh.overlay.into_inner().expect("nobody else has seen it");
        *self.overlay.write().expect("no holder of the overlay panics") = overlay;
        self.failed.store(false, Ordering::Release);
        self.openings.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    fn opened_again(&self, catch_up: &dyn Fn(&Self) -> Result<(), StoreError>) -> Result<Self, StoreError> {
        let fresh = Self::open(&self.folder, self.cache_bytes, &self.vault);
        let fresh = fresh.map_err(|unusable| match unusable {
            Unusable::Full(reason) => StoreError::IndexFull(reason),
            other => StoreError::Index(other.to_string()),
        })?;
        catch_up(&fresh)?;
        Ok(fresh)
    }

    /// The ledger position that no row is ahead of; `None` for a new one.
    pub fn reach(&self) -> Result<Option<Position>, StoreError> {
        Ok(self.get(keys::REACH)?.map(Position))
    }

    /// The position that the index reflects; `None` for a new one.
    pub fn reflected(&self) -> Result<Option<Reflected>, StoreError> {
        self.get(keys::POSITION)
    }

    fn take_check(&self, check: Mutex<u128>) {
        let check = check.into_inner().expect("nobody else has seen it");
        *self.check.lock().unwrap_or_else(PoisonError::into_inner) = check;
    }

    /// Hands all writes to the operating system and lets the files go.
    pub fn close(&self) -> Result<(), StoreError> {
        let database = self.database.write().expect("no holder of the database panics").take();
        database.map_or(Ok(()), |database| database.flush().map(|_| ()).map_err(StoreError::index))
    }
}

fn full(reason: &str) -> StoreError {
    StoreError::IndexFull(reason.to_owned())
}

/// Waits until no handle holds the database of a folder any more: sled lets its file go a moment later.
fn wait_until_closed(folder: &Path) -> std::io::Result<()> {
    let since = Instant::now();
    let file = std::fs::File::open(folder.join("db"))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(std::fs::TryLockError::WouldBlock)
                if since.elapsed() < Duration::from_millis(limits::INDEX_LOCK_MS) =>
            {
                std::thread::sleep(Duration::from_millis(limits::INDEX_LOCK_POLL_MS));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// The bytes of a row.
fn encoded<T: Serialize>(row: &T) -> Vec<u8> {
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
