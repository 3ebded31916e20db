//! The compressed frames of a batch: leaves one after the other, each with its length, in zstd.

use super::{
    Digest, Fault, merkle,
    packing::{pack, unpack},
};
use danso_tier_config::limits;
use std::{fmt, ops::Range};

/// Bytes of the random salt of a personal leaf.
pub const SALT_BYTES: usize = 16;

/// A personal leaf: what one change's personal part looks like in its frame.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PersonalLeaf<'a> {
    /// The change names nobody.
    Absent,
    /// Salt and encoded personal part.
    Present {
        /// Random; without it the hash of a short number could be guessed.
        salt: &'a [u8; SALT_BYTES],
        /// Encoded personal part.
        bytes: &'a [u8],
    },
    /// Erased: only the leaf's hash is left.
    Erased(Digest),
}

impl<'a> PersonalLeaf<'a> {
    /// What an encoded leaf begins with: one that is there, one that is erased.
    const PRESENT: u8 = 1;
    const ERASED: u8 = 2;

    /// The leaf of a personal part, salt and bytes, where there is one.
    pub fn of(personal: Option<(&'a [u8; SALT_BYTES], &'a [u8])>) -> Self {
        personal.map_or(Self::Absent, |(salt, bytes)| Self::Present { salt, bytes })
    }

    /// The leaf's hash, the same before and after erasure.
    pub fn hash(&self) -> Digest {
        match self {
            Self::Absent => merkle::leaf(&[b""]),
            Self::Present { salt, bytes } => merkle::leaf(&[salt.as_slice(), bytes]),
            Self::Erased(hash) => *hash,
        }
    }

    /// The leaf as it stands in the frame.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Absent => Vec::new(),
            Self::Present { salt, bytes } => [&[Self::PRESENT], salt.as_slice(), *bytes].concat(),
            Self::Erased(hash) => [&[Self::ERASED], hash.0.as_slice()].concat(),
        }
    }

    /// The leaf of such bytes.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Fault> {
        let malformed = Fault::Malformed("personal leaf");
        match bytes.split_first() {
            None => Ok(Self::Absent),
            Some((&Self::PRESENT, rest)) => {
                let (salt, bytes) = rest.split_first_chunk().ok_or(malformed)?;
                Ok(Self::Present { salt, bytes })
            }
            Some((&Self::ERASED, rest)) => Digest::from_slice(rest).map(Self::Erased).ok_or(malformed),
            Some(_) => Err(malformed),
        }
    }
}

/// Compresses leaves into a frame.
pub fn write_frame<'a>(leaves: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    write_leaves(leaves.into_iter().map(|leaf| [leaf]))
}

/// Compresses personal parts, salt and bytes of each that is there, into a frame of personal leaves.
pub fn write_personal_frame<'a>(
    personal: impl IntoIterator<Item = Option<(&'a [u8; SALT_BYTES], &'a [u8])>>,
) -> Vec<u8> {
    let leaf = |personal: Option<(&'a [u8; SALT_BYTES], &'a [u8])>| -> [&'a [u8]; 3] {
        personal.map_or([&[], &[], &[]], |(salt, bytes)| [&[PersonalLeaf::PRESENT], salt, bytes])
    };
    write_leaves(personal.into_iter().map(leaf))
}

/// Compresses leaves that lie in several parts each into a frame.
fn write_leaves<'a, const PARTS: usize>(leaves: impl IntoIterator<Item = [&'a [u8]; PARTS]>) -> Vec<u8> {
    let mut plain = Vec::new();
    for leaf in leaves {
        write_length(&mut plain, leaf.iter().map(|part| part.len()).sum());
        for part in leaf {
            plain.extend_from_slice(part);
        }
    }
    pack(&plain)
}

/// The leaves of a frame, as they lie in its plain bytes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Leaves {
    plain: Vec<u8>,
    places: Vec<Range<usize>>,
}

impl Leaves {
    /// How many they are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The leaf at a place, from 0.
    pub fn get(&self, place: usize) -> Option<&[u8]> {
        self.places.get(place).map(|place| &self.plain[place.clone()])
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &[u8]> + ExactSizeIterator {
        self.places.iter().map(|place| &self.plain[place.clone()])
    }

    /// All of them, each in bytes of its own.
    pub fn to_vec(&self) -> Vec<Vec<u8>> {
        self.iter().map(<[u8]>::to_vec).collect()
    }
}

/// Shows how many there are: they may name persons.
impl fmt::Debug for Leaves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Leaves({})", self.len())
    }
}

/// Reads a frame's leaves, bounded in compressed size, plain size and number of leaves.
pub fn read_frame(frame: &[u8], what: &'static str, leaves_max: usize) -> Result<Leaves, Fault> {
    let plain = decompress(frame, what)?;
    let (mut rest, mut places) = (plain.as_slice(), Vec::new());
    while !rest.is_empty() {
        if places.len() == leaves_max {
            return Err(Fault::Malformed(what));
        }
        let (leaf, after) = read_leaf(rest).ok_or(Fault::Malformed(what))?;
        let end = plain.len() - after.len();
        places.push(end - leaf.len()..end);
        rest = after;
    }
    Ok(Leaves { plain, places })
}

/// The plain bytes of a frame. Room is taken for as many as it says that it has, once that is within its bound.
fn decompress(frame: &[u8], what: &'static str) -> Result<Vec<u8>, Fault> {
    if frame.len() > limits::FRAME_BYTES_MAX {
        return Err(Fault::TooLarge { what, bytes: frame.len(), max: limits::FRAME_BYTES_MAX });
    }
    // All frames say it, since they are compressed in one go; what unpacks to more than it says is malformed.
    let Ok(Some(bytes)) = zstd::zstd_safe::get_frame_content_size(frame) else {
        return Err(Fault::Malformed(what));
    };
    let (bytes, max) = (usize::try_from(bytes).unwrap_or(usize::MAX), limits::FRAME_PLAIN_BYTES_MAX);
    if bytes > max {
        return Err(Fault::TooLarge { what, bytes, max });
    }
    unpack(frame, bytes).ok_or(Fault::Malformed(what))
}

fn write_length(out: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

/// The first leaf and what follows it. A length has one form, the shortest, so that leaves have one.
fn read_leaf(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = 0usize;
    for (index, byte) in bytes.iter().enumerate().take(4) {
        length |= usize::from(byte & 0x7f) << (7 * index);
        if *byte == 0 && index > 0 {
            return None;
        }
        if byte & 0x80 == 0 {
            return bytes[index + 1..].split_at_checked(length);
        }
    }
    None
}
