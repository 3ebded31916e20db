//! What a change adds to the counts and takes from them, from its core alone.

use super::Cell;
use crate::domain::{Core, Event, HouseholdState, PersonState, encoded};
use danso_tier_config::{Month, limits};
use serde::{Deserialize, Serialize};

/// An addition to one tally.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Delta {
    /// The effective month.
    pub month: Month,
    /// The cell.
    pub cell: Cell,
    /// How many more; negative where fewer.
    pub amount: i64,
}

/// Why bytes are not the canonical deltas of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeltaError {
    /// Not decodable, bytes are left over, or not the shortest form.
    #[error("delta {position} is not decodable")]
    Malformed {
        /// Its position, from 0.
        position: usize,
    },
    /// A capped dimension lies above its cap, or an empty household is counted.
    #[error("delta {position} names a cell that does not exist")]
    Cell {
        /// Its position, from 0.
        position: usize,
    },
    /// Zero, or more than one batch can add.
    #[error(
        "delta {position} has an amount of {amount}, expected 1 to {} either way",
        limits::DELTA_AMOUNT_MAX
    )]
    Amount {
        /// Its position, from 0.
        position: usize,
        /// The amount.
        amount: i64,
    },
    /// Not after the delta before it: out of order, or the same cell twice.
    #[error("delta {position} is out of order or stands twice")]
    Order {
        /// Its position, from 0.
        position: usize,
    },
    /// More deltas than one batch may carry.
    #[error("more than {} deltas", limits::BATCH_DELTAS_MAX)]
    TooMany,
}

impl DeltaError {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed { .. } => "delta_malformed",
            Self::Cell { .. } => "delta_cell",
            Self::Amount { .. } => "delta_amount",
            Self::Order { .. } => "delta_order",
            Self::TooMany => "deltas_too_many",
        }
    }
}

/// Appends what `core` adds to the counts, all at its effective month. Not merged; see [`super::canonical`].
///
/// Pure, and the same at every tier. Stocks follow from the states before and after, flows from the event;
/// a void also takes back the flows of the change that it undoes. Takes any core that decodes, whatever the
/// verdict on it, since an origin's claim covers all its changes.
pub fn deltas(core: &Core, out: &mut Vec<Delta>) {
    let month = core.effective_on.month();
    for person in &core.persons {
        shift(
            month,
            person.before.as_ref(),
            person.after.as_ref(),
            |state| Some(Cell::population(state)),
            out,
        );
        shift(month, person.before.as_ref(), person.after.as_ref(), Cell::married_woman, out);
    }
    for household in &core.households {
        shift::<HouseholdState>(
            month,
            household.before.as_ref(),
            household.after.as_ref(),
            Cell::household,
            out,
        );
    }
    match &core.event {
        Event::Voided { original, .. } => flows(original, original.effective_on.month(), -1, out),
        _ => flows(core, month, 1, out),
    }
}

/// Moves one unit of stock from the cell of `before` to the cell of `after`.
fn shift<S>(
    month: Month,
    before: Option<&S>,
    after: Option<&S>,
    cell_of: impl Fn(&S) -> Option<Cell>,
    out: &mut Vec<Delta>,
) {
    let (before, after) = (before.and_then(&cell_of), after.and_then(&cell_of));
    if before != after {
        out.extend(before.map(|cell| Delta { month, cell, amount: -1 }));
        out.extend(after.map(|cell| Delta { month, cell, amount: 1 }));
    }
}

/// Appends the flows of the event, `amount` each; corrections and voids have none of their own.
fn flows(core: &Core, month: Month, amount: i64, out: &mut Vec<Delta>) {
    let subject = core.persons.first();
    let arrived = subject.and_then(|change| change.after);
    let left = subject.and_then(|change| change.before);
    let cell = match &core.event {
        Event::Born { order, mother_birth, .. } => arrived.map(|child| Cell::Births {
            sex: child.sex,
            order: (*order).min(limits::BIRTH_ORDER_CELL_MAX),
            mother_birth: *mother_birth,
        }),
        Event::Died { infant_days } => left.map(|dead| Cell::Deaths {
            sex: dead.sex,
            birth: dead.birth,
            infant_days: infant_days.map(|days| days.min(limits::INFANT_DAYS_CELL_MAX)),
        }),
        Event::MovedIn { reach, .. } => {
            arrived.map(|PersonState { sex, birth, .. }| Cell::Arrivals { sex, birth, reach: *reach })
        }
        Event::MovedOut { reach, .. } => {
            left.map(|PersonState { sex, birth, .. }| Cell::Departures { sex, birth, reach: *reach })
        }
        Event::ContraceptionStarted { method } => {
            arrived.map(|woman| Cell::ContraceptionStarts { method: *method, birth: woman.birth })
        }
        Event::ContraceptionStopped { method } => {
            left.map(|woman| Cell::ContraceptionStops { method: *method, birth: woman.birth })
        }
        Event::Married => arrived.map(|PersonState { sex, birth, .. }| Cell::Marriages { sex, birth }),
        Event::Divorced => arrived.map(|PersonState { sex, birth, .. }| Cell::Divorces { sex, birth }),
        Event::HouseholdOpened
        | Event::HouseholdClosed
        | Event::HouseholdSplit
        | Event::PersonRegistered
        | Event::Corrected
        | Event::PregnancyRecorded { .. }
        | Event::PrenatalScreened { .. }
        | Event::NewbornScreened { .. }
        | Event::ElderlyChecked
        | Event::Reviewed
        | Event::Voided { .. } => None,
    };
    out.extend(cell.map(|cell| Delta { month, cell, amount }));
}

/// The bytes of one delta as a leaf of a batch's tallies root: postcard of month, cell and amount.
pub fn encode_delta(delta: &Delta) -> Vec<u8> {
    encoded(delta)
}

/// The leaves of canonical deltas, in their order.
pub fn encode_leaves(deltas: &[Delta]) -> Vec<Vec<u8>> {
    deltas.iter().map(encode_delta).collect()
}

/// The deltas of a batch's leaves; refuses whatever [`encode_leaves`] of canonical deltas never gives.
///
/// Holds at most [`limits::BATCH_DELTAS_MAX`] deltas in memory, however many leaves come.
pub fn decode_leaves<'a>(leaves: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Delta>, DeltaError> {
    let mut deltas: Vec<Delta> = Vec::new();
    for (position, leaf) in leaves.into_iter().enumerate() {
        if position >= limits::BATCH_DELTAS_MAX {
            return Err(DeltaError::TooMany);
        }
        let delta = decode_delta(leaf, position)?;
        let in_order = deltas.last().is_none_or(|last| (last.month, last.cell) < (delta.month, delta.cell));
        if !in_order {
            return Err(DeltaError::Order { position });
        }
        deltas.push(delta);
    }
    Ok(deltas)
}

fn decode_delta(leaf: &[u8], position: usize) -> Result<Delta, DeltaError> {
    let delta = match postcard::take_from_bytes::<Delta>(leaf) {
        // Postcard reads longer forms of a number too; two leaves for one delta would be two roots.
        Ok((delta, [])) if encode_delta(&delta) == leaf => delta,
        _ => return Err(DeltaError::Malformed { position }),
    };
    if !delta.cell.is_valid() {
        return Err(DeltaError::Cell { position });
    }
    if delta.amount == 0 || delta.amount.unsigned_abs() > limits::DELTA_AMOUNT_MAX.unsigned_abs() {
        return Err(DeltaError::Amount { position, amount: delta.amount });
    }
    Ok(delta)
}

#[cfg(test)]
mod tests {
    use super::{super::canonical, *};
    use crate::domain::Sex;
    use proptest::prelude::*;

    fn delta(month: &str, birth: u16, amount: i64) -> Delta {
        let birth = Month::from_index(birth).unwrap();
        Delta { month: month.parse().unwrap(), cell: Cell::Marriages { sex: Sex::Male, birth }, amount }
    }

    fn decoded(leaves: &[Vec<u8>]) -> Result<Vec<Delta>, DeltaError> {
        decode_leaves(leaves.iter().map(Vec::as_slice))
    }

    #[test]
    fn leaves_in_another_order_or_twice_are_refused() {
        let leaves = encode_leaves(&[delta("2026-02", 24_000, 1), delta("2026-01", 24_000, 1)]);
        assert_eq!(decoded(&leaves), Err(DeltaError::Order { position: 1 }));
        let twice = vec![leaves[1].clone(), leaves[1].clone()];
        assert_eq!(decoded(&twice), Err(DeltaError::Order { position: 1 }));
    }

    #[test]
    fn amounts_of_zero_or_beyond_a_batch_are_refused() {
        let most = limits::DELTA_AMOUNT_MAX;
        for amount in [0, most + 1, -most - 1, i64::MIN, i64::MAX] {
            let leaves = encode_leaves(&[delta("2026-01", 24_000, amount)]);
            assert_eq!(decoded(&leaves), Err(DeltaError::Amount { position: 0, amount }));
        }
        for amount in [most, -most] {
            let deltas = [delta("2026-01", 24_000, amount)];
            assert_eq!(decoded(&encode_leaves(&deltas)).as_deref(), Ok(&deltas[..]));
        }
    }

    #[test]
    fn cells_beyond_their_caps_are_refused() {
        let kind = crate::domain::HouseholdKind::Family;
        let month = "2026-01".parse().unwrap();
        for size in [0, limits::HOUSEHOLD_SIZE_CELL_MAX + 1] {
            let leaves = encode_leaves(&[Delta { month, cell: Cell::Households { kind, size }, amount: 1 }]);
            assert_eq!(decoded(&leaves), Err(DeltaError::Cell { position: 0 }));
        }
    }

    #[test]
    fn bytes_that_are_no_leaf_are_refused() {
        let leaf = encode_delta(&delta("2026-01", 24_000, 1));
        let malformed = Err(DeltaError::Malformed { position: 0 });
        for end in 0..leaf.len() {
            assert_eq!(decoded(&[leaf[..end].to_vec()]), malformed);
        }
        let longer = [&leaf[..], &[0]].concat();
        assert_eq!(decoded(&[longer]), malformed);
        // The amount 1 is the byte 2; written as two bytes it means the same and is another leaf.
        let (last, rest) = leaf.split_last().unwrap();
        assert_eq!(*last, 2);
        assert_eq!(decoded(&[[rest, &[0x82, 0]].concat()]), malformed);
    }

    #[test]
    fn more_leaves_than_a_batch_carries_are_refused() {
        let months = |index: usize| Month::from_index(12 + (index / 60_000) as u16).unwrap();
        let cell = |index: usize| {
            let birth = Month::from_index(12 + (index % 60_000) as u16).unwrap();
            Cell::Marriages { sex: Sex::Male, birth }
        };
        let deltas: Vec<Delta> = (0..=limits::BATCH_DELTAS_MAX)
            .map(|index| Delta { month: months(index), cell: cell(index), amount: 1 })
            .collect();
        let leaves = encode_leaves(&deltas);
        assert_eq!(decoded(&leaves), Err(DeltaError::TooMany));
        assert_eq!(decoded(&leaves[1..]).map(|deltas| deltas.len()), Ok(limits::BATCH_DELTAS_MAX));
    }

    proptest! {
        #[test]
        fn canonical_deltas_survive_their_leaves_whatever_the_order(
            parts in prop::collection::vec((24_300u16..24_303, 24_000u16..24_004, -3i64..4), 0..40),
            turn in 0usize..40,
        ) {
            let mut deltas: Vec<Delta> = parts
                .iter()
                .map(|(month, birth, amount)| Delta {
                    month: Month::from_index(*month).unwrap(),
                    ..delta("2026-01", *birth, *amount)
                })
                .collect();
            let once = canonical(deltas.clone());
            prop_assert_eq!(decoded(&encode_leaves(&once)), Ok(once.clone()));
            prop_assert_eq!(canonical(once.clone()), once.clone());
            deltas.rotate_left(turn % parts.len().max(1));
            prop_assert_eq!(canonical(deltas), once);
        }

        #[test]
        fn any_bytes_are_decoded_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..24)) {
            if let Ok(deltas) = decoded(std::slice::from_ref(&bytes)) {
                prop_assert_eq!(encode_leaves(&deltas), [bytes]);
            }
        }
    }
}
