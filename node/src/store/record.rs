//! The kinds of ledger record: what each holds.
//!
//! How they are encoded, and what of them is encrypted, is in `encoding.rs`.

use super::own;
use danso_core::{
    chain::{AuditEntry, AuditHead, Batch, Deed, Quarantined, SALT_BYTES, Signed},
    domain::{CaptureId, Sequence},
};
use danso_tier_config::UnitId;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A salt, and the personal part of a change, encoded.
pub type SaltedPersonal = ([u8; SALT_BYTES], Vec<u8>);

/// A change recorded here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnChange {
    /// Its sequence.
    pub sequence: Sequence,
    /// What recognises its repetition.
    pub capture: Option<CaptureId>,
    /// Encoded core.
    #[serde(with = "serde_bytes")]
    pub core: Vec<u8>,
    /// Salt and encoded personal part; `None` also where it is erased or cannot be decrypted.
    pub personal: Option<SaltedPersonal>,
}

/// A batch taken from a child, with the answer given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedBatch {
    /// The child that sent it.
    pub child: UnitId,
    /// The batch as received.
    pub batch: Batch,
    /// Changes that are not counted.
    pub quarantined: Vec<Quarantined>,
    /// The receipt given; a repeat gets the same.
    pub receipt: Signed,
    /// When it was accepted, Unix milliseconds.
    pub accepted_at_ms: u64,
    /// Whether its names may pass the boundary and did not come.
    pub names_due: bool,
}

/// A batch of the own chain that came back from the parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveredBatch {
    /// The batch as the parent holds it.
    pub batch: Batch,
    /// The parent's receipt for it.
    pub receipt: Signed,
    /// When it came back, Unix milliseconds.
    pub recovered_at_ms: u64,
    /// Capture ids of its changes, as far as they are known: from a folder that held the batch before.
    pub captures: Vec<(Sequence, CaptureId)>,
}

/// Something that contradicts a chain, kept for those who must clear it up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The child that sent it.
    pub child: UnitId,
    /// Whose chain it claims to be.
    pub origin: UnitId,
    /// Stable code of the refusal.
    pub code: String,
    /// The header as received.
    pub header: Signed,
    /// Whether the origin is held from now on.
    pub hold: bool,
    /// When, Unix milliseconds.
    pub at_ms: u64,
    /// The cores as received, of a batch that holds the origin; names are never kept as evidence.
    #[serde(with = "serde_bytes")]
    pub cores: Option<Vec<u8>>,
}

/// Somebody's decision to go on with a held chain as it stands here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// Whose chain.
    pub origin: UnitId,
    /// Who decided: an account or node, never a person's name.
    pub actor: String,
    /// Why, in the operator's words.
    pub reason: String,
    /// When, Unix milliseconds.
    pub at_ms: u64,
}

/// A record in the place of an earlier one: names erased from it, or names added that came late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewritten {
    /// Position of the earlier one.
    pub of: u64,
    /// Kind of the inner record.
    pub kind: u8,
    /// The inner record as encoded.
    #[serde(with = "serde_bytes")]
    pub payload: Vec<u8>,
    /// Whether the earlier one is to be scrubbed from its file.
    pub scrub: bool,
}

/// What the operations keep durably and fold themselves: accounts, invitations, requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfficeRecord {
    /// What it is about.
    pub topic: Topic,
    /// As the operations encode it.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
}

/// What an office record is about. New ones go to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Topic {
    /// Accounts, sessions, tokens.
    Accounts,
    /// Invitations and certificates issued.
    Enrolment,
    /// Requests of persons and their due dates.
    Requests,
}

/// How far the audit chain of a child had come, kept here so that the child cannot shorten it unseen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// The child.
    pub child: UnitId,
    /// Number and hash of the entry; number 0 lifts the anchor held so far.
    pub head: AuditHead,
    /// When it was heard, Unix milliseconds.
    pub at_ms: u64,
}

/// What an audit entry is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Own changes, first and last; adjacent ones of one actor become one entry.
    Changes(Sequence, Sequence),
    /// Ids in words.
    Text(String),
}

/// An audit entry to be: the writer numbers, links and signs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditNote {
    /// Who.
    pub actor: Arc<str>,
    /// What.
    pub deed: Deed,
    /// Of what.
    pub subject: Subject,
    /// When, Unix milliseconds.
    pub at_ms: u64,
}

impl AuditNote {
    /// A note in words.
    pub fn text(actor: &str, deed: Deed, subject: impl Into<String>, at_ms: u64) -> Self {
        Self { actor: actor.into(), deed, subject: Subject::Text(subject.into()), at_ms }
    }

    /// Takes a later note in, where both are about adjacent changes by one actor.
    pub(super) fn merge(&mut self, later: &Self) -> bool {
        let (Subject::Changes(_, last), Subject::Changes(first, end)) = (&mut self.subject, &later.subject)
        else {
            return false;
        };
        let adjacent = last.plus(1) == *first && self.actor == later.actor && self.deed == later.deed;
        if adjacent {
            *last = *end;
        }
        adjacent
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Changes(first, last) if first == last => write!(f, "change {first}"),
            Self::Changes(first, last) => write!(f, "changes {first}-{last}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// One record of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// Changes recorded here, committed together; each follows on the one before.
    Own(Vec<OwnChange>),
    /// Own changes sealed into a batch.
    Sealed(Box<Batch>),
    /// A child's batch.
    Accepted(Box<AcceptedBatch>),
    /// The parent's receipt for a batch that this node sent.
    ParentReceipt(Signed),
    /// A ledger key: a registration or a grant.
    Registration(Signed),
    /// A version of the unit directory.
    Directory(Signed),
    /// A release.
    Release(Signed),
    /// A contradiction.
    Evidence(Box<Evidence>),
    /// A list of revocations.
    Revocations(Signed),
    /// An order of erasure.
    ErasureOrder(Signed),
    /// A tier's word that it carried out an order.
    ErasureDone(Signed),
    /// An own batch that came back from the parent.
    Recovered(Box<RecoveredBatch>),
    /// A record in the place of an earlier one.
    Rewritten(Rewritten),
    /// A decision about a held chain.
    Resolution(Resolution),
    /// What the operations fold themselves.
    Office(OfficeRecord),
    /// An entry of the audit chain.
    Audit(Signed),
    /// How far a child's audit chain had come.
    Anchor(Anchor),
    /// An audit entry to be; never stored as such.
    Note(AuditNote),
}

impl Record {
    /// The own changes that it holds.
    pub(super) fn own_changes(&self) -> &[OwnChange] {
        if let Self::Own(changes) = self { changes } else { &[] }
    }

    /// About how many bytes it takes, for the bound of a group.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Own(changes) => changes.iter().map(own::size).sum(),
            Self::Sealed(batch) => batch.size(),
            Self::Accepted(accepted) => accepted.batch.size() + accepted.receipt.bytes.len(),
            Self::Recovered(recovered) => recovered.batch.size() + recovered.receipt.bytes.len(),
            Self::ParentReceipt(signed)
            | Self::Registration(signed)
            | Self::Directory(signed)
            | Self::Release(signed)
            | Self::Revocations(signed)
            | Self::ErasureOrder(signed)
            | Self::ErasureDone(signed)
            | Self::Audit(signed) => signed.bytes.len(),
            Self::Evidence(evidence) => {
                evidence.header.bytes.len() + evidence.cores.as_ref().map_or(0, Vec::len)
            }
            Self::Rewritten(rewritten) => rewritten.payload.len(),
            Self::Resolution(resolution) => resolution.reason.len(),
            Self::Office(office) => office.bytes.len(),
            Self::Anchor(_) => size_of::<Anchor>(),
            Self::Note(_) => <AuditEntry as danso_core::chain::Statement>::BYTES_MAX,
        }
    }
}
