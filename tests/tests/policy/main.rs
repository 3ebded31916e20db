//! What passes each boundary: names, cores or counts. Whatever is withheld, batches verify above, counts
//! are equal, and no tier's folder holds what that tier must not have.
//!
//! | file | holds |
//! |---|---|
//! | `passing.rs` | what each tier holds under each policy |
//! | `forged.rs` | a child that edits what it passes on, or passes on what it must not |

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod forged;
mod passing;

use danso_core::chain::{Batch, BatchNumber};
use danso_node::operations::Node;
use danso_tests::{tree::central, unit};
use danso_tier_config::UnitId;

fn commune() -> UnitId {
    unit("00001")
}

/// The commune, its district, its province and central.
fn way_up() -> [UnitId; 4] {
    [commune(), unit("001"), unit("01"), central()]
}

fn batches(node: &Node, origin: UnitId) -> Vec<Batch> {
    let head = node.store.view().chains[&origin].head.number;
    (1..=head.0).map(|number| node.store.batch(origin, BatchNumber(number)).unwrap().unwrap().batch).collect()
}

/// Whether `wanted` stands anywhere in `bytes`. Looks for its first byte, then compares.
fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    let (first, rest) = wanted.split_first().unwrap();
    let mut left = bytes;
    while let Some(found) = left.iter().position(|byte| byte == first) {
        left = &left[found + 1..];
        if left.starts_with(rest) {
            return true;
        }
    }
    false
}
