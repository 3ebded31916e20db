//! Which segments a folder holds and whether they join, read from names and headers only.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use danso_tier_config::limits::SEGMENT_FILE_BYTES_MAX;

use super::error::{Damage, LedgerError};
use super::position::{Position, SegmentNumber};
use super::segment::{self, HEADER_BYTES, Name};

/// One segment file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub number: SegmentNumber,
    pub first: Position,
    /// Length of the file.
    pub bytes: u64,
}

/// The files of a ledger's folder.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// All segments in order, joined without a gap.
    pub spans: Vec<Span>,
    /// A last segment file that holds nothing, not even a header.
    pub half_made: Option<SegmentNumber>,
    /// Segments that were being made under a temporary name.
    pub temporaries: Vec<SegmentNumber>,
}

/// Reads the folder; writes nothing.
pub(super) fn read(folder: &Path) -> Result<Layout, LedgerError> {
    let mut numbers = Vec::new();
    let mut layout = Layout::default();
    let refused = |source| LedgerError::from_io("read folder", folder, source);
    for entry in fs::read_dir(folder).map_err(refused)? {
        match entry.map_err(refused)?.file_name().to_str().and_then(segment::parse_name) {
            Some(Name::Segment(number)) => numbers.push(number),
            Some(Name::Temporary(number)) => layout.temporaries.push(number),
            None => {}
        }
    }
    numbers.sort_unstable();
    let mut expected = SegmentNumber::FIRST;
    for (index, &number) in numbers.iter().enumerate() {
        if number != expected {
            return Err(LedgerError::MissingSegment { segment: expected, folder: folder.to_owned() });
        }
        expected = number.next();
        match read_span(folder, number, index + 1 == numbers.len())? {
            Some(span) => {
                check_join(layout.spans.last(), span)?;
                layout.spans.push(span);
            }
            None => layout.half_made = Some(number),
        }
    }
    Ok(layout)
}

/// Reads the header of a segment; `None` if it is the last one and its file holds only zeros.
fn read_span(folder: &Path, number: SegmentNumber, last: bool) -> Result<Option<Span>, LedgerError> {
    let file = open(folder, number)?;
    let bytes = length(folder, number, &file)?;
    let mut header = [0; HEADER_BYTES as usize];
    let present = bytes.min(HEADER_BYTES) as usize;
    read_exact(folder, number, &file, &mut header[..present], 0)?;
    if last && header.iter().all(|&byte| byte == 0) && load(folder, number, bytes)?.iter().all(|&b| b == 0) {
        return Ok(None);
    }
    let first = segment::read_header(number, &header)?;
    Ok(Some(Span { number, first, bytes }))
}

fn check_join(before: Option<&Span>, span: Span) -> Result<(), LedgerError> {
    let (low, high) = match before {
        None => (0, 0),
        Some(before) => {
            (before.first.0.saturating_add(HEADER_BYTES), before.first.0.saturating_add(before.bytes))
        }
    };
    if (low..=high).contains(&span.first.0) {
        return Ok(());
    }
    // A header whose checksum is right names the true end of the segment before: that one was cut off.
    let (segment, offset, position, damage) = match before {
        Some(before) if span.first.0 > high => {
            (before.number, before.bytes, before.first.after(before.bytes), Damage::FileLength)
        }
        _ => (span.number, 0, span.first, Damage::Join),
    };
    Err(LedgerError::Damaged { segment, offset, position, damage })
}

/// Opens a segment for reading.
pub(super) fn open(folder: &Path, number: SegmentNumber) -> Result<File, LedgerError> {
    let path = folder.join(segment::file_name(number));
    File::open(&path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => LedgerError::MissingSegment { segment: number, folder: folder.to_owned() },
        _ => LedgerError::from_io("open", &path, source),
    })
}

/// Fills `bytes` from a segment, from `offset` on.
pub(super) fn read_exact(
    folder: &Path,
    number: SegmentNumber,
    file: &File,
    bytes: &mut [u8],
    offset: u64,
) -> Result<(), LedgerError> {
    file.read_exact_at(bytes, offset)
        .map_err(|source| LedgerError::from_io("read", &folder.join(segment::file_name(number)), source))
}

/// Reads the first `bytes` of a segment, all of which are there.
pub(super) fn load(folder: &Path, number: SegmentNumber, bytes: u64) -> Result<Vec<u8>, LedgerError> {
    let mut content = vec![0; bytes as usize];
    read_exact(folder, number, &open(folder, number)?, &mut content, 0)?;
    Ok(content)
}

fn length(folder: &Path, number: SegmentNumber, file: &File) -> Result<u64, LedgerError> {
    let bytes = file
        .metadata()
        .map_err(|source| LedgerError::from_io("examine", &folder.join(segment::file_name(number)), source))?
        .len();
    if bytes <= SEGMENT_FILE_BYTES_MAX {
        return Ok(bytes);
    }
    let mut header = [0; HEADER_BYTES as usize];
    read_exact(folder, number, file, &mut header, 0)?;
    let first = segment::read_header(number, &header)?;
    Err(LedgerError::Damaged {
        segment: number,
        offset: SEGMENT_FILE_BYTES_MAX,
        position: first.after(SEGMENT_FILE_BYTES_MAX),
        damage: Damage::FileLength,
    })
}
