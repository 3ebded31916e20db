//! A danso node: everything that touches a disk, a socket or a clock.
//!
//! | folder | holds | may import |
//! |---|---|---|
//! | `host/` | what a node takes from its computer: clock, network, threads, the disk's moods | |
//! | `store/` | the ledger files and sled | host, core |
//! | `operations/` | recording, acceptance, forwarding, counting, releases, imports | store |
//! | `wire/` | messages of `danso-proto` to and from the core's types | operations |
//! | `transport/` | tonic and rustls: services, links, certificates | wire |
//! | `web/` | pages for people, health for tools: the dashboard | wire |
//! | `runtime/` | a running node: tasks, start, stop | transport, web |
//! | `cli/` | the `danso` command | runtime |
//!
//! Invariants:
//! 1. Imports point up this table only; a test in `danso-tests` checks it.
//! 2. `sled` is named only in `store`, `tonic` and `rustls` only in `transport` (`wire` may name
//!    `tonic::Status`), `axum` only in `web`, `clap` only in `cli`.

pub mod cli;
pub mod host;
pub mod operations;
pub mod runtime;
pub mod store;
pub mod transport;
pub mod web;
pub mod wire;

/// Values are made in one thread and dropped in another, many times an event: the system's allocator takes a fifth of
/// all work. How this one takes memory from the system is said in `.cargo/config.toml`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
