//! Hostile and clumsy input against whole processes: the node and the command run under a limit of memory, and
//! what they print, write and log is looked at byte by byte.
//!
//! | file | holds |
//! |---|---|
//! | `limited.rs` | the program under a limit on its memory |
//! | `memory.rs` | random, huge and endless files: imported or refused, within the limit |
//! | `files.rs` | files that are no CSV in UTF-8, and days and cells that are none: each with its code |
//! | `screens.rs` | names that would run or deceive: in tables, JSON, CSV and logs |
//!
//! The limit is `ulimit -d`: all memory that the process may write, however it got it. A process beyond it ends.
//!
//! Longer: `cargo test -p danso-tests --test input -- --ignored` takes files of 300 MB and a million rows.

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod files;
mod limited;
mod memory;
mod screens;
