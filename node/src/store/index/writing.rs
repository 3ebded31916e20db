//! What waits in memory, written to sled.

use super::{
    Index, Reflected, encoded, full,
    overlay::{Rows, Waiting},
    pages::{self, Page, Place},
};
use crate::store::{
    StoreError,
    keys::{self, Key},
    ledger::Position,
    room,
    rows::TalliesRow,
    whole::check_of,
};
use danso_core::rollup::Tallies;
use danso_tier_config::limits;
use std::sync::PoisonError;
#[cfg(test)]
use std::sync::atomic::Ordering;

impl Index {
    /// Refuses to write where the disk has too little left: sled must not meet a full disk.
    pub(super) fn room(&self, bytes: u64) -> Result<(), StoreError> {
        #[cfg(test)]
        if self.blind.load(Ordering::Acquire) {
            return Ok(());
        }
        let left = room::left_bytes(&self.folder);
        let needed = limits::INDEX_ROOM_BYTES.saturating_add(bytes);
        if left < needed { Err(full(&format!("{left} bytes left, {needed} needed"))) } else { Ok(()) }
    }

    /// Writes all unflushed keys and then the position that they reflect; `tallies` are the rows of that position as
    /// [`Index::rows_of`] gives them. Called by the writer only.
    ///
    /// Errors: after [`StoreError::IndexFull`] all of them are still here, and are written by a repeat.
    pub fn flush(&self, reflected: Reflected, tallies: &Rows) -> Result<(), StoreError> {
        // Held while it is written: only the writer, which does this, adds to it.
        let written = self.overlay();
        let others: Vec<Waiting<'_>> = written.absolute.iter().collect();
        let reach = Position(reflected.position);
        for rows in batches(&others) {
            self.write(rows, reach, None)?;
        }
        let counted: Vec<Waiting<'_>> = written.counted.iter().chain(tallies).collect();
        self.write(&counted, reach, Some(reflected))?;
        drop(written);
        self.overlay.write().expect("no holder of the overlay panics").clear();
        Ok(())
    }

    /// The rows of tallies that changed since the last flush, as they are now, in the place of what is stored.
    ///
    /// Errors: [`StoreError::IndexFull`] where nothing could be written anyway.
    pub fn rows_of(&self, tallies: &Tallies) -> Result<Rows, StoreError> {
        // Before anything is looked through: on a full disk there is much, and this is tried again and again.
        self.room(0)?;
        let mut rows = Rows::new();
        let marked = self.overlay().tallies.clone();
        for row in marked {
            let former = self.get::<TalliesRow>(&keys::tallies(row, 0))?.map_or(0, |first| first.pieces);
            let pieces = row.encode(tallies, limits::INDEX_TALLIES_BYTES_MAX);
            let count = pieces.len() as u16;
            for (place, entries) in (0..).zip(pieces) {
                let pieces = if place == 0 { count } else { 0 };
                let piece = encoded(&TalliesRow { pieces, entries });
                rows.insert(keys::tallies(row, place), Some(piece));
            }
            rows.extend((count..former).map(|place| (keys::tallies(row, place), None)));
        }
        Ok(rows)
    }

    /// Writes some of the rows that may be written before the position: so a flush has less to do at once. None of
    /// them is ahead of `reach`. Called by the writer only.
    ///
    /// Errors: as [`Index::flush`].
    pub fn flush_some(&self, most: usize, reach: Position) -> Result<(), StoreError> {
        let mut last = self.written_to.lock().unwrap_or_else(PoisonError::into_inner);
        let keys: Vec<Key> = {
            // Held while it is written, as in a flush.
            let overlay = self.overlay();
            let waiting = overlay.next(&last, most);
            for rows in batches(&waiting) {
                self.write(rows, reach, None)?;
            }
            waiting.into_iter().map(|(key, _)| key.clone()).collect()
        };
        let mut overlay = self.overlay.write().expect("no holder of the overlay panics");
        for key in &keys {
            overlay.absolute.remove(key);
        }
        if let Some(key) = keys.into_iter().next_back() {
            *last = key;
        }
        Ok(())
    }

    fn write(
        &self,
        rows: &[Waiting<'_>],
        reach: Position,
        reflected: Option<Reflected>,
    ) -> Result<(), StoreError> {
        let bytes: usize =
            rows.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len)).sum();
        // sled keeps what it writes up to four times, and a page with each of its rows.
        self.room(4 * bytes as u64)?;
        let mut held = self.check.lock().unwrap_or_else(PoisonError::into_inner);
        let check = *held;
        let written = self.work(|database| {
            let mut batch = Batch { database, changes: sled::Batch::default(), check };
            let (paged, plain): (Vec<Waiting<'_>>, Vec<_>) =
                rows.iter().partition(|(key, _)| pages::is_paged(key));
            for (key, value) in plain {
                batch.set(key, (*value).clone())?;
            }
            for page in paged.chunk_by(share_a_page) {
                batch.set_in_page(page)?;
            }
            batch.set(keys::REACH, Some(encoded(&reach.0)))?;
            if let Some(reflected) = reflected {
                batch.set(keys::POSITION, Some(encoded(&reflected)))?;
            }
            batch.changes.insert(keys::CHECK, encoded(&batch.check));
            database.apply_batch(batch.changes).map_err(StoreError::index)?;
            Ok(batch.check)
        });
        *held = written?;
        Ok(())
    }
}

/// Rows in order, as many at once as may be written in one batch of sled. Rows of one page are not parted.
fn batches<'a, 'r>(rows: &'r [Waiting<'a>]) -> impl Iterator<Item = &'r [Waiting<'a>]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let mut keys = 0;
        let fits = |page: &&[Waiting<'_>]| {
            keys += keys_of(page);
            keys <= limits::SLED_BATCH_KEYS_MAX
        };
        let batch = rest.chunk_by(share_a_page).take_while(fits).map(<[_]>::len).sum();
        let (batch, later) = rest.split_at(batch);
        rest = later;
        (!batch.is_empty()).then_some(batch)
    })
}

/// How many keys of sled rows of one page are: one, and one of each that lies alone.
fn keys_of(page: &[Waiting<'_>]) -> usize {
    let is_long = |(_, value): &&Waiting<'_>| value.as_ref().is_some_and(|value| pages::is_long(value));
    1 + page.iter().filter(is_long).count()
}

fn share_a_page(one: &Waiting<'_>, next: &Waiting<'_>) -> bool {
    pages::share(one.0, next.0)
}

/// Changes of sled's values, and the check sum after them.
struct Batch<'a> {
    database: &'a sled::Db,
    changes: sled::Batch,
    check: u128,
}

impl Batch<'_> {
    fn set(&mut self, key: &[u8], value: Option<Vec<u8>>) -> Result<(), StoreError> {
        let before = self.database.get(key).map_err(StoreError::index)?;
        self.replace(key, before.as_deref(), value);
        Ok(())
    }

    fn replace(&mut self, key: &[u8], before: Option<&[u8]>, value: Option<Vec<u8>>) {
        if let Some(before) = before {
            self.check = self.check.wrapping_sub(check_of(key, before));
        }
        if let Some(value) = value {
            self.check = self.check.wrapping_add(check_of(key, &value));
            self.changes.insert(key, value);
        } else {
            self.changes.remove(key);
        }
    }

    /// Sets rows of one page.
    fn set_in_page(&mut self, rows: &[Waiting<'_>]) -> Result<(), StoreError> {
        let (page_key, _) = pages::page_of(rows[0].0);
        let before = self.database.get(&page_key).map_err(StoreError::index)?;
        let mut page = before.as_deref().map(Page::decode).transpose()?.unwrap_or_default();
        for (key, value) in rows {
            let (_, place) = pages::page_of(key);
            let was = match value {
                Some(value) if pages::is_long(value) => {
                    self.set(&pages::alone(key), Some(value.clone()))?;
                    page.put(place, Place::Alone);
                    continue;
                }
                Some(value) => page.put(place, Place::Here(value)),
                None => page.take(place),
            };
            if matches!(was, Some(Place::Alone)) {
                self.set(&pages::alone(key), None)?;
            }
        }
        self.replace(&page_key, before.as_deref(), page.encode());
        Ok(())
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn a_batch_has_as_many_pages_as_may_be_written_at_once_and_no_page_is_cut() {
        let pages = 2 * limits::SLED_BATCH_KEYS_MAX as u16 + 1;
        let keys = |letter: u8, last: u8| {
            (0..pages).map(move |page| Key::from([&[letter], &page.to_be_bytes()[..], &[last]].concat()))
        };
        let rows = limits::INDEX_PAGE_ROWS as u8;
        let (neighbours, alone): (Vec<_>, Vec<_>) =
            ((0..rows).flat_map(|last| keys(b'p', last)).collect(), keys(b't', 0).collect());
        let (short, long) = (vec![1], vec![1; limits::INDEX_PAGED_ROW_BYTES_MAX + 1]);
        for (mut keys, value, pages, rows_of_each) in [
            (neighbours.clone(), short.clone(), limits::SLED_BATCH_KEYS_MAX, limits::INDEX_PAGE_ROWS),
            (
                neighbours,
                long,
                limits::SLED_BATCH_KEYS_MAX / (1 + limits::INDEX_PAGE_ROWS),
                limits::INDEX_PAGE_ROWS,
            ),
            (alone, short, limits::SLED_BATCH_KEYS_MAX, 1),
        ] {
            keys.sort_unstable();
            let value = Some(value);
            let rows: Vec<Waiting<'_>> = keys.iter().map(|key| (key, &value)).collect();
            let found: Vec<&[Waiting<'_>]> = batches(&rows).collect();
            assert_eq!(found, rows.chunks(pages * rows_of_each).collect::<Vec<_>>());
        }
        assert_eq!(batches(&[]).count(), 0);
    }
}
