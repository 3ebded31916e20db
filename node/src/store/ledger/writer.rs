//! Append and sync: the one writer of a ledger.

use std::sync::Arc;

use danso_tier_config::limits::{LEDGER_AHEAD_BYTES, RECORD_BYTES_MAX};

use super::disk::{self, Disk};
use super::error::LedgerError;
use super::layout::Span;
use super::position::{Kind, Position};
use super::reader::LedgerReader;
use super::record::{self, HEAD_BYTES};
use super::segment::{HEADER_BYTES, Segment};
use super::shared::Shared;

/// Encoding space that is kept from one append to the next.
const BUFFER_KEPT_BYTES: usize = 1_048_576;

/// The writer of a ledger; [`Ledger::open`] makes it, and one thread owns it.
#[derive(Debug)]
pub struct Ledger {
    pub(super) disk: Disk,
    pub(super) shared: Arc<Shared>,
    segment_bytes: u64,
    pub(super) segment: Segment,
    /// Offset in the segment after the last record.
    end: u64,
    /// Offset in the segment after the last byte that may not be zero.
    touched: u64,
    /// Offset in the segment up to which its blocks count as written.
    occupied: u64,
    /// Encoded records that begin at `end` and are not written yet.
    buffer: Vec<u8>,
    /// Whether an earlier write or sync failed.
    pub(super) stopped: bool,
}

/// Where an append began, to go back to if the disk is full.
struct Mark {
    segment: Segment,
    end: u64,
}

impl Ledger {
    pub(super) fn new(
        disk: Disk,
        shared: Arc<Shared>,
        segment: Segment,
        end: u64,
        segment_bytes: u64,
    ) -> Self {
        let (touched, occupied, buffer) = (end, end, Vec::new());
        Self { disk, shared, segment_bytes, segment, end, touched, occupied, buffer, stopped: false }
    }

    /// Position of the next record, synced or not.
    pub fn end(&self) -> Position {
        self.segment.first.after(self.end)
    }

    /// A reader of everything that is synced, now and later; any number may be made.
    pub fn reader(&self) -> LedgerReader {
        LedgerReader::new(Arc::clone(&self.shared))
    }

    /// Largest payload that a record may have here, in bytes.
    pub fn payload_bytes_max(&self) -> usize {
        RECORD_BYTES_MAX.min((self.segment_bytes - HEADER_BYTES) as usize - HEAD_BYTES)
    }

    /// Writes records one after another and gives their positions, in the order given.
    ///
    /// Nothing is durable or readable before [`Ledger::sync`]; after a crash any part of what was
    /// appended since may be there, in order and from its beginning. A repeat writes the records again.
    ///
    /// # Errors
    /// [`LedgerError::RecordTooLarge`] and [`LedgerError::DiskFull`] leave the ledger as it was before
    /// the call. After any other error it has stopped: see [`LedgerError::Stopped`].
    pub fn append(&mut self, records: &[(Kind, &[u8])]) -> Result<Vec<Position>, LedgerError> {
        if self.stopped {
            return Err(LedgerError::Stopped);
        }
        assert!(
            records.iter().all(|(kind, _)| *kind != Kind::SCRUBBED),
            "a scrubbed record is never appended"
        );
        let bytes_max = self.payload_bytes_max();
        if let Some((_, payload)) = records.iter().find(|(_, payload)| payload.len() > bytes_max) {
            return Err(LedgerError::RecordTooLarge { bytes: payload.len(), bytes_max });
        }
        let mark = Mark { segment: self.segment.clone(), end: self.end };
        let written = self.write(records);
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_KEPT_BYTES);
        match written {
            Err(full @ LedgerError::DiskFull { .. }) => {
                self.restore(mark).inspect_err(|_| self.stopped = true)?;
                Err(full)
            }
            other => other.inspect_err(|_| self.stopped = true),
        }
    }

    /// Makes everything appended so far durable, lets readers see it, and gives its end. A repeat
    /// with nothing new costs nothing.
    ///
    /// # Errors
    /// [`LedgerError::Io`] if the sync failed: what was appended since the last sync may or may not be
    /// there after the next open, and the ledger has stopped. [`LedgerError::Stopped`] ever after.
    pub fn sync(&mut self) -> Result<Position, LedgerError> {
        if self.stopped {
            return Err(LedgerError::Stopped);
        }
        let end = self.end();
        if end > self.shared.durable() {
            self.disk.sync(&self.segment).inspect_err(|_| self.stopped = true)?;
            self.shared.publish(end);
        }
        Ok(end)
    }

    fn write(&mut self, records: &[(Kind, &[u8])]) -> Result<Vec<Position>, LedgerError> {
        let durable = self.shared.durable();
        let mut positions = Vec::with_capacity(records.len());
        for &(kind, payload) in records {
            let bytes = (HEAD_BYTES + payload.len()) as u64;
            if self.end + self.buffer.len() as u64 + bytes > self.segment.bytes {
                self.roll()?;
            }
            let position = self.end().after(self.buffer.len() as u64);
            record::encode(&mut self.buffer, kind, position, durable, payload);
            positions.push(position);
        }
        self.flush()?;
        Ok(positions)
    }

    fn flush(&mut self) -> Result<(), LedgerError> {
        self.occupy();
        self.disk.write(&self.segment, self.end, &self.buffer, &mut self.touched)?;
        self.end += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Lets the blocks of what comes count as written, some of them ahead.
    fn occupy(&mut self) {
        let end = self.end + self.buffer.len() as u64;
        if end > self.occupied {
            let to = (end + LEDGER_AHEAD_BYTES).min(self.segment.bytes);
            disk::occupy(&self.segment, self.occupied.max(self.end), to);
            self.occupied = to;
        }
    }

    /// Goes on in a new segment. Its space is reserved before anything is written, and it gets its
    /// name only when all before it is durable.
    pub(super) fn roll(&mut self) -> Result<(), LedgerError> {
        let first = self.end().after(self.buffer.len() as u64);
        let next = self.disk.prepare(self.segment.number.next(), first, self.segment_bytes)?;
        self.flush()
            .and_then(|()| self.disk.sync(&self.segment))
            .inspect_err(|_| self.disk.discard(next.number))?;
        self.disk.publish(next.number)?;
        self.shared.push(Span { number: next.number, first: next.first, bytes: next.bytes });
        self.segment = next;
        self.end = HEADER_BYTES;
        (self.touched, self.occupied) = (HEADER_BYTES, HEADER_BYTES);
        Ok(())
    }

    /// Takes back an append that found no space. New segments go first: one that outlived the bytes
    /// before it would be damage.
    fn restore(&mut self, mark: Mark) -> Result<(), LedgerError> {
        let mut touched = self.touched;
        while self.segment.number > mark.segment.number {
            let last = self.shared.pop();
            self.disk.remove(last.number)?;
            self.segment.number = self.shared.last_number();
            touched = last.first.0 - mark.segment.first.0;
            if self.segment.number == mark.segment.number {
                self.disk.sync_folder()?;
            }
        }
        self.segment = mark.segment;
        (self.end, self.occupied) = (mark.end, mark.end);
        if touched > self.end {
            self.disk.zero(&self.segment, self.end, touched)?;
            self.disk.sync(&self.segment)?;
        }
        self.touched = self.end;
        Ok(())
    }
}
