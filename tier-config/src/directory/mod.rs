//! The dated list of all administrative units: what they were called, whom they stood under, what they came from.
//!
//! | file | holds |
//! |---|---|
//! | `kind.rs` | kinds of unit: xã, phường, huyện, tỉnh |
//! | `row.rs` | a unit during a period; lineage edges |
//! | `check.rs` | every rule that a directory must keep |
//! | `csv_file.rs` | our own CSV form, read and written |
//! | `view.rs` | questions on one boundary date |
//! | `official/` | makes a directory from the official lists as published |
//!
//! Invariants:
//! 1. A [`Directory`] exists only if every rule of `check.rs` holds: no overlap, no cycle, and every parent
//!    is valid on every day of its children.
//! 2. Rows are sorted by id and first day, lineage by day, predecessor and successor; equal directories
//!    write equal bytes, so a digest of [`Directory::to_csv`] can be signed.
//! 3. A code alone is never looked up: a date and a tier go with it.

mod check;
mod csv_file;
pub mod kind;
pub mod official;
pub mod row;
pub mod view;

use crate::{
    date::Date,
    fault::Faults,
    tier::{Hierarchy, TierName},
    unit::{UnitCode, UnitId},
};
use kind::Kind;
use row::{Lineage, Unit};
use std::collections::HashMap;
use view::View;

/// The directory; see the module page.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    units: Vec<Unit>,
    lineage: Vec<Lineage>,
    index: Index,
}

/// Places of rows in `Directory::units`, each list sorted.
#[derive(Debug, Clone, Default)]
struct Index {
    rows: HashMap<UnitId, (u32, u32)>,
    children: HashMap<UnitId, Vec<u32>>,
    tiers: HashMap<TierName, Vec<u32>>,
    codes: HashMap<UnitCode, Vec<u32>>,
    parentless: Vec<u32>,
    /// Lineage sorted by successor, for [`Directory::predecessors`].
    by_successor: Vec<Lineage>,
    by_predecessor: Vec<Lineage>,
    recording: Vec<TierName>,
}

impl PartialEq for Directory {
    fn eq(&self, other: &Self) -> bool {
        self.units == other.units && self.lineage == other.lineage
    }
}

impl Eq for Directory {}

impl Directory {
    /// The id of the whole country in imported directories, `VN@1945-09-02`.
    pub fn country() -> UnitId {
        "VN@1945-09-02".parse().expect("a unit id")
    }

    /// A directory of rows whose tiers come from the shipped hierarchies; all faults at once.
    pub fn from_rows(units: Vec<Unit>, lineage: Vec<Lineage>) -> Result<Self, Faults> {
        Self::from_rows_in(units, lineage, &shipped())
    }

    /// A directory of rows whose tiers come from the given hierarchies; all faults at once.
    pub fn from_rows_in(
        units: Vec<Unit>,
        lineage: Vec<Lineage>,
        hierarchies: &[Hierarchy],
    ) -> Result<Self, Faults> {
        let rows = check::Rows {
            file: "directory",
            units: units.into_iter().zip(1..).collect(),
            lineage: lineage.into_iter().map(|edge| (edge, 0)).collect(),
        };
        rows.checked(hierarchies, Faults::default())
    }

    /// Reads our own CSV form with the tiers of the shipped hierarchies; all faults at once.
    pub fn read_csv(text: &str, file: &str) -> Result<Self, Faults> {
        Self::read_csv_in(text, file, &shipped())
    }

    /// Reads our own CSV form with the tiers of the given hierarchies; all faults at once.
    pub fn read_csv_in(text: &str, file: &str, hierarchies: &[Hierarchy]) -> Result<Self, Faults> {
        let (rows, faults) = csv_file::read(text, file)?;
        rows.checked(hierarchies, faults)
    }

    /// Our own CSV form; equal directories give equal bytes.
    pub fn to_csv(&self) -> String {
        csv_file::write(self)
    }

    /// Sorts and indexes rows that `check.rs` has found right.
    fn indexed(mut units: Vec<Unit>, mut lineage: Vec<Lineage>, hierarchies: &[Hierarchy]) -> Self {
        units.sort_unstable_by_key(|unit| (unit.id, unit.valid_from));
        lineage.sort_unstable();
        let mut index = Index {
            recording: hierarchies.iter().map(|hierarchy| hierarchy.bottom().name.clone()).collect(),
            by_predecessor: lineage.clone(),
            by_successor: lineage.clone(),
            ..Index::default()
        };
        index.by_successor.sort_unstable_by_key(|edge| (edge.successor, *edge));
        index.by_predecessor.sort_unstable_by_key(|edge| (edge.predecessor, *edge));
        for (unit, at) in units.iter().zip(0u32..) {
            index.rows.entry(unit.id).or_insert((at, at)).1 = at + 1;
            index.tiers.entry(unit.tier.clone()).or_default().push(at);
            index.codes.entry(unit.id.code).or_default().push(at);
            match unit.parent {
                Some(parent) => index.children.entry(parent).or_default().push(at),
                None => index.parentless.push(at),
            }
        }
        Self { units, lineage, index }
    }

    /// All rows, sorted by id and first day.
    pub fn rows(&self) -> &[Unit] {
        &self.units
    }

    /// All lineage, sorted by day, predecessor, successor.
    pub fn lineage(&self) -> &[Lineage] {
        &self.lineage
    }

    /// The rows of one unit, oldest first; empty where it is unknown.
    pub fn rows_of(&self, id: UnitId) -> &[Unit] {
        let (from, to) = self.index.rows.get(&id).copied().unwrap_or_default();
        &self.units[from as usize..to as usize]
    }

    /// The latest row of a unit, whatever the date; `None` where it is unknown.
    pub fn unit(&self, id: UnitId) -> Option<&Unit> {
        self.rows_of(id).last()
    }

    /// The latest name of a unit.
    pub fn name(&self, id: UnitId) -> Option<&str> {
        self.unit(id).map(|unit| unit.name.as_str())
    }

    /// The latest parent of a unit, also of one that is no longer valid.
    pub fn last_parent(&self, id: UnitId) -> Option<UnitId> {
        self.unit(id)?.parent
    }

    /// The last day of a unit; `None` while it lasts or where it is unknown.
    pub fn valid_to(&self, id: UnitId) -> Option<Date> {
        self.unit(id)?.valid_to
    }

    /// The directory on a boundary date.
    pub fn at(&self, date: Date) -> View<'_> {
        View::new(self, date)
    }

    /// The unit that an official code meant at a tier on a day.
    pub fn find(&self, code: &str, tier: &str, date: Date) -> Option<UnitId> {
        self.at(date).find(code, tier)
    }

    /// True where people record at a tier: the bottom of a known hierarchy.
    pub fn records(&self, tier: &TierName) -> bool {
        self.index.recording.contains(tier)
    }

    /// What a unit came from.
    pub fn predecessors(&self, id: UnitId) -> &[Lineage] {
        of_unit(&self.index.by_successor, id, |edge| edge.successor)
    }

    /// What a unit went into.
    pub fn successors(&self, id: UnitId) -> &[Lineage] {
        of_unit(&self.index.by_predecessor, id, |edge| edge.predecessor)
    }

    /// The days on which a row begins: the boundary dates worth asking for.
    pub fn boundary_dates(&self) -> Vec<Date> {
        let mut dates: Vec<Date> = self.units.iter().map(|unit| unit.valid_from).collect();
        dates.sort_unstable();
        dates.dedup();
        dates
    }

    /// True where the directory holds no unit.
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    /// The named units with everything above them and the lineage among them; unknown ids are left out.
    ///
    /// For a demo or a test that needs a few real units.
    #[must_use]
    pub fn subset(&self, ids: &[UnitId]) -> Self {
        let mut kept: std::collections::BTreeSet<UnitId> = std::collections::BTreeSet::new();
        let mut open: Vec<UnitId> = ids.to_vec();
        while let Some(id) = open.pop() {
            if kept.insert(id) {
                open.extend(self.rows_of(id).iter().filter_map(|unit| unit.parent));
            }
        }
        let units = self.units.iter().filter(|unit| kept.contains(&unit.id)).cloned().collect();
        let edges = self.lineage.iter().copied();
        let lineage =
            edges.filter(|edge| kept.contains(&edge.predecessor) && kept.contains(&edge.successor)).collect();
        let mut subset = Self::indexed(units, lineage, &[]);
        subset.index.recording.clone_from(&self.index.recording);
        subset
    }

    /// A unit of a hand-made directory whose only row lasts from the first day of its id on.
    pub fn simple_unit(id: UnitId, name: &str, kind: Kind, tier: &TierName, parent: Option<UnitId>) -> Unit {
        let tier = tier.clone();
        Unit { id, name: name.to_owned(), kind, tier, parent, valid_from: id.valid_from, valid_to: None }
    }
}

fn of_unit(edges: &[Lineage], id: UnitId, key: impl Fn(&Lineage) -> UnitId) -> &[Lineage] {
    let from = edges.partition_point(|edge| key(edge) < id);
    let to = edges.partition_point(|edge| key(edge) <= id);
    &edges[from..to]
}

fn shipped() -> Vec<Hierarchy> {
    Hierarchy::shipped_names().filter_map(Hierarchy::shipped).collect()
}
