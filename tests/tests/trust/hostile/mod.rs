//! Peers that flood, bomb, stall and lie about the time, against whole nodes: each is bounded, counted under
//! a stable code, and everyone else is served.
//!
//! | file | holds |
//! |---|---|
//! | `raw.rs` | TLS and HTTP/2 spoken by hand |
//! | `silence.rs` | handshakes, connections and streams that go silent or crawl |
//! | `floods.rs` | too many connections, streams, calls, origins; old TLS |
//! | `bombs.rs` | messages and frames that would grow in memory |
//! | `clocks.rs` | clocks that are years off |
//! | `codes.rs` | links, certificates and tokens that are wrong: each code, and its count |
//! | `slow.rs` | a reader that never reads |
//!
//! Invariants:
//! 1. Every test ends with a question that is answered: others are served.

mod bombs;
mod clocks;
mod codes;
mod floods;
mod raw;
mod silence;
mod slow;

use danso_node::operations::{Node, meters::CONNECTIONS_REFUSED};
use danso_tests::{Tree, unit, wait::moment};
use danso_tier_config::UnitId;
use std::time::{Duration, Instant};

fn child() -> UnitId {
    unit("001")
}

fn parent() -> UnitId {
    unit("01")
}

/// How many connections or calls the node refused or cut for a reason.
fn refused(node: &Node, code: &str) -> u64 {
    node.meters.value(CONNECTIONS_REFUSED, code)
}

/// Someone else is served.
async fn others_are_served(tree: &Tree) {
    let answer = tree.client(parent()).await.node_info().await.unwrap();
    assert_eq!(answer.unit, parent().to_string());
}

/// As `until`, for what takes as long as the longest bound.
async fn in_time(what: &str, mut condition: impl FnMut() -> bool) {
    let since = Instant::now();
    while !condition() {
        assert!(since.elapsed() < raw::PATIENCE, "waited in vain: {what}");
        moment(Duration::from_millis(50)).await;
    }
}
