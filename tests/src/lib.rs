//! Support of the system tests: trees of real nodes with real keys, certificates and folders.
//!
//! | file | holds |
//! |---|---|
//! | `tree.rs` | a small country: directory, authority, keys, node files, running nodes |
//! | `country.rs` | a country of thousands of communes, of which only central may run |
//! | `grown.rs` | a tree grown by invitations, with the program itself |
//! | `entries.rs` | entries of a register, ready to be recorded |
//! | `forge/` | crafted batches, and a link to a parent spoken by hand |
//! | `liar.rs` | a node in the middle played by the test, with its real keys |
//! | `clients.rs` | clients of the nodes: as the node, as a person, as a stranger |
//! | `book.rs` | a register in memory and the chain sealed from it, without a node |
//! | `random.rs` | chance from a printed seed |
//! | `folder.rs` | backups of data folders |
//! | `line.rs` | a line that is slow, loses, is cut or falls silent |
//! | `hosts.rs` | hosts of their own on one machine: network namespaces |
//! | `skipped.rs` | what is said of a test that cannot be run here |
//! | `cage.rs` | a small old computer: one core, little memory |
//! | `small_disk.rs` | a disk of a few megabytes, really mounted |
//! | `nation/` | a whole nation made and loaded into central |
//! | `packed.rs` | folders packed into one small file, for golden data |
//! | `wait.rs` | waiting for a condition, never for a time |
//! | `process.rs` | a node as a process of its own, to be killed |
//!
//! Invariants:
//! 1. Every part is real: sled in a temporary folder, TLS on loopback, the program itself.
//! 2. Each tree has a loopback address of its own, so tests run beside each other.

#![allow(clippy::missing_panics_doc, clippy::unwrap_used, missing_docs, reason = "support of tests")]

pub mod book;
mod cage;
mod clients;
pub mod country;
pub mod entries;
pub mod folder;
pub mod forge;
mod grown;
pub mod hosts;
pub mod liar;
pub mod line;
pub mod nation;
pub mod packed;
pub mod process;
pub mod random;
mod skipped;
mod small_disk;
pub mod tree;
pub mod wait;

pub use book::ChainBook;
pub use cage::Cage;
pub use entries::Recorder;
pub use grown::{Grown, Said};
pub use process::Process;
pub use random::Dice;
pub use skipped::skipped;
pub use small_disk::SmallDisk;
pub use tree::{Tree, unit};
pub use wait::{eventually, until};
