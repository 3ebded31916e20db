//! Where the bytes of a segment come from that is scanned.

use std::fs::File;
use std::path::Path;

use super::error::LedgerError;
use super::layout;
use super::position::SegmentNumber;
use super::window::Window;

/// The bytes of one segment, from offset 0 on.
pub(super) trait Bytes {
    /// How many there are.
    fn count(&self) -> u64;

    /// `count` of them at offset `at`, all of which are there.
    fn get(&mut self, at: u64, count: usize) -> Result<&[u8], LedgerError>;
}

/// In memory.
impl Bytes for &[u8] {
    fn count(&self) -> u64 {
        self.len() as u64
    }

    fn get(&mut self, at: u64, count: usize) -> Result<&[u8], LedgerError> {
        Ok(&self[at as usize..][..count])
    }
}

/// In a file, of which a piece is in memory: what a whole segment takes there stays with the process.
pub(super) struct Filed<'a> {
    folder: &'a Path,
    number: SegmentNumber,
    file: File,
    count: u64,
    window: Window,
}

impl<'a> Filed<'a> {
    /// The first `count` bytes of a segment's file, of which `piece_bytes` are read at once.
    pub fn open(
        folder: &'a Path,
        number: SegmentNumber,
        count: u64,
        piece_bytes: usize,
    ) -> Result<Self, LedgerError> {
        let file = layout::open(folder, number)?;
        Ok(Self { folder, number, file, count, window: Window::new(piece_bytes) })
    }
}

impl Bytes for Filed<'_> {
    fn count(&self) -> u64 {
        self.count
    }

    fn get(&mut self, at: u64, count: usize) -> Result<&[u8], LedgerError> {
        let Self { folder, number, file, count: all, window } = self;
        window.get(at, count, *all - at, |bytes| layout::read_exact(folder, *number, file, bytes, at))
    }
}
