//! Rows that are not flushed yet.

use crate::store::keys::{self, Key};
use danso_core::rollup::RowId;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

/// Rows by key; `None` of one that is gone.
pub(super) type Rows = BTreeMap<Key, Option<Vec<u8>>>;

/// A row as it waits: its key, and its value or that it is gone.
pub(super) type Waiting<'a> = (&'a Key, &'a Option<Vec<u8>>);

/// What is newer than the database.
#[derive(Default)]
pub(super) struct Overlay {
    /// Rows that are written together with the position, never before it.
    pub counted: Rows,
    /// All others.
    pub absolute: Rows,
    /// Rows of tallies that changed: made of the tallies when they are written.
    pub tallies: BTreeSet<RowId>,
}

impl Overlay {
    pub fn insert(&mut self, key: Key, value: Option<Vec<u8>>) {
        let rows = if keys::is_counted_up(&key) { &mut self.counted } else { &mut self.absolute };
        rows.insert(key, value);
    }

    pub fn get(&self, key: &[u8]) -> Option<&Option<Vec<u8>>> {
        if keys::is_counted_up(key) { self.counted.get(key) } else { self.absolute.get(key) }
    }

    pub fn len(&self) -> usize {
        self.counted.len() + self.absolute.len() + self.tallies.len()
    }

    pub fn clear(&mut self) {
        self.counted.clear();
        self.absolute.clear();
        self.tallies.clear();
    }

    /// The rows whose keys begin with a prefix.
    pub fn beginning(&self, prefix: &[u8]) -> Rows {
        let within = |rows: &Rows| {
            let from = rows.range::<[u8], _>((Bound::Included(prefix), Bound::Unbounded));
            let within = from.take_while(|(key, _)| key.starts_with(prefix));
            within.map(|(key, value)| (key.clone(), value.clone())).collect::<Rows>()
        };
        let mut found = within(&self.counted);
        found.extend(within(&self.absolute));
        found
    }

    /// Up to `most` rows that may be written before the position, in order; in turns: the first are those after `last`.
    pub fn next(&self, last: &[u8], most: usize) -> Vec<Waiting<'_>> {
        let after = self.absolute.range::<[u8], _>((Bound::Excluded(last), Bound::Unbounded));
        let until = self.absolute.range::<[u8], _>((Bound::Unbounded, Bound::Included(last)));
        let after: Vec<_> = after.take(most).collect();
        let mut rows: Vec<_> = until.take(most - after.len()).collect();
        rows.extend(after);
        rows
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn rows_have_their_turn_and_counters_have_none() {
        let mut overlay = Overlay::default();
        for key in [b"b1", b"c1", b"p1", b"p2", b"t1", b"u1"] {
            overlay.insert(Key::from(key), Some(Vec::new()));
        }
        let next =
            |last: &[u8], most| overlay.next(last, most).into_iter().map(|(key, _)| key).collect::<Vec<_>>();
        assert_eq!(next(b"", 2), [b"b1", b"p1"]);
        assert_eq!(next(b"p1", 3), [b"b1", b"p2", b"u1"]);
        assert_eq!(next(b"u1", 9), [b"b1", b"p1", b"p2", b"u1"]);
        assert_eq!((overlay.len(), overlay.beginning(b"p").len(), overlay.beginning(b"t").len()), (6, 2, 1));
    }
}
