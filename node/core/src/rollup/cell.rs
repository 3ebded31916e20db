//! Count cells.

use super::Cuboid;
use crate::domain::{HouseholdKind, HouseholdState, Marital, Method, PersonState, Reach, Residence, Sex};
use danso_tier_config::{Month, limits};
use serde::{Deserialize, Serialize};

/// One count cell: a cuboid with a value of each of its dimensions.
///
/// The order of the variants and fields is the order of canonical deltas and part of the sent format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Cell {
    /// See [`Cuboid::Population`].
    Population {
        /// Sex.
        sex: Sex,
        /// Birth month.
        birth: Month,
        /// Residence status.
        residence: Residence,
    },
    /// See [`Cuboid::Households`].
    Households {
        /// Family or collective.
        kind: HouseholdKind,
        /// Members, 1 to [`limits::HOUSEHOLD_SIZE_CELL_MAX`]; the last means that many or more.
        size: u16,
    },
    /// See [`Cuboid::MarriedWomen`].
    MarriedWomen {
        /// Birth month.
        birth: Month,
        /// Method in use.
        method: Option<Method>,
    },
    /// See [`Cuboid::Births`].
    Births {
        /// Sex of the child.
        sex: Sex,
        /// Nth live child, at most [`limits::BIRTH_ORDER_CELL_MAX`]; the last means that or a later one.
        order: u8,
        /// Birth month of the mother.
        mother_birth: Month,
    },
    /// See [`Cuboid::Deaths`].
    Deaths {
        /// Sex.
        sex: Sex,
        /// Birth month.
        birth: Month,
        /// Completed days of life of an infant, at most [`limits::INFANT_DAYS_CELL_MAX`].
        infant_days: Option<u16>,
    },
    /// See [`Cuboid::Marriages`].
    Marriages {
        /// Sex.
        sex: Sex,
        /// Birth month.
        birth: Month,
    },
    /// See [`Cuboid::Divorces`].
    Divorces {
        /// Sex.
        sex: Sex,
        /// Birth month.
        birth: Month,
    },
    /// See [`Cuboid::Arrivals`].
    Arrivals {
        /// Sex.
        sex: Sex,
        /// Birth month.
        birth: Month,
        /// How far.
        reach: Reach,
    },
    /// See [`Cuboid::Departures`].
    Departures {
        /// Sex.
        sex: Sex,
        /// Birth month.
        birth: Month,
        /// How far.
        reach: Reach,
    },
    /// See [`Cuboid::ContraceptionStarts`].
    ContraceptionStarts {
        /// The method begun.
        method: Method,
        /// Birth month of the woman.
        birth: Month,
    },
    /// See [`Cuboid::ContraceptionStops`].
    ContraceptionStops {
        /// The method stopped.
        method: Method,
        /// Birth month of the woman.
        birth: Month,
    },
}

impl Cell {
    /// The cell of a resident person.
    pub fn population(person: &PersonState) -> Self {
        Self::Population { sex: person.sex, birth: person.birth, residence: person.residence }
    }

    /// The cell of a household; `None` for an empty one, which no count includes.
    pub fn household(household: &HouseholdState) -> Option<Self> {
        let size = household.size.min(limits::HOUSEHOLD_SIZE_CELL_MAX);
        (size > 0).then_some(Self::Households { kind: household.kind, size })
    }

    /// The cell of a married woman; `None` for anyone else.
    pub fn married_woman(person: &PersonState) -> Option<Self> {
        (person.sex == Sex::Female && person.marital == Marital::Married)
            .then_some(Self::MarriedWomen { birth: person.birth, method: person.method })
    }

    /// The cuboid it belongs to.
    pub fn cuboid(&self) -> Cuboid {
        match self {
            Self::Population { .. } => Cuboid::Population,
            Self::Households { .. } => Cuboid::Households,
            Self::MarriedWomen { .. } => Cuboid::MarriedWomen,
            Self::Births { .. } => Cuboid::Births,
            Self::Deaths { .. } => Cuboid::Deaths,
            Self::Marriages { .. } => Cuboid::Marriages,
            Self::Divorces { .. } => Cuboid::Divorces,
            Self::Arrivals { .. } => Cuboid::Arrivals,
            Self::Departures { .. } => Cuboid::Departures,
            Self::ContraceptionStarts { .. } => Cuboid::ContraceptionStarts,
            Self::ContraceptionStops { .. } => Cuboid::ContraceptionStops,
        }
    }

    /// Whether its capped dimensions keep their caps and no empty household is counted.
    pub fn is_valid(&self) -> bool {
        match self {
            Self::Households { size, .. } => (1..=limits::HOUSEHOLD_SIZE_CELL_MAX).contains(size),
            Self::Births { order, .. } => *order <= limits::BIRTH_ORDER_CELL_MAX,
            Self::Deaths { infant_days, .. } => {
                infant_days.is_none_or(|days| days <= limits::INFANT_DAYS_CELL_MAX)
            }
            _ => true,
        }
    }
}
