//! What an operator installs: the package, the service, the questions of `danso setup`.
//!
//! | file | holds |
//! |---|---|
//! | `contents.rs` | the Debian package and the tarball, built and looked into |
//! | `containers.rs` | the container file and the compose file |
//! | `service.rs` | what the service manager hears of a node |
//! | `setup.rs` | `danso setup` at a terminal and without one |
//! | `pages.rs` | the pages of the manual and the example files |
//!
//! Where `cargo-deb` is missing, the tests of the package say on the standard error that they were skipped; with
//! `DANSO_PACKAGE_REQUIRED` set they fail.

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod containers;
mod contents;
mod pages;
mod service;
mod setup;

use std::path::{Path, PathBuf};

/// The program under test.
const DANSO: &str = env!("CARGO_BIN_EXE_danso-under-test");

/// The folder of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
