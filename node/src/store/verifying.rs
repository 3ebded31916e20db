//! The full check of a stopped node's folder: ledger, chains, and the index against a recount.

use super::{
    StoreError,
    apply::reread,
    at_rest::Vault,
    folder::Folder,
    index::Index,
    ledger::{self, Ledger, LedgerReader},
    opening::{Options, catch_up, guarded, open_index, replay},
    record::Record,
    view::View,
};
use danso_core::{
    chain::{Batch, Digest, Fault, KeyRing, Link, Signed, check_link},
    rollup::Judged,
};
use danso_tier_config::{Limits, UnitId};
use std::sync::Arc;

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

/// Checks everything: every record's check sum, every batch's signature, link, roots and deltas, and
/// that the index equals a recount. The node must not be running; only a torn tail is cut, as at a start.
pub fn verify(options: &Options, progress: &mut dyn FnMut(u64, u64)) -> Result<VerifyReport, StoreError> {
    let folder = Folder::open(&options.folder, options.unit)?;
    let summary = ledger::verify(&folder.ledger())?;
    let vault = Arc::new(folder.vault(options.at_rest.as_ref())?);
    let (index, missing) = open_index(&folder, &options.limits, &vault, &mut false)?;
    let known_durable =
        guarded(|| index.reflected()).unwrap_or_default().map(|row| ledger::Position(row.position));
    let (ledger, _) =
        Ledger::open(&folder.ledger(), ledger::Options { known_durable, ..ledger::Options::default() })?;
    let reader = ledger.reader();
    let scratch = folder.scratch();
    let _ = std::fs::remove_dir_all(&scratch);
    let recount = recount(&reader, &scratch, options, &vault, progress);
    let _ = std::fs::remove_dir_all(&scratch);
    let (view, batches) = recount?;
    let mut differences: Vec<String> = missing.into_iter().collect();
    // What a stopped node had not flushed yet is no difference: it is caught up, as at a start.
    match guarded(|| catch_up(&index, &reader, options, progress)) {
        Err(error) => differences.push(error.to_string()),
        Ok((held, _)) => differences.extend(compare(&held, &view)),
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
    options: &Options,
    vault: &Arc<Vault>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(View, u64), StoreError> {
    let index = Index::open(scratch, Limits::default().cache_bytes, vault)
        .map_err(|error| StoreError::Index(error.to_string()))?;
    let mut view = View::new(&options.hierarchies);
    let mut batches = 0;
    let mut inspect = |view: &View, record: &Record, position| {
        let batch = match record {
            Record::Sealed(batch) => batch,
            Record::Accepted(accepted) => &accepted.batch,
            Record::Recovered(recovered) => &recovered.batch,
            Record::Audit(signed) => return check_entry(view, signed, options.unit, position),
            _ => return Ok(None),
        };
        batches += 1;
        check_batch(view, batch).map(Some).map_err(|fault| StoreError::Ledger {
            code: "ledger_damaged",
            message: format!("stored batch at {position}: {fault}"),
        })
    };
    replay(&mut view, &index, reader, options.unit, &mut inspect, progress)?;
    Ok((view, batches))
}

/// Number, link and signature of an audit entry.
fn check_entry(
    view: &View,
    signed: &Signed,
    unit: UnitId,
    position: ledger::Position,
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

fn compare(held: &View, counted: &View) -> Vec<String> {
    let mut differences: Vec<String> = danso_core::rollup::difference(&held.tallies, &counted.tallies)
        .into_iter()
        .map(|found| {
            let (unit, month, cell) = (found.unit, found.month, found.cell);
            format!("{unit} {month} {cell:?}: index {}, ledger {}", found.left, found.right)
        })
        .collect();
    for origin in held.chains.keys().chain(counted.chains.keys()) {
        let (indexed, found) = (held.chains.get(origin), counted.chains.get(origin));
        if indexed != found {
            differences.push(format!("chain of {origin}: index {indexed:?}, ledger {found:?}"));
        }
    }
    if held.recording != counted.recording {
        let (indexed, found) = (held.recording, counted.recording);
        differences.push(format!("own recording: index {indexed:?}, ledger {found:?}"));
    }
    differences.sort_unstable();
    differences.dedup();
    differences
}
