//! sled as a derived index: everything looked up, behind an overlay of what is not flushed yet.
//!
//! The only file that names sled's write calls. Order of a flush: all absolute values in small batches
//! (replaying the ledger over them ends the same), then everything that is counted up (tallies, chain
//! rows, counters) together with the position in one atomic batch: it must never be replayed over.

use super::{StoreError, keys};
use danso_tier_config::limits;
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::BTreeMap,
    ops::Bound,
    path::Path,
    sync::RwLock,
    time::{Duration, Instant},
};

type Overlay = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// What the position row holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Reflected {
    /// The ledger up to here is reflected.
    pub position: u64,
    /// Check sum over the tallies of that position.
    pub tallies_check: u64,
}

/// sled and the overlay of unflushed writes.
pub(super) struct Index {
    /// Gone once the store is closed, whoever still holds a handle on it.
    database: RwLock<Option<sled::Db>>,
    overlay: RwLock<Overlay>,
}

/// Why sled could not be used; the index is rebuilt from the ledger then.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    /// Damaged: to be set aside.
    #[error("index is unusable: {0}")]
    Damaged(String),
    /// In use by a handle that is still closing: not to be touched.
    #[error("index is still in use")]
    InUse,
}

/// How sled says that another handle holds its lock; it has no error of its own for it.
const LOCKED: &str = "could not acquire lock";

impl Index {
    /// Opens or creates the index. A panic inside sled while it opens counts as damage. An index that an
    /// earlier handle is just closing is waited for.
    pub fn open(folder: &Path, cache_bytes: u64) -> Result<Self, Unusable> {
        let since = Instant::now();
        loop {
            match Self::open_now(folder, cache_bytes) {
                Err(Unusable::InUse) if since.elapsed() < Duration::from_millis(limits::INDEX_LOCK_MS) => {
                    std::thread::sleep(Duration::from_millis(limits::INDEX_LOCK_POLL_MS));
                }
                other => return other,
            }
        }
    }

    fn open_now(folder: &Path, cache_bytes: u64) -> Result<Self, Unusable> {
        let folder = folder.to_path_buf();
        let opened = std::panic::catch_unwind(move || {
            sled::Config::new()
                .path(folder)
                .cache_capacity(cache_bytes)
                .segment_size(limits::SLED_SEGMENT_BYTES)
                .flush_every_ms(Some(limits::SLED_FLUSH_MS))
                .mode(sled::Mode::LowSpace)
                .open()
        });
        match opened {
            Ok(Ok(database)) => {
                Ok(Self { database: RwLock::new(Some(database)), overlay: RwLock::default() })
            }
            Ok(Err(error)) if error.to_string().contains(LOCKED) => Err(Unusable::InUse),
            Ok(Err(error)) => Err(Unusable::Damaged(error.to_string())),
            Err(_) => Err(Unusable::Damaged("it panicked while opening".to_owned())),
        }
    }

    fn overlay(&self) -> std::sync::RwLockReadGuard<'_, Overlay> {
        self.overlay.read().expect("no holder of the overlay panics")
    }

    fn database(&self) -> Result<sled::Db, StoreError> {
        let database = self.database.read().expect("no holder of the database panics");
        database.clone().ok_or(StoreError::Stopped)
    }

    /// Sets a key.
    pub fn put<T: Serialize>(&self, key: Vec<u8>, value: &T) {
        let value = postcard::to_extend(value, vec![keys::VALUE_FORMAT]).expect("a row is plain data");
        debug_assert!(value.len() <= limits::SLED_VALUE_BYTES_MAX, "a row stays below sled's blob size");
        self.overlay.write().expect("no holder of the overlay panics").insert(key, Some(value));
    }

    /// Removes a key.
    pub fn remove(&self, key: Vec<u8>) {
        self.overlay.write().expect("no holder of the overlay panics").insert(key, None);
    }

    /// The value of a key, unflushed writes included.
    pub fn get<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, StoreError> {
        if let Some(value) = self.overlay().get(key) {
            return value.as_deref().map(decode).transpose();
        }
        self.database()?.get(key).map_err(StoreError::index)?.map(|value| decode(&value)).transpose()
    }

    /// All keys with a prefix and their values, unflushed writes included, in order.
    pub fn scan(&self, prefix: &[u8]) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, StoreError> {
        // The overlay first: a flush between the two reads then shows a row twice, never not at all.
        let changed: Overlay = {
            let overlay = self.overlay();
            let from = overlay.range::<[u8], _>((Bound::Included(prefix), Bound::Unbounded));
            let within = from.take_while(|(key, _)| key.starts_with(prefix));
            within.map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        let mut found = BTreeMap::new();
        for row in self.database()?.scan_prefix(prefix) {
            let (key, value) = row.map_err(StoreError::index)?;
            found.insert(key.to_vec(), value.to_vec());
        }
        for (key, value) in changed {
            match value {
                Some(value) => found.insert(key, value),
                None => found.remove(&key),
            };
        }
        Ok(found)
    }

    /// Number of unflushed keys.
    pub fn unflushed(&self) -> usize {
        self.overlay().len()
    }

    /// Writes all unflushed keys and then the position that they reflect. Called by the writer only.
    pub fn flush(&self, reflected: Reflected) -> Result<(), StoreError> {
        let written = self.overlay().clone();
        let (counted, others): (Vec<_>, Vec<_>) =
            written.iter().partition(|(key, _)| keys::is_counted_up(key));
        // Person rows come last: replaying needs the old one to take its old numbers out.
        let (persons, others): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|(key, _)| key.starts_with(keys::PERSONS));
        for rows in
            others.chunks(limits::SLED_BATCH_KEYS_MAX).chain(persons.chunks(limits::SLED_BATCH_KEYS_MAX))
        {
            self.write(rows.iter().copied(), None)?;
        }
        self.write(counted.into_iter(), Some(reflected))?;
        self.overlay.write().expect("no holder of the overlay panics").clear();
        Ok(())
    }

    fn write<'a>(
        &self,
        rows: impl Iterator<Item = (&'a Vec<u8>, &'a Option<Vec<u8>>)>,
        reflected: Option<Reflected>,
    ) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        for (key, value) in rows {
            match value {
                Some(value) => batch.insert(key.as_slice(), value.as_slice()),
                None => batch.remove(key.as_slice()),
            }
        }
        if let Some(reflected) = reflected {
            let value =
                postcard::to_extend(&reflected, vec![keys::VALUE_FORMAT]).expect("a row is plain data");
            batch.insert(keys::POSITION, value);
        }
        self.database()?.apply_batch(batch).map_err(StoreError::index)
    }

    /// The position that the index reflects; `None` for a new one.
    pub fn reflected(&self) -> Result<Option<Reflected>, StoreError> {
        self.get(keys::POSITION)
    }

    /// Hands all writes to the operating system and lets the files go.
    pub fn close(&self) -> Result<(), StoreError> {
        let database = self.database.write().expect("no holder of the database panics").take();
        database.map_or(Ok(()), |database| database.flush().map(|_| ()).map_err(StoreError::index))
    }
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
