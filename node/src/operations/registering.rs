//! The ledger keys of others: which are taken, on whose word.

use super::{actor::Actor, node::Node};
use crate::store::{AuditNote, Record, Staged, StoreError};
use danso_core::chain::{
    BatchNumber, Deed, Fault, Grantor, Grounds, KeyClaim, KeyGrant, KeyRing, Signed, examine, key_subject,
    stored_epoch,
};
use danso_tier_config::{Date, Directory, UnitId, limits};
use std::{cell::OnceCell, collections::BTreeMap};

/// Why registrations were not taken.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// Not signed by the authority.
    #[error("a key registration is not signed by the authority of this tree")]
    NotSigned(#[source] Fault),
    /// Not written.
    #[error("a key registration could not be stored")]
    Store(#[source] StoreError),
}

impl Node {
    /// Takes registrations and grants of ledger keys, in any order; those known already are passed over, and
    /// so is one for the place of a key that has a successor, or one that would deny batches held here. A key in
    /// the place of another is noted in the audit log.
    ///
    /// Errors: [`Fault`] of the first one that nobody trusted stands for, after which none is stored.
    pub async fn register(&self, registrations: Vec<Signed>) -> Result<(), RegisterError> {
        // What every child brings that comes back does not wait until the keys of others are on the disk.
        if self.holds_keys(&registrations) {
            return Ok(());
        }
        let _turn = self.registering.lock().await;
        let records = self.new_keys(registrations)?;
        if records.is_empty() {
            return Ok(());
        }
        self.store.write(records).await.map_err(RegisterError::Store)
    }

    fn holds_keys(&self, registrations: &[Signed]) -> bool {
        let view = self.store.view();
        let holds = |signed| {
            let ring = key_subject(signed).ok().and_then(|unit| view.keys.get(&unit));
            ring.is_some_and(|ring| ring.holds(signed))
        };
        registrations.iter().all(holds)
    }

    /// The records of what is new of these and stands up. The lock of registrations must be held until they are
    /// applied.
    pub(super) fn new_keys(&self, registrations: Vec<Signed>) -> Result<Vec<Staged>, RegisterError> {
        let new = self.examined(registrations).map_err(RegisterError::NotSigned)?;
        let notes: Vec<_> = new.iter().filter_map(|signed| self.note_of_key(signed)).collect();
        let keys = new.into_iter().map(|signed| Record::Registration(signed).into());
        Ok(keys.chain(notes).collect())
    }

    fn note_of_key(&self, signed: &Signed) -> Option<Staged> {
        let (unit, epoch) = (key_subject(signed).ok()?, stored_epoch(signed).ok()?);
        let claim = signed.decode_trusted::<KeyGrant>().ok()?.claim.decode_trusted::<KeyClaim>().ok()?;
        let former = claim.replaces?;
        let text = format!(
            "ledger key {former} of {unit} replaced by {} after batch {}",
            epoch.key.id(),
            epoch.after
        );
        let note = AuditNote::text(&Actor::node(self.unit()).words(), Deed::KeyChanged, text, self.now_ms());
        Some(Record::Note(note).into())
    }

    /// What is new of these and stands up; a grant may come before the grantor's own.
    fn examined(&self, mut waiting: Vec<Signed>) -> Result<Vec<Signed>, Fault> {
        let directory = self.directory();
        let today = self.today();
        // Also who stood above once: a unit that moved keeps its chain, and the keys that it was granted before.
        let days = OnceCell::new();
        let is_above = |above: UnitId, unit: UnitId| {
            let days = || days.get_or_init(|| directory.boundary_dates());
            self.lies_below(unit, above) || stood_below(&directory, days(), today, unit, above)
        };
        // A key after those that it replaces: nearly all of them stand up at their first turn.
        waiting.sort_by_cached_key(|signed| stored_epoch(signed).map_or(BatchNumber(0), |epoch| epoch.after));
        let mut rings: BTreeMap<UnitId, KeyRing> = BTreeMap::new();
        let mut new = Vec::new();
        let mut turns = 0..limits::KEY_TURNS_MAX;
        while !waiting.is_empty() {
            let (mut later, mut refusal) = (Vec::new(), None);
            let count = waiting.len();
            for signed in waiting {
                let ring_of = |unit| {
                    let known = rings.get(&unit).cloned();
                    known.or_else(|| self.store.view().keys.get(&unit).cloned())
                };
                let grounds =
                    Grounds { authority: self.signing.authority, ring_of: &ring_of, is_above: &is_above };
                match examine(&signed, &grounds) {
                    Ok(None) => {}
                    Ok(Some((unit, epoch))) if self.denies_held_batches(unit, &epoch) => {
                        tracing::error!(
                            %unit,
                            code = "key_fork",
                            "a key that would deny batches held here is passed over"
                        );
                    }
                    Ok(Some((unit, epoch))) => {
                        let mut ring = ring_of(unit).unwrap_or_default();
                        ring.admit(epoch);
                        rings.insert(unit, ring);
                        new.push(signed);
                    }
                    Err(Fault::KeyFork { unit }) => {
                        tracing::error!(%unit, code = "key_fork", "a second key for the same place is passed over");
                    }
                    Err(fault @ Fault::Grantor { .. }) => {
                        let elsewhere = grantor_of(&signed).zip(key_subject(&signed).ok()).is_some_and(
                            |(grantor, unit)| !self.lies_below(unit, grantor) && is_above(grantor, unit),
                        );
                        // Of a unit that moved here from where nobody is known: its chain waits for its keys.
                        refusal = refusal.or((!elsewhere).then_some(fault));
                        later.push(signed);
                    }
                    Err(fault) => return Err(fault),
                }
            }
            if later.len() == count || turns.next().is_none() {
                if let Some(fault) = refusal {
                    return Err(fault);
                }
                tracing::warn!(
                    count,
                    "keys that were granted by a former parent that is not known here are passed over"
                );
                break;
            }
            waiting = later;
        }
        Ok(new)
    }
}

/// Whether a unit stood below another on a day before `today`, at the latest boundary or any before it.
fn stood_below(directory: &Directory, days: &[Date], today: Date, unit: UnitId, above: UnitId) -> bool {
    let mut days = days.iter().filter(|day| (unit.valid_from..=today).contains(*day));
    unit != above && days.any(|day| directory.at(*day).is_within(unit, above))
}

/// The unit that granted a key; `None` for another grantor and for what is no grant.
pub(crate) fn grantor_of(signed: &Signed) -> Option<UnitId> {
    match signed.decode_trusted::<KeyGrant>().ok()?.grantor {
        Grantor::Unit(grantor) => Some(grantor),
        Grantor::Authority | Grantor::Former => None,
    }
}
