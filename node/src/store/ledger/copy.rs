//! Segments read whole and checked: what a backup takes of a ledger that is being written, and what comes out of one.

use super::error::{Damage, LedgerError};
use super::layout::{self, Span};
use super::position::{Kind, Position, SegmentNumber};
use super::reader::LedgerReader;
use super::replaced_by;
use super::segment::{self, HEADER_BYTES};

/// The part of one segment that lies before some end of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Which segment.
    pub number: SegmentNumber,
    /// Its first position.
    pub first: Position,
    /// Its bytes from the beginning on, header included; they end with a whole record.
    pub bytes: u64,
}

/// What the records of a segment are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checked {
    /// How many.
    pub records: u64,
    /// The furthest record that stands in the place of one here, where some were replaced.
    pub replaced_by: Option<Position>,
}

impl LedgerReader {
    /// The parts of all segments up to `end`, which is the end of a synced record.
    pub fn parts(&self, end: Position) -> Vec<Part> {
        let spans = self.shared().spans();
        let ends = spans.iter().skip(1).map(|next| next.first).chain([end]);
        let parts = spans.iter().zip(ends).filter(|(span, _)| span.first < end);
        parts
            .map(|(span, next)| {
                let bytes = next.min(end).0 - span.first.0;
                Part { number: span.number, first: span.first, bytes }
            })
            .collect()
    }

    /// The bytes of a part, every record of which was checked. Takes memory for one segment.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] where the file does not hold whole records, [`LedgerError::Io`].
    pub fn part(&self, part: Part) -> Result<(Vec<u8>, Checked), LedgerError> {
        let content = layout::load(self.shared().folder(), part.number, part.bytes)?;
        let checked = check(Span { number: part.number, first: part.first, bytes: part.bytes }, &content)?;
        Ok((content, checked))
    }
}

/// File name of a segment.
pub fn segment_file(number: SegmentNumber) -> String {
    segment::file_name(number)
}

/// Checks the bytes of a segment that come from elsewhere: header, number, and that whole records fill them. Gives the
/// first position and what the records are.
///
/// # Errors
/// [`LedgerError::Damaged`], [`LedgerError::NewerFormat`].
pub fn check_segment(number: SegmentNumber, bytes: &[u8]) -> Result<(Position, Checked), LedgerError> {
    let damaged = || LedgerError::Damaged {
        segment: number,
        offset: 0,
        position: Position::START,
        damage: Damage::Header,
    };
    let header = bytes.first_chunk::<{ HEADER_BYTES as usize }>().ok_or_else(damaged)?;
    let first = segment::read_header(number, header)?;
    let span = Span { number, first, bytes: bytes.len() as u64 };
    Ok((first, check(span, bytes)?))
}

fn check(span: Span, bytes: &[u8]) -> Result<Checked, LedgerError> {
    let mut checked = Checked::default();
    span.loaded(bytes).each(|_, frame| {
        checked.records += 1;
        if frame.kind == Kind::SCRUBBED {
            checked.replaced_by = checked.replaced_by.max(replaced_by(frame.payload));
        }
    })?;
    Ok(checked)
}
