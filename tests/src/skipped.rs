//! A test that cannot be run on this machine says so where it is seen.

use std::io::Write as _;

/// Says that something was left out, and why. Not by a macro, whose output is kept back for tests that pass.
pub fn skipped(what: &str, why: &str) {
    let _ = std::io::stderr().write_all(format!("SKIPPED {what}: {why}\n").as_bytes());
}
