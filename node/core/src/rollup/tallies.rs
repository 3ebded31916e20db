//! The tallies held in memory: signed sums per unit, effective month and cell.
//!
//! One sorted vector of 16-byte entries per unit and cuboid: 3,321 units of 4,000 cells take about 210 MB,
//! and a count reads them in order. Sums wrap on overflow: then they stay independent of the order of
//! applying and a void still takes back exactly what was added. It cannot happen to counted changes:
//! one batch adds at most [`danso_tier_config::limits::DELTA_AMOUNT_MAX`] to a tally.

use super::{
    Cell, Cuboid,
    column::{Column, Entry, Key, merge},
    deltas::{Delta, deltas},
};
use crate::domain::Core;
use danso_tier_config::{Month, UnitId};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Domain of the digests of tallies.
const DIGEST_DOMAIN: &[u8] = b"danso tallies 1\n";
/// Deltas collected per unit before a recount applies them.
const RECOUNT_DELTAS: usize = 4_096;

/// One tally: a unit, an effective month, a cell and the sum of what was added to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// The recording unit.
    pub unit: UnitId,
    /// The effective month.
    pub month: Month,
    /// The cell.
    pub cell: Cell,
    /// The sum; a tally of 0 is not kept.
    pub value: i64,
}

/// A tally that differs between two sets of tallies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// The recording unit.
    pub unit: UnitId,
    /// The effective month.
    pub month: Month,
    /// The cell.
    pub cell: Cell,
    /// Its value on the left, 0 where it has none.
    pub left: i64,
    /// Its value on the right, 0 where it has none.
    pub right: i64,
}

/// The columns of one unit in the order of [`Cuboid::ALL`].
type Columns = [Column; Cuboid::ALL.len()];

/// All tallies of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tallies {
    units: BTreeMap<UnitId, Columns>,
}

impl Tallies {
    /// Adds deltas to a unit's tallies, in any order and number; a repeat adds again.
    ///
    /// Returns each tally that changed, once, with its new value; one of value 0 is gone and to be deleted.
    /// Deltas name valid cells ([`Cell::is_valid`]), as [`super::deltas()`] and [`super::decode_leaves`] give them.
    pub fn apply(&mut self, unit: UnitId, deltas: &[Delta]) -> Vec<Tally> {
        let mut additions: [Vec<Entry>; Cuboid::ALL.len()] = Default::default();
        for delta in deltas {
            additions[delta.cell.cuboid().index()].push((Key::new(delta.month, delta.cell), delta.amount));
        }
        additions.iter_mut().for_each(merge);
        if additions.iter().all(Vec::is_empty) {
            return Vec::new();
        }
        let columns = self.units.entry(unit).or_default();
        let mut changed = Vec::with_capacity(additions.iter().map(Vec::len).sum());
        for (cuboid, part) in Cuboid::ALL.into_iter().zip(&additions).filter(|(_, part)| !part.is_empty()) {
            columns[cuboid.index()].add(cuboid.is_stock(), part, |key, value| {
                changed.push(Tally { unit, month: key.month(), cell: key.cell(cuboid), value });
            });
        }
        self.forget_empty(unit);
        changed
    }

    fn forget_empty(&mut self, unit: UnitId) {
        let empty = |columns: &Columns| columns.iter().all(|column| column.entries().is_empty());
        if self.units.get(&unit).is_some_and(empty) {
            self.units.remove(&unit);
        }
    }

    /// Sets one tally as it was stored; fastest in the order of [`Tallies::iter`].
    pub fn load(&mut self, unit: UnitId, month: Month, cell: Cell, value: i64) {
        let cuboid = cell.cuboid();
        let columns = self.units.entry(unit).or_default();
        columns[cuboid.index()].set(cuboid.is_stock(), Key::new(month, cell), value);
        if value == 0 {
            self.forget_empty(unit);
        }
    }

    /// The value of one tally; 0 where there is none.
    pub fn value(&self, unit: UnitId, month: Month, cell: &Cell) -> i64 {
        self.column(unit, cell.cuboid()).map_or(0, |column| column.value(Key::new(month, *cell)))
    }

    /// The units that have tallies, in order.
    pub fn units(&self) -> impl Iterator<Item = UnitId> {
        self.units.keys().copied()
    }

    /// Number of tallies held.
    pub fn len(&self) -> usize {
        self.units.values().flatten().map(|column| column.entries().len()).sum()
    }

    /// Whether no tally is held.
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    /// Every tally in canonical order: by unit, cuboid, month and packed cell.
    pub fn iter(&self) -> impl Iterator<Item = Tally> {
        self.units.iter().flat_map(|(unit, columns)| {
            Cuboid::ALL.into_iter().zip(columns).flat_map(move |(cuboid, column)| {
                column.entries().iter().map(move |(key, value)| Tally {
                    unit: *unit,
                    month: key.month(),
                    cell: key.cell(cuboid),
                    value: *value,
                })
            })
        })
    }

    /// The tallies of one unit and cuboid, where there are any of the unit.
    pub(super) fn column(&self, unit: UnitId, cuboid: Cuboid) -> Option<&Column> {
        self.units.get(&unit).map(|columns| &columns[cuboid.index()])
    }

    /// Lets every question read all history.
    #[cfg(test)]
    pub(super) fn forget_checkpoints(&mut self) {
        self.units.values_mut().flatten().for_each(|column| column.checkpoints_mut().forget());
    }

    /// Its tallies, sorted by key.
    pub(super) fn entries(&self, unit: UnitId, cuboid: Cuboid) -> &[Entry] {
        self.column(unit, cuboid).map_or(&[], Column::entries)
    }

    /// SHA-256 over every tally in canonical order: equal exactly where all tallies are equal.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new_with_prefix(DIGEST_DOMAIN);
        for (unit, columns) in &self.units {
            hash_columns(&mut hash, *unit, columns, |_| true);
        }
        hash.finalize().into()
    }

    /// SHA-256 over one unit's tallies of one effective month, for finding where two nodes differ.
    pub fn digest_of(&self, unit: UnitId, month: Month) -> [u8; 32] {
        let mut hash = Sha256::new_with_prefix(DIGEST_DOMAIN);
        if let Some(columns) = self.units.get(&unit) {
            hash_columns(&mut hash, unit, columns, |key| key.month_index() == month.index());
        }
        hash.finalize().into()
    }

    /// Tallies counted anew from cores, each with the unit that recorded it. Cores have a good verdict.
    pub fn recount<'a>(cores: impl IntoIterator<Item = (UnitId, &'a Core)>) -> Self {
        let mut tallies = Self::default();
        let mut waiting: HashMap<UnitId, Vec<Delta>> = HashMap::new();
        for (unit, core) in cores {
            let collected = waiting.entry(unit).or_default();
            deltas(core, collected);
            if collected.len() >= RECOUNT_DELTAS {
                tallies.apply(unit, collected);
                collected.clear();
            }
        }
        for (unit, collected) in waiting {
            tallies.apply(unit, &collected);
        }
        tallies
    }
}

/// Every tally that differs between two sets, in canonical order.
pub fn difference(left: &Tallies, right: &Tallies) -> Vec<Difference> {
    let mut differences = Vec::new();
    let units: BTreeSet<UnitId> = left.units().chain(right.units()).collect();
    for unit in units {
        for cuboid in Cuboid::ALL {
            let (left, right) = (left.entries(unit, cuboid), right.entries(unit, cuboid));
            if left == right {
                continue;
            }
            let mut values: BTreeMap<Key, (i64, i64)> = BTreeMap::new();
            for (key, value) in left {
                values.entry(*key).or_default().0 = *value;
            }
            for (key, value) in right {
                values.entry(*key).or_default().1 = *value;
            }
            differences.extend(values.into_iter().filter(|(_, (left, right))| left != right).map(
                |(key, (left, right))| Difference {
                    unit,
                    month: key.month(),
                    cell: key.cell(cuboid),
                    left,
                    right,
                },
            ));
        }
    }
    differences
}

fn hash_columns(hash: &mut Sha256, unit: UnitId, columns: &Columns, wanted: impl Fn(Key) -> bool) {
    for (cuboid, column) in Cuboid::ALL.into_iter().zip(columns) {
        for (key, value) in column.entries().iter().filter(|(key, _)| wanted(*key)) {
            let mut record = [0; UnitId::KEY_BYTES + 17];
            record[..UnitId::KEY_BYTES].copy_from_slice(&unit.to_key());
            record[UnitId::KEY_BYTES] = cuboid.code();
            record[UnitId::KEY_BYTES + 1..][..8].copy_from_slice(&key.to_bytes());
            record[UnitId::KEY_BYTES + 9..].copy_from_slice(&value.to_be_bytes());
            hash.update(record);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Sex;
    use proptest::prelude::*;

    fn unit(code: u8) -> UnitId {
        format!("{code:05}@2025-07-01").parse().unwrap()
    }

    fn month(index: u16) -> Month {
        Month::from_index(index).unwrap()
    }

    fn marriage(birth: u16) -> Cell {
        Cell::Marriages { sex: Sex::Male, birth: month(birth) }
    }

    fn delta(effective: u16, birth: u16, amount: i64) -> Delta {
        Delta { month: month(effective), cell: marriage(birth), amount }
    }

    #[test]
    fn each_changed_tally_is_told_once_with_its_new_value() {
        let mut tallies = Tallies::default();
        tallies.apply(unit(1), &[delta(24_300, 24_000, 2), delta(24_300, 24_001, 1)]);
        let changed = tallies.apply(
            unit(1),
            &[
                delta(24_300, 24_001, -1),
                delta(24_300, 24_000, 1),
                delta(24_301, 24_000, 4),
                delta(24_300, 24_000, 1),
                delta(24_300, 24_002, 1),
                delta(24_300, 24_002, -1),
            ],
        );
        let told: Vec<_> = changed.iter().map(|t| (t.month.index(), t.cell, t.value)).collect();
        let expected =
            [(24_300, marriage(24_000), 4), (24_300, marriage(24_001), 0), (24_301, marriage(24_000), 4)];
        assert_eq!(told, expected);
        assert_eq!(tallies.len(), 2);
    }

    #[test]
    fn a_unit_without_tallies_is_forgotten() {
        let mut tallies = Tallies::default();
        tallies.apply(unit(1), &[delta(24_300, 24_000, 2)]);
        tallies.apply(unit(1), &[delta(24_300, 24_000, -2)]);
        assert!(tallies.is_empty());
        tallies.load(unit(2), month(24_300), marriage(24_000), 2);
        tallies.load(unit(2), month(24_300), marriage(24_000), 0);
        assert_eq!(tallies.units().count(), 0);
        assert_eq!(tallies.digest(), Tallies::default().digest());
    }

    #[test]
    fn a_difference_names_unit_month_and_cell() {
        let mut left = Tallies::default();
        left.apply(unit(1), &[delta(24_300, 24_000, 2), delta(24_301, 24_000, 1)]);
        let mut right = left.clone();
        right.apply(unit(1), &[delta(24_301, 24_000, 1), delta(24_301, 24_001, 5)]);
        right.apply(unit(2), &[delta(24_300, 24_000, 7)]);
        let named: Vec<_> = difference(&left, &right)
            .into_iter()
            .map(|d| (d.unit, d.month.index(), d.cell, d.left, d.right))
            .collect();
        let expected = [
            (unit(1), 24_301, marriage(24_000), 1, 2),
            (unit(1), 24_301, marriage(24_001), 0, 5),
            (unit(2), 24_300, marriage(24_000), 0, 7),
        ];
        assert_eq!(named, expected);
        assert_ne!(left.digest(), right.digest());
        assert_eq!(left.digest_of(unit(1), month(24_300)), right.digest_of(unit(1), month(24_300)));
        assert_ne!(left.digest_of(unit(1), month(24_301)), right.digest_of(unit(1), month(24_301)));
    }

    proptest! {
        #[test]
        fn applying_matches_a_plain_map_and_what_is_told_rebuilds_it(
            batches in prop::collection::vec(
                (0u8..3, prop::collection::vec((24_300u16..24_304, 24_000u16..24_006, -2i64..3), 0..12)), 0..12),
        ) {
            let mut tallies = Tallies::default();
            let mut stored = Tallies::default();
            let mut plain: BTreeMap<(UnitId, Month, Cell), i64> = BTreeMap::new();
            for (code, parts) in &batches {
                let deltas: Vec<Delta> = parts.iter().map(|(m, birth, by)| delta(*m, *birth, *by)).collect();
                for delta in &deltas {
                    *plain.entry((unit(*code), delta.month, delta.cell)).or_default() += delta.amount;
                }
                for Tally { unit, month, cell, value } in tallies.apply(unit(*code), &deltas) {
                    prop_assert_eq!(tallies.value(unit, month, &cell), value);
                    stored.load(unit, month, cell, value);
                }
            }
            plain.retain(|_, value| *value != 0);
            let held: BTreeMap<_, _> = tallies.iter().map(|t| ((t.unit, t.month, t.cell), t.value)).collect();
            prop_assert_eq!(tallies.len(), held.len());
            prop_assert_eq!(held, plain);
            prop_assert_eq!(&stored, &tallies);
            prop_assert_eq!(stored.digest(), tallies.digest());
            prop_assert_eq!(difference(&stored, &tallies), vec![]);
        }
    }
}
