//! Which program wrote a data folder last, for whoever opens it with an older one.

use super::StoreError;
use crate::host::files;
use std::{
    fs::File,
    io::{Read as _, Write as _},
    path::Path,
};

/// This program and its version, as people and peers are told.
pub const SOFTWARE: &str = concat!("danso ", env!("CARGO_PKG_VERSION"));
/// Name of the file in a data folder.
const FILE: &str = "VERSION";
/// Longest name of a program that is read, in bytes.
const NAME_BYTES_MAX: u64 = 64;

/// Notes that this program writes the folder. A disk that refuses is told in the log: the note only helps people.
pub(super) fn note(data: &Path) {
    if read(data).as_deref() == Some(SOFTWARE) {
        return;
    }
    let written = files::replace(&data.join(FILE), files::PUBLIC_MODE, |out| writeln!(out, "{SOFTWARE}"));
    if let Err(error) = written {
        tracing::warn!(%error, "cannot note in the data folder which danso writes it");
    }
}

/// The program that wrote the folder last; `None` where none that notes it did.
pub(super) fn read(data: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(data.join(FILE)).ok()?.take(NAME_BYTES_MAX).read_to_string(&mut text).ok()?;
    let plain = |letter: char| letter.is_ascii_alphanumeric() || " .-+".contains(letter);
    let name = text.lines().next()?.trim();
    (name.starts_with("danso ") && name.chars().all(plain)).then(|| name.to_owned())
}

/// An error of a folder that this program cannot read because another one wrote it, with that one's name.
pub(super) fn explained(data: &Path, error: StoreError) -> StoreError {
    let newer = matches!(
        error.code(),
        "folder_newer_format" | "ledger_newer_format" | "ledger_record_unreadable" | "at_rest_newer_format"
    );
    match read(data).filter(|wrote| newer && wrote != SOFTWARE) {
        Some(wrote) if !matches!(error, StoreError::Newer { .. }) => {
            StoreError::Newer { problem: Box::new(error), wrote }
        }
        _ => error,
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_last_writer_is_noted_and_only_a_plain_name_is_believed() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path();
        assert_eq!(read(data), None);
        note(data);
        assert_eq!(read(data).as_deref(), Some(SOFTWARE));
        for (text, expected) in [
            ("danso 9.1.0-rc1\nmore\n", Some("danso 9.1.0-rc1")),
            ("", None),
            ("sled 1", None),
            ("danso \u{1b}[31m", None),
            (&"danso 1".repeat(100), None),
        ] {
            fs::write(data.join(FILE), text).unwrap();
            let expected = expected.map(str::to_owned);
            if text.len() < 64 {
                assert_eq!(read(data), expected, "{text:?}");
            } else {
                assert!(read(data).is_none_or(|name| name.len() as u64 <= NAME_BYTES_MAX));
            }
        }
    }

    #[test]
    fn what_no_newer_program_explains_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let newer =
            || StoreError::Folder { problem: "x".to_owned(), path: "y".into(), code: "folder_newer_format" };
        assert!(matches!(explained(folder.path(), newer()), StoreError::Folder { .. }), "nobody is known");
        fs::write(folder.path().join(FILE), "danso 9.1.0\n").unwrap();
        let told = explained(folder.path(), explained(folder.path(), newer()));
        assert_eq!(told.code(), "folder_newer_format");
        assert_eq!(told.to_string(), format!("x y; danso 9.1.0 wrote this folder last, this is {SOFTWARE}"));
        assert!(matches!(explained(folder.path(), StoreError::Locked), StoreError::Locked));
    }
}
