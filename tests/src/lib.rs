//! Support of the system tests: trees of real nodes with real keys, certificates and folders.
//!
//! | file | holds |
//! |---|---|
//! | `tree.rs` | a small country: directory, authority, keys, node files, running nodes |
//! | `entries.rs` | entries of a register, ready to be recorded |
//! | `wait.rs` | waiting for a condition, never for a time |
//! | `process.rs` | a node as a process of its own, to be killed |
//!
//! Invariants:
//! 1. Every part is real: sled in a temporary folder, TLS on loopback, the program itself.
//! 2. Each tree has a loopback address of its own, so tests run beside each other.

#![allow(clippy::missing_panics_doc, clippy::unwrap_used, missing_docs, reason = "support of tests")]

pub mod entries;
pub mod process;
pub mod tree;
pub mod wait;

pub use entries::Recorder;
pub use process::Process;
pub use tree::{Tree, unit};
pub use wait::until;
