//! Password hashes and their costs, written as PHC text: `$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`.

use argon2::{Algorithm, Argon2, Params, Version};
use danso_core::chain::Digest;
use danso_tier_config::limits::{
    PASSWORD_LANES, PASSWORD_MEMORY_KIB, PASSWORD_MEMORY_KIB_MAX, PASSWORD_PASSES, PASSWORD_PASSES_MAX,
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Bytes of a hash.
pub(super) const OUTPUT_BYTES: usize = 32;
/// Bytes of the salt of a new hash.
pub(super) const SALT_BYTES: usize = 16;
/// Shortest and longest salt that is read, in bytes.
const SALTS_BYTES: std::ops::RangeInclusive<usize> = 8..=48;
/// What every hash written here begins with.
const ALGORITHM: &str = "$argon2id$v=19$";
/// The alphabet of PHC text (base64 without padding).
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// What one hash costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// The cost of new hashes.
    pub const STANDARD: Self =
        Self { memory_kib: PASSWORD_MEMORY_KIB, passes: PASSWORD_PASSES, lanes: PASSWORD_LANES };

    /// A cost of memory in KiB, passes over it, and lanes; `None` beyond the limits or below what argon2 takes.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Option<Self> {
        let bounded = memory_kib <= PASSWORD_MEMORY_KIB_MAX && passes <= PASSWORD_PASSES_MAX;
        let taken = Params::new(memory_kib, passes, lanes, Some(OUTPUT_BYTES)).is_ok();
        (bounded && taken).then_some(Self { memory_kib, passes, lanes })
    }

    /// Whether `other` costs more in memory or passes.
    pub(super) fn is_below(self, other: Self) -> bool {
        self.memory_kib < other.memory_kib || self.passes < other.passes
    }

    /// The function at this cost.
    pub(super) fn argon2(self) -> Argon2<'static> {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(OUTPUT_BYTES))
            .expect("a cost is checked when it is made");
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
    }
}

/// A password's hash with its salt and cost. `Display` writes the PHC text; `Debug` shows the cost only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PasswordHash {
    pub(super) cost: Cost,
    pub(super) salt: Vec<u8>,
    pub(super) output: [u8; OUTPUT_BYTES],
}

impl PasswordHash {
    /// The digest of the PHC text.
    pub(super) fn digest(&self) -> Digest {
        Digest::of(&[self.to_string().as_bytes()])
    }
}

impl fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cost { memory_kib, passes, lanes } = self.cost;
        let (salt, output) = (to_base64(&self.salt), to_base64(&self.output));
        write!(f, "{ALGORITHM}m={memory_kib},t={passes},p={lanes}${salt}${output}")
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordHash").field("cost", &self.cost).finish_non_exhaustive()
    }
}

/// A text that is no PHC text of argon2id within the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a password hash of argon2id within the limits")]
pub struct HashText;

impl FromStr for PasswordHash {
    type Err = HashText;
    fn from_str(text: &str) -> Result<Self, HashText> {
        let parts: Vec<&str> = text.strip_prefix(ALGORITHM).ok_or(HashText)?.split('$').collect();
        let [cost, salt, output] = parts[..] else {
            return Err(HashText);
        };
        let costs: Vec<&str> = cost.split(',').collect();
        let [memory, passes, lanes] = costs[..] else {
            return Err(HashText);
        };
        let number = |text: &str, mark: &str| text.strip_prefix(mark)?.parse().ok();
        let cost = number(memory, "m=").zip(number(passes, "t=")).zip(number(lanes, "p="));
        let cost = cost.and_then(|((memory, passes), lanes)| Cost::new(memory, passes, lanes));
        let salt = from_base64(salt).filter(|salt| SALTS_BYTES.contains(&salt.len()));
        let output = from_base64(output).and_then(|output| output.try_into().ok());
        let ((cost, salt), output) = cost.zip(salt).zip(output).ok_or(HashText)?;
        Ok(Self { cost, salt, output })
    }
}

impl TryFrom<String> for PasswordHash {
    type Error = HashText;
    fn try_from(text: String) -> Result<Self, HashText> {
        text.parse()
    }
}

impl From<PasswordHash> for String {
    fn from(hash: PasswordHash) -> Self {
        hash.to_string()
    }
}

fn to_base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut group = [0; 4];
        group[1..=chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes(group);
        text.extend((0..=chunk.len()).map(|at| char::from(LETTERS[(bits >> (18 - 6 * at)) as usize & 63])));
    }
    text
}

/// The bytes of a text; `None` unless it is exactly what [`to_base64`] writes for them.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for chunk in text.as_bytes().chunks(4) {
        let mut bits = 0;
        for at in 0..4 {
            let value = chunk
                .get(at)
                .map_or(Some(0), |letter| LETTERS.iter().position(|known| known == letter).map(|v| v as u32));
            bits = bits << 6 | value?;
        }
        bytes.extend_from_slice(&bits.to_be_bytes()[1..chunk.len()]);
    }
    (to_base64(&bytes) == text).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFERENCE: &str =
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

    #[test]
    fn a_hash_is_written_as_it_was_read() {
        let hash: PasswordHash = REFERENCE.parse().unwrap();
        assert_eq!(hash.salt, b"somesalt");
        assert_eq!(hash.to_string(), REFERENCE);
        assert!(!format!("{hash:?}").contains("c29t"));
    }

    #[test]
    fn base64_is_that_of_its_standard_and_no_other_spelling_is_read() {
        // RFC 4648, section 10, without padding.
        for (plain, text) in
            [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE")]
        {
            assert_eq!(to_base64(plain.as_bytes()), text);
            assert_eq!(from_base64(text).unwrap(), plain.as_bytes());
        }
        for bad in ["Z", "Zh", "Zg==", "Zm9", "Zm9vY", "Zm_v", "Zm9v\n"] {
            assert_eq!(from_base64(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn other_algorithms_and_costs_beyond_the_limits_are_refused() {
        for (from, to) in [
            ("argon2id", "argon2i"),
            ("v=19", "v=16"),
            ("m=256", "m=4000000"),
            ("m=256", "m=7"),
            ("t=2", "t=0"),
            ("t=2", "t=4000000000"),
            ("p=1", "p=1,x=2"),
            ("$c29tZXNhbHQ", "$c29t"),
            ("i/4", "i/"),
        ] {
            let text = REFERENCE.replace(from, to);
            assert_ne!(text, REFERENCE);
            assert_eq!(text.parse::<PasswordHash>(), Err(HashText), "{text}");
        }
    }
}
