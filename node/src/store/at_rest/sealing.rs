//! The ciphers and key derivation: XChaCha20-Poly1305, HKDF-SHA256 and the key of a sealed box.
//!
//! ring does the cipher: for the short values of a register it takes a fifth of the time of the crate that has the
//! long nonce built in.

use chacha20::{R20, hchacha};
use hkdf::Hkdf;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce as ShortNonce, UnboundKey};
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

/// Key and short nonce of one value: XChaCha20-Poly1305 is ChaCha20-Poly1305 under a key that [`hchacha`] draws from
/// the first 16 bytes of the nonce (draft-irtf-cfrg-xchacha-03, 2.3). What ring holds of it is of this value alone, and is
/// not wiped.
fn of_nonce(key: &Secret, nonce: &Nonce) -> (LessSafeKey, ShortNonce) {
    let (drawn_from, rest) = nonce.split_first_chunk::<16>().expect("a nonce has 24 bytes");
    let drawn = Zeroizing::new(hchacha::<R20>((&**key).into(), drawn_from.into()).0);
    let unbound = UnboundKey::new(&CHACHA20_POLY1305, &drawn[..]).expect("a key has 32 bytes");
    let mut short = [0; NONCE_LEN];
    short[NONCE_LEN - rest.len()..].copy_from_slice(rest);
    (LessSafeKey::new(unbound), ShortNonce::assume_unique_for_key(short))
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
    let (key, nonce) = of_nonce(key, nonce);
    let tag = key
        .seal_in_place_separate_tag(nonce, Aad::from(context), &mut sealed[start..])
        .expect("a value in memory is shorter than the cipher's limit of 256 GiB");
    sealed.extend_from_slice(tag.as_ref());
}

/// Opens nonce, ciphertext and tag; `None` unless key, context and every bit are those of [`encrypt`].
pub(in crate::store) fn decrypt(key: &Secret, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_BYTES>()?;
    let length = rest.len().checked_sub(TAG_BYTES)?;
    let (key, nonce) = of_nonce(key, nonce);
    let mut plain = rest.to_vec();
    key.open_in_place(nonce, Aad::from(context), &mut plain).ok()?;
    plain.truncate(length);
    Some(plain)
}
