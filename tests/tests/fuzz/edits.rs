//! Scripts of edits: how fuzz bytes become almost valid encodings.

use bolero::{TypeGenerator, ValueGenerator, produce_with};

/// One edit of some bytes. Places wrap around at their end, so that every edit hits.
#[derive(Debug, Clone, TypeGenerator)]
pub enum Edit {
    /// Cuts off the end.
    Truncate { at: u16 },
    /// Turns one bit over.
    Flip { at: u16, bit: u8 },
    /// Sets one byte.
    Put { at: u16, byte: u8 },
    /// Puts bytes between.
    Insert {
        at: u16,
        #[generator(some_bytes(16))]
        bytes: Vec<u8>,
    },
    /// Takes bytes out.
    Remove { at: u16, count: u8 },
    /// Writes a piece once more, elsewhere.
    Repeat { from: u16, to: u16, count: u8 },
    /// Puts in a piece of another valid encoding.
    Graft { donor: u8, from: u16, to: u16, count: u8 },
    /// Writes a number of the formats' kind (seven bits a byte) over a byte: a length, a count, an id.
    Number { at: u16, which: u8 },
}

/// Where the bytes of one run come from.
#[derive(Debug, Clone, TypeGenerator)]
pub enum Script {
    /// From nowhere.
    Raw(#[generator(some_bytes(512))] Vec<u8>),
    /// A valid encoding, edited.
    Edited(Edited),
    /// The same, so that it comes more often.
    EditedToo(Edited),
}

/// A valid encoding, chosen by its number, and what is done to it.
#[derive(Debug, Clone, TypeGenerator)]
pub struct Edited {
    pub base: u8,
    #[generator(some_edits())]
    pub edits: Vec<Edit>,
}

/// Numbers at which lengths and counters break.
const NUMBERS: [u64; 12] = [
    0,
    1,
    0x7f,
    0x80,
    0x3fff,
    0x4000,
    0xffff,
    0x1f_ffff,
    0x0fff_ffff,
    u32::MAX as u64,
    i64::MAX as u64,
    u64::MAX,
];

fn some_bytes(max: usize) -> impl ValueGenerator<Output = Vec<u8>> {
    produce_with::<Vec<u8>>().len(0..=max)
}

/// None to five edits: none keeps the valid encoding itself in play.
pub fn some_edits() -> impl ValueGenerator<Output = Vec<Edit>> {
    produce_with::<Vec<Edit>>().len(0usize..=5)
}

impl Script {
    /// The bytes of this run.
    pub fn bytes(&self, bases: &[Vec<u8>]) -> Vec<u8> {
        match self {
            Self::Raw(bytes) => bytes.clone(),
            Self::Edited(edited) | Self::EditedToo(edited) => edited.bytes(bases),
        }
    }
}

impl Edited {
    /// The edited encoding.
    pub fn bytes(&self, bases: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = bases[usize::from(self.base) % bases.len()].clone();
        apply(&self.edits, &mut bytes, bases);
        bytes
    }
}

/// One of several files, changed.
#[derive(Debug, Clone, TypeGenerator)]
pub struct Changed {
    file: u8,
    #[generator(some_edits())]
    edits: Vec<Edit>,
}

impl Changed {
    /// Which file, and its content now; the others lend pieces.
    pub fn of(&self, whole: &[Vec<u8>]) -> (usize, Vec<u8>) {
        let place = usize::from(self.file) % whole.len();
        let mut bytes = whole[place].clone();
        apply(&self.edits, &mut bytes, whole);
        (place, bytes)
    }
}

/// Does the edits one after the other; `donors` lend pieces.
pub fn apply(edits: &[Edit], bytes: &mut Vec<u8>, donors: &[Vec<u8>]) {
    for edit in edits {
        edit.apply(bytes, donors);
    }
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>, donors: &[Vec<u8>]) {
        let gap = |at: u16| usize::from(at) % (bytes.len() + 1);
        match self {
            Self::Truncate { at } => bytes.truncate(gap(*at)),
            Self::Insert { at, bytes: new } => {
                let at = gap(*at);
                bytes.splice(at..at, new.iter().copied());
            }
            Self::Graft { donor, from, to, count } => {
                let donor = &donors[usize::from(*donor) % donors.len()];
                let at = gap(*to);
                bytes.splice(at..at, piece(donor, *from, *count).iter().copied());
            }
            Self::Repeat { from, to, count } => {
                let at = gap(*to);
                let piece = piece(bytes, *from, *count).to_vec();
                bytes.splice(at..at, piece);
            }
            _ if bytes.is_empty() => {}
            Self::Flip { at, bit } => {
                let at = usize::from(*at) % bytes.len();
                bytes[at] ^= 1 << (bit % 8);
            }
            Self::Put { at, byte } => {
                let at = usize::from(*at) % bytes.len();
                bytes[at] = *byte;
            }
            Self::Remove { at, count } => {
                let at = usize::from(*at) % bytes.len();
                let end = bytes.len().min(at + usize::from(*count));
                bytes.drain(at..end);
            }
            Self::Number { at, which } => {
                let at = usize::from(*at) % bytes.len();
                bytes.splice(at..=at, number(NUMBERS[usize::from(*which) % NUMBERS.len()]));
            }
        }
    }
}

fn piece(bytes: &[u8], from: u16, count: u8) -> &[u8] {
    let from = usize::from(from) % (bytes.len() + 1);
    &bytes[from..bytes.len().min(from + usize::from(count))]
}

/// A number as postcard and protobuf write it.
pub fn number(mut number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
    out
}
