//! What the tiers above confirm and how far the children's clocks are off, as messages.

use crate::operations::{Node, clocks, confirmations::Confirmation};
use danso_proto::v1;
use danso_tier_config::{Directory, UnitId};
use std::collections::{BTreeMap, BTreeSet};

/// What the tiers above say of the chains held here.
#[derive(Debug, Default)]
pub struct Found {
    /// Of the own chain, the parent first; empty where the node records nothing.
    pub own: Vec<v1::Confirmation>,
    /// Code of what is wrong with a tier's word, by chain, the nearest tier first; chains in order are missing.
    pub codes: BTreeMap<UnitId, String>,
}

/// What the tiers above say of all chains held here, at `now_ms`. Reads a batch for each tier that lags; blocks.
pub fn found(node: &Node, now_ms: u64) -> Found {
    let directory = node.directory();
    let origins: Vec<UnitId> = node.store.view().chains.keys().copied().collect();
    let code = |origin| node.confirmations(origin, now_ms).into_iter().find_map(|held| held.code);
    let codes = origins.into_iter().filter_map(|origin| Some((origin, code(origin)?.to_owned()))).collect();
    let own = if node.records() { node.confirmations(node.unit(), now_ms) } else { Vec::new() };
    Found { own: own.into_iter().map(|held| message(&directory, held)).collect(), codes }
}

fn message(directory: &Directory, held: Confirmation) -> v1::Confirmation {
    v1::Confirmation {
        unit: held.tier.to_string(),
        name: directory.name(held.tier).unwrap_or_default().to_owned(),
        number: held.number.0,
        accepted_at_ms: held.accepted_at_ms,
        heard_at_ms: held.heard_at_ms,
        code: held.code.unwrap_or_default().to_owned(),
    }
}

/// The children that are linked, have told the time, or were turned away.
pub fn children(node: &Node, directory: &Directory) -> Vec<v1::ChildStatus> {
    let linked = node.linked_children();
    let offsets = node.clock_offsets();
    let turned_away = node.turned_away();
    let children: BTreeSet<UnitId> =
        linked.keys().chain(offsets.keys()).chain(turned_away.keys()).copied().collect();
    let message = |child: UnitId| {
        let clock_offset_ms = offsets.get(&child).copied().unwrap_or_default();
        let refused = turned_away.get(&child);
        v1::ChildStatus {
            unit: child.to_string(),
            name: directory.name(child).unwrap_or_default().to_owned(),
            connected: linked.contains_key(&child),
            clock_offset_ms,
            clock_off: clocks::is_off(clock_offset_ms),
            turned_away_code: refused.map(|refused| refused.code.to_owned()).unwrap_or_default(),
            turned_away_sentence: refused.map(|refused| refused.sentence.clone()).unwrap_or_default(),
        }
    };
    children.into_iter().map(message).collect()
}
