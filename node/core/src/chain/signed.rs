//! Ledger keys (Ed25519) and statements signed with them.
//!
//! A statement's bytes begin with four letters that name its kind, so a signature over one kind can
//! never stand under another. The signature is over exactly the bytes that are sent and kept.

use super::{Digest, Fault};
use crate::domain::encoded;
use danso_tier_config::{UnitId, limits};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fmt;

/// Bytes of an Ed25519 signature.
pub const SIGNATURE_BYTES: usize = 64;

/// First eight bytes of the SHA-256 of a public key: enough to find it, not to trust it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyId(pub [u8; 8]);

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A public ledger key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// The key of 32 bytes; refused where they are no point of the curve or a weak one.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, Fault> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| Fault::Key)?;
        if key.is_weak() { Err(Fault::Key) } else { Ok(Self(key)) }
    }

    /// Its 32 bytes.
    pub fn to_bytes(self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// Its short name.
    pub fn id(self) -> KeyId {
        let digest = Digest::of(&[self.0.as_bytes()]);
        KeyId(digest.0[..8].try_into().expect("a digest has 32 bytes"))
    }

    /// The same key as one for agreements (X25519), to which files are sealed: the point in its Montgomery form.
    pub fn agreement(self) -> [u8; 32] {
        self.0.to_montgomery().to_bytes()
    }

    /// Strict verification: no malleable signature, no small-order key.
    fn verify(self, bytes: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> bool {
        self.0.verify_strict(bytes, &Signature::from_bytes(signature)).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id())
    }
}

/// A node's secret ledger key. Not printed; wiped from memory when dropped.
pub struct LedgerKey(SigningKey);

impl LedgerKey {
    /// The key of a 32-byte secret seed.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The matching public key.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// The secret half of [`PublicKey::agreement`]. Never for anything but opening what was sealed to it.
    pub fn agreement(&self) -> [u8; 32] {
        self.0.to_scalar_bytes()
    }
}

impl fmt::Debug for LedgerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LedgerKey({})", self.public().id())
    }
}

/// Something that is signed: a header, a receipt, a registration, a release.
pub trait Statement: Serialize + DeserializeOwned {
    /// Four letters at the head of its bytes; the last one is the format.
    const MAGIC: [u8; 4];
    /// Longest encoding that is looked at.
    const BYTES_MAX: usize = limits::SIGNED_BYTES_MAX;
}

/// A statement's bytes as sent, with the signature over exactly these bytes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// Magic and postcard encoding of the statement.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
    /// Ed25519 signature, 64 bytes.
    #[serde(with = "serde_bytes")]
    pub signature: Vec<u8>,
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signed({} bytes, {:?})", self.bytes.len(), Digest::of(&[&self.bytes]))
    }
}

impl Signed {
    /// Encodes and signs a statement.
    pub fn sign<T: Statement>(statement: &T, key: &LedgerKey) -> Self {
        let bytes = encoded(&(T::MAGIC, statement));
        let signature = key.0.sign(&bytes).to_bytes().to_vec();
        Self { bytes, signature }
    }

    /// Verifies, then decodes. The order is the point: unverified bytes are never decoded.
    pub fn verify<T: Statement>(&self, key: PublicKey) -> Result<T, Fault> {
        if self.bytes.len() > T::BYTES_MAX {
            return Err(Fault::TooLarge { what: "statement", bytes: self.bytes.len(), max: T::BYTES_MAX });
        }
        let signature: &[u8; SIGNATURE_BYTES] =
            self.signature.as_slice().try_into().map_err(|_| Fault::Signature)?;
        if !key.verify(&self.bytes, signature) {
            return Err(Fault::Signature);
        }
        self.decode_trusted()
    }

    /// Decodes bytes whose signature was verified before they were stored by this node.
    pub fn decode_trusted<T: Statement>(&self) -> Result<T, Fault> {
        let rest = self.bytes.strip_prefix(&T::MAGIC).ok_or(Fault::Kind)?;
        match postcard::take_from_bytes(rest) {
            Ok((statement, [])) => Ok(statement),
            _ => Err(Fault::Malformed("statement")),
        }
    }
}

/// The authority's word that a unit signs its chain with a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Whose key it is.
    pub unit: UnitId,
    /// The public ledger key.
    pub key: [u8; 32],
    /// When it was registered, Unix milliseconds.
    pub registered_at_ms: u64,
}

impl Statement for Registration {
    const MAGIC: [u8; 4] = *b"DSK1";
    const BYTES_MAX: usize = 256;
}
