//! Whether every old unit went somewhere and every new one came from somewhere.

use super::{
    conversion::{Conversion, Origin},
    places::{After, Before},
    report::{Notes, Oddity},
};
use crate::{directory::row::Relation, unit::UnitCode};
use std::collections::{BTreeMap, BTreeSet};

/// Every old commune goes somewhere with all its people, every new one was made from something.
pub(super) fn check(conversion: &Conversion, before: &Before, after: &After, notes: &mut Notes<'_>) {
    let mut goes: BTreeMap<Origin, Vec<(Relation, usize)>> = BTreeMap::new();
    let made: BTreeSet<UnitCode> = conversion.edges.keys().map(|(new, _)| *new).collect();
    for ((_, origin), edge) in &conversion.edges {
        goes.entry(*origin).or_default().push(*edge);
    }
    for (code, place) in &before.communes {
        let edges = goes.get(&Origin::Commune(*code)).map(Vec::as_slice).unwrap_or_default();
        let wholly = edges.iter().filter(|(relation, _)| relation.moves_everyone()).count();
        let peopled = edges.iter().filter(|(relation, _)| !relation.moves_nobody()).count();
        let line = edges.first().map_or(0, |(_, line)| *line);
        if peopled == 0 {
            let message = format!("no row says where the people of `{}` went", place.name);
            notes.open(line, code.as_str(), Oddity::OldWithoutSuccessor, message);
        } else if wholly > 0 && peopled > 1 {
            let message = format!("all people of `{}` go to one new unit, and some to another", place.name);
            notes.open(line, code.as_str(), Oddity::TransferConflict, message);
        }
    }
    for (code, place) in after.communes.iter().filter(|(code, _)| !made.contains(code)) {
        let message = format!("no row says what `{}` was made from", place.name);
        notes.open(0, code.as_str(), Oddity::NewWithoutPredecessor, message);
    }
}
