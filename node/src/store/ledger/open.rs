//! Start of a ledger: find its end, cut a torn tail, clear what a crash left half-made.

use std::path::Path;
use std::sync::Arc;

use crate::host::DiskWatch;
use danso_tier_config::limits::{SEGMENT_BYTES, SEGMENT_FILE_BYTES_MAX};

use super::disk::Disk;
use super::error::LedgerError;
use super::layout::{self, Layout, Span};
use super::position::{Position, SegmentNumber};
use super::reader::LedgerReader;
use super::record::HEAD_BYTES;
use super::segment::{HEADER_BYTES, Segment};
use super::shared::Shared;
use super::writer::Ledger;

/// How a ledger is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Size of new segments, in bytes; existing ones keep theirs. Tests take small ones.
    pub segment_bytes: u64,
    /// An end of the ledger that is known to have been synced, for example from derived state: a
    /// ledger that ends before it is damaged.
    pub known_durable: Option<Position>,
}

impl Default for Options {
    fn default() -> Self {
        Self { segment_bytes: SEGMENT_BYTES, known_durable: None }
    }
}

/// What was found, and done, when a ledger was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// The end of the ledger, durable.
    pub end: Position,
    /// Bytes of a torn tail that were cut; 0 after an orderly end.
    pub cut_bytes: u64,
    /// Segments of the ledger.
    pub segments: usize,
    /// Whether the ledger was made by this call.
    pub created: bool,
}

impl Ledger {
    /// Opens the ledger in `folder`, which is its own and is made if it is not there.
    ///
    /// On return everything up to [`Opened::end`] is durable and can be read. Only the last segment
    /// is read in full, earlier ones by their headers; [`super::verify`] reads all. A tail that was
    /// never synced is cut and its bytes are zeroed; opening again finds the same end. There must be
    /// one writer for a folder: a lock is the caller's task.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] or [`LedgerError::MissingSegment`] if bytes that were durable are not
    /// there, [`LedgerError::NewerFormat`], [`LedgerError::DiskFull`] if a new ledger finds no space,
    /// [`LedgerError::Io`]. Damage and newer formats are found before anything is written.
    pub fn open(folder: &Path, options: Options) -> Result<(Self, Opened), LedgerError> {
        Self::open_watched(folder, options, DiskWatch::default())
    }

    /// The same with somebody who looks at every step on the disk, and may let it fail.
    pub fn open_watched(
        folder: &Path,
        options: Options,
        watch: DiskWatch,
    ) -> Result<(Self, Opened), LedgerError> {
        let disk = Disk::new(folder, watch);
        let Options { segment_bytes, known_durable } = options;
        assert!(
            (HEADER_BYTES + HEAD_BYTES as u64..=SEGMENT_FILE_BYTES_MAX).contains(&segment_bytes),
            "no segment can have {segment_bytes} bytes"
        );
        let known_durable = known_durable.unwrap_or(Position::START);
        disk.create_folder()?;
        let layout = layout::read(disk.folder())?;
        match layout.spans.last().copied() {
            Some(last) => open_existing(disk, &layout, last, segment_bytes, known_durable),
            None if known_durable > Position::START => Err(LedgerError::MissingSegment {
                segment: SegmentNumber::FIRST,
                folder: disk.folder().to_owned(),
            }),
            None => create(disk, &layout, segment_bytes),
        }
    }
}

/// A reader of a ledger that nobody writes: a stopped node's, or a copy. Nothing is changed; a torn tail is left
/// out, and its bytes are the second part.
///
/// # Errors
/// As [`Ledger::open`]; a folder without a segment is [`LedgerError::MissingSegment`].
pub fn look(folder: &Path, known_durable: Position) -> Result<(LedgerReader, u64), LedgerError> {
    let missing = || LedgerError::MissingSegment { segment: SegmentNumber::FIRST, folder: folder.to_owned() };
    if !folder.is_dir() {
        return Err(missing());
    }
    let layout = layout::read(folder)?;
    let last = layout.spans.last().ok_or_else(missing)?;
    let extent = last.filed(folder, last.bytes)?.last(known_durable)?;
    let shared = Shared::new(folder, &layout.spans, last.first.after(extent.end));
    Ok((LedgerReader::new(Arc::new(shared)), extent.dirty_end - extent.end))
}

fn create(disk: Disk, layout: &Layout, segment_bytes: u64) -> Result<(Ledger, Opened), LedgerError> {
    clear(&disk, layout)?;
    let segment = disk.prepare(SegmentNumber::FIRST, Position::START, segment_bytes)?;
    disk.publish(segment.number)?;
    let span = Span { number: segment.number, first: segment.first, bytes: segment.bytes };
    let end = segment.first.after(HEADER_BYTES);
    let shared = Arc::new(Shared::new(disk.folder(), &[span], end));
    let ledger = Ledger::new(disk, shared, segment, HEADER_BYTES, segment_bytes);
    Ok((ledger, Opened { end, cut_bytes: 0, segments: 1, created: true }))
}

fn open_existing(
    disk: Disk,
    layout: &Layout,
    last: Span,
    segment_bytes: u64,
    known_durable: Position,
) -> Result<(Ledger, Opened), LedgerError> {
    let extent = last.filed(disk.folder(), last.bytes)?.last(known_durable)?;
    clear(&disk, layout)?;
    let file = Arc::new(disk.open(last.number)?);
    let segment = Segment { number: last.number, first: last.first, bytes: last.bytes, file };
    disk.zero(&segment, extent.end, extent.dirty_end)?;
    // A program that was killed may have written without syncing; what is found counts as durable from here on.
    disk.sync(&segment)?;
    disk.sync_folder()?;
    let end = segment.first.after(extent.end);
    let shared = Arc::new(Shared::new(disk.folder(), &layout.spans, end));
    let ledger = Ledger::new(disk, shared, segment, extent.end, segment_bytes);
    let cut_bytes = extent.dirty_end - extent.end;
    Ok((ledger, Opened { end, cut_bytes, segments: layout.spans.len(), created: false }))
}

/// Removes files of a segment that was never finished.
fn clear(disk: &Disk, layout: &Layout) -> Result<(), LedgerError> {
    for &number in &layout.temporaries {
        disk.remove_temporary(number)?;
    }
    layout.half_made.map_or(Ok(()), |number| disk.remove(number))
}
