//! The cuboids that count cells belong to.

/// A family of tallies with the same dimensions.
///
/// Codes are stored: they are never reused or given another meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Cuboid {
    /// Usually resident persons by sex, birth month and residence status.
    Population = 1,
    /// Households that have members, by kind and size.
    Households = 2,
    /// Married resident women of all ages by birth month and method in use.
    MarriedWomen = 3,
    /// Live births by sex, order and the mother's birth month.
    Births = 4,
    /// Deaths by sex, birth month and, for infants, days of life.
    Deaths = 5,
    /// Residents who married, by sex and birth month.
    Marriages = 6,
    /// Residents who divorced, by sex and birth month.
    Divorces = 7,
    /// Persons who moved in, by sex, birth month and how far.
    Arrivals = 8,
    /// Persons who moved out, by sex, birth month and how far.
    Departures = 9,
    /// Methods begun, by method and the woman's birth month.
    ContraceptionStarts = 10,
    /// Methods stopped, by method and the woman's birth month.
    ContraceptionStops = 11,
}

impl Cuboid {
    /// All cuboids in the order of their codes.
    pub const ALL: [Self; 11] = [
        Self::Population,
        Self::Households,
        Self::MarriedWomen,
        Self::Births,
        Self::Deaths,
        Self::Marriages,
        Self::Divorces,
        Self::Arrivals,
        Self::Departures,
        Self::ContraceptionStarts,
        Self::ContraceptionStops,
    ];

    /// The stable code, 1 to 11.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The cuboid of a code, `None` where there is none.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code).checked_sub(1)?).copied()
    }

    /// Position in [`Cuboid::ALL`].
    pub(super) fn index(self) -> usize {
        usize::from(self.code() - 1)
    }

    /// Whether its tallies add up over months to a state (a stock) or count events of a month (a flow).
    pub fn is_stock(self) -> bool {
        matches!(self, Self::Population | Self::Households | Self::MarriedWomen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuboids_survive_their_codes_which_stay() {
        assert_eq!(Cuboid::ALL.map(Cuboid::code), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
        for cuboid in Cuboid::ALL {
            assert_eq!(Cuboid::from_code(cuboid.code()), Some(cuboid));
            assert_eq!(Cuboid::ALL[cuboid.index()], cuboid);
        }
        assert_eq!(Cuboid::from_code(0), None);
        assert_eq!(Cuboid::from_code(12), None);
    }
}
