//! What a node takes from the computer that it runs on: the clock, the network, threads, and the disk's moods; and
//! files put in place durably.
//!
//! A node gets one [`Host`] when it is made and asks nothing else for the time or a connection, so that a
//! simulation can give it others. The default is the computer itself.
//!
//! | file | holds |
//! |---|---|
//! | `clock.rs` | the time of day |
//! | `network.rs` | listening and connecting |
//! | `threads.rs` | where blocking work is done |
//! | `process.rs` | what the system says of this process |
//! | `disk.rs` | a look at every step by which the ledger changes its folder, and at the room left |
//! | `files.rs` | files put in place durably |
//!
//! Invariants:
//! 1. Nothing here keeps state of a node; a host may serve many.
//! 2. What a node does with a simulated host it does with the real one: there is one code path above.

mod clock;
mod disk;
pub(crate) mod files;
mod network;
mod process;
mod threads;

pub use clock::{Clock, now_ms};
pub use disk::{DiskWatch, Room, Step, Steps};
pub use network::{Duplex, Listener, Network, Opening, Socket, tcp};
pub use process::resident_bytes;
pub use threads::Threads;

use std::sync::Arc;

/// The computer under a node.
#[derive(Clone)]
pub struct Host {
    /// The time of day.
    pub clock: Clock,
    /// The network.
    pub network: Arc<dyn Network>,
    /// Where blocking work is done.
    pub threads: Threads,
    /// Who looks at the ledger's steps on the disk.
    pub disk: DiskWatch,
}

impl Default for Host {
    fn default() -> Self {
        Self { clock: Clock::default(), network: tcp(), threads: Threads::Own, disk: DiskWatch::default() }
    }
}
