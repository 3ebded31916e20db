//! The signed opening of a bundle: one direction of a link, carried in a file.

use super::Statement;
use danso_tier_config::UnitId;
use serde::{Deserialize, Serialize};

/// Which way a bundle goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// From a child to its parent: batches.
    Up,
    /// From a parent to its child: receipts, and what flows down.
    Down,
}

/// Who made a bundle for whom. It names the public half of the key that the file is sealed with, which is drawn for
/// this file alone: whatever the file holds was sealed by who signs here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleOpening {
    /// The node that made it, and signs.
    pub sender: UnitId,
    /// The node that it is for.
    pub receiver: UnitId,
    /// Which way it goes.
    pub way: Way,
    /// The public key drawn for this file.
    pub seal: [u8; 32],
    /// When it was made, Unix milliseconds by the sender's clock.
    pub made_at_ms: u64,
}

impl Statement for BundleOpening {
    const MAGIC: [u8; 4] = *b"DSU1";
    const BYTES_MAX: usize = 512;
}
