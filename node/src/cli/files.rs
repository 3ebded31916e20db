//! Reading and writing whole files that a command names.

use super::failure::Failure;
use std::{
    fs::{self, File, OpenOptions},
    io::{BufWriter, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Who may read a written file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Anyone whom the system's own settings allow.
    Anyone,
    /// The owner alone: the file holds personal data.
    Owner,
}

/// The bytes of a file of at most `bytes_max` bytes.
pub(super) fn read(path: &Path, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::told("file_unreadable", format!("cannot read {}: {error}", path.display()))
    };
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(bytes_max as u64 + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    if bytes.len() > bytes_max {
        let sentence = format!("{} is larger than {bytes_max} bytes, the most that is read", path.display());
        return Err(Failure::told("file_too_large", sentence));
    }
    Ok(bytes)
}

/// The text of a file of at most `bytes_max` bytes.
pub(super) fn read_text(path: &Path, bytes_max: usize) -> Result<String, Failure> {
    String::from_utf8(read(path, bytes_max)?).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        Failure::told("file_not_utf8", format!("{} is not UTF-8 text, first at byte {place}", path.display()))
    })
}

/// Creates or replaces a file; no moment shows half of it under its name. Durable on return.
pub(super) fn write(
    path: &Path,
    access: Access,
    content: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<(), Failure> {
    let temporary = path.with_added_extension("new");
    let mode = if access == Access::Owner { 0o600 } else { 0o666 };
    let put = || -> std::io::Result<()> {
        if temporary.exists() {
            fs::remove_file(&temporary)?;
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
        let mut out = BufWriter::new(file);
        content(&mut out)?;
        out.into_inner()?.sync_all()?;
        fs::rename(&temporary, path)
    };
    put().map_err(|error| {
        Failure::told("file_unwritable", format!("cannot write {}: {error}", path.display()))
    })
}
