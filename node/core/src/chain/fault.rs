//! One error per rule of a chain, with its stable code.

use super::{BatchNumber, Digest, KeyId};
use danso_tier_config::{Policy, UnitId};

/// Why bytes are not a batch, statement or link of a chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Longer than the limit, before or after decompression.
    #[error("{what} of {bytes} bytes exceeds {max}")]
    TooLarge {
        /// Which part.
        what: &'static str,
        /// Its length, or the length at which reading stopped.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// Not decodable.
    #[error("{0} is not decodable")]
    Malformed(&'static str),
    /// Bytes of another kind of statement.
    #[error("these bytes are a statement of another kind or a newer format")]
    Kind,
    /// No usable public key.
    #[error("not a usable Ed25519 public key")]
    Key,
    /// The signature does not stand under these bytes.
    #[error("signature does not verify")]
    Signature,
    /// No key is registered for the origin, or another one.
    #[error("no key {key} registered for {origin}")]
    UnknownKey {
        /// Whose batch it is.
        origin: UnitId,
        /// The key it names.
        key: String,
    },
    /// A key that the unit has, but not for this batch.
    #[error("key {key} of {origin} is not in force at batch {number}")]
    KeyOutOfTurn {
        /// Whose batch it is.
        origin: UnitId,
        /// The batch.
        number: BatchNumber,
        /// The key it names.
        key: KeyId,
    },
    /// A key that was revoked before this batch.
    #[error("the key of {origin} was revoked after batch {after}, found {number}")]
    KeyRevoked {
        /// Whose batch it is.
        origin: UnitId,
        /// The last batch that is taken.
        after: BatchNumber,
        /// The batch.
        number: BatchNumber,
    },
    /// A key granted by somebody who may not, or is not known.
    #[error("the key of {unit} is granted by nobody who may")]
    Grantor {
        /// Whose key it is.
        unit: UnitId,
    },
    /// A second key in the place of one that has a successor.
    #[error("{unit} has another key in that place already")]
    KeyFork {
        /// Whose key it is.
        unit: UnitId,
    },
    /// The audit chain breaks.
    #[error("the audit log breaks at entry {number}")]
    Audit {
        /// The first entry that does not follow or verify.
        number: u64,
    },
    /// A batch later than the next one.
    #[error("expected batch {expected}, found {found} from {origin}")]
    Gap {
        /// Whose chain.
        origin: UnitId,
        /// The number that would follow.
        expected: BatchNumber,
        /// The number found.
        found: BatchNumber,
    },
    /// A number that is taken by another batch.
    #[error("batch {number} from {origin} is {found}, but {known} is held")]
    Fork {
        /// Whose chain.
        origin: UnitId,
        /// The number.
        number: BatchNumber,
        /// Hash of the batch held.
        known: Digest,
        /// Hash of the batch found.
        found: Digest,
    },
    /// The next number, but built on another predecessor or sequence.
    #[error("batch {number} from {origin} does not follow the head")]
    WrongPrevious {
        /// Whose chain.
        origin: UnitId,
        /// The number.
        number: BatchNumber,
    },
    /// A frame does not have the root that the header commits to.
    #[error("{frame} frame does not match the signed root")]
    Root {
        /// personal, cores or tallies.
        frame: &'static str,
    },
    /// A frame is missing that must be there, or is there and must not pass this boundary.
    #[error("{frame} frame is {problem} under policy {policy}")]
    Frames {
        /// Which frame.
        frame: &'static str,
        /// missing or not allowed.
        problem: &'static str,
        /// The boundary's policy.
        policy: Policy,
    },
    /// The number of leaves differs from the header's number of changes.
    #[error("{frame} frame holds {found} leaves, the header says {expected}")]
    Leaves {
        /// Which frame.
        frame: &'static str,
        /// Leaves found.
        found: usize,
        /// Changes in the header.
        expected: usize,
    },
    /// The deltas claimed are not those that follow from the cores.
    #[error("claimed tally deltas of batch {number} from {origin} do not follow from its cores")]
    FalseDeltas {
        /// Whose chain.
        origin: UnitId,
        /// The number.
        number: BatchNumber,
    },
}

impl Fault {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "batch_too_large",
            Self::Malformed(_) => "batch_malformed",
            Self::Kind => "batch_newer_format",
            Self::Key => "key_unusable",
            Self::Signature => "batch_signature",
            Self::UnknownKey { .. } => "batch_unknown_key",
            Self::KeyOutOfTurn { .. } => "key_out_of_turn",
            Self::KeyRevoked { .. } => "key_revoked",
            Self::Grantor { .. } => "key_grantor",
            Self::KeyFork { .. } => "key_fork",
            Self::Audit { .. } => "audit_broken",
            Self::Gap { .. } => "batch_gap",
            Self::Fork { .. } => "batch_fork",
            Self::WrongPrevious { .. } => "batch_wrong_previous",
            Self::Root { .. } => "batch_root",
            Self::Frames { .. } => "batch_frames",
            Self::Leaves { .. } => "batch_leaves",
            Self::FalseDeltas { .. } => "batch_false_deltas",
        }
    }
}
