//! What happened: one entry per kind of change, with the facts that name nobody.

use super::{
    change::Core,
    identity::Sequence,
    state::{Method, Reach},
};
use danso_tier_config::{Month, UnitId};
use serde::{Deserialize, Serialize};

/// Where a birth took place (nơi sinh).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BirthPlace {
    /// A health facility.
    Facility,
    /// At home.
    Home,
    /// Elsewhere or not stated.
    Elsewhere,
}

/// What the pregnancy record says (bảng 9 of P0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PregnancyOutcome {
    /// Is pregnant (mang thai).
    Pregnant,
    /// Lost the pregnancy (sảy thai).
    Miscarried,
    /// Ended it (phá thai).
    Ended,
}

/// Result of one screening test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Screening {
    /// Not examined.
    NotDone,
    /// Examined, nothing suspicious.
    Normal,
    /// Examined, suspicious.
    Suspicious,
}

/// The event of a change. The order of the entries is part of the recorded format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A household opened in the register.
    HouseholdOpened,
    /// An empty household closed.
    HouseholdClosed,
    /// Persons left a household and opened one of their own.
    HouseholdSplit,
    /// First registration of a person who already lives here (A0).
    PersonRegistered,
    /// A live birth (P0 table 1).
    Born {
        /// Nth live child of the mother, from 1.
        order: u8,
        /// Mother's month of birth.
        mother_birth: Month,
        /// Where.
        place: BirthPlace,
    },
    /// A death (P0 table 3).
    Died {
        /// Completed days of life, for those who died before their first birthday.
        infant_days: Option<u16>,
    },
    /// A resident married (P0 table 6); one entry per resident.
    Married,
    /// A resident divorced.
    Divorced,
    /// Left for another commune or abroad (P0 table 5).
    MovedOut {
        /// How far.
        reach: Reach,
        /// The receiving unit, where it is known.
        to: Option<UnitId>,
    },
    /// Came from another commune or abroad (P0 table 4).
    MovedIn {
        /// How far.
        reach: Reach,
        /// The unit left, where it is known.
        from: Option<UnitId>,
    },
    /// Basic data of a person or household corrected or changed.
    Corrected,
    /// A couple began to use a method (P0 table 7).
    ContraceptionStarted {
        /// The new method.
        method: Method,
    },
    /// A couple stopped using a method (P0 table 8).
    ContraceptionStopped {
        /// The method stopped.
        method: Method,
    },
    /// A pregnancy or its end (P0 table 9).
    PregnancyRecorded {
        /// What is recorded.
        outcome: PregnancyOutcome,
        /// Nth pregnancy of the woman.
        order: u8,
    },
    /// Prenatal screening (P0 table 10).
    PrenatalScreened {
        /// Week of the examination: 12 or 21.
        week: u8,
        /// Edwards, Down, Patau, thalassaemia.
        results: [Screening; 4],
    },
    /// Newborn screening (P0 table 2).
    NewbornScreened {
        /// Hypothyroidism, G6PD, adrenal hyperplasia, hearing, heart.
        results: [Screening; 5],
    },
    /// Health check of an elderly person (P0 table 11).
    ElderlyChecked,
    /// A household looked through by its collaborator (đã rà soát).
    Reviewed,
    /// An earlier change of the same origin undone.
    Voided {
        /// The change that is undone.
        sequence: Sequence,
        /// Its core, so that every tier can retract exactly what it added.
        original: Box<Core>,
    },
}

impl Event {
    /// Stable name of the kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::HouseholdOpened => "household_opened",
            Self::HouseholdClosed => "household_closed",
            Self::HouseholdSplit => "household_split",
            Self::PersonRegistered => "person_registered",
            Self::Born { .. } => "born",
            Self::Died { .. } => "died",
            Self::Married => "married",
            Self::Divorced => "divorced",
            Self::MovedOut { .. } => "moved_out",
            Self::MovedIn { .. } => "moved_in",
            Self::Corrected => "corrected",
            Self::ContraceptionStarted { .. } => "contraception_started",
            Self::ContraceptionStopped { .. } => "contraception_stopped",
            Self::PregnancyRecorded { .. } => "pregnancy_recorded",
            Self::PrenatalScreened { .. } => "prenatal_screened",
            Self::NewbornScreened { .. } => "newborn_screened",
            Self::ElderlyChecked => "elderly_checked",
            Self::Reviewed => "reviewed",
            Self::Voided { .. } => "voided",
        }
    }
}
