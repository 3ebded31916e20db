//! What the writer and its readers share: the synced end, the segments and their open files.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use danso_tier_config::limits::LEDGER_OPEN_SEGMENTS_MAX;

use super::error::{Damage, LedgerError};
use super::layout::{self, Span};
use super::position::{Position, SegmentNumber};
use super::segment::HEADER_BYTES;

/// A position inside a segment, with synced bytes behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub number: SegmentNumber,
    pub position: Position,
    pub offset: u64,
    /// Bytes from here to the end of the segment's synced records, at least 1.
    pub rest: u64,
}

impl Place {
    pub fn damaged(self, damage: Damage) -> LedgerError {
        LedgerError::Damaged { segment: self.number, offset: self.offset, position: self.position, damage }
    }
}

/// What the writer and its readers share.
#[derive(Debug)]
pub(super) struct Shared {
    folder: PathBuf,
    durable: AtomicU64,
    spans: RwLock<Vec<Span>>,
    /// Open files, the one used last at the end.
    files: Mutex<Vec<(SegmentNumber, Arc<File>)>>,
    /// How often a new file took the place of a segment's; what was read before is void.
    renewals: AtomicU64,
}

impl Shared {
    pub fn new(folder: &Path, spans: &[Span], durable: Position) -> Self {
        Self {
            folder: folder.to_owned(),
            durable: AtomicU64::new(durable.0),
            spans: RwLock::new(spans.to_vec()),
            files: Mutex::default(),
            renewals: AtomicU64::new(0),
        }
    }

    /// The ledger's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The synced end.
    pub fn durable(&self) -> Position {
        Position(self.durable.load(Ordering::Acquire))
    }

    /// Lets readers see everything up to `end`, which is synced.
    pub fn publish(&self, end: Position) {
        self.durable.store(end.0, Ordering::Release);
    }

    /// Adds a segment that has just got its name.
    pub fn push(&self, span: Span) {
        self.spans.write().unwrap_or_else(PoisonError::into_inner).push(span);
    }

    /// Takes back the last segment, of which nothing was synced.
    pub fn pop(&self) -> Span {
        let mut spans = self.spans.write().unwrap_or_else(PoisonError::into_inner);
        spans.pop().expect("a ledger has at least one segment")
    }

    /// Number of the last segment.
    pub fn last_number(&self) -> SegmentNumber {
        let spans = self.spans.read().unwrap_or_else(PoisonError::into_inner);
        spans.last().expect("a ledger has at least one segment").number
    }

    /// Where the synced record at `position` lies.
    pub fn synced(&self, position: Position) -> Result<Place, LedgerError> {
        self.place(position).ok_or_else(|| self.beyond_end(position))
    }

    /// The error for a position at which nothing is synced yet.
    pub fn beyond_end(&self, position: Position) -> LedgerError {
        LedgerError::BeyondEnd { position, end: self.durable() }
    }

    /// A segment of this ledger, and how many of its bytes are synced.
    pub fn synced_part(&self, number: SegmentNumber) -> (Span, u64) {
        let durable = self.durable();
        let (span, next) = self.span(number);
        (span, next.map_or(durable, |next| next.min(durable)).0 - span.first.0)
    }

    /// All segments, in order.
    pub fn spans(&self) -> Vec<Span> {
        self.spans.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A segment that another one follows, and how many bytes its records reach up to.
    pub fn closed(&self, number: SegmentNumber) -> (Span, u64) {
        let (span, next) = self.span(number);
        let next = next.expect("the writer has closed this segment");
        (span, next.0 - span.first.0)
    }

    /// A segment and the first position of the next.
    fn span(&self, number: SegmentNumber) -> (Span, Option<Position>) {
        let spans = self.spans.read().unwrap_or_else(PoisonError::into_inner);
        let index = spans.iter().position(|span| span.number == number);
        let index = index.expect("the segment is one of this ledger");
        (spans[index], spans.get(index + 1).map(|next| next.first))
    }

    /// Lets readers see the file of `bytes` bytes that has just got the name of a segment.
    pub fn renew(&self, number: SegmentNumber, bytes: u64) {
        let mut spans = self.spans.write().unwrap_or_else(PoisonError::into_inner);
        spans.iter_mut().filter(|span| span.number == number).for_each(|span| span.bytes = bytes);
        drop(spans);
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.retain(|(held, _)| *held != number);
        drop(files);
        // Last: who sees the new count finds no old file any more.
        self.renewals.fetch_add(1, Ordering::Release);
    }

    /// How often a file was renewed; to be asked before a file is taken.
    pub fn renewals(&self) -> u64 {
        self.renewals.load(Ordering::Acquire)
    }

    /// Where `position` lies; a segment's first position stands for its first record.
    pub fn place(&self, position: Position) -> Option<Place> {
        let durable = self.durable();
        let spans = self.spans.read().unwrap_or_else(PoisonError::into_inner);
        let after = spans.partition_point(|span| span.first <= position);
        let span = spans.get(after.checked_sub(1)?)?;
        let position = if position == span.first { position.after(HEADER_BYTES) } else { position };
        let limit = spans.get(after).map_or(durable, |next| next.first.min(durable));
        let rest = limit.0.checked_sub(position.0).filter(|&rest| rest > 0)?;
        Some(Place { number: span.number, position, offset: position.0 - span.first.0, rest })
    }

    pub fn file(&self, number: SegmentNumber) -> Result<Arc<File>, LedgerError> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = match files.iter().position(|(held, _)| *held == number) {
            Some(index) => files.remove(index),
            None => (number, Arc::new(layout::open(&self.folder, number)?)),
        };
        let file = Arc::clone(&entry.1);
        files.push(entry);
        if files.len() > LEDGER_OPEN_SEGMENTS_MAX {
            files.remove(0);
        }
        Ok(file)
    }
}
