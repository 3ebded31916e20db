//! The directory on one boundary date.

use super::{Directory, row::Unit};
use crate::{date::Date, unit::UnitId};

/// The units valid on one day, and who stands above whom on that day.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    directory: &'a Directory,
    date: Date,
}

impl<'a> View<'a> {
    pub(super) fn new(directory: &'a Directory, date: Date) -> Self {
        Self { directory, date }
    }

    /// The boundary date.
    pub fn date(&self) -> Date {
        self.date
    }

    /// The unit's row of the day; `None` where it is unknown or not valid then.
    pub fn unit(&self, id: UnitId) -> Option<&'a Unit> {
        self.directory.rows_of(id).iter().find(|unit| unit.valid_on(self.date))
    }

    /// The unit's name of the day.
    pub fn name(&self, id: UnitId) -> Option<&'a str> {
        self.unit(id).map(|unit| unit.name.as_str())
    }

    /// The unit above; `None` for roots and for units not valid on the day.
    pub fn parent(&self, id: UnitId) -> Option<UnitId> {
        self.unit(id)?.parent
    }

    /// The parent on the day, or for a unit that ended before it, its last one.
    pub fn last_parent(&self, id: UnitId) -> Option<UnitId> {
        let begun = self.directory.rows_of(id).iter().rev().find(|unit| unit.valid_from <= self.date);
        begun?.parent
    }

    fn at(&self, index: u32) -> Option<&'a Unit> {
        Some(&self.directory.units[index as usize]).filter(|unit| unit.valid_on(self.date))
    }

    fn valid(&self, indexes: Option<&'a Vec<u32>>) -> impl Iterator<Item = UnitId> + use<'a> {
        let view = *self;
        indexes.into_iter().flatten().filter_map(move |index| view.at(*index)).map(|unit| unit.id)
    }

    /// The units just below, sorted by id.
    pub fn children(&self, id: UnitId) -> Vec<UnitId> {
        self.valid(self.directory.index.children.get(&id)).collect()
    }

    /// All units above, nearest first, without the unit itself.
    pub fn ancestors(&self, id: UnitId) -> Vec<UnitId> {
        std::iter::successors(self.parent(id), |above| self.parent(*above)).collect()
    }

    /// True where `ancestor` stands anywhere above `id` (a unit is not below itself).
    pub fn is_below(&self, id: UnitId, ancestor: UnitId) -> bool {
        let mut above = self.parent(id);
        while let Some(unit) = above {
            if unit == ancestor {
                return true;
            }
            above = self.parent(unit);
        }
        false
    }

    /// True where `id` is `ancestor` itself or below it, and valid on the day.
    pub fn is_within(&self, id: UnitId, ancestor: UnitId) -> bool {
        if id == ancestor { self.unit(id).is_some() } else { self.is_below(id, ancestor) }
    }

    /// All units of a tier, sorted by id.
    pub fn units_of_tier(&self, tier: &str) -> Vec<UnitId> {
        self.valid(self.directory.index.tiers.get(tier)).collect()
    }

    /// The recording units at or below a unit, sorted by id: for a commune, itself.
    pub fn leaves_below(&self, id: UnitId) -> Vec<UnitId> {
        let mut leaves = Vec::new();
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            if self.unit(id).is_some_and(|unit| self.directory.records(&unit.tier)) {
                leaves.push(id);
            }
            open.extend(self.valid(self.directory.index.children.get(&id)));
        }
        leaves.sort_unstable();
        leaves
    }

    /// Every unit at or below a unit, itself first, then sorted by depth.
    pub fn subtree(&self, id: UnitId) -> Vec<UnitId> {
        let mut all: Vec<UnitId> = self.unit(id).map(|unit| unit.id).into_iter().collect();
        let mut next = 0;
        while let Some(id) = all.get(next).copied() {
            all.extend(self.valid(self.directory.index.children.get(&id)));
            next += 1;
        }
        all
    }

    /// The unit that an official code means at a tier on the day.
    pub fn find(&self, code: &str, tier: &str) -> Option<UnitId> {
        let indexes = self.directory.index.codes.get(&code.parse().ok()?)?;
        indexes.iter().filter_map(|index| self.at(*index)).find(|unit| unit.tier == *tier).map(|unit| unit.id)
    }

    /// The units of the day without a parent, sorted by id.
    pub fn roots(&self) -> Vec<UnitId> {
        self.valid(Some(&self.directory.index.parentless)).collect()
    }

    /// Every unit valid on the day, sorted by id.
    pub fn units(&self) -> impl Iterator<Item = &'a Unit> + use<'a> {
        let date = self.date;
        self.directory.units.iter().filter(move |unit| unit.valid_on(date))
    }
}
