//! A federation at work: real nodes with real keys, certificates, sled and TLS. One program, since each
//! links for a long time.
//!
//! | file | holds |
//! |---|---|
//! | `links.rs` | recorded at a commune, counted above; lines that break and come back |
//! | `coverage.rs` | what an answer says of its completeness |
//! | `services.rs` | the services as a client sees them, and who may use them |
//! | `crash.rs` | `kill -9` at every tier |
//! | `killed.rs` | `kill -9` during a start, and between a batch and its receipt |
//! | `disk_full.rs` | a node whose disk is full, killed and started again |
//! | `reparenting.rs` | a commune that goes on under another parent |
//! | `held_writer.rs` | what comes while something else is on its way to the disk; orders without end |
//! | `rebuild.rs` | the index lost or damaged |
//! | `refusals.rs` | folders that a node must not touch |
//! | `downward.rs` | releases and directories on their way down |
//! | `interleaving.rs` | any order, repetition and loss of batches |
//! | `golden.rs` | the bytes of a batch |

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod coverage;
mod crash;
mod disk_full;
mod downward;
mod golden;
mod held_writer;
mod interleaving;
mod killed;
mod links;
mod rebuild;
mod refusals;
mod reparenting;
mod restored;
mod services;

use danso_core::rollup::{Difference, Dimension, Measure, Tallies, difference};
use danso_node::{
    operations::{CountQuery, Counted, Node},
    runtime::store_options,
    store::{StoreError, VerifyReport, verify},
};
use danso_tests::{Tree, until};
use danso_tier_config::{Month, UnitId};
use std::{collections::BTreeMap, fs, path::Path};

/// A question about one month without filters.
fn question(measure: Measure, units: &[&str], month: Month, by: &[Dimension]) -> CountQuery {
    CountQuery {
        measure,
        units: units.iter().map(ToString::to_string).collect(),
        by_tier: None,
        months: Some((month, month)),
        filters: Vec::new(),
        group_by: by.to_vec(),
        boundary: None,
    }
}

fn births(node: &Node, units: &[&str], by: &[Dimension]) -> Counted {
    node.count(&question(Measure::Births, units, "2026-03".parse().unwrap(), by)).unwrap()
}

/// The only count of an answer without columns.
fn total(counted: &Counted) -> i64 {
    assert_eq!(counted.rows.len(), 1);
    counted.rows[0].count
}

/// The tallies of the nodes that record, as one.
fn recorded_tallies(tree: &Tree) -> Tallies {
    let mut sum = Tallies::default();
    for node in tree.running.values().map(|running| &running.node).filter(|node| node.records()) {
        for tally in node.store.view().tallies.iter() {
            sum.load(tally.unit, tally.month, tally.cell, tally.value);
        }
    }
    sum
}

/// Every cell that differs between two sets of tallies.
fn differences_of(left: &Tallies, right: &Tallies) -> Vec<Difference> {
    difference(left, right)
}

/// What the node of `top` counts otherwise than the nodes that recorded it.
fn differences(tree: &Tree, top: UnitId) -> Vec<Difference> {
    differences_of(&recorded_tallies(tree), &tree.node(top).store.view().tallies)
}

/// Waits until the node of `top` has every change that a running node recorded.
async fn caught_up(tree: &Tree, top: UnitId) {
    until("everything recorded has come up", || {
        tree.running
            .iter()
            .filter(|(_, running)| running.node.records())
            .all(|(unit, running)| tree.changes(top, *unit) == running.node.store.view().recording.sequence)
    })
    .await;
}

/// The full check of a stopped node's folder.
fn verified(tree: &Tree, at: UnitId) -> Result<VerifyReport, StoreError> {
    verify(&store_options(&tree.config(at)).unwrap(), &mut |_, _| ())
}

/// All files below a folder with their bytes.
fn files(folder: &Path) -> BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}
