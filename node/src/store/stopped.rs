//! What is done to the folder of a stopped node besides the full check: its audit log is verified, its key at
//! rest is wrapped anew. Neither needs the key under which names are encrypted to read them.

use super::{
    StoreError,
    at_rest::{self, AtRestError, AtRestKey, Vault},
    folder::Folder,
    index::Index,
    keys,
    ledger::{self, Kind, Position},
    opening::guarded,
    record::Record,
};
use danso_core::chain::{AuditHead, AuditTrail, Fault, Grounds, KeyRing, PublicKey, Signed, examine};
use danso_tier_config::{Limits, UnitId};
use std::{cell::RefCell, collections::BTreeMap, path::Path, sync::Arc};

/// What a walk along an audit log found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AuditReport {
    /// The last entry that follows and verifies.
    pub head: AuditHead,
    /// Number of the first entry that is altered, missing or out of place; `None` for a whole log.
    pub broken: Option<u64>,
}

/// What the keys that sign an audit log are checked against.
pub struct AuditGrounds<'a> {
    /// The key of the authority of the whole tree.
    pub authority: PublicKey,
    /// Registrations and grants of the key folder, which are taken as they are.
    pub own: &'a [Signed],
    /// Whether the first unit lies above the second.
    pub is_above: &'a dyn Fn(UnitId, UnitId) -> bool,
}

const REGISTRATION: Kind = Kind(5);
const AUDIT: Kind = Kind(16);

/// Walks along the audit log in the ledger of a stopped node: numbers, links, signatures, and that it does not
/// end before the index says. A ledger without an index is checked for itself alone. Keys in the ledger count
/// only where they are granted; what is altered there beyond that shows as a damaged ledger.
///
/// Changes nothing in the ledger. Errors: those of opening it. A log that breaks is a report, no error.
pub fn verify_audit(
    folder: &Path,
    unit: UnitId,
    grounds: &AuditGrounds<'_>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<AuditReport, StoreError> {
    let folder = Folder::open(folder, unit)?;
    let vault = Arc::new(folder.vault(None)?);
    let (known_durable, indexed) = indexed(&folder, &vault);
    let (reader, _) = ledger::look(&folder.ledger(), known_durable.unwrap_or(Position::START))?;
    let end = reader.end().0;
    let mut rings = BTreeMap::new();
    let mut trail = AuditTrail::default();
    for record in reader.iter_from(Position::START) {
        let record = record?;
        if record.kind == REGISTRATION
            && let Record::Registration(signed) =
                Record::decode(record.kind, &record.payload, record.position, &vault)?.record
        {
            admit(&mut rings, &signed, grounds);
        } else if record.kind == AUDIT
            && let Record::Audit(signed) =
                Record::decode(record.kind, &record.payload, record.position, &vault)?.record
        {
            let none = KeyRing::default();
            let ring = rings.get(&unit).unwrap_or(&none);
            if let Err(Fault::Audit { number }) = trail.follow(&signed, unit, ring) {
                return Ok(AuditReport { head: trail.head, broken: Some(number) });
            }
            progress(record.next.0, end);
        }
    }
    let missing = (indexed.number > trail.head.number).then_some(trail.head.number + 1);
    let differs = indexed.number == trail.head.number && indexed.hash != trail.head.hash;
    let broken = missing.or((differs && indexed.number > 0).then_some(indexed.number));
    Ok(AuditReport { head: trail.head, broken })
}

/// Up to where the ledger is durable by the index, and the audit head in it; nothing where it cannot be read.
fn indexed(folder: &Folder, vault: &Arc<Vault>) -> (Option<Position>, AuditHead) {
    let nothing = (None, AuditHead::default());
    if !folder.index().exists() {
        return nothing;
    }
    let Ok(index) = Index::open(&folder.index(), Limits::default().cache_bytes, vault) else {
        return nothing;
    };
    let read = || Ok((index.reach()?, index.get(keys::AUDIT)?.unwrap_or_default()));
    guarded(read).unwrap_or(nothing)
}

fn admit(rings: &mut BTreeMap<UnitId, KeyRing>, signed: &Signed, grounds: &AuditGrounds<'_>) {
    let rings = RefCell::new(rings);
    let ring_of = |unit| rings.borrow().get(&unit).cloned();
    let examined = examine(
        signed,
        &Grounds { authority: grounds.authority, ring_of: &ring_of, is_above: grounds.is_above },
    );
    let found = match examined {
        Ok(found) => found,
        // Granted by a unit that lay above once: the key folder remembers.
        Err(_) if grounds.own.contains(signed) => {
            let subject = danso_core::chain::key_subject(signed);
            subject.and_then(|unit| Ok((unit, danso_core::chain::stored_epoch(signed)?))).ok()
        }
        Err(_) => None,
    };
    if let Some((unit, epoch)) = found {
        rings.borrow_mut().entry(unit).or_default().admit(epoch);
    }
}

/// Wraps the data key of a stopped node's folder under another key at rest; what is encrypted stays as it is.
/// Gives false where it was wrapped under the new key already. Durable on return, and `old` then no longer opens
/// the folder, but still every copy of it that was made before.
///
/// Errors: `already_running`; those of [`at_rest::rewrap`]; `at_rest_wrong_key` without `old` where it is needed.
pub fn rewrap(
    folder: &Path,
    unit: UnitId,
    old: Option<&AtRestKey>,
    new: &AtRestKey,
) -> Result<bool, StoreError> {
    let _locked = Folder::open(folder, unit)?;
    match (at_rest::rewrap(folder, new, new), old) {
        (Ok(()), _) => Ok(false),
        (Err(AtRestError::WrongKey { .. }), Some(old)) => {
            at_rest::rewrap(folder, old, new)?;
            Ok(true)
        }
        (Err(error), _) => Err(error.into()),
    }
}
