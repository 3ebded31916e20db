//! The two streams of the command: data on stdout, everything else on stderr.

use super::failure::Failure;
use std::{
    fmt::Display,
    io::{self, Write},
};

/// Writes data to stdout, complete on return.
pub(super) fn data(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::Output)
}

/// Writes a question to stderr; the answer is typed on the same line.
pub(super) fn prompt(text: impl Display) {
    let mut out = io::stderr().lock();
    let _ = write!(out, "{text}").and_then(|()| out.flush());
}

/// Writes one line to stderr. One that nobody can read is dropped: there is no place left to say so.
pub(super) fn note(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
