//! The vault: seals what goes into a data folder, opens what comes out of it.

use super::{
    AtRestError, AtRestKey, OVERHEAD_BYTES_MAX,
    sealing::{Nonce, Secret, box_key, decrypt, encrypt, random},
    wrapped::{self, DataKey, Wrapped},
};
use std::{fmt, path::Path};
use x25519_dalek::{PublicKey, StaticSecret};

const PLAIN: u8 = 0;
const SEALED: u8 = 1;
const BOXED: u8 = 2;

/// Whether a data folder is encrypted and can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// No AT-REST and no key: nothing is encrypted.
    Off,
    /// The key is at hand: everything is sealed and opened.
    Open,
    /// AT-REST without its key: what arrives is sealed to its public key and cannot be opened here.
    Locked,
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Off => "off",
            Self::Open => "open",
            Self::Locked => "locked",
        })
    }
}

/// The keys of a data folder, in memory only; wiped when dropped.
pub struct Vault(Keys);

enum Keys {
    Off,
    Open(OpenKeys),
    Locked(PublicKey),
}

struct OpenKeys {
    sealing: Secret,
    receiving: StaticSecret,
    public: PublicKey,
}

impl From<&DataKey> for OpenKeys {
    fn from(data: &DataKey) -> Self {
        let receiving = data.receiving();
        let public = PublicKey::from(&receiving);
        Self { sealing: data.sealing(), receiving, public }
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Vault({:?})", self.state())
    }
}

impl Vault {
    /// Opens the vault of a data folder, which exists and is locked by the caller. With a key and without
    /// AT-REST that file is made first, with a new data key, and is durable on return; a repeat opens it.
    /// Errors: `at_rest_wrong_key`, `at_rest_damaged`, `at_rest_newer_format`, `at_rest_unusable`.
    pub fn of_folder(folder: &Path, kek: Option<&AtRestKey>) -> Result<Self, AtRestError> {
        let path = wrapped::path(folder);
        Ok(Self(match (Wrapped::read(folder)?, kek) {
            (None, None) => Keys::Off,
            (Some(wrapped), None) => Keys::Locked(wrapped.public()),
            (Some(wrapped), Some(kek)) => Keys::Open(OpenKeys::from(&wrapped.unwrap(kek, &path)?)),
            (None, Some(kek)) => {
                let data = DataKey::random();
                Wrapped::wrap(&data, kek, &random()).write(folder)?;
                Keys::Open(OpenKeys::from(&data))
            }
        }))
    }

    /// Whether values are encrypted and can be read.
    pub fn state(&self) -> State {
        match self.0 {
            Keys::Off => State::Off,
            Keys::Open(_) => State::Open,
            Keys::Locked(_) => State::Locked,
        }
    }

    /// Whether the folder is encrypted and its key is not at hand.
    pub fn is_locked(&self) -> bool {
        self.state() == State::Locked
    }

    /// Seals a value; at most [`OVERHEAD_BYTES_MAX`] bytes longer, and another one with every call. `context`
    /// says what it belongs to (kind and key of the record or row, unambiguously) and is needed to open it.
    pub fn seal(&self, context: &[u8], plain: &[u8]) -> Vec<u8> {
        match &self.0 {
            Keys::Off => [&[PLAIN], plain].concat(),
            Keys::Open(keys) => seal_with(&keys.sealing, &random(), context, plain),
            Keys::Locked(public) => {
                box_with(public, &StaticSecret::from(*random()), &random(), context, plain)
            }
        }
    }

    /// Opens a sealed value. Errors: `at_rest_locked` where it is encrypted and the key is not at hand,
    /// `at_rest_damaged` where it is not what was sealed under this context with this folder's key,
    /// `at_rest_newer_format` for an unknown format byte.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, AtRestError> {
        let damaged = || AtRestError::Damaged { bytes: sealed.len() };
        let (&format, rest) = sealed.split_first().ok_or_else(damaged)?;
        let keys = match (format, &self.0) {
            (PLAIN, _) => return Ok(rest.to_vec()),
            (SEALED | BOXED, Keys::Open(keys)) => keys,
            (SEALED | BOXED, Keys::Off | Keys::Locked(_)) => return Err(AtRestError::Locked),
            _ => return Err(AtRestError::Newer { format }),
        };
        if format == SEALED {
            return decrypt(&keys.sealing, context, rest).ok_or_else(damaged);
        }
        let (ephemeral, rest) = rest.split_first_chunk::<32>().ok_or_else(damaged)?;
        let ephemeral = PublicKey::from(*ephemeral);
        let key = box_key(&keys.receiving.diffie_hellman(&ephemeral), &ephemeral, &keys.public);
        decrypt(&key, context, rest).ok_or_else(damaged)
    }

    #[cfg(test)]
    pub(super) fn from_data_key(data: &DataKey) -> Self {
        Self(Keys::Open(OpenKeys::from(data)))
    }
}

/// Format 1.
pub(super) fn seal_with(sealing: &Secret, nonce: &Nonce, context: &[u8], plain: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(plain.len() + OVERHEAD_BYTES_MAX);
    sealed.push(SEALED);
    encrypt(sealing, nonce, context, plain, &mut sealed);
    sealed
}

/// Format 2; the ephemeral secret is used once and forgotten.
pub(super) fn box_with(
    recipient: &PublicKey,
    ephemeral: &StaticSecret,
    nonce: &Nonce,
    context: &[u8],
    plain: &[u8],
) -> Vec<u8> {
    let public = PublicKey::from(ephemeral);
    let key = box_key(&ephemeral.diffie_hellman(recipient), &public, recipient);
    let mut sealed = Vec::with_capacity(plain.len() + OVERHEAD_BYTES_MAX);
    sealed.push(BOXED);
    sealed.extend_from_slice(public.as_bytes());
    encrypt(&key, nonce, context, plain, &mut sealed);
    sealed
}

/// Wraps the data key of a folder under another key; what is sealed stays as it is. The caller holds the
/// folder's lock. On return the change is durable and `old` no longer opens the folder; a crash leaves one of
/// the two keys good, so keep both until this returned. A repeat does nothing. A copy of AT-REST made before
/// still opens with `old`. Errors: those of [`Vault::of_folder`], and `at_rest_missing`.
pub fn rewrap(folder: &Path, old: &AtRestKey, new: &AtRestKey) -> Result<(), AtRestError> {
    let path = wrapped::path(folder);
    let wrapped = Wrapped::read(folder)?.ok_or_else(|| AtRestError::Missing { path: path.clone() })?;
    if wrapped.key_name() == new.name() {
        return wrapped.unwrap(new, &path).map(drop);
    }
    let data = wrapped.unwrap(old, &path)?;
    Wrapped::wrap(&data, new, &random()).write(folder)
}
