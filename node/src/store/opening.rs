//! Start of a store: its folder, its key, its index, rebuilt where it is missing or damaged.

use super::{
    Inner, Store, StoreError,
    at_rest::{AtRestKey, Vault},
    folder::{Folder, restored_at_ms},
    index::{Index, Unusable},
    ledger::{self, Ledger, LedgerReader, Position},
    recent::Recent,
    replaying::catch_up,
    view::View,
    writer::{Queue, Writer},
    written_by,
};
use crate::host::Host;
use danso_core::chain::{Grantor, KeyGrant, LedgerKey, PublicKey, Signed, stored_epoch};
use danso_tier_config::{Hierarchy, Limits, UnitId};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Arc, OnceLock, RwLock,
        atomic::{AtomicBool, AtomicU64},
    },
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
    /// The key that a rotation was about to put in its place, where one was cut short.
    pub next_key: Option<LedgerKey>,
    /// The node's limits.
    pub limits: Limits,
    /// The grants in the key folder: after a rotation the folder knows more than an old backup of the data.
    pub grants: Vec<Signed>,
    /// The key under which what names persons is encrypted; `None` where the folder has none, or it is missing.
    pub at_rest: Option<AtRestKey>,
    /// Hierarchies of which a unit directory may be made, beside those shipped.
    pub hierarchies: Vec<Hierarchy>,
    /// The computer: where the writer runs, and who looks at the ledger's steps on the disk.
    pub host: Host,
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

impl Store {
    /// Opens a store and catches up. On return everything acknowledged before is there.
    ///
    /// `progress` is told (ledger bytes applied, ledger bytes in all) while a long catch-up runs.
    pub fn open(
        options: Options,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(Self, OpenReport), StoreError> {
        let data = options.folder.clone();
        Self::opened(options, progress).map_err(|error| written_by::explained(&data, error))
    }

    fn opened(
        options: Options,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(Self, OpenReport), StoreError> {
        let folder = Folder::open(&options.folder, options.unit)?;
        let vault = Arc::new(folder.vault(options.at_rest.as_ref())?);
        // What a verification that was killed left: a copy of the index.
        let _ = std::fs::remove_dir_all(folder.scratch());
        let mut ballast_dropped = folder.drop_ballast_if_full();
        let (index, mut rebuilt_because) =
            open_index(&folder, &options.limits, &vault, &mut ballast_dropped)?;
        let (index, known_durable) = match guarded(|| index.reach()) {
            Ok(reach) => (index, reach),
            Err(error) => {
                rebuilt_because = Some(error.to_string());
                (replace_index(index, &folder, &options.limits)?, None)
            }
        };
        let ledger_options =
            ledger::Options { segment_bytes: options.host.disk.segment_bytes(), known_durable };
        let open = || Ledger::open_watched(&folder.ledger(), ledger_options, options.host.disk.clone());
        let opened = match open() {
            Err(ledger::LedgerError::DiskFull { .. }) if folder.drop_ballast() => {
                ballast_dropped = true;
                open()
            }
            other => other,
        };
        let (ledger, found) = opened?;
        let reader = ledger.reader();
        let grounds = (options.unit, options.hierarchies.as_slice());
        let caught_up = guarded(|| catch_up(&index, &reader, grounds, progress));
        let (index, (view, replayed)) = match caught_up {
            Ok(caught_up) => (index, caught_up),
            Err(StoreError::Index(reason)) => {
                rebuilt_because = Some(reason);
                let index = replace_index(index, &folder, &options.limits)?;
                let caught_up = guarded(|| catch_up(&index, &reader, grounds, progress))?;
                (index, caught_up)
            }
            // A whole ledger that does not follow on the index: it is the index that is wrong.
            Err(error @ StoreError::Ledger { code: "ledger_damaged", .. })
                if rebuilt_because.is_none() && ledger::verify(&folder.ledger()).is_ok() =>
            {
                let index = replace_index(index, &folder, &options.limits)?;
                let caught_up = guarded(|| catch_up(&index, &reader, grounds, progress))?;
                rebuilt_because = Some(error.to_string());
                (index, caught_up)
            }
            Err(other) => return Err(other),
        };
        if !view.orders.is_empty() {
            folder.forget_former_names()?;
        }
        folder.finish(options.unit, &vault)?;
        let mut options = options;
        let behind = choose_key(&mut options, &view)? || restored_at_ms(&options.folder).is_some();
        let report = OpenReport { cut_bytes: found.cut_bytes, replayed, rebuilt_because, ballast_dropped };
        // What a new folder begins with waits for the first flush; what was replayed only where it found no space.
        let full = ballast_dropped || (replayed > 0 && index.unflushed() > 0);
        Ok((start(folder, options, (view, behind, full), index, reader, ledger), report))
    }
}

/// The key in force signs: after a rotation that was cut short it may be the next one already.
///
/// True where the grants of the key folder lead from the key in force to the one that it holds: the data folder is
/// from before a rotation, and nothing may be sealed before the parent was heard.
fn choose_key(options: &mut Options, view: &View) -> Result<bool, StoreError> {
    let ring = view.keys.get(&options.unit);
    let Some(in_force) = ring.and_then(|ring| ring.current()) else { return Ok(false) };
    if options.key.public() == in_force.key {
        return Ok(false);
    }
    match options.next_key.take() {
        Some(next) if next.public() == in_force.key => {
            options.key = next;
            Ok(false)
        }
        _ if leads_on(options, in_force.key) => Ok(true),
        _ => Err(StoreError::KeyNotInForce { unit: options.unit, key: in_force.key.id().to_string() }),
    }
}

/// Whether grants lead by rotation from a key to the one that the options hold.
fn leads_on(options: &Options, from: PublicKey) -> bool {
    let mut at = from;
    for signed in &options.grants {
        if signed.verify::<KeyGrant>(at).is_ok_and(|grant| grant.grantor == Grantor::Former)
            && let Ok(epoch) = stored_epoch(signed)
        {
            at = epoch.key;
        }
    }
    at == options.key.public()
}

/// Opens the index, or sets a damaged one aside and begins a new one. On a full disk the ballast goes first.
pub(super) fn open_index(
    folder: &Folder,
    limits: &Limits,
    vault: &Arc<Vault>,
    ballast_dropped: &mut bool,
) -> Result<(Index, Option<String>), StoreError> {
    let doubted = folder.index_is_doubted() && folder.index().exists();
    if doubted {
        folder.set_index_aside()?;
    }
    let missing = (!folder.index().exists() && folder.ledger().exists()).then(|| {
        if doubted { "it was found broken, or ended the start before this one" } else { "it was missing" }
            .to_owned()
    });
    folder.doubt_index();
    let opened = open_or_new(folder, limits, vault, ballast_dropped);
    folder.trust_index();
    opened.map(|(index, unusable)| (index, unusable.or(missing)))
}

fn open_or_new(
    folder: &Folder,
    limits: &Limits,
    vault: &Arc<Vault>,
    ballast_dropped: &mut bool,
) -> Result<(Index, Option<String>), StoreError> {
    let mut opened = Index::open(&folder.index(), limits.cache_bytes, vault);
    if matches!(opened, Err(Unusable::Damaged(_) | Unusable::Full(_))) && folder.drop_ballast() {
        *ballast_dropped = true;
        opened = Index::open(&folder.index(), limits.cache_bytes, vault);
    }
    match opened {
        Ok(index) => Ok((index, None)),
        Err(Unusable::InUse) => Err(folder.in_use()),
        Err(Unusable::Full(problem)) => Err(folder.full(&problem)),
        Err(unusable) => {
            folder.set_index_aside()?;
            Ok((new_index(folder, limits, vault)?, Some(unusable.to_string())))
        }
    }
}

fn new_index(folder: &Folder, limits: &Limits, vault: &Arc<Vault>) -> Result<Index, StoreError> {
    Index::open(&folder.index(), limits.cache_bytes, vault).map_err(|unusable| match unusable {
        Unusable::Full(problem) => folder.full(&problem),
        other => StoreError::Index(other.to_string()),
    })
}

fn replace_index(damaged: Index, folder: &Folder, limits: &Limits) -> Result<Index, StoreError> {
    let vault = Arc::clone(&damaged.vault);
    drop(damaged);
    folder.set_index_aside()?;
    let index = new_index(folder, limits, &vault)?;
    // What was said of the old one.
    folder.trust_index();
    Ok(index)
}

/// A panic inside sled while it is read counts as damage of the index.
pub(super) fn guarded<T>(read: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(StoreError::Index("it panicked while it was read".to_owned())))
}

fn start(
    folder: Folder,
    options: Options,
    (view, behind, full): (View, bool, bool),
    index: Index,
    reader: LedgerReader,
    ledger: Ledger,
) -> Store {
    let inner = Arc::new(Inner {
        unit: options.unit,
        folder: options.folder,
        applied: AtomicU64::new(view.recording.sequence),
        view: RwLock::new(view),
        index,
        reader,
        recent: Recent::default(),
        generation: AtomicU64::new(0),
        held: AtomicBool::new(behind),
        changed: watch::Sender::new(0),
        failure: watch::Sender::new(None),
        syncs: OnceLock::new(),
    });
    let writer = Writer::new(ledger, Arc::clone(&inner), options.key, options.limits, full);
    let orders = Queue::start(options.host.threads, writer, folder);
    Store { inner, orders }
}

/// Sets the index aside and builds it anew from the ledger. The node must not be running.
///
/// Errors: those of a start; a ledger that ends before what the index knows to be durable is left as it is, and so is
/// the index, without which the loss would be taken for a torn tail.
pub fn rebuild(
    options: Options,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(Store, OpenReport), StoreError> {
    set_aside(&options).map_err(|error| written_by::explained(&options.folder, error))?;
    Store::open(options, progress)
}

fn set_aside(options: &Options) -> Result<(), StoreError> {
    let folder = Folder::open(&options.folder, options.unit)?;
    let vault = Arc::new(folder.vault(options.at_rest.as_ref())?);
    if let Some(reach) = reach(&folder, &options.limits, &vault) {
        ledger::look(&folder.ledger(), reach)?;
    }
    folder.set_index_aside()
}

/// How far the ledger is known to be durable, by an index that can be read.
fn reach(folder: &Folder, limits: &Limits, vault: &Arc<Vault>) -> Option<Position> {
    if !folder.index().exists() || folder.index_is_doubted() {
        return None;
    }
    folder.doubt_index();
    let opened = Index::open(&folder.index(), limits.cache_bytes, vault);
    let reach = opened.ok().and_then(|index| guarded(|| index.reach()).ok().flatten());
    folder.trust_index();
    reach
}
