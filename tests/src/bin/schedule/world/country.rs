//! The nodes before anything has happened.

use super::PORT;
use crate::{
    careless::Careless,
    place::{Place, Scene},
};
use danso_tests::Tree;
use danso_tier_config::UnitId;
use std::{collections::BTreeMap, sync::Arc};

/// The fifteen nodes, from the top down and the children of one parent side by side, and the commune that is none.
pub(super) fn places(tree: &Tree, scene: &Arc<Scene>) -> (Vec<Arc<Place>>, Arc<Careless>) {
    let mut units: Vec<UnitId> = tree.directory.rows().iter().map(|row| row.id).collect();
    let depth = |unit: &UnitId| tree.directory.at(unit.valid_from).ancestors(*unit).len();
    units.sort_by_key(|unit| (depth(unit), *unit));
    let number: BTreeMap<UnitId, usize> = units.iter().enumerate().map(|(at, unit)| (*unit, at)).collect();
    let host = |unit: UnitId| format!("node{:02}", number[&unit]);
    let place = |unit: &UnitId| {
        let mut config = tree.config(*unit);
        config.listen = ([0, 0, 0, 0], PORT).into();
        let above = config.parent.as_ref().map_or(0, |parent| number[&parent.unit]);
        if let Some(parent) = &mut config.parent {
            parent.address = format!("{}:{PORT}", host(parent.unit));
        }
        Arc::new(Place::new(config, host(*unit), above, Arc::clone(scene)))
    };
    let last = units.pop().expect("there are units");
    let parent = tree.config(last).parent.expect("a commune has one").unit;
    let address = format!("{}:{PORT}", host(parent));
    let careless = Careless::new(tree, last, parent, address, Arc::clone(scene));
    (units.iter().map(place).collect(), Arc::new(careless))
}
