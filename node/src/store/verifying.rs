//! The full check of a stopped node's folder or of a copy of it: ledger, chains, and the index against a recount.
//! Nothing in the folder is changed: the index is opened as a copy beside it, which goes again.

use super::{
    StoreError,
    apply::reread,
    at_rest::Vault,
    differences::{self, what_lies_at},
    folder::Folder,
    index::{Index, Unusable},
    ledger::{self, LedgerError, LedgerReader, Position},
    opening::{Options, guarded},
    record::Record,
    replaying::{catch_up, replay},
    view::View,
};
use danso_core::{
    chain::{Batch, Digest, Fault, KeyRing, Link, Signed, check_link},
    rollup::Judged,
};
use danso_tier_config::{Limits, UnitId};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Result of a full check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// Records of the ledger, each with its check sum.
    pub records: u64,
    /// Batches whose signature, link, roots and deltas verify.
    pub batches: u64,
    /// Those of them whose names were dropped by policy.
    pub compacted: u64,
    /// Digest of the tallies recounted from the ledger.
    pub tallies: Digest,
    /// Digest of the heads found in the ledger.
    pub heads: Digest,
    /// Bytes behind the last whole record that nothing proves to be of the ledger; the next start clears them.
    pub torn_bytes: u64,
    /// What differs between the index and the recount; empty when they agree.
    pub differences: Vec<String>,
}

/// Checks everything: every record's check sum, every batch's signature, link, roots and deltas, and that each row
/// of the index is that of a recount. The node must not be running; changes nothing. Without the key at rest all is
/// checked but where persons and households are named.
///
/// Errors: the first damage of the ledger, with what lay there as far as the index tells; those of FORMAT and
/// AT-REST. An index that is damaged is no error but a difference.
pub fn verify(options: &Options, progress: &mut dyn FnMut(u64, u64)) -> Result<VerifyReport, StoreError> {
    checked(options, progress).map_err(|error| super::written_by::explained(&options.folder, error))
}

fn checked(options: &Options, progress: &mut dyn FnMut(u64, u64)) -> Result<VerifyReport, StoreError> {
    let folder = Folder::look(&options.folder, options.unit)?;
    let vault = Arc::new(folder.vault_as_it_is(options.at_rest.as_ref())?);
    let scratch = Scratch::make(folder.scratch())?;
    let held = held(&folder, &scratch, &vault)?;
    let known = held.as_ref().ok().and_then(|index| guarded(|| index.reach()).unwrap_or_default());
    let known = known.unwrap_or(Position::START);
    let named = |error: LedgerError| named(error, held.as_ref().ok());
    let (reader, torn_bytes) = ledger::look(&folder.ledger(), known).map_err(named)?;
    let summary = ledger::verify(&folder.ledger()).map_err(named)?;
    let counted = Index::open(&scratch.0.join("recount"), Limits::default().cache_bytes, &vault)
        .map_err(|error| StoreError::Index(error.to_string()))?;
    let (view, Seen { batches, compacted }) = recount(&reader, &counted, options, progress)?;
    let mut differences = Vec::new();
    match held {
        Err(reason) => differences.push(format!("index: {reason}")),
        // What a stopped node had not flushed yet is no difference: it is caught up, as at a start.
        Ok(held) => {
            let compared = guarded(|| {
                let grounds = (options.unit, options.hierarchies.as_slice());
                let (indexed, _) = catch_up(&held, &reader, grounds, progress)?;
                let mut found = differences::of_views(&indexed, &view);
                found.extend(differences::of_rows(&held, &counted, vault.is_locked())?);
                Ok(found)
            });
            match compared {
                Err(full @ StoreError::IndexFull(_)) => return Err(full),
                Err(error) => differences.push(format!("index: {error}")),
                Ok(found) => differences.extend(found),
            }
        }
    }
    Ok(VerifyReport {
        records: summary.records,
        batches,
        compacted,
        tallies: Digest(view.tallies.digest()),
        heads: view.heads_digest(view.chains.keys().copied()),
        torn_bytes,
        differences,
    })
}

/// Where a verification works; gone with the value.
struct Scratch(PathBuf);

impl Scratch {
    fn make(path: PathBuf) -> Result<Self, StoreError> {
        let made = match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => fs::create_dir(&path),
        };
        made.map_err(super::folder::io(
            "make a folder to work in, copy the data to where there is one,",
            &path,
        ))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A copy of the index, or why it cannot be read.
fn held(folder: &Folder, scratch: &Scratch, vault: &Arc<Vault>) -> Result<Result<Index, String>, StoreError> {
    if !folder.index().is_dir() {
        return Ok(Err("it is missing".to_owned()));
    }
    if folder.index_is_doubted() {
        return Ok(Err("it was found broken, or ended the last start".to_owned()));
    }
    let copy = scratch.0.join("held");
    copy_folder(&folder.index(), &copy).map_err(super::folder::io("copy the index to", &copy))?;
    match Index::open(&copy, Limits::default().cache_bytes, vault) {
        Ok(index) => Ok(Ok(index)),
        Err(Unusable::Full(reason)) => Err(folder.full(&reason)),
        Err(unusable) => Ok(Err(unusable.to_string())),
    }
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

/// A damage of the ledger, and what lay there.
fn named(error: LedgerError, index: Option<&Index>) -> StoreError {
    let LedgerError::Damaged { position, .. } = &error else { return error.into() };
    let held = match index {
        None => "the index cannot tell what it held".to_owned(),
        Some(index) => match guarded(|| what_lies_at(index, *position)) {
            Ok(Some(what)) => format!("it held {what}"),
            Ok(None) => {
                "it held no batch, change or entry of the audit log, or the index is older".to_owned()
            }
            Err(_) => "the index cannot tell what it held".to_owned(),
        },
    };
    StoreError::Ledger { code: error.code(), message: format!("{error}; {held}") }
}

fn recount(
    reader: &LedgerReader,
    index: &Index,
    options: &Options,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(View, Seen), StoreError> {
    let mut view = View::new(&options.hierarchies);
    let mut seen = Seen::default();
    let vault = Arc::clone(&index.vault);
    let mut inspect = |view: &View, record: &Record, position| {
        let batch = match record {
            Record::Sealed(batch) => batch,
            Record::Accepted(accepted) => &accepted.batch,
            Record::Recovered(recovered) => &recovered.batch,
            Record::Audit(signed) => return check_entry(view, signed, options.unit, position),
            Record::Rewritten(rewritten) => {
                let inner = rewritten.inner(position, &vault)?;
                let nameless =
                    matches!(inner.record, Record::Accepted(accepted) if accepted.batch.personal.is_none());
                seen.compacted += u64::from(nameless && !inner.veiled);
                return Ok(None);
            }
            _ => return Ok(None),
        };
        seen.batches += 1;
        check_batch(view, batch).map(Some).map_err(|fault| StoreError::Ledger {
            code: "ledger_damaged",
            message: format!("stored batch at {position}: {fault}"),
        })
    };
    replay(&mut view, index, reader, options.unit, &mut inspect, progress)?;
    Ok((view, seen))
}

/// What a recount counted.
#[derive(Default)]
struct Seen {
    batches: u64,
    compacted: u64,
}

/// Number, link and signature of an audit entry.
fn check_entry(
    view: &View,
    signed: &Signed,
    unit: UnitId,
    position: Position,
) -> Result<Option<Judged>, StoreError> {
    let broken = |fault: Fault| StoreError::Ledger {
        code: fault.code(),
        message: format!("audit entry at {position}: {fault}"),
    };
    let none = KeyRing::default();
    let ring = view.keys.get(&unit).unwrap_or(&none);
    view.audit.check(signed, unit, ring).map_err(broken)?;
    Ok(None)
}

/// Signature, link, roots and deltas of a stored batch.
fn check_batch(view: &View, batch: &Batch) -> Result<Judged, Fault> {
    let origin = danso_core::chain::origin_of(&batch.header.bytes)?;
    let none = KeyRing::default();
    let header = view.keys.get(&origin).unwrap_or(&none).verify_header(origin, &batch.header)?;
    let head = view.chains.get(&origin).map(|chain| chain.head).unwrap_or_default();
    match check_link(&head, &header, batch.hash(), None)? {
        Link::Next => reread(batch).map(|(_, judged)| judged),
        Link::Repeat => Err(Fault::WrongPrevious { origin, number: header.number }),
    }
}
