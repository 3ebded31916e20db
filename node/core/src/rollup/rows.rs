//! Tallies as a store keeps them: those of one unit, month and cuboid whose births lie within 64 months are a row.
//!
//! A row of its own for each tally would cost many times what the tally does, in keys and in what a database adds
//! to each. One row for a whole month would be written anew for every late change. Within a row an entry is the
//! month of birth (6 bits), sex and listed code, number and value as short numbers: about 4 bytes.

use super::{
    Cell, Cuboid,
    packed::Fields,
    tallies::{Tallies, Tally},
};
use crate::domain::encoded;
use danso_tier_config::{Month, UnitId};
use serde::{Deserialize, Serialize};

/// Births of one row: 2 to the power of this, in months.
const BIRTHS_BITS: u32 = 6;
/// Sexes have codes below this.
const SEXES: u16 = 3;

/// What a row's tallies have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId {
    /// The recording unit.
    pub unit: UnitId,
    /// The effective month.
    pub month: Month,
    /// The cuboid.
    pub cuboid: Cuboid,
    /// Which months of birth: their index without its lowest bits.
    pub births: u16,
}

/// One tally within its row.
#[derive(Serialize, Deserialize)]
struct Entry {
    /// Lowest bits of the month of birth.
    birth: u8,
    /// Listed code times [`SEXES`], and sex.
    kind: u16,
    number: u16,
    value: i64,
}

impl RowId {
    /// Bytes of [`RowId::to_key`].
    pub const KEY_BYTES: usize = UnitId::KEY_BYTES + 5;

    /// The row of a tally.
    pub fn of(unit: UnitId, month: Month, cell: Cell) -> Self {
        let births = Fields::of(cell.pack()).birth >> BIRTHS_BITS;
        Self { unit, month, cuboid: cell.cuboid(), births }
    }

    /// Bytes that sort by unit, month, cuboid and births.
    pub fn to_key(self) -> [u8; Self::KEY_BYTES] {
        let mut key = [0; Self::KEY_BYTES];
        let (unit, rest) = key.split_at_mut(UnitId::KEY_BYTES);
        unit.copy_from_slice(&self.unit.to_key());
        rest[..2].copy_from_slice(&self.month.index().to_be_bytes());
        rest[2] = self.cuboid.code();
        rest[3..].copy_from_slice(&self.births.to_be_bytes());
        key
    }

    /// The row of such bytes; `None` for others.
    pub fn from_key(key: &[u8]) -> Option<Self> {
        let (unit, rest) = key.split_at_checked(UnitId::KEY_BYTES)?;
        let &[high, low, cuboid, births_high, births_low] = rest else { return None };
        let month = Month::from_index(u16::from_be_bytes([high, low])).ok()?;
        let births = u16::from_be_bytes([births_high, births_low]);
        let within = births <= u16::MAX >> BIRTHS_BITS;
        let (unit, cuboid) = (UnitId::from_key(unit)?, Cuboid::from_code(cuboid)?);
        within.then_some(Self { unit, month, cuboid, births })
    }

    /// Its tallies in order, in pieces of at most `bytes_max` bytes; no piece where it has no tally.
    pub fn encode(self, tallies: &Tallies, bytes_max: usize) -> Vec<Vec<u8>> {
        let column = tallies.entries(self.unit, self.cuboid);
        let place = |births: u32| {
            let packed = u64::from(births) << (BIRTHS_BITS + Fields::BIRTH_SHIFT);
            let from = (self.month.index(), packed);
            column.partition_point(|(key, _)| (key.month_index(), key.packed()) < from)
        };
        let (from, to) = (place(u32::from(self.births)), place(u32::from(self.births) + 1));
        let mut pieces: Vec<Vec<u8>> = Vec::new();
        for (key, value) in &column[from..to] {
            let entry = encoded(&Entry::of(key.packed(), *value));
            match pieces.last_mut() {
                Some(piece) if piece.len() + entry.len() <= bytes_max => piece.extend_from_slice(&entry),
                _ => pieces.push(entry),
            }
        }
        pieces
    }

    /// The tallies of a piece; `None` for bytes that [`RowId::encode`] never gives for this row.
    pub fn decode(self, mut piece: &[u8]) -> Option<Vec<Tally>> {
        let mut found: Vec<Tally> = Vec::new();
        let mut before = None;
        while !piece.is_empty() {
            let (entry, rest) = postcard::take_from_bytes::<Entry>(piece).ok()?;
            let packed = entry.packed(self.births)?;
            let in_order = before.replace(packed).is_none_or(|before| before < packed);
            let cell = Cell::unpack(self.cuboid, packed).filter(|_| in_order && entry.value != 0)?;
            found.push(Tally { unit: self.unit, month: self.month, cell, value: entry.value });
            piece = rest;
        }
        (!found.is_empty()).then_some(found)
    }
}

impl Entry {
    fn of(packed: u64, value: i64) -> Self {
        let Fields { number, listed, sex, birth } = Fields::of(packed);
        let birth = (birth & ((1 << BIRTHS_BITS) - 1)) as u8;
        Self { birth, kind: u16::from(listed) * SEXES + u16::from(sex), number, value }
    }

    fn packed(&self, births: u16) -> Option<u64> {
        let within = self.birth < 1 << BIRTHS_BITS;
        let birth = (births << BIRTHS_BITS) | u16::from(self.birth);
        let listed = u8::try_from(self.kind / SEXES).ok().filter(|_| within)?;
        let sex = (self.kind % SEXES) as u8;
        Some(Fields { number: self.number, listed, sex, birth }.pack())
    }
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
