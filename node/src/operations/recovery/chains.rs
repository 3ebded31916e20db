//! What contradicts a chain, side by side with what is held, and the decision to go on with it.

use super::super::{Actor, Node};
use crate::store::{AuditNote, ChainRow, Evidence, Record, Resolution, StoreError};
use danso_core::{
    chain::{BatchNumber, Deed, Digest, Header, Signed},
    domain::{Reason, Sequence},
};
use danso_tier_config::{UnitId, limits};

/// Why a chain was not resolved.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// Nothing holds it here.
    #[error("the chain of {origin} is not held here, there is nothing to decide")]
    NotHeld {
        /// Whose.
        origin: UnitId,
    },
    /// The reason is missing or too long.
    #[error("a reason of 1 to {max} characters is needed")]
    Reason {
        /// Most characters.
        max: usize,
    },
    /// Not written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ChainError {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotHeld { .. } => "chain_not_held",
            Self::Reason { .. } => "chain_reason",
            Self::Store(error) => error.code(),
        }
    }
}

/// What a header says of its batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Hash of the header.
    pub hash: Digest,
    /// The header.
    pub header: Header,
}

impl Version {
    fn of(signed: &Signed) -> Option<Self> {
        let header = signed.decode_trusted().ok()?;
        Some(Self { hash: Digest::of(&[&signed.bytes]), header })
    }
}

/// One piece of evidence, with what is held under the same number.
#[derive(Debug, Clone)]
pub struct Contradiction {
    /// As kept.
    pub evidence: Evidence,
    /// What was sent; `None` where its header cannot be read.
    pub received: Option<Version>,
    /// What is held under its number.
    pub held: Option<Version>,
}

/// A chain with everything that speaks against it.
#[derive(Debug, Clone)]
pub struct Inspected {
    /// Whose.
    pub origin: UnitId,
    /// As it stands here.
    pub chain: ChainRow,
    /// Its latest batch.
    pub head: Option<Version>,
    /// Why the parent takes nothing more of it, or nothing is sent.
    pub link_held: Option<String>,
    /// The evidence, the oldest first.
    pub contradictions: Vec<Contradiction>,
    /// Changes that are not counted, at most [`limits::CHAIN_QUARANTINE_SHOWN_MAX`].
    pub quarantined: Vec<(Sequence, Reason)>,
}

impl Node {
    /// Chains at or below `below` that are held or contradicted, or the one of `unit`. Blocks.
    pub fn inspect_chains(&self, below: UnitId, unit: Option<UnitId>) -> Result<Vec<Inspected>, StoreError> {
        let evidence = self.store.evidence()?;
        let link = self.link.read().expect("no holder of the link panics").held.clone();
        let wanted: Vec<(UnitId, ChainRow)> = {
            let view = self.store.view();
            let spoken_of = |origin: &UnitId, chain: &ChainRow| {
                chain.held.is_some()
                    || link.contains_key(origin)
                    || evidence.iter().any(|kept| kept.origin == *origin)
            };
            let mut rows: Vec<(UnitId, ChainRow)> = view
                .chains
                .iter()
                .filter(|(origin, chain)| {
                    unit.map_or_else(|| spoken_of(origin, chain), |unit| unit == **origin)
                })
                .map(|(origin, chain)| (*origin, chain.clone()))
                .collect();
            // What the parent has of a chain that is not here at all.
            let unknown = link.keys().filter(|origin| !view.chains.contains_key(origin));
            let unknown = unknown.filter(|origin| unit.is_none_or(|unit| unit == **origin));
            rows.extend(unknown.map(|origin| (*origin, ChainRow::default())));
            rows
        };
        let within = |origin: UnitId| origin == below || self.lies_below(origin, below);
        wanted
            .into_iter()
            .filter(|(origin, _)| within(*origin))
            .map(|(origin, chain)| {
                let head = self.version(origin, chain.head.number)?;
                let mut contradictions = Vec::new();
                for kept in evidence.iter().filter(|kept| kept.origin == origin) {
                    let received = Version::of(&kept.header);
                    let number = received.as_ref().map(|version| version.header.number);
                    let here = number.map_or(Ok(None), |number| self.version(origin, number))?;
                    contradictions.push(Contradiction { evidence: kept.clone(), received, held: here });
                }
                let mut quarantined = self.store.quarantine(origin)?;
                quarantined.truncate(limits::CHAIN_QUARANTINE_SHOWN_MAX);
                let link_held = link.get(&origin).cloned();
                Ok(Inspected { origin, chain, head, link_held, contradictions, quarantined })
            })
            .collect()
    }

    fn version(&self, origin: UnitId, number: BatchNumber) -> Result<Option<Version>, StoreError> {
        Ok(self.store.batch(origin, number)?.and_then(|held| Version::of(&held.batch.header)))
    }

    /// Goes on with a held chain as this node holds it. Durable on return, and in the audit log. Gives the code
    /// of the hold that was lifted, and the head.
    ///
    /// A node that went another way is told `parent_diverges` and recovers with `danso rebuild --from-parent`.
    /// Errors: `chain_not_held`, also on a repeat; `chain_reason`.
    pub async fn resolve_chain(
        &self,
        origin: UnitId,
        reason: &str,
        actor: &Actor,
    ) -> Result<(String, Option<Version>), ChainError> {
        let reason = reason.trim();
        let max = limits::CHAIN_REASON_CHARS_MAX;
        if reason.is_empty() || reason.chars().count() > max {
            return Err(ChainError::Reason { max });
        }
        let chain = self.store.view().chains.get(&origin).cloned();
        let code = chain.and_then(|chain| chain.held).ok_or(ChainError::NotHeld { origin })?;
        let head = self.version(origin, self.head_of(origin).number)?;
        let at_ms = self.now_ms();
        let words = actor.words();
        let (number, hash) =
            head.as_ref().map_or_else(Default::default, |head| (head.header.number, head.hash));
        let subject = format!("{origin} goes on from batch {number}, {hash}, held because of {code}");
        let note = AuditNote::text(&words, Deed::ChainResolved, subject, at_ms);
        let (actor, reason) = (words.to_string(), reason.to_owned());
        let resolution = Resolution { origin, actor, reason, at_ms };
        self.store.write(vec![Record::Resolution(resolution).into(), Record::Note(note).into()]).await?;
        tracing::warn!(%origin, code, number = number.0, "a held chain goes on");
        Ok((code, head))
    }
}
