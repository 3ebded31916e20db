//! Where the records of a segment end, and whether what follows is a torn tail or damage.

use std::path::Path;

use danso_tier_config::limits::LEDGER_READ_AHEAD_BYTES;

use super::bytes::{Bytes, Filed};
use super::error::{Damage, LedgerError};
use super::layout::Span;
use super::position::{Position, SegmentNumber};
use super::record::{self, Frame, HEAD_BYTES};
use super::segment::HEADER_BYTES;

const ZEROS: [u8; 4_096] = [0; 4_096];

/// Smallest unit that a disk writes or loses as a whole.
const SECTOR_BYTES: u64 = 512;
/// Zeros before a sector's end that count as lost bytes.
const HOLE_BYTES: u64 = 64;

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

/// One segment, to be scanned.
pub(super) struct Content<B> {
    number: SegmentNumber,
    first: Position,
    bytes: B,
}

/// Bytes from one offset to the next, with a whole record in them.
struct Whole {
    start: u64,
    end: u64,
    /// What was durable when it was written.
    durable: Position,
}

impl Span {
    /// The bytes of this segment that were loaded.
    pub fn loaded<'a>(&self, bytes: &'a [u8]) -> Content<&'a [u8]> {
        Content { number: self.number, first: self.first, bytes }
    }

    /// The first `bytes` bytes of this segment as they lie in its file, read in pieces.
    pub fn filed<'a>(&self, folder: &'a Path, bytes: u64) -> Result<Content<Filed<'a>>, LedgerError> {
        self.filed_in_pieces(folder, bytes, LEDGER_READ_AHEAD_BYTES)
    }

    fn filed_in_pieces<'a>(
        &self,
        folder: &'a Path,
        count: u64,
        piece_bytes: usize,
    ) -> Result<Content<Filed<'a>>, LedgerError> {
        let Self { number, first, .. } = *self;
        let bytes = Filed::open(folder, number, count, piece_bytes)?;
        Ok(Content { number, first, bytes })
    }
}

impl<B: Bytes> Content<B> {
    /// The record at an offset, or why there is none.
    fn frame(&mut self, at: u64) -> Result<Result<Frame<'_>, Damage>, LedgerError> {
        let (rest, position) = (self.bytes.count() - at, self.position(at));
        if rest < HEAD_BYTES as u64 {
            return Ok(Err(Damage::Length));
        }
        match record::claimed_bytes(self.bytes.get(at, HEAD_BYTES)?) {
            Ok(length) if length as u64 <= rest => Ok(record::decode(self.bytes.get(at, length)?, position)),
            Ok(_) => Ok(Err(Damage::Length)),
            Err(damage) => Ok(Err(damage)),
        }
    }

    fn position(&self, at: u64) -> Position {
        self.first.after(at)
    }

    fn damaged(&self, offset: u64, damage: Damage) -> LedgerError {
        LedgerError::Damaged { segment: self.number, offset, position: self.position(offset), damage }
    }

    /// Walks over whole records; the second part is what is wrong at the end, if the bytes go on.
    fn walk(&mut self) -> Result<(Extent, Option<Damage>), LedgerError> {
        let mut end = HEADER_BYTES;
        let (mut records, mut payload_bytes) = (0, 0);
        let mut damage = None;
        while end < self.bytes.count() && damage.is_none() {
            match self.frame(end)? {
                Ok(frame) => {
                    records += 1;
                    payload_bytes += frame.payload.len() as u64;
                    end += frame.bytes() as u64;
                }
                Err(found) => damage = Some(found),
            }
        }
        let dirty_end = self.used_end(end)?;
        Ok((Extent { records, payload_bytes, end, dirty_end }, damage))
    }

    /// Offset after the last byte that is not zero, from an offset on; that offset where there is none.
    fn used_end(&mut self, from: u64) -> Result<u64, LedgerError> {
        let (mut at, mut end) = (from, from);
        while at < self.bytes.count() {
            let block = (self.bytes.count() - at).min(ZEROS.len() as u64);
            let bytes = self.bytes.get(at, block as usize)?;
            // Most of a segment is still zero: whole blocks at once.
            if *bytes != ZEROS[..bytes.len()] {
                end = bytes.iter().rposition(|&byte| byte != 0).map_or(end, |last| at + last as u64 + 1);
            }
            at += block;
        }
        Ok(end)
    }

    /// Checks that whole records fill the bytes exactly and shows each with its position.
    pub fn each(&mut self, mut show: impl FnMut(Position, Frame<'_>)) -> Result<(), LedgerError> {
        let mut at = HEADER_BYTES;
        while at < self.bytes.count() {
            let position = self.position(at);
            match self.frame(at)? {
                Ok(frame) => {
                    show(position, frame);
                    at += frame.bytes() as u64;
                }
                Err(damage) => return Err(self.damaged(at, damage)),
            }
        }
        Ok(())
    }

    /// Checks a segment that another one follows: its records fill the bytes exactly.
    pub fn sealed(&mut self) -> Result<Extent, LedgerError> {
        match self.walk()? {
            (extent, Some(damage)) => Err(self.damaged(extent.end, damage)),
            (extent, None) => Ok(extent),
        }
    }

    /// Checks the last segment and finds its end.
    ///
    /// A tail that is not whole may be cut only if nothing proves that it was durable: neither the
    /// caller, nor a record behind the bad place that was written after that place was synced. A
    /// whole record behind it is also damage, unless the bad place lost bytes in the way of a power
    /// cut, which drops sectors of one unsynced commit in any order and leaves zeros for them.
    pub fn last(&mut self, known_durable: Position) -> Result<Extent, LedgerError> {
        let (extent, damage) = self.walk()?;
        let end = extent.end;
        let damage = damage.unwrap_or(Damage::Length);
        if known_durable > self.position(end) {
            return Err(self.damaged(end, damage));
        }
        let mut first_whole = None;
        let mut at = end + 1;
        while let Some(whole) = self.next_whole(at, extent.dirty_end)? {
            if whole.durable > self.position(end) {
                return Err(self.damaged(end, damage));
            }
            first_whole = first_whole.or(Some(whole.start));
            at = whole.end;
        }
        match first_whole {
            Some(whole) if !self.has_hole(end, whole)? => Err(self.damaged(end, damage)),
            _ => Ok(extent),
        }
    }

    /// The next whole record that begins in `from..to`: by its position first, then by its checksum.
    fn next_whole(&mut self, from: u64, to: u64) -> Result<Option<Whole>, LedgerError> {
        let to = to.min(self.bytes.count().saturating_sub(HEAD_BYTES as u64 - 1));
        for at in from..to {
            if record::claimed_position(self.bytes.get(at, HEAD_BYTES)?) != self.position(at) {
                continue;
            }
            if let Ok(frame) = self.frame(at)? {
                let whole = Whole { start: at, end: at + frame.bytes() as u64, durable: frame.durable };
                return Ok(Some(whole));
            }
        }
        Ok(None)
    }

    /// Whether zeros reach up to the end of a sector between `from` and the whole record at `to`.
    fn has_hole(&mut self, from: u64, to: u64) -> Result<bool, LedgerError> {
        let first = (from / SECTOR_BYTES + 1) * SECTOR_BYTES;
        for boundary in (first..=to).step_by(SECTOR_BYTES as usize) {
            let start = from.max(boundary - HOLE_BYTES);
            let bytes = self.bytes.get(start, (boundary - start) as usize)?;
            if bytes.iter().all(|&byte| byte == 0) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::super::segment;
    use super::*;
    use crate::store::ledger::Kind;
    use std::fs;

    const NUMBER: SegmentNumber = SegmentNumber::FIRST;

    /// A segment with records of many lengths, some of which end with zeros, and room behind them; and its ends.
    fn segment() -> (Vec<u8>, Vec<usize>) {
        let mut bytes = segment::header(NUMBER, Position::START).to_vec();
        let mut ends = vec![bytes.len()];
        for length in [0, 1, 40, 7, 200, 64, 0, 90] {
            let (position, durable) = (Position(bytes.len() as u64), Position(ends[ends.len() / 2] as u64));
            let payload: Vec<u8> = (0..length).map(|at| if at % 5 == 3 { 0 } else { length }).collect();
            record::encode(&mut bytes, Kind(3), position, durable, &payload);
            ends.push(bytes.len());
        }
        bytes.resize(bytes.len() + 2 * ZEROS.len(), 0);
        (bytes, ends)
    }

    /// What is found in bytes that lie in memory, and in a file that is read in pieces of a few lengths.
    fn found(bytes: &[u8]) -> Result<Extent, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(segment::file_name(NUMBER)), bytes).unwrap();
        let span = Span { number: NUMBER, first: Position::START, bytes: bytes.len() as u64 };
        let text = |error: LedgerError| format!("{error:?}");
        let in_memory = span.loaded(bytes).last(Position::START).map_err(text);
        for piece_bytes in [1, 26, 300, bytes.len()] {
            let filed = span.filed_in_pieces(folder.path(), span.bytes, piece_bytes);
            assert_eq!(filed.unwrap().last(Position::START).map_err(text), in_memory, "{piece_bytes}");
        }
        in_memory
    }

    #[test]
    fn pieces_of_a_file_say_what_all_of_it_says() {
        let (bytes, ends) = segment();
        let end = *ends.last().unwrap();
        let whole = found(&bytes).unwrap();
        assert_eq!((whole.records, whole.end, whole.dirty_end), (8, end as u64, end as u64));
        for at in HEADER_BYTES as usize..end {
            let torn = [&bytes[..at], &vec![0; bytes.len() - at]].concat();
            // Zeros at a record's end are there also where nothing is.
            let before = ends.iter().rev().find(|end| torn[..**end] == bytes[..**end]).unwrap();
            assert_eq!(found(&torn).unwrap().end, *before as u64, "cut at {at}");
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            let taken = found(&flipped).is_ok_and(|extent| extent.end > at as u64);
            assert!(!taken, "flipped at {at}");
        }
    }
}
