//! Frames and personal leaves: what unpacks is bounded before and while it unpacks.

use crate::{corpus::bases, edits::Script};
use bolero::{TypeGenerator, produce_with};
use danso_core::chain::{Digest, Fault, PersonalLeaf, read_frame, write_frame};
use danso_tier_config::limits::{
    BATCH_CHANGES_MAX, BATCH_DELTAS_MAX, FRAME_BYTES_MAX, FRAME_PLAIN_BYTES_MAX,
};

/// Bytes that one run-length block of zstd unpacks to at most.
const BLOCK_BYTES: usize = 128 * 1_024;

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
    let again = write_frame(leaves.iter().map(Vec::as_slice));
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
}

impl Bomb {
    fn frame(&self) -> Vec<u8> {
        let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0, self.window];
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

    fn plain_bytes(&self) -> usize {
        let once: usize = self.runs.iter().map(Run::bytes).sum();
        once * usize::from(self.repeated) * usize::from(self.frames)
    }

    /// Whether its window is one that a reader allows and its blocks fit.
    fn is_honest(&self) -> bool {
        let log = 10 + u32::from(self.window >> 3);
        (17..24).contains(&log)
    }
}

impl Run {
    fn bytes(&self) -> usize {
        if self.full { BLOCK_BYTES } else { usize::from(self.short) }
    }
}

fn check_bomb(bomb: &Bomb) {
    let packed = bomb.packed();
    match read_frame(&packed, "cores", BATCH_CHANGES_MAX as usize) {
        Ok(leaves) => {
            assert!(bomb.plain_bytes() <= FRAME_PLAIN_BYTES_MAX);
            assert!(leaves.len() <= BATCH_CHANGES_MAX as usize);
            let held: usize = leaves.iter().map(Vec::len).sum();
            assert!(held <= bomb.plain_bytes());
        }
        Err(Fault::TooLarge { what: "cores", bytes, max: FRAME_PLAIN_BYTES_MAX }) => {
            // Reading stopped one byte beyond, however much was still to come.
            assert_eq!(bytes, FRAME_PLAIN_BYTES_MAX + 1);
            assert!(bomb.plain_bytes() > FRAME_PLAIN_BYTES_MAX);
        }
        Err(fault) => {
            assert_eq!(fault, Fault::Malformed("cores"));
            assert!(!bomb.is_honest() || bomb.plain_bytes() <= FRAME_PLAIN_BYTES_MAX);
        }
    }
}

#[test]
fn leaf() {
    let present = PersonalLeaf::Present { salt: [7; 16], bytes: b"a personal part".to_vec() };
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
fn the_largest_bomb_that_is_looked_at_stops_at_the_plain_limit() {
    let full = Run { byte: 0, full: true, short: 0 };
    let mut bomb = Bomb { window: 0x38, runs: vec![full], repeated: 1, frames: 1 };
    let header = bomb.frame().len() - 4;
    // Two megabytes of blocks that would unpack to 64 gigabytes.
    bomb.runs = vec![bomb.runs[0].clone(); (FRAME_BYTES_MAX - header) / 4];
    let packed = bomb.packed();
    assert!(packed.len() <= FRAME_BYTES_MAX && bomb.plain_bytes() > 60 << 30);
    let (bytes, max) = (FRAME_PLAIN_BYTES_MAX + 1, FRAME_PLAIN_BYTES_MAX);
    assert_eq!(refusal(&packed), Some(Fault::TooLarge { what: "cores", bytes, max }));
    let longer = [packed, vec![0; FRAME_BYTES_MAX]].concat();
    let (bytes, max) = (longer.len(), FRAME_BYTES_MAX);
    assert_eq!(refusal(&longer), Some(Fault::TooLarge { what: "cores", bytes, max }));
}

#[test]
fn a_frame_that_asks_for_two_gigabytes_of_window_is_refused() {
    let run = Run { byte: 0, full: false, short: 9 };
    let bomb = |window| Bomb { window, runs: vec![run.clone()], repeated: 1, frames: 1 };
    assert_eq!(refusal(&bomb(7 << 3).packed()), None);
    assert_eq!(refusal(&bomb(14 << 3).packed()), None);
    assert_eq!(refusal(&bomb(15 << 3).packed()), Some(Fault::Malformed("cores")));
    assert_eq!(refusal(&bomb(21 << 3).packed()), Some(Fault::Malformed("cores")));
}
