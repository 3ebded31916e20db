//! The file AT-REST: the data key, wrapped under a key-encryption key, and its public key.
//!
//! Magic (14 bytes), format (1), public key (32), name of the key-encryption key (8), nonce (24), wrapped data
//! key with tag (48), SHA-256 of all before (32). In every format the last 32 bytes are that sum, so that
//! damage is told from a newer format; what lies before the nonce is authenticated by the wrapping.

use super::{
    AtRestError, AtRestKey, KeyName,
    sealing::{NONCE_BYTES, Nonce, Secret, TAG_BYTES, decrypt, derive, encrypt, random},
};
use crate::host::files;
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{ErrorKind, Read, Write},
    path::{Path, PathBuf},
};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

/// Format of the file that this program writes.
pub(super) const FORMAT: u8 = 1;

const MAGIC: &[u8; 14] = b"danso at-rest\n";
const SUM_BYTES: usize = 32;
const PUBLIC_AT: usize = MAGIC.len() + 1;
const NAME_AT: usize = PUBLIC_AT + 32;
const NONCE_AT: usize = NAME_AT + 8;
const SUM_AT: usize = NONCE_AT + NONCE_BYTES + 32 + TAG_BYTES;
/// Length of the file.
pub(super) const BYTES: usize = SUM_AT + SUM_BYTES;
/// Most that is read of a file of an unknown format.
const FILE_BYTES_MAX: u64 = 65_536;

const SEALING: &[u8] = b"danso at rest 1: sealing key";
const RECEIVING: &[u8] = b"danso at rest 1: X25519 secret of sealed boxes";

/// The secret from which a data folder's keys are derived.
pub(super) struct DataKey(Secret);

impl DataKey {
    pub fn random() -> Self {
        Self(random())
    }

    #[cfg(test)]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The key of values sealed while it is at hand.
    pub fn sealing(&self) -> Secret {
        derive(&self.0[..], SEALING)
    }

    /// The secret half of the key pair to which values are sealed while the data key is not at hand.
    pub fn receiving(&self) -> StaticSecret {
        StaticSecret::from(*derive(&self.0[..], RECEIVING))
    }
}

/// The content of AT-REST, whole and of this program's format.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Wrapped([u8; BYTES]);

/// Name of the key that opens a data folder's names; `None` where they are not encrypted.
pub fn key_name_of(folder: &Path) -> Result<Option<KeyName>, AtRestError> {
    Ok(Wrapped::read(folder)?.map(|wrapped| wrapped.key_name()))
}

/// Where AT-REST lies.
pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join("AT-REST")
}

impl Wrapped {
    /// Wraps a data key.
    pub fn wrap(data: &DataKey, kek: &AtRestKey, nonce: &Nonce) -> Self {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.push(FORMAT);
        bytes.extend_from_slice(PublicKey::from(&data.receiving()).as_bytes());
        bytes.extend_from_slice(&kek.name().0);
        let head = bytes.clone();
        encrypt(&kek.wrapping(), nonce, &head, &data.0[..], &mut bytes);
        let sum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&sum);
        Self(bytes.try_into().expect("the parts add up to the file's length"))
    }

    /// Parses the content of a file. Finds every flipped bit and every lost byte.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, AtRestError> {
        let damaged = || AtRestError::FileDamaged { path: path.to_path_buf() };
        let (content, sum) = bytes.split_last_chunk::<SUM_BYTES>().ok_or_else(damaged)?;
        if Sha256::digest(content)[..] != sum[..] || !content.starts_with(MAGIC) {
            return Err(damaged());
        }
        match content.get(MAGIC.len()) {
            Some(&FORMAT) => bytes.try_into().map(Self).map_err(|_| damaged()),
            Some(&format) if format > FORMAT => {
                Err(AtRestError::FileNewer { path: path.to_path_buf(), format })
            }
            _ => Err(damaged()),
        }
    }

    /// The public key, to which anyone can seal.
    pub fn public(&self) -> PublicKey {
        let bytes: [u8; 32] = *self.0[PUBLIC_AT..].first_chunk().expect("the file has a public key");
        PublicKey::from(bytes)
    }

    /// The name of the key that unwraps.
    pub fn key_name(&self) -> KeyName {
        KeyName(*self.0[NAME_AT..].first_chunk().expect("the file has a key's name"))
    }

    /// Unwraps the data key.
    pub fn unwrap(&self, kek: &AtRestKey, path: &Path) -> Result<DataKey, AtRestError> {
        let (given, expected) = (kek.name(), self.key_name());
        if given != expected {
            return Err(AtRestError::WrongKey { path: path.to_path_buf(), given, expected });
        }
        let damaged = || AtRestError::FileDamaged { path: path.to_path_buf() };
        let head = &self.0[..NONCE_AT];
        let plain = decrypt(&kek.wrapping(), head, &self.0[NONCE_AT..SUM_AT]).ok_or_else(damaged)?;
        let plain = Zeroizing::new(plain);
        let data = DataKey(Zeroizing::new(plain[..].try_into().map_err(|_| damaged())?));
        if PublicKey::from(&data.receiving()) != self.public() {
            return Err(damaged());
        }
        Ok(data)
    }

    #[cfg(test)]
    pub fn bytes(&self) -> &[u8; BYTES] {
        &self.0
    }

    /// Reads the file; `None` where there is none.
    pub fn read(folder: &Path) -> Result<Option<Self>, AtRestError> {
        let path = path(folder);
        let refused = AtRestError::file("read", &path);
        let file = match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            file => file.map_err(&refused)?,
        };
        let mut bytes = Vec::with_capacity(BYTES);
        file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(&refused)?;
        Self::parse(&bytes, &path).map(Some)
    }

    /// Puts the file in place of any before, mode 0600. On return it is durable; a crash leaves the old one
    /// or the new one, whole.
    pub fn write(&self, folder: &Path) -> Result<(), AtRestError> {
        let path = path(folder);
        files::replace(&path, files::PRIVATE_MODE, |out| out.write_all(&self.0))
            .map_err(AtRestError::file("write", &path))
    }
}
