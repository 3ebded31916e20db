//! What a node tells those who look after it: numbers, health, log; and the files that read them.
//!
//! | file | holds |
//! |---|---|
//! | `numbers.rs` | every declared metric, told by real nodes after what it counts has happened |
//! | `units.rs` | the units below one by one, as far as there is room |
//! | `access.rs` | who may read the numbers |
//! | `health.rs` | ready, stopping, failed, in rescue mode: the same by gRPC and HTTP |
//! | `log.rs` | the log as JSON lines |
//! | `files.rs` | alert rules, dashboard and scrape configuration, by promtool and against what is declared |
//! | `ask.rs` | asks by HTTP; reads the text format |

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod access;
mod ask;
mod files;
mod health;
mod log;
mod numbers;
mod units;

/// The program under test.
const DANSO: &str = env!("CARGO_BIN_EXE_danso-under-test");
