//! An index in the place of another: a copy of its rows without the pages of old ones.

use super::{Index, encoded, wait_until_closed};
use crate::store::{StoreError, keys, whole::check_of};
use danso_tier_config::limits;
use std::path::{Path, PathBuf};

/// Why an index was not renewed.
#[derive(Debug)]
pub(in crate::store) enum RenewError {
    /// It is as it was.
    Kept(StoreError),
    /// It is gone and must be built anew from the ledger.
    Lost(StoreError),
}

/// Where a copy is made that is to take an index's place; one that is found at a start was cut short.
pub(in crate::store) fn renewed_path(index: &Path) -> PathBuf {
    index.with_extension("new")
}

/// Removes a folder if it is there.
pub(super) fn forget(folder: &Path) -> std::io::Result<()> {
    if folder.exists() { std::fs::remove_dir_all(folder) } else { Ok(()) }
}

impl Index {
    /// Puts a copy of all flushed rows in the place of the database: its pages still hold what rows held
    /// before. Called by the writer only; reads wait for the last step. A copy of `but` is not made.
    ///
    /// After [`RenewError::Kept`] the database is as it was; after any other error it is gone.
    pub fn renew(&self, but: &[u8]) -> Result<(), RenewError> {
        let copy = renewed_path(&self.folder);
        let bytes = self.database().and_then(|database| database.size_on_disk().map_err(StoreError::index));
        let copied = bytes.and_then(|bytes| self.room(bytes)).and_then(|()| self.copy_to(&copy, but));
        if let Err(error) = copied {
            let _ = forget(&copy);
            return Err(RenewError::Kept(error));
        }
        let mut database = self.database.write().expect("no holder of the database panics");
        drop(database.take());
        let replaced = wait_until_closed(&self.folder)
            .and_then(|()| std::fs::remove_dir_all(&self.folder))
            .and_then(|()| std::fs::rename(&copy, &self.folder))
            .and_then(|()| forget(&self.folder.with_extension("damaged")));
        replaced.map_err(|error| RenewError::Lost(StoreError::Index(error.to_string())))?;
        let opened = Self::open(&self.folder, self.cache_bytes, &self.vault)
            .map_err(|error| RenewError::Lost(StoreError::Index(error.to_string())))?;
        self.take_check(opened.check);
        *database = opened.database.into_inner().expect("nobody else has seen it");
        Ok(())
    }

    fn copy_to(&self, copy: &Path, but: &[u8]) -> Result<(), StoreError> {
        let failed = |error: &dyn std::fmt::Display| StoreError::Index(error.to_string());
        forget(copy).map_err(|error| failed(&error))?;
        let fresh = Self::open(copy, self.cache_bytes, &self.vault).map_err(|error| failed(&error))?;
        let target = fresh.database()?;
        let (mut batch, mut check) = ((sled::Batch::default(), 0), 0_u128);
        for row in self.database()?.iter() {
            let (key, value) = row.map_err(StoreError::index)?;
            if key == but || key == keys::CHECK {
                continue;
            }
            check = check.wrapping_add(check_of(&key, &value));
            batch.0.insert(key, value);
            batch.1 += 1;
            if batch.1 == limits::SLED_BATCH_KEYS_MAX {
                target.apply_batch(std::mem::take(&mut batch.0)).map_err(StoreError::index)?;
                batch.1 = 0;
            }
        }
        batch.0.insert(keys::CHECK, encoded(&check));
        target.apply_batch(batch.0).map_err(StoreError::index)?;
        drop(target);
        fresh.close()?;
        drop(fresh);
        wait_until_closed(copy).map_err(|error| failed(&error))
    }
}
