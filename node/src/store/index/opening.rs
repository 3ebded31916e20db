//! The index opened, opened anew after a full disk, and closed.

use super::{Index, full};
use crate::store::{StoreError, at_rest::Vault, folder, room, whole::checked};
use danso_tier_config::limits;
use std::{
    panic::catch_unwind,
    path::Path,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Why sled could not be used; the index is rebuilt from the ledger then.
#[derive(Debug, thiserror::Error)]
pub(in crate::store) enum Unusable {
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
