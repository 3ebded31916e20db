//! Where the records of a segment end, and whether what follows is a torn tail or damage.

use super::error::{Damage, LedgerError};
use super::position::{Position, SegmentNumber};
use super::record::{self, Frame, HEAD_BYTES};
use super::segment::HEADER_BYTES;

const ZEROS: [u8; 4_096] = [0; 4_096];

/// Smallest unit that a disk writes or loses as a whole.
const SECTOR_BYTES: usize = 512;
/// Zeros before a sector's end that count as lost bytes.
const HOLE_BYTES: usize = 64;

/// The records found in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// Whole records.
    pub records: u64,
    /// Bytes of their payloads.
    pub payload_bytes: u64,
    /// Offset after the last whole record.
    pub end: u64,
    /// Offset after the last byte that is not zero: more than `end` if the tail is torn.
    pub dirty_end: u64,
}

/// The bytes of one segment, from offset 0 on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Content<'a> {
    pub number: SegmentNumber,
    pub first: Position,
    pub bytes: &'a [u8],
}

impl<'a> Content<'a> {
    fn frame(&self, at: usize) -> Result<Frame<'a>, Damage> {
        record::decode(&self.bytes[at..], self.position(at))
    }

    fn position(&self, at: usize) -> Position {
        self.first.after(at as u64)
    }

    fn damaged(&self, at: usize, damage: Damage) -> LedgerError {
        LedgerError::Damaged { segment: self.number, offset: at as u64, position: self.position(at), damage }
    }

    /// Walks over whole records; the second part is what is wrong at the end, if the bytes go on.
    fn walk(&self) -> (Extent, Option<Damage>) {
        let mut at = HEADER_BYTES as usize;
        let (mut records, mut payload_bytes) = (0, 0);
        let mut damage = None;
        while at < self.bytes.len() {
            match self.frame(at) {
                Ok(frame) => {
                    records += 1;
                    payload_bytes += frame.payload.len() as u64;
                    at += frame.bytes();
                }
                Err(found) => {
                    damage = Some(found);
                    break;
                }
            }
        }
        let tail = self.bytes.get(at..).unwrap_or_default();
        let dirty_end = (at + used_bytes(tail)) as u64;
        (Extent { records, payload_bytes, end: at as u64, dirty_end }, damage)
    }

    /// Checks that whole records fill `bytes` exactly and shows each with its position.
    pub fn each(&self, mut show: impl FnMut(Position, Frame<'a>)) -> Result<(), LedgerError> {
        let mut at = HEADER_BYTES as usize;
        while at < self.bytes.len() {
            let frame = self.frame(at).map_err(|damage| self.damaged(at, damage))?;
            show(self.position(at), frame);
            at += frame.bytes();
        }
        Ok(())
    }

    /// Checks a segment that another one follows: its records fill `bytes` exactly.
    pub fn sealed(&self) -> Result<Extent, LedgerError> {
        match self.walk() {
            (extent, Some(damage)) => Err(self.damaged(extent.end as usize, damage)),
            (extent, None) => Ok(extent),
        }
    }

    /// Checks the last segment and finds its end.
    ///
    /// A tail that is not whole may be cut only if nothing proves that it was durable: neither the
    /// caller, nor a record behind the bad place that was written after that place was synced. A
    /// whole record behind it is also damage, unless the bad place lost bytes in the way of a power
    /// cut, which drops sectors of one unsynced commit in any order and leaves zeros for them.
    pub fn last(&self, known_durable: Position) -> Result<Extent, LedgerError> {
        let (extent, damage) = self.walk();
        let end = extent.end as usize;
        let damage = damage.unwrap_or(Damage::Length);
        if known_durable > self.position(end) {
            return Err(self.damaged(end, damage));
        }
        if extent.dirty_end == extent.end {
            return Ok(extent);
        }
        let mut whole = None;
        let mut at = end + 1;
        while let Some((found, frame)) = self.next_whole(at, extent.dirty_end as usize) {
            if frame.durable > self.position(end) {
                return Err(self.damaged(end, damage));
            }
            whole = whole.or(Some(found));
            at = found + frame.bytes();
        }
        match whole {
            Some(found) if !has_hole(self.bytes, end, found) => Err(self.damaged(end, damage)),
            _ => Ok(extent),
        }
    }

    /// The next whole record that begins in `from..to`: by its position first, then by its checksum.
    fn next_whole(&self, from: usize, to: usize) -> Option<(usize, Frame<'a>)> {
        let to = to.min(self.bytes.len().saturating_sub(HEAD_BYTES - 1));
        (from..to).find_map(|at| {
            let named = record::claimed_position(&self.bytes[at..at + HEAD_BYTES]);
            if named != self.position(at) {
                return None;
            }
            self.frame(at).ok().map(|frame| (at, frame))
        })
    }
}

/// Whether zeros reach up to the end of a sector between `from` and the whole record at `to`.
fn has_hole(bytes: &[u8], from: usize, to: usize) -> bool {
    let first = (from / SECTOR_BYTES + 1) * SECTOR_BYTES;
    (first..=to).step_by(SECTOR_BYTES).any(|boundary| {
        let start = from.max(boundary - HOLE_BYTES);
        bytes[start..boundary].iter().all(|&byte| byte == 0)
    })
}

/// How many bytes there are up to the last one that is not zero.
fn used_bytes(bytes: &[u8]) -> usize {
    // Most of a segment is still zero: whole blocks at once.
    let mut blocks = bytes.rchunks_exact(ZEROS.len());
    let zeros = blocks.by_ref().take_while(|block| **block == ZEROS).count() * ZEROS.len();
    let rest = &bytes[..bytes.len() - zeros];
    rest.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1)
}
