//! Data folders that were hurt: power cut at any instant, flipped bits, lost and old files; what `danso verify` says
//! of them, what mends them, and how a node behaves that cannot open its store.
//!
//! | file | holds |
//! |---|---|
//! | `scene.rs` | a tree that recorded and stopped; the state of a folder; a folder in the place of a node's |
//! | `power_cut.rs` | copies of folders taken while they are written, torn further; the first creation |
//! | `flips.rs` | one flipped bit anywhere: found and named, or without effect |
//! | `mending.rs` | damage, the name of it, the repair, and life goes on |
//! | `rescue.rs` | a node that cannot open its store says why and what mends it |
//!
//! Invariants:
//! 1. An outcome is one of three: all is there and equals a recount; a stable code that has a page; never a third.

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod flips;
mod mending;
mod power_cut;
mod rescue;
mod scene;

/// The program.
const DANSO: &str = env!("CARGO_BIN_EXE_danso-under-test");
