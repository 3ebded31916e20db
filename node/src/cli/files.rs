//! Reading and writing whole files that a command names.

use super::failure::Failure;
use crate::host::files;
use std::{
    fs::File,
    io::{BufWriter, Read, Write},
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

/// Creates or replaces a file; no moment shows half of it under its name. On return it and its name are durable.
pub(super) fn write(
    path: &Path,
    access: Access,
    content: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<(), Failure> {
    let mode = if access == Access::Owner { files::PRIVATE_MODE } else { 0o666 };
    let written = files::replace(path, mode, |file| {
        let mut out = BufWriter::new(file);
        content(&mut out)?;
        out.flush()
    });
    written.map_err(|error| {
        Failure::told("file_unwritable", format!("cannot write {}: {error}", path.display()))
    })
}
