//! Tests of the store from within.
//!
//! | file | holds |
//! |---|---|
//! | `batching.rs` | when changes become batches |
//! | `disk_full.rs` | an index without space: refusals, what is kept, how it goes on |
//! | `lost_end.rs` | acknowledged records that are gone from the disk |
//! | `tallies.rs` | rows of tallies written, read back, grown and shrunk |
//! | `register.rs` | names and captures: in the ledger alone, found there |
//! | `small_disk.rs` | a disk of some megabytes |
//! | `waiting.rs` | many wait at once, and commit for each other |

mod batching;
mod disk_full;
mod lost_end;
mod register;
mod small_disk;
mod tallies;
mod waiting;

use super::Options;
use crate::host::Host;
use danso_core::chain::LedgerKey;
use danso_tier_config::Limits;
use std::path::Path;

/// A commune's store in a folder, without encryption.
fn options(folder: &Path) -> Options {
    Options {
        folder: folder.to_path_buf(),
        unit: "00001@2025-07-01".parse().unwrap(),
        key: LedgerKey::from_seed(&[7; 32]),
        next_key: None,
        limits: Limits { cache_bytes: 1_048_576, ..Limits::default() },
        grants: Vec::new(),
        at_rest: None,
        hierarchies: Vec::new(),
        host: Host::default(),
    }
}
