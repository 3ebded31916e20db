//! Records in the place of earlier ones, and the earlier ones scrubbed from their files.

use super::Writer;
use crate::store::{
    Staged, StoreError, folder, index, keys,
    ledger::Position,
    record::{Record, Rewritten},
};

/// The code under which every full disk is told.
const DISK_FULL: &str = "disk_full";

impl Writer {
    /// Writes records in the place of earlier ones, durably, then scrubs the earlier ones.
    pub(super) fn rewrite(
        &mut self,
        rewrites: &[(Position, Record)],
        records: Vec<Staged>,
        scrub: bool,
    ) -> Result<(), StoreError> {
        if self.inner.stopped() {
            return Err(StoreError::Stopped);
        }
        let mut group = records;
        let vault = &self.inner.index.vault;
        group.extend(
            rewrites
                .iter()
                .map(|(of, inner)| Staged::from(Record::Rewritten(Rewritten::new(*of, inner, scrub, vault)))),
        );
        self.audit(&mut group);
        self.write(group, true)?;
        if !scrub {
            return Ok(());
        }
        self.scrub_all().inspect_err(|error| self.scrubs_wait |= error.code() == DISK_FULL)
    }

    /// Scrubs what was not scrubbed yet: a crash came between, or there was no space.
    pub fn finish_scrubs(&mut self) {
        if let Err(error) = self.scrub_or_wait() {
            tracing::error!(code = error.code(), %error, "erased names could not be scrubbed");
            self.inner.stop(error);
        }
    }

    /// Scrubs, or lets it wait for space: the node serves meanwhile.
    fn scrub_or_wait(&mut self) -> Result<(), StoreError> {
        match self.scrub_all() {
            Err(error) if error.code() == DISK_FULL => {
                if !self.scrubs_wait {
                    tracing::warn!(code = error.code(), %error, "erased names are scrubbed when there is space");
                }
                self.scrubs_wait = true;
                Ok(())
            }
            other => {
                self.scrubs_wait = false;
                other
            }
        }
    }

    /// Scrubs what was replaced and not scrubbed yet. An index of a former version that was set aside goes: it names
    /// persons.
    fn scrub_all(&mut self) -> Result<(), StoreError> {
        let index = &self.inner.index;
        index.takes_more()?;
        let rows = index.scan(keys::SCRUBS)?;
        if rows.is_empty() {
            return Ok(());
        }
        let mut pairs = Vec::new();
        for (key, value) in &rows {
            let of = keys::position_of_key(key);
            let of = of.ok_or_else(|| StoreError::Index("a scrub key is too short".to_owned()))?;
            pairs.push((of, Position(index::decode(value)?)));
        }
        self.ledger.replace(&pairs)?;
        self.inner.recent.empty();
        for key in rows.into_keys() {
            index.remove(key);
        }
        folder::forget_index_aside(&self.inner.folder)
    }
}
