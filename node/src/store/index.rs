//! sled as a derived index: everything looked up, behind an overlay of what is not flushed yet.
//!
//! The only file that names sled's write calls. Order of a flush: all absolute values in small batches
//! (replaying the ledger over them ends the same), then everything that is counted up (tallies, chain
//! rows, counters) together with the position in one atomic batch: it must never be replayed over.

use super::{
    StoreError,
    at_rest::Vault,
    keys::{self, Number},
    rows::{HouseholdRow, PersonRow, StoredHousehold, StoredPerson},
};
use danso_core::domain::{HouseholdId, PersonId};
use danso_tier_config::limits;
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::BTreeMap,
    ops::Bound,
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
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
    folder: PathBuf,
    cache_bytes: u64,
    /// Seals what names persons, in rows here and in records of the ledger.
    pub vault: Arc<Vault>,
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
        let opened = std::panic::catch_unwind(move || {
            sled::Config::new()
                .path(path)
                .cache_capacity(cache_bytes)
                .segment_size(limits::SLED_SEGMENT_BYTES)
                .flush_every_ms(Some(limits::SLED_FLUSH_MS))
                .mode(sled::Mode::LowSpace)
                .open()
        });
        match opened {
            Ok(Ok(database)) => {
                let (database, overlay) = (RwLock::new(Some(database)), RwLock::default());
                let folder = folder.to_path_buf();
                Ok(Self { database, overlay, folder, cache_bytes, vault: Arc::clone(vault) })
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

    /// A person's row; without the key at rest without what names the person.
    pub fn person(&self, id: PersonId) -> Result<Option<PersonRow>, StoreError> {
        let key = keys::person(id);
        let Some(StoredPerson { state, facts, changed }) = self.get(&key)? else { return Ok(None) };
        let facts = self.unsealed(&key, &facts)?;
        Ok(Some(PersonRow { state, facts, changed }))
    }

    /// Sets a person's row.
    pub fn put_person(&self, id: PersonId, row: &PersonRow) {
        let key = keys::person(id);
        let facts = self.sealed(&key, &row.facts);
        self.put(key, &StoredPerson { state: row.state, facts, changed: row.changed });
    }

    /// A household's row; without the key at rest without what names it.
    pub fn household(&self, id: HouseholdId) -> Result<Option<HouseholdRow>, StoreError> {
        let key = keys::household(id);
        let Some(StoredHousehold { state, facts, changed }) = self.get(&key)? else { return Ok(None) };
        let facts = self.unsealed(&key, &facts)?;
        Ok(Some(HouseholdRow { state, facts, changed }))
    }

    /// Sets a household's row.
    pub fn put_household(&self, id: HouseholdId, row: &HouseholdRow) {
        let key = keys::household(id);
        let facts = self.sealed(&key, &row.facts);
        self.put(key, &StoredHousehold { state: row.state, facts, changed: row.changed });
    }

    /// Empty for nothing to hide, else sealed and bound to its key.
    fn sealed<T: Serialize + Default + PartialEq>(&self, key: &[u8], facts: &T) -> Vec<u8> {
        if *facts == T::default() {
            return Vec::new();
        }
        self.vault.seal(key, &postcard::to_stdvec(facts).expect("a row is plain data"))
    }

    fn unsealed<T: DeserializeOwned + Default>(&self, key: &[u8], sealed: &[u8]) -> Result<T, StoreError> {
        if sealed.is_empty() || self.vault.is_locked() {
            return Ok(T::default());
        }
        let plain = self.vault.open(key, sealed);
        let plain = plain.map_err(|_| StoreError::Index("a sealed row does not open".to_owned()))?;
        postcard::from_bytes(&plain).map_err(|_| StoreError::Index("a row is not decodable".to_owned()))
    }

    /// The key under which a number is found; `None` for an empty one and without the key at rest.
    pub fn number(&self, kind: Number, number: &str) -> Option<Vec<u8>> {
        let blinded = (!number.is_empty()).then(|| self.vault.blind(kind.label(), number)).flatten();
        blinded.map(|blinded| kind.key(&blinded))
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

    /// Puts a copy of all flushed rows in the place of the database: its pages still hold what rows held
    /// before. Called by the writer only; reads wait for the last step. A copy of `but` is not made.
    ///
    /// After [`RenewError::Kept`] the database is as it was; after any other error it is gone.
    pub fn renew(&self, but: &[u8]) -> Result<(), RenewError> {
        let copy = renewed_path(&self.folder);
        self.copy_to(&copy, but).map_err(RenewError::Kept)?;
        let mut database = self.database.write().expect("no holder of the database panics");
        drop(database.take());
        let replaced = wait_until_closed(&self.folder)
            .and_then(|()| std::fs::remove_dir_all(&self.folder))
            .and_then(|()| std::fs::rename(&copy, &self.folder))
            .and_then(|()| forget(&self.folder.with_extension("damaged")));
        replaced.map_err(|error| RenewError::Lost(StoreError::Index(error.to_string())))?;
        let opened = Self::open(&self.folder, self.cache_bytes, &self.vault)
            .map_err(|error| RenewError::Lost(StoreError::Index(error.to_string())))?;
        *database = opened.database.into_inner().expect("nobody else has seen it");
        Ok(())
    }

    fn copy_to(&self, copy: &Path, but: &[u8]) -> Result<(), StoreError> {
        let failed = |error: &dyn std::fmt::Display| StoreError::Index(error.to_string());
        forget(copy).map_err(|error| failed(&error))?;
        let fresh = Self::open(copy, self.cache_bytes, &self.vault).map_err(|error| failed(&error))?;
        let target = fresh.database()?;
        let mut batch = (sled::Batch::default(), 0);
        for row in self.database()?.iter() {
            let (key, value) = row.map_err(StoreError::index)?;
            if key == but {
                continue;
            }
            batch.0.insert(key, value);
            batch.1 += 1;
            if batch.1 == limits::SLED_BATCH_KEYS_MAX {
                target.apply_batch(std::mem::take(&mut batch.0)).map_err(StoreError::index)?;
                batch.1 = 0;
            }
        }
        target.apply_batch(batch.0).map_err(StoreError::index)?;
        drop(target);
        fresh.close()?;
        drop(fresh);
        wait_until_closed(copy).map_err(|error| failed(&error))
    }

    /// Hands all writes to the operating system and lets the files go.
    pub fn close(&self) -> Result<(), StoreError> {
        let database = self.database.write().expect("no holder of the database panics").take();
        database.map_or(Ok(()), |database| database.flush().map(|_| ()).map_err(StoreError::index))
    }
}

/// Why an index was not renewed.
#[derive(Debug)]
pub(super) enum RenewError {
    /// It is as it was.
    Kept(StoreError),
    /// It is gone and must be built anew from the ledger.
    Lost(StoreError),
}

/// Where a copy is made that is to take an index's place; one that is found at a start was cut short.
pub(super) fn renewed_path(index: &Path) -> PathBuf {
    index.with_extension("new")
}

fn forget(folder: &Path) -> std::io::Result<()> {
    if folder.exists() { std::fs::remove_dir_all(folder) } else { Ok(()) }
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

/// The row of a value's bytes.
pub(super) fn decode<T: DeserializeOwned>(value: &[u8]) -> Result<T, StoreError> {
    match value.split_first() {
        Some((&keys::VALUE_FORMAT, bytes)) => {
            postcard::from_bytes(bytes).map_err(|_| StoreError::Index("a row is not decodable".to_owned()))
        }
        _ => Err(StoreError::Index("a row has an unknown format".to_owned())),
    }
}
