//! How every unit below stands is told at every tier, at any moment: real nodes over four tiers.
//!
//! | file | holds |
//! |---|---|
//! | `heads.rs` | heads are answered while heartbeats arrive |
//! | `hops.rs` | lines that are cut, and the hop at which changes wait |
//! | `reports.rs` | what units say of themselves, how far it comes, and what is not believed |
//! | `watching.rs` | the stream of what changes |
//! | `command.rs` | `danso status`, as a person and as a program read it |
//! | `history.rs` | a month of samples |

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod command;
mod heads;
mod history;
mod hops;
mod reports;
mod watching;

use danso_node::{
    operations::{
        Node,
        lag::{Finding, UnitStanding},
    },
    runtime,
};
use danso_tests::{
    Tree,
    line::{Line, Quality},
    until,
};
use danso_tier_config::UnitId;
use std::sync::Arc;

/// Four tiers in which a unit counts as late after a day: a slow machine makes none.
fn four() -> Tree {
    let mut tree = Tree::four();
    tree.limits.late_after_ms = danso_tier_config::Limits::default().late_after_ms;
    tree
}

/// Starts a unit's node behind a line of its own to its parent.
async fn start_behind_a_line(tree: &mut Tree, unit: UnitId) -> Line {
    let parent = tree.config(unit).parent.unwrap().unit;
    let line = Line::open(tree.address(unit), tree.address(parent), Quality::default()).await;
    let mut config = tree.config(unit);
    config.parent.as_mut().unwrap().address = line.address().to_string();
    let running = runtime::start(config, &mut |_, _| ()).await.unwrap();
    tree.running.insert(unit, running);
    line
}

/// How a unit stands by a node.
fn standing(node: &Node, unit: UnitId) -> UnitStanding {
    node.standings(None).into_iter().find(|found| found.unit == unit).unwrap()
}

/// Waits until a unit stands so at a node, and gives how.
async fn stands(
    node: &Arc<Node>,
    unit: UnitId,
    what: &str,
    so: impl Fn(&UnitStanding) -> bool,
) -> UnitStanding {
    until(what, || so(&standing(node, unit))).await;
    standing(node, unit)
}

/// What is found of a unit with a code. Other findings may stand beside it: the disk of this computer is what it is.
fn finding(found: &UnitStanding, code: &str) -> Finding {
    let of_code = found.findings.iter().find(|finding| finding.code == code);
    of_code.unwrap_or_else(|| panic!("no {code} in {:?}", codes(found))).clone()
}

/// The codes of what is wrong with a unit.
fn codes(found: &UnitStanding) -> Vec<&str> {
    found.findings.iter().map(|finding| finding.code.as_str()).collect()
}
