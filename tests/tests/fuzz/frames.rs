//! Frames and personal leaves: what unpacks is bounded before it unpacks.

use crate::{corpus::bases, edits::Script};
use bolero::{TypeGenerator, produce_with};
use danso_core::chain::{Digest, Fault, PersonalLeaf, read_frame, write_frame};
use danso_tier_config::limits::{
    BATCH_CHANGES_MAX, BATCH_DELTAS_MAX, FRAME_BYTES_MAX, FRAME_PLAIN_BYTES_MAX,
};

/// Bytes that one run-length block of zstd unpacks to at most.
const BLOCK_BYTES: usize = 128 * 1_024;
/// The largest window that zstd knows, two gigabytes, as the exponent above 10.
const WINDOW_MAX: u8 = 21;

fn check_leaf(bytes: &[u8]) -> bool {
    let Ok(leaf) = PersonalLeaf::decode(bytes) else { return false };
    assert_eq!(leaf.encode(), bytes, "a leaf has one form");
    assert_eq!(PersonalLeaf::Erased(leaf.hash()).hash(), leaf.hash(), "erasure keeps the hash");
    true
}

/// Whether bytes are a frame of as many leaves as the largest batch has.
fn check_frame(bytes: &[u8]) -> bool {
    let Ok(leaves) = read_frame(bytes, "cores", BATCH_DELTAS_MAX) else { return false };
    assert!(leaves.len() <= BATCH_DELTAS_MAX);
    assert!(leaves.iter().map(|leaf| leaf.len() + 1).sum::<usize>() <= FRAME_PLAIN_BYTES_MAX);
    let again = write_frame(leaves.iter());
    assert_eq!(read_frame(&again, "cores", leaves.len()).as_ref(), Ok(&leaves));
    if let Some(fewer) = leaves.len().checked_sub(1) {
        assert_eq!(read_frame(bytes, "cores", fewer), Err(Fault::Malformed("cores")));
    }
    assert_eq!(
        read_frame(&[bytes, &[7]].concat(), "cores", BATCH_DELTAS_MAX),
        Err(Fault::Malformed("cores"))
    );
    true
}

/// A run of one byte in a zstd frame.
#[derive(Debug, Clone, TypeGenerator)]
struct Run {
    byte: u8,
    /// Whether the block is full, else it holds `short` bytes.
    full: bool,
    short: u8,
}

/// How many plain bytes a frame says that it has.
#[derive(Debug, Clone, Copy, TypeGenerator)]
enum Said {
    Nothing,
    Truth,
    Number(u32),
}

/// Small bytes that unpack to many: run-length blocks, in one frame or several.
#[derive(Debug, Clone, TypeGenerator)]
struct Bomb {
    /// Window, as zstd writes it: the exponent above 10 in the upper five bits.
    window: u8,
    #[generator(produce_with::<Vec<Run>>().len(1usize..=4))]
    runs: Vec<Run>,
    /// How often the runs are repeated within a frame.
    #[generator(1u8..)]
    repeated: u8,
    #[generator(1u8..=3)]
    frames: u8,
    said: Said,
}

impl Bomb {
    fn frame(&self) -> Vec<u8> {
        // The upper two bits: that the plain size follows the window, in 8 bytes.
        let (flags, said) = match self.said() {
            Some(said) => (0xc0, said.to_le_bytes().to_vec()),
            None => (0, Vec::new()),
        };
        let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, flags, self.window];
        frame.extend(said);
        let count = self.runs.len() * usize::from(self.repeated);
        for (place, run) in self.runs.iter().cycle().take(count).enumerate() {
            let last = u32::from(place + 1 == count);
            let header = last | 1 << 1 | (run.bytes() as u32) << 3;
            frame.extend_from_slice(&header.to_le_bytes()[..3]);
            frame.push(run.byte);
        }
        frame
    }

    fn packed(&self) -> Vec<u8> {
        self.frame().repeat(usize::from(self.frames))
    }

    /// Of one frame.
    fn plain_bytes(&self) -> usize {
        self.runs.iter().map(Run::bytes).sum::<usize>() * usize::from(self.repeated)
    }

    fn said(&self) -> Option<u64> {
        match self.said {
            Said::Nothing => None,
            Said::Truth => Some(self.plain_bytes() as u64),
            Said::Number(number) => Some(u64::from(number)),
        }
    }
}

impl Run {
    fn bytes(&self) -> usize {
        if self.full { BLOCK_BYTES } else { usize::from(self.short) }
    }
}

fn check_bomb(bomb: &Bomb) {
    let packed = bomb.packed();
    let said = bomb.said().map(|said| said as usize);
    match read_frame(&packed, "cores", BATCH_CHANGES_MAX as usize) {
        Ok(leaves) => {
            assert_eq!(said, Some(bomb.plain_bytes()));
            assert!(bomb.plain_bytes() <= FRAME_PLAIN_BYTES_MAX);
            assert!(bomb.frames == 1 || bomb.plain_bytes() == 0);
            assert!(leaves.len() <= BATCH_CHANGES_MAX as usize);
            let held: usize = leaves.iter().map(<[u8]>::len).sum();
            assert!(held <= bomb.plain_bytes());
        }
        Err(Fault::TooLarge { what: "cores", bytes, max: FRAME_PLAIN_BYTES_MAX }) => {
            assert_eq!(Some(bytes), said);
            assert!(bytes > FRAME_PLAIN_BYTES_MAX);
        }
        Err(fault) => {
            assert_eq!(fault, Fault::Malformed("cores"));
            assert!(bomb.window >> 3 > WINDOW_MAX || said.is_none_or(|said| said <= FRAME_PLAIN_BYTES_MAX));
        }
    }
}

#[test]
fn leaf() {
    let present = PersonalLeaf::Present { salt: &[7; 16], bytes: b"a personal part" };
    let made = [PersonalLeaf::Absent, present, PersonalLeaf::Erased(Digest::of(&[b"gone"]))];
    let bases = bases("leaf", made.iter().map(PersonalLeaf::encode).collect(), check_leaf);
    fuzz!(Script, |script| {
        check_leaf(&script.bytes(&bases));
    });
}

#[test]
fn frame() {
    let long = vec![b'x'; 300];
    let made: [&[&[u8]]; 4] = [&[], &[b""], &[b"one", b"", b"three"], &[&long, b"two"]];
    let made = made.iter().map(|leaves| write_frame(leaves.iter().copied())).collect();
    let bases = bases("frame", made, check_frame);
    fuzz!(Script, |script| {
        check_frame(&script.bytes(&bases));
    });
}

#[test]
fn bomb() {
    fuzz!(Bomb, check_bomb);
}

fn refusal(packed: &[u8]) -> Option<Fault> {
    read_frame(packed, "cores", BATCH_CHANGES_MAX as usize).err()
}

#[test]
fn the_largest_bomb_is_refused_by_what_it_says_and_unpacked_no_further_than_that() {
    let full = Run { byte: 0, full: true, short: 0 };
    // Two megabytes of blocks that would unpack to 64 gigabytes.
    let runs = vec![full; (FRAME_BYTES_MAX - 14) / 4];
    let bomb = |said| Bomb { window: 0x38, runs: runs.clone(), repeated: 1, frames: 1, said };
    let max = FRAME_PLAIN_BYTES_MAX;
    let honest = bomb(Said::Truth);
    let (packed, bytes) = (honest.packed(), honest.plain_bytes());
    assert!(packed.len() <= FRAME_BYTES_MAX && bytes > 60 << 30);
    assert_eq!(refusal(&packed), Some(Fault::TooLarge { what: "cores", bytes, max }));
    for less in [Said::Nothing, Said::Number(0), Said::Number(max as u32)] {
        assert_eq!(refusal(&bomb(less).packed()), Some(Fault::Malformed("cores")), "{less:?}");
    }
    let longer = [packed, vec![0; FRAME_BYTES_MAX]].concat();
    let (bytes, max) = (longer.len(), FRAME_BYTES_MAX);
    assert_eq!(refusal(&longer), Some(Fault::TooLarge { what: "cores", bytes, max }));
}

/// A process that stays small beside such frames is in the suite trust.
#[test]
fn a_frame_is_read_whatever_window_it_asks_for() {
    let run = Run { byte: 0, full: false, short: 9 };
    for log in 0..32 {
        let said = Said::Truth;
        let bomb = Bomb { window: log << 3, runs: vec![run.clone()], repeated: 1, frames: 1, said };
        let expected = (log > WINDOW_MAX).then_some(Fault::Malformed("cores"));
        assert_eq!(refusal(&bomb.packed()), expected, "window of 2^{}", log + 10);
    }
}
