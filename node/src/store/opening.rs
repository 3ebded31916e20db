//! Start of a store: catch up from the ledger, rebuild the index where it is missing or damaged, verify.

use super::{
    Inner, Store, StoreError,
    apply::{Applier, reread},
    folder::Folder,
    index::{Index, Reflected},
    keys,
    ledger::{self, Ledger, LedgerReader},
    record::Record,
    rows::ChainRow,
    view::View,
    writer::Writer,
};
use danso_core::{
    chain::{Batch, Digest, Fault, Header, LedgerKey, Link, SealedChange, check_link},
    domain::{Core, Sequence},
};
use danso_tier_config::{Limits, UnitId, limits};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Arc, Mutex, RwLock, atomic::AtomicU64, mpsc},
    time::Instant,
};
use tokio::sync::watch;

/// How a store is opened.
pub struct Options {
    /// The data folder.
    pub folder: PathBuf,
    /// The unit that it belongs to.
    pub unit: UnitId,
    /// The node's ledger key, which seals its own batches.
    pub key: LedgerKey,
    /// The node's limits.
    pub limits: Limits,
}

/// What opening found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenReport {
    /// Bytes of a torn tail that were cut from the ledger.
    pub cut_bytes: u64,
    /// Ledger records applied again.
    pub replayed: u64,
    /// Why the index was rebuilt, if it was.
    pub rebuilt_because: Option<String>,
    /// Whether the node had to give up its ballast because the disk is full.
    pub ballast_dropped: bool,
}

/// Result of a full check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// Records of the ledger, each with its check sum.
    pub records: u64,
    /// Batches whose signature, link, roots and deltas verify.
    pub batches: u64,
    /// Digest of the tallies recounted from the ledger.
    pub tallies: Digest,
    /// Digest of the heads found in the ledger.
    pub heads: Digest,
    /// What differs between the index and the recount; empty when they agree.
    pub differences: Vec<String>,
}

impl Store {
    /// Opens a store and catches up. On return everything acknowledged before is there.
    ///
    /// `progress` is told (ledger bytes applied, ledger bytes in all) while a long catch-up runs.
    pub fn open(
        options: Options,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(Self, OpenReport), StoreError> {
        let folder = Folder::open(&options.folder, options.unit)?;
        let (index, mut rebuilt_because) = open_index(&folder, &options.limits)?;
        let reflected = index.reflected()?;
        let known_durable = reflected.map(|row| ledger::Position(row.position));
        let ledger_options = ledger::Options { known_durable, ..ledger::Options::default() };
        let mut ballast_dropped = false;
        let opened = match Ledger::open(&folder.ledger(), ledger_options) {
            Err(ledger::LedgerError::DiskFull { .. }) if folder.drop_ballast() => {
                ballast_dropped = true;
                Ledger::open(&folder.ledger(), ledger_options)
            }
            other => other,
        };
        let (ledger, found) = opened?;
        let reader = ledger.reader();
        let (index, mut view) = match load(&index, &reader) {
            Ok(view) => (index, view),
            Err(error) => {
                drop(index);
                rebuilt_because = Some(error.to_string());
                folder.set_index_aside()?;
                let index = Index::open(&folder.index(), options.limits.cache_bytes)
                    .map_err(|error| StoreError::Index(error.to_string()))?;
                (index, View::default())
            }
        };
        let replayed = replay(&mut view, &index, &reader, options.unit, progress)?;
        restore_unsealed(&mut view, &index, &reader, options.unit)?;
        folder.finish(options.unit)?;
        let report = OpenReport { cut_bytes: found.cut_bytes, replayed, rebuilt_because, ballast_dropped };
        Ok((start(folder, options, view, index, reader, ledger), report))
    }
}

fn open_index(folder: &Folder, limits: &Limits) -> Result<(Index, Option<String>), StoreError> {
    let missing = (!folder.index().exists() && folder.ledger().exists()).then(|| "it was missing".to_owned());
    match Index::open(&folder.index(), limits.cache_bytes) {
        Ok(index) => Ok((index, missing)),
        Err(unusable) => {
            folder.set_index_aside()?;
            let index = Index::open(&folder.index(), limits.cache_bytes)
                .map_err(|error| StoreError::Index(error.to_string()))?;
            Ok((index, Some(unusable.to_string())))
        }
    }
}

/// Loads the view; a panic inside sled while reading counts as damage.
fn load(index: &Index, reader: &LedgerReader) -> Result<View, StoreError> {
    catch_unwind(AssertUnwindSafe(|| View::load(index, reader)))
        .unwrap_or_else(|_| Err(StoreError::Index("it panicked while reading".to_owned())))
}

fn replay(
    view: &mut View,
    index: &Index,
    reader: &LedgerReader,
    unit: UnitId,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<u64, StoreError> {
    let end = reader.end().0;
    let mut count = 0;
    for record in reader.iter_from(view.position) {
        let record = record?;
        let (position, next) = (record.position, record.next);
        let record = Record::decode(record.kind, &record.payload, position)?;
        Applier { view, index, unit }.apply(record, position, None)?;
        view.position = next;
        count += 1;
        if index.unflushed() >= limits::INDEX_UNFLUSHED_KEYS_MAX {
            index.flush(Reflected { position: next.0, tallies_check: view.tallies_check })?;
            progress(next.0, end);
        }
    }
    if count > 0 {
        index.flush(Reflected { position: view.position.0, tallies_check: view.tallies_check })?;
    }
    Ok(count)
}

/// Own changes that were recorded but never sealed, read back from the ledger.
fn restore_unsealed(
    view: &mut View,
    index: &Index,
    reader: &LedgerReader,
    unit: UnitId,
) -> Result<(), StoreError> {
    let next = view.chains.get(&unit).map_or(Sequence(1), |chain| chain.head.next);
    view.unsealed.clear();
    for sequence in next.0..=view.recording.sequence {
        let position = index.get::<u64>(&keys::own(Sequence(sequence)))?;
        let position =
            position.ok_or_else(|| StoreError::Index("an own change is not indexed".to_owned()))?;
        let record = reader.read(ledger::Position(position))?;
        let Record::Own(change) = Record::decode(record.kind, &record.payload, record.position)? else {
            return Err(StoreError::Index("an own change is indexed wrongly".to_owned()));
        };
        let core = Core::decode(&change.core)
            .map_err(|_| StoreError::RecordUnreadable { kind: 1, position: record.position })?;
        let recorded_at = core.recorded_at;
        view.unsealed.push_back(SealedChange { core: change.core, personal: change.personal, recorded_at });
    }
    Ok(())
}

fn start(
    folder: Folder,
    options: Options,
    view: View,
    index: Index,
    reader: LedgerReader,
    ledger: Ledger,
) -> Store {
    let unsealed_since = (!view.unsealed.is_empty()).then(Instant::now);
    let inner = Arc::new(Inner {
        unit: options.unit,
        view: RwLock::new(view),
        index,
        reader,
        generation: AtomicU64::new(0),
        changed: watch::Sender::new(0),
        failure: watch::Sender::new(None),
    });
    let (orders, received) = mpsc::channel();
    let writer = Writer {
        ledger,
        inner: Arc::clone(&inner),
        key: options.key,
        limits: options.limits,
        flushed_at: Instant::now(),
        unsealed_since,
    };
    let handle = std::thread::Builder::new()
        .name("danso-writer".to_owned())
        .spawn(move || {
            // The lock on the folder lives exactly as long as the writer.
            let _folder = folder;
            writer.run(&received);
        })
        .expect("the system starts a thread for the writer");
    Store { inner, orders, writer: Arc::new(Mutex::new(Some(handle))) }
}

/// Sets the index aside and builds it anew from the ledger. The node must not be running.
pub fn rebuild(
    options: Options,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(Store, OpenReport), StoreError> {
    let folder = Folder::open(&options.folder, options.unit)?;
    folder.set_index_aside()?;
    drop(folder);
    Store::open(options, progress)
}

/// Checks everything: every record's check sum, every batch's signature, link, roots and deltas, and
/// that the index equals a recount. The node must not be running; only a torn tail is cut, as at a start.
pub fn verify(options: &Options, progress: &mut dyn FnMut(u64, u64)) -> Result<VerifyReport, StoreError> {
    let folder = Folder::open(&options.folder, options.unit)?;
    let summary = ledger::verify(&folder.ledger())?;
    let (index, missing) = open_index(&folder, &options.limits)?;
    let known_durable = index.reflected()?.map(|row| ledger::Position(row.position));
    let (ledger, _) =
        Ledger::open(&folder.ledger(), ledger::Options { known_durable, ..ledger::Options::default() })?;
    let reader = ledger.reader();
    let scratch = folder.scratch();
    let _ = std::fs::remove_dir_all(&scratch);
    let recount = recount(&reader, &scratch, options.unit, progress);
    let _ = std::fs::remove_dir_all(&scratch);
    let (view, batches) = recount?;
    let mut differences: Vec<String> = missing.into_iter().collect();
    match load(&index, &reader) {
        Err(error) => differences.push(error.to_string()),
        Ok(mut held) => {
            // What a stopped node had not flushed yet is no difference: it is caught up at start.
            replay(&mut held, &index, &reader, options.unit, progress)?;
            differences.extend(compare(&held, &view));
        }
    }
    Ok(VerifyReport {
        records: summary.records,
        batches,
        tallies: Digest(view.tallies.digest()),
        heads: view.heads_digest(view.chains.keys().copied().collect::<Vec<_>>()),
        differences,
    })
}

fn recount(
    reader: &LedgerReader,
    scratch: &std::path::Path,
    unit: UnitId,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(View, u64), StoreError> {
    let index = Index::open(scratch, Limits::default().cache_bytes)
        .map_err(|error| StoreError::Index(error.to_string()))?;
    let mut view = View::default();
    let (mut batches, end) = (0, reader.end().0);
    for record in reader.iter_from(view.position) {
        let record = record?;
        let (position, next) = (record.position, record.next);
        let record = Record::decode(record.kind, &record.payload, position)?;
        let batch = match &record {
            Record::Sealed(batch) => Some(batch),
            Record::Accepted(accepted) => Some(&accepted.batch),
            _ => None,
        };
        if let Some(batch) = batch {
            check_batch(&view, batch).map_err(|fault| StoreError::Ledger {
                code: "ledger_damaged",
                message: format!("stored batch at {position}: {fault}"),
            })?;
            batches += 1;
        }
        Applier { view: &mut view, index: &index, unit }.apply(record, position, None)?;
        view.position = next;
        if index.unflushed() >= limits::INDEX_UNFLUSHED_KEYS_MAX {
            index.flush(Reflected { position: next.0, tallies_check: view.tallies_check })?;
            progress(next.0, end);
        }
    }
    Ok((view, batches))
}

/// Signature, link, roots and deltas of a stored batch.
fn check_batch(view: &View, batch: &Batch) -> Result<(), Fault> {
    let origin = danso_core::chain::origin_of(&batch.header.bytes)?;
    let key = view.keys.get(&origin).map(|registered| registered.key);
    let key = key.ok_or_else(|| Fault::UnknownKey { origin, key: "none".to_owned() })?;
    let header: Header = batch.header.verify(key)?;
    let head = view.chains.get(&origin).map(|chain| chain.head).unwrap_or_default();
    match check_link(&head, &header, batch.hash(), None)? {
        Link::Next => reread(batch).map(|_| ()),
        Link::Repeat => Err(Fault::WrongPrevious { origin, number: header.number }),
    }
}

fn compare(held: &View, counted: &View) -> Vec<String> {
    let mut differences: Vec<String> = danso_core::rollup::difference(&held.tallies, &counted.tallies)
        .into_iter()
        .map(|found| {
            let (unit, month, cell) = (found.unit, found.month, found.cell);
            format!("{unit} {month} {cell:?}: index {}, ledger {}", found.left, found.right)
        })
        .collect();
    let tip = |row: Option<&ChainRow>| row.map(|row| row.head);
    for origin in held.chains.keys().chain(counted.chains.keys()) {
        let (indexed, found) = (held.chains.get(origin), counted.chains.get(origin));
        if tip(indexed) != tip(found) {
            differences.push(format!("head of {origin} differs"));
        }
    }
    differences.sort_unstable();
    differences.dedup();
    differences
}
