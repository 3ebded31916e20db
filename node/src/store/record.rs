//! The kinds of ledger record and their encoding: a kind, a format byte, postcard.

use super::{
    StoreError,
    ledger::{Kind, Position},
};
use danso_core::{
    chain::{Batch, Quarantined, SALT_BYTES, Signed},
    domain::{CaptureId, Sequence},
};
use danso_tier_config::UnitId;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Format byte at the head of every payload.
const RECORD_FORMAT: u8 = 1;

/// A change recorded here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnChange {
    /// Its sequence.
    pub sequence: Sequence,
    /// What recognises its repetition.
    pub capture: Option<CaptureId>,
    /// Encoded core.
    pub core: Vec<u8>,
    /// Salt and encoded personal part.
    pub personal: Option<([u8; SALT_BYTES], Vec<u8>)>,
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
}

/// One record of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A change recorded here.
    Own(OwnChange),
    /// Own changes sealed into a batch.
    Sealed(Batch),
    /// A child's batch.
    Accepted(Box<AcceptedBatch>),
    /// The parent's receipt for a batch that this node sent.
    ParentReceipt(Signed),
    /// A ledger key.
    Registration(Signed),
    /// A version of the unit directory.
    Directory(Signed),
    /// A release.
    Release(Signed),
    /// A contradiction.
    Evidence(Box<Evidence>),
}

fn encode<T: Serialize>(kind: u8, value: &T) -> (Kind, Vec<u8>) {
    let bytes = postcard::to_extend(value, vec![RECORD_FORMAT]).expect("a record is plain data");
    (Kind(kind), bytes)
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    postcard::from_bytes(bytes).ok()
}

impl Record {
    /// Kind and payload as appended.
    pub fn encode(&self) -> (Kind, Vec<u8>) {
        match self {
            Self::Own(change) => encode(1, change),
            Self::Sealed(batch) => encode(2, batch),
            Self::Accepted(accepted) => encode(3, accepted),
            Self::ParentReceipt(receipt) => encode(4, receipt),
            Self::Registration(registration) => encode(5, registration),
            Self::Directory(directory) => encode(6, directory),
            Self::Release(release) => encode(7, release),
            Self::Evidence(evidence) => encode(8, evidence),
        }
    }

    /// About how many bytes it takes, for the bound of a group.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Own(change) => {
                change.core.len() + change.personal.as_ref().map_or(0, |(_, bytes)| bytes.len())
            }
            Self::Sealed(batch) => batch.size(),
            Self::Accepted(accepted) => accepted.batch.size() + accepted.receipt.bytes.len(),
            Self::ParentReceipt(signed)
            | Self::Registration(signed)
            | Self::Directory(signed)
            | Self::Release(signed) => signed.bytes.len(),
            Self::Evidence(evidence) => evidence.header.bytes.len(),
        }
    }

    /// The record of a payload read at `position`.
    pub fn decode(kind: Kind, payload: &[u8], position: Position) -> Result<Self, StoreError> {
        let unreadable = || StoreError::RecordUnreadable { kind: kind.0, position };
        let Some((&RECORD_FORMAT, bytes)) = payload.split_first() else {
            return Err(unreadable());
        };
        match kind.0 {
            1 => read(bytes).map(Self::Own),
            2 => read(bytes).map(Self::Sealed),
            3 => read(bytes).map(Self::Accepted),
            4 => read(bytes).map(Self::ParentReceipt),
            5 => read(bytes).map(Self::Registration),
            6 => read(bytes).map(Self::Directory),
            7 => read(bytes).map(Self::Release),
            8 => read(bytes).map(Self::Evidence),
            _ => None,
        }
        .ok_or_else(unreadable)
    }
}
