//! What a running node gives for a backup: its ledger up to a durable position, and what is counted there.

use super::{
    super::{
        Store, StoreError, at_rest,
        ledger::{Checked, LedgerReader, Part, Position},
        writer::{Marked, Order},
    },
    BackupError,
};
use danso_core::{
    chain::{BackupManifest, BackupPiece, BackupSegment, Digest},
    domain::encoded,
};
use danso_tier_config::{UnitId, limits};
use serde::{Deserialize, Serialize};
use std::path::Path;
use tokio::sync::oneshot;

/// The files of a data folder beside ledger and index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FolderFiles {
    /// FORMAT.
    pub format: Vec<u8>,
    /// AT-REST, where names are encrypted: the data key, wrapped.
    pub at_rest: Option<Vec<u8>>,
}

/// A copy that is being taken of a store.
pub struct Source {
    unit: UnitId,
    reader: LedgerReader,
    position: Position,
    heads: Digest,
    tallies: Digest,
    folder: Vec<u8>,
    at_rest: Option<[u8; 8]>,
    records: u64,
    copied: Vec<BackupSegment>,
}

/// SHA-256 of bytes.
pub fn digest_of(bytes: &[u8]) -> Digest {
    Digest::of(&[bytes])
}

impl Store {
    /// Begins a copy of all that was acknowledged up to now; own changes that wait are sealed first.
    ///
    /// Errors: `backup_unusable` where FORMAT or AT-REST cannot be read; `store_stopped`.
    pub async fn backup(&self) -> Result<Source, BackupError> {
        let (done, marked) = oneshot::channel();
        self.orders.send(Order::Mark(done));
        let Marked { position, heads, tallies } = marked.await.unwrap_or(Err(StoreError::Stopped))?;
        let data = &self.inner.folder;
        let read = |name: &str| {
            let path = data.join(name);
            std::fs::read(&path).map_err(BackupError::io("read", &path))
        };
        let at_rest = data.join("AT-REST").exists().then(|| read("AT-REST")).transpose()?;
        let files = FolderFiles { format: read("FORMAT")?, at_rest };
        let folder = encoded(&files);
        Ok(Source {
            unit: self.unit(),
            reader: self.inner.reader.clone(),
            position,
            heads,
            tallies,
            folder,
            at_rest: key_name(data)?,
            records: 0,
            copied: Vec::new(),
        })
    }
}

fn key_name(data: &Path) -> Result<Option<[u8; 8]>, BackupError> {
    let name = at_rest::key_name_of(data);
    Ok(name.map_err(StoreError::from)?.map(at_rest::KeyName::bytes))
}

impl Source {
    /// The parts of the ledger, in order.
    pub fn parts(&self) -> Vec<Part> {
        self.reader.parts(self.position)
    }

    /// The packed files of the data folder beside the ledger.
    pub fn folder(&self) -> &[u8] {
        &self.folder
    }

    /// The next part, checked record by record. Blocks.
    ///
    /// Errors: `ledger_damaged` and its like; [`BackupError::Moved`] where a record was replaced meanwhile by one behind
    /// the end of this copy.
    pub fn copy(&mut self, part: Part) -> Result<Vec<u8>, BackupError> {
        let (bytes, Checked { records, replaced_by }) = self.reader.part(part)?;
        if replaced_by.is_some_and(|by| by >= self.position) {
            return Err(BackupError::Moved);
        }
        self.records += records;
        let hash = digest_of(&bytes);
        self.copied.push(BackupSegment { number: part.number.0, bytes: part.bytes, hash });
        Ok(bytes)
    }

    /// The list of the backup, once all parts were copied: to be signed.
    ///
    /// Errors: [`BackupError::Answer`] where the pieces are more than a list takes.
    pub fn manifest(
        self,
        number: u32,
        sealed_to: [u8; 32],
        taken_at_ms: u64,
        pieces: Vec<BackupPiece>,
    ) -> Result<BackupManifest, BackupError> {
        if pieces.len() > limits::BACKUP_PIECES_MAX || self.copied.len() > limits::BACKUP_SEGMENTS_MAX {
            return Err(BackupError::Answer("more pieces than a list takes"));
        }
        Ok(BackupManifest {
            unit: self.unit,
            number,
            taken_at_ms,
            position: self.position.0,
            records: self.records,
            heads: self.heads,
            tallies: self.tallies,
            folder: digest_of(&self.folder),
            at_rest: self.at_rest,
            sealed_to,
            segments: self.copied,
            pieces,
        })
    }

    /// The end of the copy.
    pub fn position(&self) -> Position {
        self.position
    }
}
