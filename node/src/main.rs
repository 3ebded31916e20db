//! The `danso` command.

use danso_node::cli::{self, Invocation};
use std::{io, process::ExitCode};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let invocation = Invocation::from_arguments();
    log_to_stderr(invocation.log_level());
    cli::run(invocation)
}

/// Logs from `level` on, unless the environment variable `DANSO_LOG` says otherwise.
fn log_to_stderr(level: &str) {
    let filter = EnvFilter::try_from_env("DANSO_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
}
