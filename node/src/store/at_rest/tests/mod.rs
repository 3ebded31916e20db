//! Tests of encryption at rest.
//!
//! | file | holds |
//! |---|---|
//! | `vaults.rs` | states, sealed values, AT-REST, rewrapping |
//! | `key_files.rs` | key files: making, reading, their place |
//! | `vectors.rs` | sealed vectors |

mod key_files;
mod vaults;
mod vectors;

use super::AtRestError;
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

fn code<T>(result: Result<T, AtRestError>) -> &'static str {
    result.err().map_or("no error", |error| error.code())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}
