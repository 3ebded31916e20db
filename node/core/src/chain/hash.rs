//! SHA-256 digests, shown as hexadecimal.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256, block_api::compress256};
use std::fmt;

/// A SHA-256 digest: of a batch header, a Merkle node, a set of heads or tallies.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest(pub [u8; 32]);

/// A block of SHA-256.
type Block = [u8; 64];
/// Blocks of a message that is padded here.
const SHORT_BLOCKS: usize = 4;
/// Bytes of the end of a message in its last block: the bit behind it, and its length in bits.
const END_BYTES: usize = 1 + size_of::<u64>();
/// Most bytes of a message that is padded here.
const SHORT_BYTES: usize = SHORT_BLOCKS * size_of::<Block>() - END_BYTES;
/// What SHA-256 begins with (FIPS 180-4, section 5.3.3).
const BEGINNING: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

impl Digest {
    /// The digest of the parts written one after the other.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }

    /// The digest of a byte and the parts behind it. Short messages, as those of nodes and nearly all leaves are, are put
    /// together first.
    pub(super) fn of_domain(domain: u8, parts: &[&[u8]]) -> Self {
        let mut blocks = [[0; _]; SHORT_BLOCKS];
        let message = &mut blocks.as_flattened_mut()[..SHORT_BYTES];
        message[0] = domain;
        let mut length = 1;
        for part in parts {
            let Some(place) = message.get_mut(length..length + part.len()) else {
                return Self::of(&[&[[domain].as_slice()], parts].concat());
            };
            place.copy_from_slice(part);
            length += part.len();
        }
        Self::of_short(&mut blocks, length)
    }

    /// The digest of a message at the beginning of blocks that are zero behind it. The padding is that of FIPS 180-4,
    /// section 5.1.1; a hasher's own bookkeeping takes a third of the time of so short a message.
    fn of_short(blocks: &mut [Block; SHORT_BLOCKS], length: usize) -> Self {
        let count = (length + END_BYTES).div_ceil(size_of::<Block>());
        let padded = blocks[..count].as_flattened_mut();
        padded[length] = 0x80;
        let bits = 8 * length as u64;
        *padded.last_chunk_mut().expect("a block is longer") = bits.to_be_bytes();
        let mut state = BEGINNING;
        compress256(&mut state, &blocks[..count]);
        let mut digest = Self::default();
        let (words, _) = digest.0.as_chunks_mut();
        words.iter_mut().zip(state).for_each(|(bytes, word)| *bytes = word.to_be_bytes());
        digest
    }

    /// The digest of 32 bytes, `None` for any other number of bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

/// Bytes as small hexadecimal digits, two a byte.
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to memory cannot fail");
        text
    })
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..8].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn messages_of_every_length_have_the_digest_that_the_library_gives_them() {
        let message: Vec<u8> = (0..2 * SHORT_BYTES).map(|at| (at % 251) as u8).collect();
        for length in 1..message.len() {
            let whole = Digest(Sha256::digest(&message[..length]).into());
            let (first, second) = message[1..length].split_at(length / 2);
            assert_eq!(Digest::of_domain(message[0], &[first, &[], second]), whole, "{length}");
        }
        let (left, right) = (Digest::of(&[b"left"]), Digest::of(&[b"right"]));
        assert_eq!(Digest::of_domain(7, &[&left.0, &right.0]), Digest::of(&[&[7], &left.0, &right.0]));
    }
}
