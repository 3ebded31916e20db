//! Tests of the store from within.
//!
//! | file | holds |
//! |---|---|
//! | `batching.rs` | when changes become batches |
//! | `disk_full.rs` | an index without space: refusals, what is kept, how it goes on |
//! | `tallies.rs` | rows of tallies written, read back, grown and shrunk |
//! | `small_disk.rs` | a disk of some megabytes |

mod batching;
mod disk_full;
mod small_disk;
mod tallies;
