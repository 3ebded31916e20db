//! What the writer does with the index beside a group: flushes, opens it anew after a full disk.

use super::Writer;
use crate::store::{StoreError, opening::guarded, replaying::catch_up, room};
use danso_tier_config::limits;
use std::time::Duration;
use tokio::time::Instant;

impl Writer {
    /// When a part of what waits may be written, if enough waits.
    pub fn flush_some_in(&self) -> Option<Duration> {
        let enough = self.inner.index.waiting() >= limits::INDEX_PART_KEYS;
        let part = Duration::from_millis(limits::INDEX_PART_MS);
        (enough && !self.full && !self.inner.stopped())
            .then(|| part.saturating_sub(self.flushed_some_at.elapsed()))
    }

    /// Writes a part of what waits, so that no flush keeps an answer waiting for long.
    fn flush_some(&mut self) {
        if self.flush_some_in().is_none_or(|part| !part.is_zero()) {
            return;
        }
        let waiting = self.inner.index.waiting();
        self.flushed_some_at = Instant::now();
        let parts = (limits::INDEX_FLUSH_MS / limits::INDEX_PART_MS) as usize;
        let most = (2 * waiting / parts).max(limits::INDEX_PART_KEYS);
        // Not the view's position: receipts may be applied that a crash still takes. No such row follows from them.
        let reach = self.inner.reader.end();
        match self.inner.index.flush_some(most, reach) {
            // The flush finds no space either, and says so.
            Ok(()) | Err(StoreError::IndexFull(_)) => {}
            Err(error) => {
                tracing::error!(code = error.code(), %error, "the index could not be written");
                self.inner.stop(error);
            }
        }
    }

    /// Whether so much waits to be flushed that nothing comes before it.
    pub fn must_flush(&self) -> bool {
        !self.full && self.inner.index.unflushed() >= limits::INDEX_UNFLUSHED_KEYS_MAX
    }

    /// Does what is due with the index. What found no space is tried again each time.
    pub fn flush_due(&mut self) {
        self.flush_some();
        if let Some(error) = self.inner.index.broken()
            && !self.inner.stopped()
        {
            tracing::error!(code = error.code(), %error, "the index is broken: the next start builds it anew");
            self.inner.stop(error);
        }
        if self.must_flush() || self.flushed_at.elapsed() >= Duration::from_millis(limits::INDEX_FLUSH_MS) {
            self.flush();
            if self.scrubs_wait && !self.inner.stopped() {
                self.finish_scrubs();
            }
        }
    }

    /// Writes the derived rows to sled, never more than what is durable. On a full disk they stay in memory; any
    /// other failure stops the store.
    pub fn flush(&mut self) {
        self.flushed_at = Instant::now();
        let index = &self.inner.index;
        let nothing = index.unflushed() == 0 && !self.full && !index.has_failed();
        if nothing || self.inner.stopped() {
            return;
        }
        // The index never reflects what a crash may still take.
        if let Err(error) = self.ledger.sync() {
            tracing::error!(code = error.code(), %error, "the ledger could not be synced");
            self.inner.stop(error.into());
            return;
        }
        let index = &self.inner.index;
        let mut flushed = if index.has_failed() { Ok(()) } else { self.flush_index() };
        if index.has_failed() {
            flushed = self.reopen_index().and_then(|()| self.flush_index());
        }
        match flushed {
            Ok(()) if self.full => {
                self.full = false;
                tracing::info!("there is space again: the index is written");
                if let Some(data) = self.inner.index.folder().parent() {
                    room::keep_ballast(data);
                }
            }
            Ok(()) => {}
            Err(error @ StoreError::IndexFull(_)) => {
                if !self.full {
                    tracing::error!(code = error.code(), %error, "free some space: the index waits in memory");
                }
                self.full = true;
            }
            Err(error) => {
                tracing::error!(code = error.code(), %error, "the index could not be written");
                self.inner.stop(error);
            }
        }
    }

    /// The view is let go before anything is written: whoever wants to change it would hold up all who read.
    fn flush_index(&self) -> Result<(), StoreError> {
        let index = &self.inner.index;
        let (reflected, rows) = {
            let view = self.inner.view.read().expect("no holder of the view panics");
            (view.reflected(), index.rows_of(&view.tallies)?)
        };
        index.flush(reflected, &rows)
    }

    /// After a write that found no space sled writes nothing any more, what it took before may be lost, and reads may
    /// fail: the folder is opened anew and caught up from the ledger, as at a start, and with the same ballast.
    fn reopen_index(&self) -> Result<(), StoreError> {
        if let Some(data) = self.inner.index.folder().parent()
            && room::left_bytes(data) < limits::INDEX_ROOM_BYTES
            && room::drop_ballast(data)
        {
            tracing::error!("the disk is full: gave up the ballast to open the index again, free some space");
        }
        let (living, hierarchies) = {
            let view = self.inner.view.read().expect("no holder of the view panics");
            (view.reflected(), view.hierarchies.clone())
        };
        self.inner.index.reopen(&|fresh| {
            let grounds = (self.inner.unit, hierarchies.as_slice());
            let (view, _) = guarded(|| catch_up(fresh, &self.inner.reader, grounds, &mut |_, _| ()))?;
            let found = view.reflected();
            if found == living {
                Ok(())
            } else {
                Err(StoreError::Index(format!("it was caught up to {found:?}, not to {living:?}")))
            }
        })
    }
}
