//! Names and headers of segment files.
//!
//! | bytes | field, little-endian |
//! |---|---|
//! | 0..8 | magic |
//! | 8 | format |
//! | 9..12 | zeros |
//! | 12..16 | number of the segment |
//! | 16..24 | first position of the segment |
//! | 24..28 | zeros |
//! | 28..32 | CRC-32 of bytes 0..28 |
//!
//! Every later format keeps these 32 bytes, so that an old program can name a newer format.

use std::fs::File;
use std::sync::Arc;

use super::error::{Damage, LedgerError};
use super::position::{Position, SegmentNumber};
use super::record::{u32_at, u64_at};

/// Bytes of a segment before its first record.
pub(super) const HEADER_BYTES: u64 = 32;
/// Newest format of segments that this program reads and writes.
pub(super) const FORMAT: u8 = 1;

const MAGIC: &[u8; 8] = b"DANSOLGR";
const SUFFIX: &str = ".ledger";
const TEMPORARY_SUFFIX: &str = ".ledger.new";

/// An open segment that the writer appends to.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub number: SegmentNumber,
    pub first: Position,
    /// Size of the preallocated file.
    pub bytes: u64,
    pub file: Arc<File>,
}

/// What the name of a file in the ledger's folder says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Segment(SegmentNumber),
    /// A segment that was being made when the program ended.
    Temporary(SegmentNumber),
}

/// Reads a file name; `None` for a file that is not the ledger's.
pub(super) fn parse_name(name: &str) -> Option<Name> {
    let number = |digits: &str| {
        let plain = digits.len() >= 8 && digits.bytes().all(|b| b.is_ascii_digit());
        let number = SegmentNumber(plain.then(|| digits.parse().ok()).flatten()?);
        (number.0 > 0 && number.to_string() == digits).then_some(number)
    };
    if let Some(digits) = name.strip_suffix(TEMPORARY_SUFFIX) {
        return number(digits).map(Name::Temporary);
    }
    name.strip_suffix(SUFFIX).and_then(number).map(Name::Segment)
}

/// File name of a segment.
pub(super) fn file_name(number: SegmentNumber) -> String {
    format!("{number}{SUFFIX}")
}

/// File name of a segment that is being made.
pub(super) fn temporary_name(number: SegmentNumber) -> String {
    format!("{number}{TEMPORARY_SUFFIX}")
}

/// The header of a new segment.
pub(super) fn header(number: SegmentNumber, first: Position) -> [u8; HEADER_BYTES as usize] {
    let mut bytes = [0; HEADER_BYTES as usize];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8] = FORMAT;
    bytes[12..16].copy_from_slice(&number.0.to_le_bytes());
    bytes[16..24].copy_from_slice(&first.0.to_le_bytes());
    let checksum = crc32fast::hash(&bytes[..28]);
    bytes[28..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Checks the header of the segment with this number and gives its first position.
pub(super) fn read_header(
    number: SegmentNumber,
    bytes: &[u8; HEADER_BYTES as usize],
) -> Result<Position, LedgerError> {
    let first = Position(u64_at(bytes, 16));
    let damaged = |damage| LedgerError::Damaged { segment: number, offset: 0, position: first, damage };
    if &bytes[..8] != MAGIC || u32_at(bytes, 28) != crc32fast::hash(&bytes[..28]) {
        return Err(damaged(Damage::Header));
    }
    if bytes[8] > FORMAT {
        return Err(LedgerError::NewerFormat { segment: number, found: bytes[8], known: FORMAT });
    }
    if u32_at(bytes, 12) != number.0 {
        return Err(damaged(Damage::Join));
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_other_files_are_left_alone() {
        let number = SegmentNumber(12);
        assert_eq!(file_name(number), "00000012.ledger");
        assert_eq!(parse_name(&file_name(number)), Some(Name::Segment(number)));
        assert_eq!(parse_name(&temporary_name(number)), Some(Name::Temporary(number)));
        for other in
            ["12.ledger", "000000012.ledger", "00000000.ledger", "00000012.ledger.bak", "+0000012.ledger"]
        {
            assert_eq!(parse_name(other), None, "{other}");
        }
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_damage() {
        let good = header(SegmentNumber(3), Position(99));
        assert_eq!(read_header(SegmentNumber(3), &good).unwrap(), Position(99));
        for bit in 0..good.len() * 8 {
            let mut flipped = good;
            flipped[bit / 8] ^= 1 << (bit % 8);
            let error = read_header(SegmentNumber(3), &flipped).unwrap_err();
            assert!(
                matches!(error, LedgerError::Damaged { damage: Damage::Header, .. }),
                "bit {bit}: {error}"
            );
        }
    }

    #[test]
    fn newer_format_is_named_and_a_renamed_segment_is_refused() {
        let mut newer = header(SegmentNumber(3), Position(99));
        newer[8] = FORMAT + 1;
        let checksum = crc32fast::hash(&newer[..28]);
        newer[28..].copy_from_slice(&checksum.to_le_bytes());
        let error = read_header(SegmentNumber(3), &newer).unwrap_err();
        assert!(matches!(error, LedgerError::NewerFormat { segment: SegmentNumber(3), found: 2, known: 1 }));
        let error = read_header(SegmentNumber(4), &header(SegmentNumber(3), Position(99))).unwrap_err();
        assert!(matches!(error, LedgerError::Damaged { damage: Damage::Join, .. }));
    }
}
