//! The key-encryption key: 64 hexadecimal digits in a file outside the data folder.

use super::{
    AtRestError, place,
    sealing::{Secret, derive, random},
};
use crate::host::files;
use rustix::fs::OFlags;
use std::{
    fmt,
    fs::OpenOptions,
    io::{ErrorKind, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};
use zeroize::Zeroizing;

const WRAPPING: &[u8] = b"danso at rest 1: key that wraps the data key";
const NAME: &[u8] = b"danso at rest 1: name of a key-encryption key";
/// Longest key file: the digits, white space and some room for a mistake to be told from.
const FILE_BYTES_MAX: usize = 256;
const DIGITS: usize = 64;

/// A key-encryption key. Wiped when dropped, never shown.
#[derive(Clone)]
pub struct AtRestKey(Secret);

/// What a key-encryption key is called in messages and in AT-REST; tells nothing about it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyName(pub(super) [u8; 8]);

impl AtRestKey {
    /// Makes a new key in a new file, mode 0600. On return file and name are durable. Refuses any path that
    /// exists (`at_rest_key_exists`); the folder must exist.
    pub fn generate(path: &Path) -> Result<Self, AtRestError> {
        let refused = AtRestError::key_file("write", path);
        let line = digits(&random());
        files::create(path, files::PRIVATE_MODE, |out| out.write_all(&line[..])).map_err(
            |error| match error.kind() {
                ErrorKind::AlreadyExists => AtRestError::KeyExists { path: path.to_path_buf() },
                _ => refused(error),
            },
        )?;
        Self::read(path)
    }

    /// Reads a key file. Refuses one that others than its owner may read (`at_rest_key_exposed`); a systemd
    /// credential, which root owns and opens to the one service user, is private. White space around the
    /// digits is allowed.
    pub fn read(path: &Path) -> Result<Self, AtRestError> {
        let refused = AtRestError::key_file("read", path);
        // Without NONBLOCK a named pipe would hold the start of the node up.
        let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
        let file = OpenOptions::new().read(true).custom_flags(nonblocking).open(path).map_err(&refused)?;
        let metadata = file.metadata().map_err(&refused)?;
        let content = || AtRestError::KeyContent { path: path.to_path_buf() };
        if !metadata.is_file() {
            return Err(content());
        }
        if !place::is_private(&file, &metadata).map_err(&refused)? {
            return Err(AtRestError::KeyExposed { path: path.to_path_buf(), mode: metadata.mode() & 0o7777 });
        }
        let mut text = Zeroizing::new([0; FILE_BYTES_MAX]);
        let mut length = 0;
        while length < text.len() {
            match (&file).read(&mut text[length..]) {
                Ok(0) => break,
                Ok(more) => length += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(refused(error)),
            }
        }
        if length == text.len() {
            return Err(content());
        }
        parse(&text[..length]).map(Self).ok_or_else(content)
    }

    /// The key's name: the same for the same key, and no way back to it.
    pub fn name(&self) -> KeyName {
        let bytes = derive(&self.0[..], NAME);
        KeyName(*bytes.first_chunk().expect("a derived key has 32 bytes"))
    }

    /// The key under which a data key is wrapped.
    pub(super) fn wrapping(&self) -> Secret {
        derive(&self.0[..], WRAPPING)
    }

    #[cfg(test)]
    pub(in crate::store) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl fmt::Debug for AtRestKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "AtRestKey({})", self.name())
    }
}

impl KeyName {
    /// Its bytes.
    pub fn bytes(self) -> [u8; 8] {
        self.0
    }
}

impl fmt::Display for KeyName {
    /// 16 hexadecimal digits.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "KeyName({self})")
    }
}

fn digits(key: &Secret) -> Zeroizing<[u8; DIGITS + 1]> {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut line = Zeroizing::new([b'\n'; DIGITS + 1]);
    for (pair, byte) in line.chunks_exact_mut(2).zip(key.iter()) {
        pair[0] = HEX[usize::from(byte >> 4)];
        pair[1] = HEX[usize::from(byte & 15)];
    }
    line
}

fn parse(text: &[u8]) -> Option<Secret> {
    let digits: &[u8; DIGITS] = text.trim_ascii().try_into().ok()?;
    let mut key = Zeroizing::new([0; 32]);
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |letter: u8| char::from(letter).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).expect("two digits are a byte");
    }
    Some(key)
}
