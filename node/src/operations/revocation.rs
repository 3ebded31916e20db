//! Revocation: signed lists that a unit keeps of its subtree, and what follows from them.

use super::{actor::Actor, node::Node};
use crate::store::{AuditNote, Record, StoreError};
use danso_core::chain::{BatchNumber, Deed, Fault, Revocation, Revocations, Revoked, Signed};
use danso_tier_config::{UnitId, limits};

/// Why something was not revoked, or a list not taken.
#[derive(Debug, thiserror::Error)]
pub enum RevocationError {
    /// The unit does not lie below this node.
    #[error("{unit} does not lie below {own}, its node is not revoked here")]
    NotBelow {
        /// Which.
        unit: UnitId,
        /// This node's unit.
        own: UnitId,
    },
    /// The reason is missing or too long.
    #[error("a reason of 1 to {max} characters is needed")]
    Reason {
        /// Most characters.
        max: usize,
    },
    /// The list holds as many entries as it may.
    #[error("the list of revocations is full, it holds {max} entries")]
    Full {
        /// Most entries.
        max: usize,
    },
    /// A list that its issuer did not sign, or that names units outside the issuer's subtree.
    #[error("a list of revocations is not signed by a unit that may")]
    NotSigned(#[source] Fault),
    /// Not written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RevocationError {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotBelow { .. } => "revocation_not_below",
            Self::Reason { .. } => "revocation_reason",
            Self::Full { .. } => "revocation_full",
            Self::NotSigned(_) => "revocation_signature",
            Self::Store(error) => error.code(),
        }
    }
}

impl Node {
    /// Whether a unit lies below another, today or on its last day.
    pub(super) fn lies_below(&self, unit: UnitId, above: UnitId) -> bool {
        let directory = self.directory();
        let today = self.today();
        let day = directory.valid_to(unit).map_or(today, |last| last.min(today));
        unit != above && directory.at(day).is_within(unit, above)
    }

    /// Revokes the node of a unit below (all its certificates up to now, and its key beyond `after`), or one
    /// certificate. Durable on return; the list goes down with the directory.
    ///
    /// A child's key is cut where its chain stands here unless `after` says otherwise; that of a unit further
    /// below only where `after` is given, for tiers between may hold more than this one.
    pub async fn revoke(
        &self,
        what: Revoked,
        reason: &str,
        actor: &Actor,
    ) -> Result<Revocations, RevocationError> {
        let reason = reason.trim();
        let max = limits::REVOCATION_REASON_CHARS_MAX;
        if reason.is_empty() || reason.chars().count() > max {
            return Err(RevocationError::Reason { max });
        }
        let what = match what {
            Revoked::Node { unit, .. } if !self.lies_below(unit, self.unit()) => {
                return Err(RevocationError::NotBelow { unit, own: self.unit() });
            }
            Revoked::Node { unit, issued_until_ms, after: None } => {
                Revoked::Node { unit, issued_until_ms, after: self.cut_over_here(unit) }
            }
            other => other,
        };
        let _turn = self.publishing.lock().await;
        // What was renewed before this turn falls under it.
        let what = match what {
            Revoked::Node { unit, issued_until_ms, after } => {
                Revoked::Node { unit, issued_until_ms: issued_until_ms.max(self.now_ms()), after }
            }
            certificate @ Revoked::Certificate { .. } => certificate,
        };
        let held = self.store.view().revocations.get(&self.unit()).map(|held| held.list.clone());
        let (version, mut entries) = held.map_or((0, Vec::new()), |held| (held.version, held.entries));
        if entries.len() >= limits::REVOCATIONS_MAX {
            return Err(RevocationError::Full { max: limits::REVOCATIONS_MAX });
        }
        let at_ms = self.now_ms();
        let note = AuditNote::text(&actor.words(), Deed::Revoked, format!("{what:?}"), at_ms);
        entries.push(Revocation { what, reason: reason.to_owned(), at_ms });
        let list = Revocations { issuer: self.unit(), version: version + 1, issued_at_ms: at_ms, entries };
        let signed = Signed::sign(&list, &self.signing.key());
        self.store.write(vec![Record::Revocations(signed).into(), Record::Note(note).into()]).await?;
        Ok(list)
    }

    /// The last batch taken of a child's chain: where its key ends when its node is revoked here.
    fn cut_over_here(&self, unit: UnitId) -> Option<BatchNumber> {
        let directory = self.directory();
        let is_child = directory.at(self.today()).parent(unit) == Some(self.unit());
        let view = self.store.view();
        is_child.then(|| view.chains.get(&unit).map_or(BatchNumber(0), |chain| chain.head.number))
    }

    /// Takes a list that came from above. An older or equal one is passed over; of a list what lies outside the
    /// issuer's subtree has no effect.
    pub async fn take_revocations(&self, signed: Signed) -> Result<(), RevocationError> {
        let claimed: Revocations = signed.decode_trusted().map_err(RevocationError::NotSigned)?;
        let issuer = claimed.issuer;
        if !self.lies_below(self.unit(), issuer) {
            return Err(RevocationError::NotSigned(Fault::Grantor { unit: issuer }));
        }
        let list: Revocations = self.ring_of(issuer).verify(&signed).map_err(RevocationError::NotSigned)?;
        let held = self.store.view().revocations.get(&issuer).map_or(0, |held| held.list.version);
        if list.version > held {
            self.store.write(vec![Record::Revocations(signed).into()]).await?;
        }
        Ok(())
    }

    /// A turn in which nothing is revoked, for renewing the certificates of a child's node; `None` where the one
    /// that it shows (by its time of issue and serial number) was revoked.
    pub async fn turn_to_renew(
        &self,
        unit: UnitId,
        issued_at_ms: u64,
        shown: Option<[u8; 16]>,
    ) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        let turn = self.publishing.lock().await;
        let revoked = self.revocations().into_iter().any(|entry| match entry.what {
            Revoked::Node { unit: revoked, issued_until_ms, .. } => {
                revoked == unit && issued_at_ms <= issued_until_ms
            }
            Revoked::Certificate { serial } => Some(serial) == shown,
        });
        (!revoked).then_some(turn)
    }

    /// The lists held here: issuer and version.
    pub fn revocation_versions(&self) -> Vec<(UnitId, u64)> {
        let view = self.store.view();
        view.revocations.iter().map(|(issuer, held)| (*issuer, held.list.version)).collect()
    }

    /// Every revocation in force here: of each issuer those within its subtree.
    pub fn revocations(&self) -> Vec<Revocation> {
        let lists: Vec<Revocations> =
            self.store.view().revocations.values().map(|held| held.list.clone()).collect();
        let in_force = |issuer: UnitId, entry: &Revocation| match &entry.what {
            Revoked::Node { unit, .. } => self.lies_below(*unit, issuer),
            Revoked::Certificate { .. } => true,
        };
        lists
            .into_iter()
            .flat_map(|list| {
                let issuer = list.issuer;
                list.entries.into_iter().filter(move |entry| in_force(issuer, entry)).collect::<Vec<_>>()
            })
            .collect()
    }

    /// The cut-overs of a unit's keys: the last batch taken, and up to when keys vouched for fall under it.
    pub(super) fn cut_overs_of(&self, origin: UnitId) -> Vec<(BatchNumber, u64)> {
        if self.store.view().revocations.is_empty() {
            return Vec::new();
        }
        let found = self.revocations().into_iter().filter_map(|entry| match entry.what {
            Revoked::Node { unit, issued_until_ms, after: Some(after) } if unit == origin => {
                Some((after, issued_until_ms))
            }
            _ => None,
        });
        found.collect()
    }
}
