//! The `danso` command as the system tests run it: the same code, built beside the tests.

use danso_node::cli::{self, Invocation};
use std::{io, process::ExitCode};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let invocation = Invocation::from_arguments();
    let level = invocation.log_level();
    let filter = EnvFilter::try_from_env("DANSO_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(io::stderr).init();
    cli::run(invocation)
}
