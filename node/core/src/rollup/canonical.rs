//! The one form of deltas that is hashed and sent.

use super::{Cell, Delta, deltas};
use crate::domain::Core;
use danso_tier_config::{Month, limits};

/// Deltas of most changes: a birth adds to the population and to births, and moves a household.
const DELTAS_A_CHANGE: usize = 4;

/// Room for the deltas of so many changes.
pub(super) fn room_for(changes: usize) -> Vec<Delta> {
    Vec::with_capacity(DELTAS_A_CHANGE * changes)
}

/// The canonical deltas of these cores, whatever the verdicts on them.
pub fn canonical_of<'a>(cores: impl IntoIterator<Item = &'a Core>) -> Vec<Delta> {
    let cores = cores.into_iter();
    let mut all = room_for(cores.size_hint().0);
    cores.for_each(|core| deltas(core, &mut all));
    canonical(all)
}

/// The one form of these deltas that is hashed and sent: sorted by month and cell, merged, no zeros.
pub fn canonical(mut deltas: Vec<Delta>) -> Vec<Delta> {
    gather(&mut deltas);
    deltas.sort_unstable_by_key(tally);
    deltas.dedup_by(|next, kept| {
        let same = tally(next) == tally(kept);
        if same {
            kept.amount = kept.amount.wrapping_add(next.amount);
        }
        same
    });
    deltas.retain(|delta| delta.amount != 0);
    deltas
}

fn tally(delta: &Delta) -> (Month, Cell) {
    (delta.month, delta.cell)
}

/// Adds most deltas of one tally together: the changes of a batch have few different ones, and sorting them all takes
/// longer. Each is compared with the last one in its slot only.
fn gather(deltas: &mut Vec<Delta>) {
    let mut places = [usize::MAX; limits::DELTA_SLOTS];
    let mut kept = 0;
    for at in 0..deltas.len() {
        let delta = deltas[at];
        let place = &mut places[slot(&delta)];
        match deltas[..kept].get_mut(*place) {
            Some(earlier) if tally(earlier) == tally(&delta) => {
                earlier.amount = earlier.amount.wrapping_add(delta.amount);
            }
            _ => {
                *place = kept;
                deltas[kept] = delta;
                kept += 1;
            }
        }
    }
    deltas.truncate(kept);
}

fn slot(delta: &Delta) -> usize {
    const BITS: u32 = limits::DELTA_SLOTS.ilog2();
    /// 2 to the 64 by the golden ratio: neighbours fall far from each other (Knuth, The Art of Computer Programming 6.4).
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let above = u64::from(delta.month.index()) ^ u64::from(delta.cell.cuboid().code()) << 8;
    let number = delta.cell.pack() | above << Cell::PACKED_BITS;
    (number.wrapping_mul(SPREAD) >> (u64::BITS - BITS)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Sex;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn delta(month: &str, birth: u16, amount: i64) -> Delta {
        let birth = Month::from_index(birth).unwrap();
        Delta { month: month.parse().unwrap(), cell: Cell::Marriages { sex: Sex::Male, birth }, amount }
    }

    #[test]
    fn canonical_deltas_are_sorted_merged_and_without_zeros() {
        let given = vec![
            delta("2026-02", 24_000, 1),
            delta("2026-01", 24_001, 2),
            delta("2026-02", 24_000, -1),
            delta("2026-01", 24_000, 1),
            delta("2026-01", 24_001, 3),
        ];
        assert_eq!(canonical(given), [delta("2026-01", 24_000, 1), delta("2026-01", 24_001, 5)]);
    }

    proptest! {
        #[test]
        fn any_deltas_come_to_their_sums_in_order(
            parts in prop::collection::vec((24_300u16..24_303, 24_000u16..24_300, -2i64..3), 0..2_000),
        ) {
            let mut sums = BTreeMap::new();
            let mut deltas = Vec::new();
            for (month, birth, amount) in parts {
                let month = Month::from_index(month).unwrap();
                let delta = Delta { month, ..delta("2026-01", birth, amount) };
                *sums.entry((month, delta.cell)).or_default() += amount;
                deltas.push(delta);
            }
            let sum = |((month, cell), amount)| (amount != 0).then_some(Delta { month, cell, amount });
            prop_assert_eq!(canonical(deltas), sums.into_iter().filter_map(sum).collect::<Vec<_>>());
        }
    }
}
