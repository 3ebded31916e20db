//! Sealing changes into a batch, withholding parts of it, and opening it again.

use super::{
    Digest, Fault, Head, Header, Leaves, LedgerKey, PersonalLeaf, SALT_BYTES, Signed, frame, merkle,
};
use crate::domain::RecordedAt;
use danso_tier_config::{Policy, UnitId, limits};
use serde::{Deserialize, Serialize};

/// A sealed batch as it is kept and sent: nothing in it is ever encoded again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// The signed header.
    pub header: Signed,
    /// Compressed personal leaves; withheld below policy `names`.
    #[serde(with = "serde_bytes")]
    pub personal: Option<Vec<u8>>,
    /// Compressed cores; withheld below policy `cores`.
    #[serde(with = "serde_bytes")]
    pub cores: Option<Vec<u8>>,
    /// Compressed tally deltas; present only where the cores are not, and at the origin.
    #[serde(with = "serde_bytes")]
    pub deltas: Option<Vec<u8>>,
    /// Counts only: signed list of the deltas that the forwarding tier excluded.
    pub exclusions: Option<Signed>,
}

impl Batch {
    /// Hash of the header's bytes: the identity of the batch.
    pub fn hash(&self) -> Digest {
        Digest::of(&[&self.header.bytes])
    }

    /// Bytes of header, signature and frames.
    pub fn size(&self) -> usize {
        let frames = [&self.personal, &self.cores, &self.deltas];
        let frames: usize = frames.into_iter().flatten().map(Vec::len).sum();
        self.header.bytes.len() + self.header.signature.len() + frames
    }
}

/// One accepted change, encoded, ready to be sealed.
#[derive(Debug, Clone)]
pub struct SealedChange {
    /// Encoded core.
    pub core: Vec<u8>,
    /// Salt and encoded personal part, where the change names somebody.
    pub personal: Option<([u8; SALT_BYTES], Vec<u8>)>,
    /// When it was recorded.
    pub recorded_at: RecordedAt,
}

/// A change as a batch takes it, wherever it is kept.
pub trait Sealable {
    /// Encoded core.
    fn core(&self) -> &[u8];
    /// Salt and encoded personal part, where the change names somebody.
    fn personal(&self) -> Option<(&[u8; SALT_BYTES], &[u8])>;
    /// When it was recorded.
    fn recorded_at(&self) -> RecordedAt;
}

impl Sealable for SealedChange {
    fn core(&self) -> &[u8] {
        &self.core
    }

    fn personal(&self) -> Option<(&[u8; SALT_BYTES], &[u8])> {
        self.personal.as_ref().map(|(salt, bytes)| (salt, bytes.as_slice()))
    }

    fn recorded_at(&self) -> RecordedAt {
        self.recorded_at
    }
}

/// What a batch is sealed from.
#[derive(Debug)]
pub struct SealInput<'a, C = SealedChange> {
    /// The origin.
    pub origin: UnitId,
    /// The head that the batch follows.
    pub head: Head,
    /// The changes, at least one, from sequence `head.next` on.
    pub changes: &'a [C],
    /// Leaves of the canonical deltas that follow from the changes.
    pub deltas: &'a [Vec<u8>],
}

/// Seals changes into the next batch of a chain. Deterministic: the same input and key give the same bytes.
pub fn seal<C: Sealable>(input: &SealInput<'_, C>, key: &LedgerKey) -> Batch {
    let personal = || input.changes.iter().map(Sealable::personal);
    let cores = || input.changes.iter().map(Sealable::core);
    let first = input.changes.first().expect("a batch holds at least one change");
    let last = input.changes.last().expect("a batch holds at least one change");
    let header = Header {
        origin: input.origin,
        number: input.head.number.next(),
        first: input.head.next,
        changes: u32::try_from(input.changes.len()).expect("a batch is sealed below its limit"),
        previous: input.head.hash,
        personal_root: personal_root(personal().map(PersonalLeaf::of)),
        cores_root: root_of(cores()),
        tallies_root: root_of(input.deltas.iter().map(Vec::as_slice)),
        recorded_from: first.recorded_at(),
        recorded_to: last.recorded_at(),
        key: key.public().id(),
    };
    Batch {
        header: Signed::sign(&header, key),
        personal: Some(frame::write_personal_frame(personal())),
        cores: Some(frame::write_frame(cores())),
        deltas: Some(frame::write_frame(input.deltas.iter().map(Vec::as_slice))),
        exclusions: None,
    }
}

/// Root over personal leaves.
pub(super) fn personal_root<'a>(leaves: impl Iterator<Item = PersonalLeaf<'a>>) -> Digest {
    merkle::root(&leaves.map(|leaf| leaf.hash()).collect::<Vec<_>>())
}

fn root_of<'a>(leaves: impl Iterator<Item = &'a [u8]>) -> Digest {
    merkle::root(&leaves.map(|leaf| merkle::leaf(&[leaf])).collect::<Vec<_>>())
}

/// The batch as it may pass a boundary: what the policy withholds is left out, nothing is recompressed.
///
/// The deltas travel only where the cores do not.
#[must_use]
pub fn strip(mut batch: Batch, policy: Policy) -> Batch {
    if policy < Policy::Names {
        batch.personal = None;
    }
    if policy < Policy::Cores {
        batch.cores = None;
    }
    if batch.cores.is_some() {
        batch.deltas = None;
        batch.exclusions = None;
    }
    batch
}

/// The leaves of a batch whose frames match their signed roots.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// Personal leaves, one a change, where the frame was there: each is a [`PersonalLeaf`].
    pub personal: Option<Leaves>,
    /// Encoded cores, one a change, where the frame was there.
    pub cores: Option<Leaves>,
    /// Leaves of the deltas, where the frame was there.
    pub deltas: Option<Leaves>,
}

/// Opens a batch whose header is verified: frames allowed by the policy, bounded, equal to their roots.
///
/// A frame that the policy withholds is refused; less than the policy allows is accepted as long as
/// cores or deltas are there (a boundary further down may withhold more).
pub fn open(batch: &Batch, header: &Header, policy: Policy) -> Result<Contents, Fault> {
    check_frames(batch, policy)?;
    let count = header.changes as usize;
    if count == 0 || count > limits::BATCH_CHANGES_MAX as usize {
        let max = limits::BATCH_CHANGES_MAX as usize;
        return Err(Fault::TooLarge { what: "batch in changes", bytes: count, max });
    }
    let mut contents = Contents::default();
    if let Some(frame) = &batch.personal {
        let leaves = frame::read_frame(frame, "personal", count)?;
        expect_leaves("personal", leaves.len(), count)?;
        let decoded: Vec<PersonalLeaf<'_>> =
            leaves.iter().map(PersonalLeaf::decode).collect::<Result<_, _>>()?;
        expect_root("personal", personal_root(decoded.into_iter()), header.personal_root)?;
        contents.personal = Some(leaves);
    }
    if let Some(frame) = &batch.cores {
        let leaves = frame::read_frame(frame, "cores", count)?;
        expect_leaves("cores", leaves.len(), count)?;
        expect_root("cores", root_of(leaves.iter()), header.cores_root)?;
        contents.cores = Some(leaves);
    }
    if let Some(frame) = &batch.deltas {
        let leaves = frame::read_frame(frame, "tallies", limits::BATCH_DELTAS_MAX)?;
        expect_root("tallies", root_of(leaves.iter()), header.tallies_root)?;
        contents.deltas = Some(leaves);
    }
    Ok(contents)
}

fn check_frames(batch: &Batch, policy: Policy) -> Result<(), Fault> {
    let fault = |frame, problem| Err(Fault::Frames { frame, problem, policy });
    match batch {
        Batch { personal: Some(_), .. } if policy < Policy::Names => fault("personal", "not allowed"),
        Batch { cores: Some(_), .. } if policy < Policy::Cores => fault("cores", "not allowed"),
        Batch { cores: None, deltas: None, .. } => fault("cores", "missing"),
        Batch { cores: Some(_), deltas: Some(_), .. } => fault("tallies", "not allowed"),
        Batch { cores: Some(_), exclusions: Some(_), .. } => fault("exclusions", "not allowed"),
        _ => Ok(()),
    }
}

fn expect_leaves(frame: &'static str, found: usize, expected: usize) -> Result<(), Fault> {
    if found == expected { Ok(()) } else { Err(Fault::Leaves { frame, found, expected }) }
}

fn expect_root(frame: &'static str, found: Digest, expected: Digest) -> Result<(), Fault> {
    if found == expected { Ok(()) } else { Err(Fault::Root { frame }) }
}

/// Checks that delta leaves, recomputed from the cores, are those that the header claims.
pub fn check_deltas(leaves: &[Vec<u8>], header: &Header) -> Result<(), Fault> {
    if root_of(leaves.iter().map(Vec::as_slice)) == header.tallies_root {
        Ok(())
    } else {
        Err(Fault::FalseDeltas { origin: header.origin, number: header.number })
    }
}
