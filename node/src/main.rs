//! The `danso` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    danso_node::cli::main()
}
