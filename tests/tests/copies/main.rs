//! What leaves a node in files: backups and bundles, by the program itself against running nodes.
//!
//! | file | holds |
//! |---|---|
//! | `backup.rs` | backups under load, one upon the other, restored on a new computer |
//! | `backup_faults.rs` | backups that are damaged, cut short, of somebody else, under another key |
//! | `bundle.rs` | trees without a line, and with one beside the sticks |
//! | `bundle_faults.rs` | bundles that are damaged, forged, old, for somebody else |

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod backup;
mod backup_faults;
mod bundle;
mod bundle_faults;

use danso_tests::{Said, Tree};
use danso_tier_config::UnitId;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const DANSO: &str = env!("CARGO_BIN_EXE_danso-under-test");

/// Runs the program off the async threads: the nodes serve in this process.
fn danso(arguments: &[&str]) -> Result<String, Said> {
    danso_with(arguments, "")
}

/// The same with something on stdin.
fn danso_with(arguments: &[&str], input: &str) -> Result<String, Said> {
    use std::io::Write as _;
    tokio::task::block_in_place(|| {
        let mut child = Command::new(DANSO)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // One that needs none has gone before it is written.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        if output.status.success() {
            return Ok(String::from_utf8(output.stdout).unwrap());
        }
        let text = String::from_utf8(output.stderr).unwrap();
        let code = text.split("error[").nth(1).and_then(|rest| rest.split(']').next()).unwrap_or_default();
        Err(Said { code: code.to_owned(), text })
    })
}

/// The code of a command that fails.
fn code(said: Result<String, Said>) -> String {
    said.unwrap_err().code
}

/// The value of a line of output.
fn line(text: &str, name: &str) -> String {
    let found =
        text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name} in {text}"));
    found.trim().to_owned()
}

/// Paths of a test as text.
fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Files of a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The node file of a unit, as text.
fn node_file(tree: &Tree, unit: UnitId) -> String {
    text(&tree.node_file(unit))
}

/// Turns one bit of a file over.
fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}
