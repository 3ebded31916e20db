//! What a change adds to the counts and takes from them, from its core alone.

use super::cell::Cell;
use crate::domain::{Core, Event, HouseholdState, PersonState};
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

/// Appends what `core` adds to the counts, all at its effective month. Not merged; see [`canonical`].
///
/// Pure, and the same at every tier. Stocks follow from the states before and after, flows from the event;
/// a void also takes back the flows of the change that it undoes. The caller gives only cores with a good
/// verdict.
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
        Event::Voided { original, .. } => flows(original, -1, out),
        _ => flows(core, 1, out),
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
fn flows(core: &Core, amount: i64, out: &mut Vec<Delta>) {
    let month = core.effective_on.month();
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

/// The one form of these deltas that is hashed and sent: sorted by month and cell, merged, no zeros.
pub fn canonical(mut deltas: Vec<Delta>) -> Vec<Delta> {
    deltas.sort_unstable_by_key(|delta| (delta.month, delta.cell));
    deltas.dedup_by(|next, kept| {
        let same = (next.month, next.cell) == (kept.month, kept.cell);
        if same {
            kept.amount = kept.amount.wrapping_add(next.amount);
        }
        same
    });
    deltas.retain(|delta| delta.amount != 0);
    deltas
}

/// The bytes of one delta as a leaf of a batch's tallies root: postcard of month, cell and amount.
pub fn encode_delta(delta: &Delta) -> Vec<u8> {
    postcard::to_stdvec(delta).expect("a delta is plain data and encodes into memory")
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
