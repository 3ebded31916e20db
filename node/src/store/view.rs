//! What is held in memory of a node's state, behind one lock: read by many, changed by the writer only.

use super::{
    StoreError,
    index::{Index, decode},
    keys,
    ledger::{LedgerReader, Position},
    record::Record,
    rows::{ChainRow, Recording},
};
use danso_core::{
    chain::{Digest, DirectoryVersion, PublicKey, Registration, Release, SealedChange, Signed},
    rollup::{Tallies, Tally},
};
use danso_tier_config::{Directory, Hierarchy, UnitId};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// A registered ledger key.
#[derive(Debug, Clone)]
pub struct RegisteredKey {
    /// The key.
    pub key: PublicKey,
    /// The authority's signed word.
    pub signed: Signed,
    /// When it was registered, Unix milliseconds; a later registration replaces an earlier one.
    pub registered_at_ms: u64,
}

/// The directory in force.
#[derive(Debug, Clone)]
pub struct StoredDirectory {
    /// Its version.
    pub version: u64,
    /// As signed.
    pub signed: Signed,
    /// Its content.
    pub directory: Arc<Directory>,
}

/// The state of a node in memory.
#[derive(Debug, Default)]
pub struct View {
    /// All chains held here, the node's own included.
    pub chains: BTreeMap<UnitId, ChainRow>,
    /// The roll-up.
    pub tallies: Tallies,
    /// Order-free check sum over the tallies, compared after a start.
    pub(super) tallies_check: u64,
    /// Registered ledger keys.
    pub keys: BTreeMap<UnitId, RegisteredKey>,
    /// The latest directory, if one was ever received or issued.
    pub directory: Option<StoredDirectory>,
    /// The latest release.
    pub release: Option<Arc<Release>>,
    /// Counters of the node's own recording.
    pub recording: Recording,
    /// Own changes not sealed yet, from sequence `head.next` on.
    pub unsealed: VecDeque<SealedChange>,
    /// Ledger position up to which this view is true.
    pub position: Position,
    /// Hierarchies of which a directory may be made, beside those shipped.
    hierarchies: Vec<Hierarchy>,
}

/// Order-free check sum contribution of one tally.
fn check_of(tally: &Tally) -> u64 {
    if tally.value == 0 {
        return 0;
    }
    let digest = Digest::of(&[&keys::tally(tally.unit, tally.month, tally.cell), &tally.value.to_be_bytes()]);
    u64::from_be_bytes(digest.0[..8].try_into().expect("a digest has 32 bytes"))
}

impl View {
    /// An empty view.
    pub(super) fn new(hierarchies: &[Hierarchy]) -> Self {
        Self { hierarchies: hierarchies.to_vec(), ..Self::default() }
    }

    /// Adds deltas to the tallies and gives the changed cells to be written.
    pub(super) fn count(&mut self, unit: UnitId, deltas: &[danso_core::rollup::Delta]) -> Vec<Tally> {
        let changed = self.tallies.apply(unit, deltas);
        let amounts: BTreeMap<_, i64> = deltas.iter().fold(BTreeMap::new(), |mut sums, delta| {
            *sums.entry((delta.month, delta.cell)).or_default() += delta.amount;
            sums
        });
        for tally in &changed {
            let before = Tally { value: tally.value - amounts[&(tally.month, tally.cell)], ..*tally };
            self.tallies_check ^= check_of(&before) ^ check_of(tally);
        }
        changed
    }

    /// Digest over the heads of the given chains, in order of origin: origin, number and hash of each.
    pub fn heads_digest(&self, origins: impl IntoIterator<Item = UnitId>) -> Digest {
        let mut bytes = b"danso heads 1\n".to_vec();
        let mut origins: Vec<UnitId> = origins.into_iter().collect();
        origins.sort_unstable();
        for origin in origins {
            if let Some(chain) = self.chains.get(&origin).filter(|chain| chain.head.number.0 > 0) {
                bytes.extend_from_slice(&origin.to_key());
                bytes.extend_from_slice(&chain.head.number.0.to_be_bytes());
                bytes.extend_from_slice(&chain.head.hash.0);
            }
        }
        Digest::of(&[&bytes])
    }

    /// Reads back what the index reflects. Own unsealed changes are read from the ledger.
    pub(super) fn load(
        index: &Index,
        reader: &LedgerReader,
        hierarchies: &[Hierarchy],
    ) -> Result<Self, StoreError> {
        let mut view = Self::new(hierarchies);
        let Some(reflected) = index.reflected()? else {
            return Ok(view);
        };
        view.position = Position(reflected.position);
        for (key, value) in index.scan(keys::TALLIES)? {
            let (unit, month, cell) = keys::parse_tally(&key)
                .ok_or_else(|| StoreError::Index("a tally key is unreadable".to_owned()))?;
            let value = decode(&value)?;
            view.tallies_check ^= check_of(&Tally { unit, month, cell, value });
            view.tallies.load(unit, month, cell, value);
        }
        if view.tallies_check != reflected.tallies_check {
            return Err(StoreError::Index("the tallies do not have their check sum".to_owned()));
        }
        for (key, value) in index.scan(keys::CHAINS)? {
            let origin = UnitId::from_key(&key[1..])
                .ok_or_else(|| StoreError::Index("a chain key is unreadable".to_owned()))?;
            view.chains.insert(origin, decode(&value)?);
        }
        view.recording = index.get(keys::RECORDING)?.unwrap_or_default();
        for value in index.scan(keys::REGISTRATIONS)?.values() {
            view.register(read_statement(reader, decode(value)?)?)?;
        }
        if let Some(value) = index.scan(keys::DIRECTORIES)?.values().next_back() {
            view.set_directory(read_statement(reader, decode(value)?)?)?;
        }
        if let Some(value) = index.scan(keys::RELEASES)?.values().next_back() {
            view.set_release(&read_statement(reader, decode(value)?)?)?;
        }
        Ok(view)
    }

    pub(super) fn register(&mut self, signed: Signed) -> Result<UnitId, StoreError> {
        let registration: Registration = signed.decode_trusted().map_err(|_| unreadable("registration"))?;
        let key = PublicKey::from_bytes(&registration.key).map_err(|_| unreadable("registration"))?;
        let registered_at_ms = registration.registered_at_ms;
        // An older registration is a replay: it must not bring an old key back.
        if self.keys.get(&registration.unit).is_none_or(|held| held.registered_at_ms < registered_at_ms) {
            self.keys.insert(registration.unit, RegisteredKey { key, signed, registered_at_ms });
        }
        Ok(registration.unit)
    }

    pub(super) fn set_directory(&mut self, signed: Signed) -> Result<u64, StoreError> {
        let version: DirectoryVersion = signed.decode_trusted().map_err(|_| unreadable("directory"))?;
        let directory =
            super::directory::unpack(&version, &self.hierarchies).map_err(|_| unreadable("directory"))?;
        let number = version.version;
        let newer = self.directory.as_ref().is_none_or(|held| held.version < number);
        if newer {
            self.directory =
                Some(StoredDirectory { version: number, signed, directory: Arc::new(directory) });
        }
        Ok(number)
    }

    pub(super) fn set_release(&mut self, signed: &Signed) -> Result<u64, StoreError> {
        let release: Release = signed.decode_trusted().map_err(|_| unreadable("release"))?;
        let number = release.number;
        if self.release.as_ref().is_none_or(|held| held.number < number) {
            self.release = Some(Arc::new(release));
        }
        Ok(number)
    }
}

fn unreadable(what: &str) -> StoreError {
    StoreError::Index(format!("a stored {what} is unreadable"))
}

fn read_statement(reader: &LedgerReader, position: u64) -> Result<Signed, StoreError> {
    let record = reader.read(Position(position))?;
    match Record::decode(record.kind, &record.payload, record.position)? {
        Record::Registration(signed) | Record::Directory(signed) | Record::Release(signed) => Ok(signed),
        _ => Err(StoreError::Index("an index row points to another kind of record".to_owned())),
    }
}
