//! Sessions and API tokens as texts: `danso_ID_SECRET`, of which only the id and a hash of the secret are kept.

use super::error::AccountError;
use hmac::digest::CtOutput;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{fmt, str::FromStr};
use zeroize::Zeroizing;

/// What every token begins with, so that a leaked one is recognised.
const PREFIX: &str = "danso_";
/// What is hashed in front of a secret to get the id of its session or token.
const ID_DOMAIN: &[u8] = b"danso token id\0";
/// What is hashed in front of a secret to get what is stored of it.
const HASH_DOMAIN: &[u8] = b"danso token hash\0";

/// The public half of a session or token: 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TokenId([u8; 8]);

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TokenId {
    type Err = AccountError;
    fn from_str(text: &str) -> Result<Self, AccountError> {
        from_hex(text).map(Self).ok_or(AccountError::TokenUnknown)
    }
}

/// What is stored of a secret: SHA-256, enough because the secret is 32 random bytes.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct TokenHash([u8; 32]);

impl PartialEq for TokenHash {
    /// In constant time.
    fn eq(&self, other: &Self) -> bool {
        same_bytes(&self.0, &other.0)
    }
}

impl Eq for TokenHash {}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash")
    }
}

/// The secret half: 32 random bytes, wiped when dropped.
pub struct TokenSecret(Zeroizing<[u8; 32]>);

impl TokenSecret {
    /// A secret of 32 bytes that nobody can guess.
    pub fn new(random: [u8; 32]) -> Self {
        Self(Zeroizing::new(random))
    }

    /// A secret from the system's source of randomness.
    pub fn random() -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut_slice()).expect("the system gives random bytes");
        Self(bytes)
    }

    /// The id that belongs to the secret.
    pub fn id(&self) -> TokenId {
        let hashed = self.hashed(ID_DOMAIN);
        TokenId(*hashed.first_chunk().expect("a hash is longer than an id"))
    }

    /// What is stored.
    pub(super) fn hash(&self) -> TokenHash {
        TokenHash(self.hashed(HASH_DOMAIN))
    }

    /// The text to be shown once.
    pub(super) fn shown(&self) -> ShownToken {
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + 16 + 1 + 64));
        text.push_str(PREFIX);
        push_hex(&mut text, &self.id().0);
        text.push('_');
        push_hex(&mut text, self.0.as_slice());
        ShownToken(text)
    }

    /// The id and secret of a shown token; any other text is [`AccountError::TokenUnknown`].
    pub(super) fn read(text: &str) -> Result<(TokenId, Self), AccountError> {
        let parts = text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_'));
        let (id, secret) = parts.ok_or(AccountError::TokenUnknown)?;
        Ok((id.parse()?, Self::new(from_hex(secret).ok_or(AccountError::TokenUnknown)?)))
    }

    fn hashed(&self, domain: &[u8]) -> [u8; 32] {
        Sha256::new().chain_update(domain).chain_update(self.0.as_slice()).finalize().into()
    }
}

impl fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSecret")
    }
}

/// A whole token, to be handed to its holder and to nobody else.
pub struct ShownToken(Zeroizing<String>);

impl ShownToken {
    /// The text `danso_ID_SECRET`. Never to be logged.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ShownToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShownToken")
    }
}

/// Whether 32 bytes are the same, in a time that does not depend on them.
pub(super) fn same_bytes(one: &[u8; 32], other: &[u8; 32]) -> bool {
    CtOutput::<Sha256>::new((*one).into()) == CtOutput::new((*other).into())
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).expect("four bits are one digit");
    text.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
}

/// Exactly `N` bytes as small hexadecimal digits.
fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_token_is_read_back_and_no_other_spelling_is() {
        let secret = TokenSecret::new(std::array::from_fn(|at| at as u8));
        let shown = secret.shown();
        let text = shown.expose();
        assert_eq!(text.len(), 87);
        assert!(text.ends_with("_000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"));
        let (id, read) = TokenSecret::read(text).unwrap();
        assert_eq!((id, read.hash()), (secret.id(), secret.hash()));
        let upper = text.to_uppercase();
        for bad in
            ["", "danso_", &text[1..], &text[..86], &format!("{text}0"), &upper, &text.replace('a', "é")]
        {
            assert_eq!(TokenSecret::read(bad).unwrap_err(), AccountError::TokenUnknown, "{bad}");
        }
    }

    #[test]
    fn one_other_bit_gives_another_hash_and_id() {
        let (mut bytes, secret) = ([7; 32], TokenSecret::new([7; 32]));
        bytes[31] ^= 1;
        let other = TokenSecret::new(bytes);
        assert_ne!(secret.hash(), other.hash());
        assert_ne!(secret.id(), other.id());
        assert_ne!(TokenSecret::random().id(), TokenSecret::random().id());
    }

    #[test]
    fn debug_shows_no_secret() {
        let secret = TokenSecret::new([0xAB; 32]);
        let text = format!("{secret:?} {:?} {:?}", secret.shown(), secret.hash());
        assert_eq!(text, "TokenSecret ShownToken TokenHash");
    }
}
