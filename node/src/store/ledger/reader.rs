//! Reading by position and in order, beside the writer and never beyond the synced end.

use std::io;
use std::sync::Arc;

use danso_tier_config::limits::{LEDGER_READ_AHEAD_BYTES, LEDGER_READ_BYTES};

use super::error::{Damage, LedgerError};
use super::layout;
use super::position::{Kind, Position};
use super::record::{self, HEAD_BYTES};
use super::shared::{Place, Shared};
use super::window::Window;

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
        let mut synced = Synced::new(LEDGER_READ_BYTES);
        synced.record(&self.shared, position)?.ok_or_else(|| self.shared.beyond_end(position))
    }

    /// All records from `position` to the synced end, in order, read ahead in large pieces. After
    /// `None` it goes on when more has been synced; after an error it is at its end.
    pub fn iter_from(&self, position: Position) -> Records {
        Records {
            shared: Arc::clone(&self.shared),
            synced: Synced::new(LEDGER_READ_AHEAD_BYTES),
            position,
            failed: false,
        }
    }
}

/// Records in order; made by [`LedgerReader::iter_from`].
#[derive(Debug)]
pub struct Records {
    shared: Arc<Shared>,
    synced: Synced,
    position: Position,
    failed: bool,
}

impl Iterator for Records {
    type Item = Result<Record, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let found = self.synced.record(&self.shared, self.position).transpose()?;
        match &found {
            Ok(record) => self.position = record.next,
            Err(_) => self.failed = true,
        }
        Some(found)
    }
}

/// What was read ahead of synced bytes, by position.
#[derive(Debug)]
struct Synced {
    window: Window,
    /// [`Shared::renewals`] before the bytes were read.
    renewals: u64,
}

impl Synced {
    fn new(ahead_bytes: usize) -> Self {
        Self { window: Window::new(ahead_bytes), renewals: 0 }
    }

    /// The record at `position`; `None` at or beyond the synced end.
    fn record(&mut self, shared: &Shared, position: Position) -> Result<Option<Record>, LedgerError> {
        let renewals = shared.renewals();
        if renewals != self.renewals {
            self.window.clear();
            self.renewals = renewals;
        }
        let Some(place) = shared.place(position) else { return Ok(None) };
        let head = self.bytes(shared, place, HEAD_BYTES)?;
        let length = record::claimed_bytes(head).map_err(|damage| place.damaged(damage))?;
        let bytes = self.bytes(shared, place, length)?;
        let frame = record::decode(bytes, place.position).map_err(|damage| place.damaged(damage))?;
        Ok(Some(Record {
            kind: frame.kind,
            position: place.position,
            payload: frame.payload.to_vec(),
            next: place.position.after(length as u64),
        }))
    }

    /// `count` bytes from `place` on.
    fn bytes(&mut self, shared: &Shared, place: Place, count: usize) -> Result<&[u8], LedgerError> {
        let Place { number, position, offset, rest } = place;
        if count as u64 > rest {
            return Err(place.damaged(Damage::Length));
        }
        let read = |bytes: &mut [u8]| {
            let file = shared.file(number)?;
            layout::read_exact(shared.folder(), number, &file, bytes, offset)
        };
        self.window.get(position.0, count, rest, read).map_err(|error| match error {
            LedgerError::Io { source, .. } if source.kind() == io::ErrorKind::UnexpectedEof => {
                place.damaged(Damage::FileLength)
            }
            other => other,
        })
    }
}
