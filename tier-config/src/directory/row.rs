//! The rows of the directory: a unit during a period, and lineage from unit to unit.

use super::kind::Kind;
use crate::{date::Date, tier::TierName, unit::UnitId};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A unit during one period in which its name, kind, tier and parent did not change.
///
/// A unit that changed its name, kind or parent and stayed the same unit has several rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// The unit.
    pub id: UnitId,
    /// The full name with its kind, as published: `Phường Ba Đình`.
    pub name: String,
    /// The kind in law.
    pub kind: Kind,
    /// The tier.
    pub tier: TierName,
    /// The unit above; `None` for a root.
    pub parent: Option<UnitId>,
    /// First day of this row; the unit's first row begins on `id.valid_from`.
    pub valid_from: Date,
    /// Last day of this row, inclusive; `None` while it lasts.
    pub valid_to: Option<Date>,
}

impl Unit {
    /// True where the row holds on a day.
    pub fn valid_on(&self, date: Date) -> bool {
        self.valid_from <= date && self.valid_to.is_none_or(|last| date <= last)
    }
}

/// How a predecessor went into its successor; the words of the official conversion table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// All of it ("nhập toàn bộ").
    Whole,
    /// Part of its land and people ("nhập một phần").
    Part,
    /// The same territory, name and kind ("giữ nguyên").
    Unchanged,
    /// Part of its land and nobody ("nhập một phần diện tích").
    PartAreaOnly,
    /// Part of its land and all of its people ("nhập một phần diện tích, toàn bộ dân số").
    PartAreaWholePopulation,
    /// An island district that became a special zone.
    DistrictToSpecialZone,
    /// Part of its people ("nhập một phần dân số").
    PartPopulation,
    /// The same territory under another name ("đổi tên").
    Renamed,
    /// The same territory of another kind ("đổi loại hình").
    Retyped,
    /// All of its land, the people having gone elsewhere ("nhập toàn bộ diện tích").
    WholeArea,
}

/// A text that is no relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected one of: whole, part, unchanged, part_area_only, part_area_whole_population, \
     district_to_special_zone, part_population, renamed, retyped, whole_area"
)]
pub struct RelationError;

impl Relation {
    /// Every relation.
    pub const ALL: [Self; 10] = [
        Self::Whole,
        Self::Part,
        Self::Unchanged,
        Self::PartAreaOnly,
        Self::PartAreaWholePopulation,
        Self::DistrictToSpecialZone,
        Self::PartPopulation,
        Self::Renamed,
        Self::Retyped,
        Self::WholeArea,
    ];

    /// The relation's word in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Part => "part",
            Self::Unchanged => "unchanged",
            Self::PartAreaOnly => "part_area_only",
            Self::PartAreaWholePopulation => "part_area_whole_population",
            Self::DistrictToSpecialZone => "district_to_special_zone",
            Self::PartPopulation => "part_population",
            Self::Renamed => "renamed",
            Self::Retyped => "retyped",
            Self::WholeArea => "whole_area",
        }
    }

    /// True where all of the predecessor's people went along.
    pub fn moves_everyone(self) -> bool {
        matches!(
            self,
            Self::Whole
                | Self::Unchanged
                | Self::PartAreaWholePopulation
                | Self::DistrictToSpecialZone
                | Self::Renamed
                | Self::Retyped
        )
    }

    /// True where only land went, and nobody.
    pub fn moves_nobody(self) -> bool {
        matches!(self, Self::PartAreaOnly | Self::WholeArea)
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Relation {
    type Err = RelationError;
    fn from_str(text: &str) -> Result<Self, RelationError> {
        Self::ALL.into_iter().find(|relation| relation.as_str() == text).ok_or(RelationError)
    }
}

/// One edge of lineage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Lineage {
    /// The first day of the new state: the beginning of one of the successor's rows.
    pub on: Date,
    /// The unit that was there the day before.
    pub predecessor: UnitId,
    /// The unit that took it over.
    pub successor: UnitId,
    /// How much of it.
    pub relation: Relation,
}
