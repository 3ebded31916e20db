//! Children whose hello could not be answered with a welcome: their program must be replaced, or this one.

use super::node::Node;
use danso_tier_config::UnitId;
use std::{collections::BTreeMap, sync::Mutex};

/// Why a child was turned away at its last hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnedAway {
    /// Stable code.
    pub code: &'static str,
    /// What is wrong and what mends it.
    pub sentence: String,
}

/// The children that were turned away last, until they are welcome.
#[derive(Debug, Default)]
pub(super) struct Doorstep(Mutex<BTreeMap<UnitId, TurnedAway>>);

impl Node {
    /// Notes that a child was turned away. It comes again and again: the log is told once.
    pub fn turn_away(&self, child: UnitId, code: &'static str, sentence: String) {
        let told = TurnedAway { code, sentence };
        let before =
            self.doorstep.0.lock().expect("no holder of the doorstep panics").insert(child, told.clone());
        if before.as_ref() != Some(&told) {
            tracing::error!(%child, code, sentence = told.sentence, "a child was turned away");
        }
    }

    /// Notes that a child is welcome.
    pub fn let_in(&self, child: UnitId) {
        self.doorstep.0.lock().expect("no holder of the doorstep panics").remove(&child);
    }

    /// Children that were turned away at their last hello.
    pub fn turned_away(&self) -> BTreeMap<UnitId, TurnedAway> {
        self.doorstep.0.lock().expect("no holder of the doorstep panics").clone()
    }
}
