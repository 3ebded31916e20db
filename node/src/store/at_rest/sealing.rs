//! The ciphers and key derivation: XChaCha20-Poly1305, HKDF-SHA256 and the key of a sealed box.

use chacha20poly1305::{AeadInOut, KeyInit, Tag, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use sha2::Sha256;
use x25519_dalek::{PublicKey, SharedSecret};
use zeroize::Zeroizing;

/// Length of a nonce: long enough to be random.
pub(in crate::store) const NONCE_BYTES: usize = 24;
/// Length of an authentication tag.
pub(in crate::store) const TAG_BYTES: usize = 16;

const BOX: &[u8] = b"danso at rest 1: key of one sealed box";

/// A secret key; wiped when dropped.
pub(in crate::store) type Secret = Zeroizing<[u8; 32]>;
/// A nonce, used once.
pub(in crate::store) type Nonce = [u8; NONCE_BYTES];

/// Fresh random bytes from the system.
pub(in crate::store) fn random<const BYTES: usize>() -> Zeroizing<[u8; BYTES]> {
    let mut bytes = Zeroizing::new([0; BYTES]);
    getrandom::fill(&mut bytes[..]).expect("the system gives random bytes");
    bytes
}

/// The key derived from `material` for the purpose that `label` names: HKDF-SHA256 without salt.
pub(in crate::store) fn derive(material: &[u8], label: &[u8]) -> Secret {
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(None, material).expand(label, &mut key[..]).expect("HKDF gives 32 bytes");
    key
}

/// The key of a box that only the holder of `recipient`'s secret can open. Both public keys go in, so that a
/// box is bound to them.
pub(super) fn box_key(shared: &SharedSecret, ephemeral: &PublicKey, recipient: &PublicKey) -> Secret {
    let mut material = Zeroizing::new([0; 96]);
    material[..32].copy_from_slice(shared.as_bytes());
    material[32..64].copy_from_slice(ephemeral.as_bytes());
    material[64..].copy_from_slice(recipient.as_bytes());
    derive(&material[..], BOX)
}

/// Appends nonce, ciphertext and tag of `plain` to `sealed`; `context` is authenticated with them.
pub(in crate::store) fn encrypt(
    key: &Secret,
    nonce: &Nonce,
    context: &[u8],
    plain: &[u8],
    sealed: &mut Vec<u8>,
) {
    sealed.reserve_exact(NONCE_BYTES + plain.len() + TAG_BYTES);
    sealed.extend_from_slice(nonce);
    let start = sealed.len();
    sealed.extend_from_slice(plain);
    let tag = XChaCha20Poly1305::new((&**key).into())
        .encrypt_inout_detached(&XNonce::from(*nonce), context, (&mut sealed[start..]).into())
        .expect("a value in memory is shorter than the cipher's limit of 256 GiB");
    sealed.extend_from_slice(&tag);
}

/// Opens nonce, ciphertext and tag; `None` unless key, context and every bit are those of [`encrypt`].
pub(in crate::store) fn decrypt(key: &Secret, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_BYTES>()?;
    let (ciphertext, tag) = rest.split_last_chunk::<TAG_BYTES>()?;
    let mut plain = ciphertext.to_vec();
    XChaCha20Poly1305::new((&**key).into())
        .decrypt_inout_detached(&XNonce::from(*nonce), context, plain.as_mut_slice().into(), &Tag::from(*tag))
        .ok()?;
    Some(plain)
}
