//! Reading by position and in order, beside the writer and never beyond the synced end.

use std::io;
use std::sync::Arc;

use danso_tier_config::limits::{LEDGER_READ_AHEAD_BYTES, LEDGER_READ_BYTES};

use super::error::{Damage, LedgerError};
use super::layout;
use super::position::{Kind, Position};
use super::record::{self, HEAD_BYTES};
use super::shared::{Place, Shared};

/// A record as it was appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The writer's kind.
    pub kind: Kind,
    /// Where the record lies.
    pub position: Position,
    /// The writer's bytes.
    pub payload: Vec<u8>,
    /// Where to go on reading: the end of this record.
    pub next: Position,
}

/// Reads what is synced; cheap to clone, usable from many threads.
#[derive(Debug, Clone)]
pub struct LedgerReader {
    shared: Arc<Shared>,
}

impl LedgerReader {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// The synced end of the ledger.
    pub fn end(&self) -> Position {
        self.shared.durable()
    }

    /// Reads and checks the record at `position`.
    ///
    /// # Errors
    /// [`LedgerError::BeyondEnd`] if nothing is synced there yet, [`LedgerError::Damaged`] if no whole
    /// record begins there, [`LedgerError::Io`].
    pub fn read(&self, position: Position) -> Result<Record, LedgerError> {
        let mut window = Window::new(LEDGER_READ_BYTES);
        window.record(&self.shared, position)?.ok_or_else(|| self.shared.beyond_end(position))
    }

    /// All records from `position` to the synced end, in order, read ahead in large pieces. After
    /// `None` it goes on when more has been synced; after an error it is at its end.
    pub fn iter_from(&self, position: Position) -> Records {
        Records {
            shared: Arc::clone(&self.shared),
            window: Window::new(LEDGER_READ_AHEAD_BYTES),
            position,
            failed: false,
        }
    }
}

/// Records in order; made by [`LedgerReader::iter_from`].
#[derive(Debug)]
pub struct Records {
    shared: Arc<Shared>,
    window: Window,
    position: Position,
    failed: bool,
}

impl Iterator for Records {
    type Item = Result<Record, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let found = self.window.record(&self.shared, self.position).transpose()?;
        match &found {
            Ok(record) => self.position = record.next,
            Err(_) => self.failed = true,
        }
        Some(found)
    }
}

/// Bytes of one segment that were read at once.
#[derive(Debug)]
struct Window {
    bytes: Vec<u8>,
    first: Position,
    ahead_bytes: usize,
    /// [`Shared::renewals`] before the bytes were read.
    renewals: u64,
}

impl Window {
    fn new(ahead_bytes: usize) -> Self {
        Self { bytes: Vec::new(), first: Position::START, ahead_bytes, renewals: 0 }
    }

    /// The record at `position`; `None` at or beyond the synced end.
    fn record(&mut self, shared: &Shared, position: Position) -> Result<Option<Record>, LedgerError> {
        let renewals = shared.renewals();
        if renewals != self.renewals {
            self.bytes.clear();
            self.renewals = renewals;
        }
        let Some(place) = shared.place(position) else { return Ok(None) };
        let head = self.fill(shared, place, HEAD_BYTES)?;
        let length = record::claimed_bytes(&self.bytes[head..]).map_err(|damage| place.damaged(damage))?;
        let start = self.fill(shared, place, length)?;
        let frame = record::decode(&self.bytes[start..start + length], place.position)
            .map_err(|damage| place.damaged(damage))?;
        Ok(Some(Record {
            kind: frame.kind,
            position: place.position,
            payload: frame.payload.to_vec(),
            next: place.position.after(length as u64),
        }))
    }

    /// Makes sure that `count` bytes from `place` on are here and gives their index.
    fn fill(&mut self, shared: &Shared, place: Place, count: usize) -> Result<usize, LedgerError> {
        let held = self.first.0..self.first.0 + self.bytes.len() as u64;
        if held.start <= place.position.0 && place.position.0 + count as u64 <= held.end {
            return Ok((place.position.0 - held.start) as usize);
        }
        if count as u64 > place.rest {
            return Err(place.damaged(Damage::Length));
        }
        self.first = place.position;
        self.bytes.resize(place.rest.min(count.max(self.ahead_bytes) as u64) as usize, 0);
        let file = shared.file(place.number)?;
        layout::read_exact(shared.folder(), place.number, &file, &mut self.bytes, place.offset)
            .inspect_err(|_| self.bytes.clear())
            .map_err(|error| match error {
                LedgerError::Io { source, .. } if source.kind() == io::ErrorKind::UnexpectedEof => {
                    place.damaged(Damage::FileLength)
                }
                other => other,
            })?;
        Ok(0)
    }
}
