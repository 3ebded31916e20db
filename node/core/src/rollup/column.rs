//! The tallies of one unit and cuboid in order, and beside those of a stock its checkpoints.

use super::{Cell, Cuboid, checkpoints::Checkpoints};
use danso_tier_config::Month;

/// The key of a tally within a unit's column: effective month above, packed cell below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(u64);

impl Key {
    pub fn new(month: Month, cell: Cell) -> Self {
        Self(u64::from(month.index()) << Cell::PACKED_BITS | cell.pack())
    }

    /// The same cell in another month.
    pub fn in_month(self, index: u16) -> Self {
        Self(u64::from(index) << Cell::PACKED_BITS | self.packed())
    }

    /// Index of the effective month.
    #[inline]
    pub fn month_index(self) -> u16 {
        (self.0 >> Cell::PACKED_BITS) as u16
    }

    /// The packed cell.
    #[inline]
    pub fn packed(self) -> u64 {
        self.0 & ((1 << Cell::PACKED_BITS) - 1)
    }

    pub fn month(self) -> Month {
        Month::from_index(self.month_index()).expect("a key is made from a month")
    }

    pub fn cell(self, cuboid: Cuboid) -> Cell {
        Cell::unpack(cuboid, self.packed()).expect("a key is made from a valid cell of its column's cuboid")
    }

    /// Eight bytes that sort like the key.
    pub fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }
}

/// A cell of a month and a sum or addition.
pub(super) type Entry = (Key, i64);

/// The tallies of one unit and cuboid. Equal where the tallies are: checkpoints only follow from them.
#[derive(Debug, Clone, Default)]
pub(super) struct Column {
    /// Sorted by key, no zeros.
    entries: Vec<Entry>,
    /// Empty unless it is a stock.
    checkpoints: Checkpoints,
}

impl PartialEq for Column {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

impl Eq for Column {}

impl Column {
    /// All tallies, sorted by key.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The tallies of some months, first and last included.
    pub fn of_months(&self, first: u16, last: u16) -> &[Entry] {
        let until = &self.entries[..up_to(&self.entries, last)];
        &until[until.partition_point(|(key, _)| key.month_index() < first)..]
    }

    /// What a stock of the months `first` to `last` is summed from: its cells as of the end of a month not after
    /// `first`, and the tallies since.
    pub fn stock(&self, first: u16, last: u16) -> [&[Entry]; 2] {
        let until = &self.entries[..up_to(&self.entries, last)];
        match self.checkpoints.before(first) {
            Some(checkpoint) => [&checkpoint.cells, &until[up_to(until, checkpoint.month)..]],
            None => [&[], until],
        }
    }

    /// The value of one tally; 0 where there is none.
    pub fn value(&self, key: Key) -> i64 {
        self.place_of(key).map_or(0, |found| self.entries[found].1)
    }

    /// Adds sorted, distinct additions other than 0, and tells each new value.
    pub fn add(&mut self, stock: bool, additions: &[Entry], changed: impl FnMut(Key, i64)) {
        add(&mut self.entries, additions, changed);
        if stock {
            self.checkpoints.follow(&self.entries, additions);
        }
    }

    /// Sets one tally; fastest in order.
    pub fn set(&mut self, stock: bool, key: Key, value: i64) {
        // Stored tallies come sorted, so nearly every one belongs at the end.
        let last = self.entries.last().map(|(last, _)| *last);
        if last.is_none_or(|last| last < key) {
            if value != 0 {
                make_room(&mut self.entries, 1);
                self.entries.push((key, value));
                if stock && last.is_some_and(|last| last.month_index() != key.month_index()) {
                    self.checkpoints.place(&self.entries);
                }
            }
            return;
        }
        let change = value.wrapping_sub(self.value(key));
        if change != 0 {
            self.add(stock, &[(key, change)], |_, _| ());
        }
    }

    fn place_of(&self, key: Key) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&key, |(key, _)| *key)
    }

    #[cfg(test)]
    pub fn checkpoints_mut(&mut self) -> &mut Checkpoints {
        &mut self.checkpoints
    }
}

/// How many of sorted entries lie in a month or before it.
pub(super) fn up_to(entries: &[Entry], month: u16) -> usize {
    entries.partition_point(|(key, _)| key.month_index() <= month)
}

/// Adds sorted, distinct additions to sorted entries and tells each new value; zeros vanish.
pub(super) fn add(entries: &mut Vec<Entry>, additions: &[Entry], mut changed: impl FnMut(Key, i64)) {
    let mut fresh = Vec::new();
    let mut vanished = false;
    for (key, amount) in additions {
        let value = if let Ok(found) = entries.binary_search_by_key(key, |(key, _)| *key) {
            entries[found].1 = entries[found].1.wrapping_add(*amount);
            entries[found].1
        } else {
            fresh.push((*key, *amount));
            *amount
        };
        vanished |= value == 0;
        changed(*key, value);
    }
    if vanished {
        entries.retain(|(_, value)| *value != 0);
    }
    if !fresh.is_empty() {
        make_room(entries, fresh.len());
        // Two sorted runs: the stable sort finds and merges them in one pass.
        entries.append(&mut fresh);
        entries.sort_by_key(|(key, _)| *key);
    }
}

/// Sorts entries by key and adds those of one key together; zeros vanish.
pub(super) fn merge(entries: &mut Vec<Entry>) {
    entries.sort_unstable_by_key(|(key, _)| *key);
    entries.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 = kept.1.wrapping_add(next.1);
        }
        same
    });
    entries.retain(|(_, amount)| *amount != 0);
}

/// Room for some more entries; an eighth in reserve, since doubling would waste more memory than moving costs time.
fn make_room(entries: &mut Vec<Entry>, more: usize) {
    if entries.capacity() - entries.len() < more {
        entries.reserve_exact(more + entries.len() / 8);
    }
}
