//! The sums of an answer by slot: in an array, or in a map where they are few among many.

use super::question::CountError;
use std::collections::BTreeMap;

/// Slots up to which sums are always kept in an array, and beyond which never: larger answers are thin and
/// kept in a map. In between it is an array where the tallies outnumber a quarter of the slots.
const DENSE_SLOTS: (u64, u64) = (1 << 16, 1 << 22);

/// Sums by slot.
pub(super) enum Sums {
    Dense(Vec<i64>),
    Sparse(BTreeMap<u64, i64>),
}

impl Sums {
    pub fn new(slots: u64, cells: usize) -> Self {
        let (always, never) = DENSE_SLOTS;
        if slots <= (4 * cells as u64).clamp(always, never) {
            Self::Dense(vec![0; slots as usize])
        } else {
            Self::Sparse(BTreeMap::new())
        }
    }

    pub fn add(&mut self, slot: u64, value: i64) {
        let sum = match self {
            Self::Dense(sums) => &mut sums[slot as usize],
            Self::Sparse(sums) => sums.entry(slot).or_default(),
        };
        *sum = sum.wrapping_add(value);
    }

    /// Gives each place's sums over the months; places without any sum may be left out if there are several.
    pub fn each_line(
        self,
        months: usize,
        mut line_of: impl FnMut(u64, &[i64]) -> Result<(), CountError>,
    ) -> Result<(), CountError> {
        match self {
            Self::Dense(sums) => {
                sums.chunks(months).enumerate().try_for_each(|(place, line)| line_of(place as u64, line))
            }
            Self::Sparse(sums) => {
                let slots: Vec<(u64, i64)> = sums.into_iter().collect();
                let months = months as u64;
                slots.chunk_by(|one, next| one.0 / months == next.0 / months).try_for_each(|part| {
                    let mut line = vec![0; months as usize];
                    for (slot, value) in part {
                        line[(slot % months) as usize] = *value;
                    }
                    line_of(part[0].0 / months, &line)
                })
            }
        }
    }
}
