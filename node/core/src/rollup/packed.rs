//! Count cells as numbers: a stored format.

use super::{Cell, Cuboid};
use crate::domain::{HouseholdKind, Method, Reach, Residence, Sex};
use danso_tier_config::Month;

/// The four fields of a packed cell; a field that the cuboid does not have is 0.
///
/// | bits | field | holds |
/// |---|---|---|
/// | 0-15 | `number` | household size, birth order, or infant days + 1 (0: none) |
/// | 16-23 | `listed` | code of residence, household kind, method (0: none) or reach |
/// | 24-31 | `sex` | code of the sex |
/// | 32-47 | `birth` | index of the birth month (the mother's, of a birth) |
/// | 48-63 | | 0; tallies keep the effective month there |
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Fields {
    pub(super) number: u16,
    pub(super) listed: u8,
    pub(super) sex: u8,
    pub(super) birth: u16,
}

impl Fields {
    /// Where the birth month begins.
    pub(super) const BIRTH_SHIFT: u32 = 32;

    /// The fields of the lowest [`Cell::PACKED_BITS`] bits.
    #[inline]
    pub(super) fn of(packed: u64) -> Self {
        Self {
            number: packed as u16,
            listed: (packed >> 16) as u8,
            sex: (packed >> 24) as u8,
            birth: (packed >> Self::BIRTH_SHIFT) as u16,
        }
    }

    /// The number of these fields, as [`Fields::of`] reads it.
    pub(super) fn pack(self) -> u64 {
        u64::from(self.number)
            | u64::from(self.listed) << 16
            | u64::from(self.sex) << 24
            | u64::from(self.birth) << Self::BIRTH_SHIFT
    }
}

impl Cell {
    /// Bits that a packed cell uses, counted from the lowest.
    pub const PACKED_BITS: u32 = 48;

    /// The cell as a number that is unique within its cuboid; below 2 to the [`Cell::PACKED_BITS`].
    ///
    /// A stored format: 16 bits number, 8 listed code, 8 sex, 16 birth month, from the lowest bit up.
    pub fn pack(&self) -> u64 {
        self.fields().pack()
    }

    fn fields(self) -> Fields {
        let none = Fields::default();
        match self {
            Self::Population { sex, birth, residence } => {
                Fields { sex: sex.code(), birth: birth.index(), listed: residence.code(), ..none }
            }
            Self::Households { kind, size } => Fields { listed: kind.code(), number: size, ..none },
            Self::MarriedWomen { birth, method } => {
                Fields { birth: birth.index(), listed: method.map_or(0, Method::code), ..none }
            }
            Self::Births { sex, order, mother_birth } => {
                Fields { sex: sex.code(), number: u16::from(order), birth: mother_birth.index(), ..none }
            }
            Self::Deaths { sex, birth, infant_days } => Fields {
                sex: sex.code(),
                birth: birth.index(),
                number: infant_days.map_or(0, |days| days.saturating_add(1)),
                ..none
            },
            Self::Marriages { sex, birth } | Self::Divorces { sex, birth } => {
                Fields { sex: sex.code(), birth: birth.index(), ..none }
            }
            Self::Arrivals { sex, birth, reach } | Self::Departures { sex, birth, reach } => {
                Fields { sex: sex.code(), birth: birth.index(), listed: reach.code(), ..none }
            }
            Self::ContraceptionStarts { method, birth } | Self::ContraceptionStops { method, birth } => {
                Fields { birth: birth.index(), listed: method.code(), ..none }
            }
        }
    }

    /// The cell of a number made by [`Cell::pack`]; `None` for any number that `pack` never gives
    /// for a valid cell of this cuboid.
    pub fn unpack(cuboid: Cuboid, packed: u64) -> Option<Self> {
        let Fields { number, listed, sex, birth } = Fields::of(packed);
        let sex = Sex::from_code(sex);
        let birth = Month::from_index(birth).ok();
        let cell = match cuboid {
            Cuboid::Population => {
                Self::Population { sex: sex?, birth: birth?, residence: Residence::from_code(listed)? }
            }
            Cuboid::Households => Self::Households { kind: HouseholdKind::from_code(listed)?, size: number },
            Cuboid::MarriedWomen => Self::MarriedWomen { birth: birth?, method: Method::from_code(listed) },
            Cuboid::Births => {
                Self::Births { sex: sex?, order: u8::try_from(number).ok()?, mother_birth: birth? }
            }
            Cuboid::Deaths => Self::Deaths { sex: sex?, birth: birth?, infant_days: number.checked_sub(1) },
            Cuboid::Marriages => Self::Marriages { sex: sex?, birth: birth? },
            Cuboid::Divorces => Self::Divorces { sex: sex?, birth: birth? },
            Cuboid::Arrivals => Self::Arrivals { sex: sex?, birth: birth?, reach: Reach::from_code(listed)? },
            Cuboid::Departures => {
                Self::Departures { sex: sex?, birth: birth?, reach: Reach::from_code(listed)? }
            }
            Cuboid::ContraceptionStarts => {
                Self::ContraceptionStarts { method: Method::from_code(listed)?, birth: birth? }
            }
            Cuboid::ContraceptionStops => {
                Self::ContraceptionStops { method: Method::from_code(listed)?, birth: birth? }
            }
        };
        // Bits in fields that the cuboid does not have, or an unknown method, do not come back.
        (cell.is_valid() && cell.pack() == packed).then_some(cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use danso_tier_config::limits;
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn months() -> Vec<Month> {
        [12, 23_000, 24_306, 60_011].map(|index| Month::from_index(index).unwrap()).to_vec()
    }

    /// Every value of every dimension but the birth month, with a few of those.
    fn all_cells() -> Vec<Cell> {
        let mut cells = Vec::new();
        for kind in HouseholdKind::ALL {
            for size in 1..=limits::HOUSEHOLD_SIZE_CELL_MAX {
                cells.push(Cell::Households { kind: *kind, size });
            }
        }
        for birth in months() {
            cells.push(Cell::MarriedWomen { birth, method: None });
            for method in Method::ALL {
                cells.push(Cell::MarriedWomen { birth, method: Some(*method) });
                cells.push(Cell::ContraceptionStarts { method: *method, birth });
                cells.push(Cell::ContraceptionStops { method: *method, birth });
            }
            for &sex in Sex::ALL {
                cells.extend([Cell::Marriages { sex, birth }, Cell::Divorces { sex, birth }]);
                for &residence in Residence::ALL {
                    cells.push(Cell::Population { sex, birth, residence });
                }
                for &reach in Reach::ALL {
                    cells.push(Cell::Arrivals { sex, birth, reach });
                    cells.push(Cell::Departures { sex, birth, reach });
                }
                for order in 0..=limits::BIRTH_ORDER_CELL_MAX {
                    cells.push(Cell::Births { sex, order, mother_birth: birth });
                }
                cells.push(Cell::Deaths { sex, birth, infant_days: None });
                for days in 0..=limits::INFANT_DAYS_CELL_MAX {
                    cells.push(Cell::Deaths { sex, birth, infant_days: Some(days) });
                }
            }
        }
        cells
    }

    #[test]
    fn every_cell_survives_packing_and_has_a_number_of_its_own() {
        let mut seen = HashSet::new();
        for cell in all_cells() {
            let packed = cell.pack();
            assert!(packed < 1 << Cell::PACKED_BITS);
            assert_eq!(Cell::unpack(cell.cuboid(), packed), Some(cell));
            assert!(seen.insert((cell.cuboid(), packed)), "{cell:?} shares its number");
        }
        let cuboids: HashSet<Cuboid> = seen.iter().map(|(cuboid, _)| *cuboid).collect();
        assert_eq!(cuboids.len(), Cuboid::ALL.len());
    }

    #[test]
    fn every_birth_month_survives_packing() {
        for index in 0..=u16::MAX {
            let packed = u64::from(index) << 32 | 1 << 24;
            let cell = Month::from_index(index).ok().map(|birth| Cell::Marriages { sex: Sex::Male, birth });
            assert_eq!(Cell::unpack(Cuboid::Marriages, packed), cell);
        }
    }

    #[test]
    fn the_stored_layout_stays() {
        let birth = Month::from_index(0x5EF2).unwrap();
        let person = Cell::Population { sex: Sex::Female, birth, residence: Residence::Staying };
        assert_eq!(person.pack(), 0x5EF2_0203_0000);
        let infant = Cell::Deaths { sex: Sex::Male, birth, infant_days: Some(27) };
        assert_eq!(infant.pack(), 0x5EF2_0100_001C);
        assert_eq!(Cell::Households { kind: HouseholdKind::Collective, size: 40 }.pack(), 0x02_0028);
    }

    proptest! {
        #[test]
        fn what_unpacks_packs_to_the_same_bits(
            code in 1u8..=11, number in 0u16..400, listed in 0u8..10, sex in 0u8..4, birth: u16, high in 0u64..3,
        ) {
            let cuboid = Cuboid::from_code(code).unwrap();
            let packed = u64::from(number)
                | u64::from(listed) << 16
                | u64::from(sex) << 24
                | u64::from(birth) << 32
                | high << 48;
            if let Some(cell) = Cell::unpack(cuboid, packed) {
                prop_assert_eq!(cell.pack(), packed);
                prop_assert_eq!(cell.cuboid(), cuboid);
                prop_assert!(cell.is_valid());
            }
        }
    }
}
