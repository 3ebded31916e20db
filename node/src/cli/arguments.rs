//! The tree of commands as clap reads it.

use super::{config, demo, directory, import, keys, query, rebuild, release, run, simulate, status, verify};
use clap::{Parser, Subcommand};

/// A federated population warehouse / Kho dữ liệu dân số phân cấp.
#[derive(Debug, Parser)]
#[command(name = "danso", version, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 an import refused some rows.\n\
    Environment: DANSO_LOG sets the log level (error, warn, info, debug) on stderr.")]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check a node's file
    #[command(subcommand)]
    Config(config::Command),
    /// Make or check the list of all units
    #[command(subcommand)]
    Directory(directory::Command),
    /// Make throw-away keys for tests and the demo
    #[command(subcommand)]
    Keys(keys::Command),
    /// Run a node / Chạy nút
    Run(run::Arguments),
    /// Check ledger and index of a stopped node; changes nothing
    Verify(verify::Arguments),
    /// Build the index of a stopped node anew from its ledger
    Rebuild(rebuild::Arguments),
    /// Ask a node for counts, units, chains or indicators
    #[command(subcommand)]
    Query(query::Command),
    /// Import the A0 book or P0 sheets / Nhập sổ A0, phiếu P0
    #[command(subcommand)]
    Import(import::Command),
    /// Write the simulated register of a commune and its events as CSV
    SimulateRegister(simulate::Arguments),
    /// Show how far a node and the units below it have come
    Status(status::Arguments),
    /// Publish indicators
    #[command(subcommand)]
    Release(release::Command),
    /// Play a small country on this computer and compare what is counted / Chạy thử
    Demo(demo::Arguments),
}
