//! The `danso` command as the system tests run it: the same code, built beside the tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    danso_node::cli::main()
}
