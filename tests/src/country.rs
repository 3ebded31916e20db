//! A country of thousands of communes: central has keys and may run, the others are rows of the directory.

use crate::{
    Tree,
    tree::{central, kind},
    unit,
};
use danso_tier_config::{Directory, Hierarchy, Unit, UnitId};
use std::time::SystemTime;

/// A country's tree and its units.
pub struct Country {
    pub tree: Tree,
    /// Each province with its communes.
    pub provinces: Vec<(UnitId, Vec<UnitId>)>,
}

impl Country {
    /// Three tiers, the communes shared out evenly among the provinces.
    pub fn new(provinces: usize, communes: usize) -> Self {
        let hierarchy = Hierarchy::shipped("three-tier").unwrap();
        let row = |id, name: &str, tier: &str, parent| {
            Directory::simple_unit(id, name, kind(tier), &hierarchy.tier(tier).unwrap().name, parent)
        };
        let mut rows: Vec<Unit> = vec![row(central(), "Việt Nam", "central", None)];
        let mut units = Vec::new();
        for province in 0..provinces {
            let id = unit(&format!("{:02}", province + 1));
            rows.push(row(id, &format!("Tỉnh {}", province + 1), "province", Some(central())));
            let below = province * communes / provinces..(province + 1) * communes / provinces;
            let below: Vec<UnitId> = below.map(|commune| unit(&format!("{:05}", commune + 1))).collect();
            rows.extend(
                below.iter().map(|commune| {
                    row(*commune, &format!("Xã {}", commune.code.as_str()), "commune", Some(id))
                }),
            );
            units.push((id, below));
        }
        let directory = Directory::from_rows(rows, Vec::new()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let tree = Tree::of_directory("three-tier", directory, &[central()], folder, SystemTime::now());
        Self { tree, provinces: units }
    }

    /// All communes.
    pub fn communes(&self) -> Vec<UnitId> {
        self.provinces.iter().flat_map(|(_, communes)| communes.iter().copied()).collect()
    }
}
