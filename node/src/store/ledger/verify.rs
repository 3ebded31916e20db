//! The full check of a ledger's folder; it reads everything and writes nothing.

use std::path::Path;

use super::error::LedgerError;
use super::layout;
use super::position::Position;

/// What a whole ledger holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Segments.
    pub segments: usize,
    /// Whole records.
    pub records: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
    /// End after the last whole record.
    pub end: Position,
    /// Bytes of a torn tail that the next open will cut.
    pub torn_bytes: u64,
}

/// Reads and checks every record in `folder`, segment by segment; memory is bounded by the longest record.
///
/// A ledger that is being written may show a torn tail. A folder without segments gives zeros.
///
/// # Errors
/// The first damage by place: [`LedgerError::Damaged`], [`LedgerError::MissingSegment`], or
/// [`LedgerError::NewerFormat`], [`LedgerError::Io`].
pub fn verify(folder: &Path) -> Result<Summary, LedgerError> {
    let spans = layout::read(folder)?.spans;
    let mut summary =
        Summary { segments: spans.len(), records: 0, bytes: 0, end: Position::START, torn_bytes: 0 };
    for (index, span) in spans.iter().enumerate() {
        let extent = match spans.get(index + 1) {
            Some(next) => span.filed(folder, next.first.0 - span.first.0)?.sealed()?,
            None => span.filed(folder, span.bytes)?.last(Position::START)?,
        };
        summary.records += extent.records;
        summary.bytes += extent.payload_bytes;
        summary.end = span.first.after(extent.end);
        summary.torn_bytes = extent.dirty_end - extent.end;
    }
    Ok(summary)
}
