//! Erasure: an origin's signed order to forget what names a person, and a tier's signed word that it did.

use super::{
    BatchNumber, Digest, Fault, Header, Leaves, PersonalLeaf, Signed, Statement, batch::personal_root,
    read_frame, write_frame,
};
use crate::domain::{PersonId, Sequence};
use danso_tier_config::UnitId;
use serde::{Deserialize, Serialize};

/// One leaf to be erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ErasedLeaf {
    /// The batch that it lies in.
    pub number: BatchNumber,
    /// The change.
    pub sequence: Sequence,
    /// The leaf's hash, which stays.
    pub hash: Digest,
}

/// An origin orders every tier that holds these leaves to erase them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureOrder {
    /// The origin, which signs.
    pub origin: UnitId,
    /// Number of the request that the order answers.
    pub request: String,
    /// Who is forgotten.
    pub person: PersonId,
    /// Where the person is named, by batch and sequence.
    pub leaves: Vec<ErasedLeaf>,
    /// When, Unix milliseconds.
    pub ordered_at_ms: u64,
}

impl Statement for ErasureOrder {
    const MAGIC: [u8; 4] = *b"DSE1";
}

/// A tier has carried out an order, durably; what it never held it will not keep when it comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureDone {
    /// The tier's unit, which signs.
    pub tier_unit: UnitId,
    /// Whose order it was.
    pub origin: UnitId,
    /// SHA-256 of the order's bytes.
    pub order: Digest,
    /// Leaves that were there and are gone.
    pub erased: u32,
    /// When, Unix milliseconds.
    pub done_at_ms: u64,
}

impl Statement for ErasureDone {
    const MAGIC: [u8; 4] = *b"DSF1";
    const BYTES_MAX: usize = 512;
}

/// What identifies an order.
pub fn order_digest(order: &Signed) -> Digest {
    Digest::of(&[&order.bytes])
}

/// The personal leaves of a batch's frame, as they lie there.
fn leaves_of(frame: &[u8], header: &Header) -> Result<Leaves, Fault> {
    read_frame(frame, "personal", header.changes as usize)
}

fn decoded(leaves: &Leaves) -> Result<Vec<PersonalLeaf<'_>>, Fault> {
    leaves.iter().map(PersonalLeaf::decode).collect()
}

/// The place in its batch of a leaf that is ordered to be erased; `None` for one of another batch.
fn place_of(header: &Header, ordered: &ErasedLeaf) -> Option<usize> {
    let here = ordered.number == header.number;
    let place = ordered.sequence.0.checked_sub(header.first.0).filter(|_| here)?;
    usize::try_from(place).ok()
}

/// Those of some leaves that are in a personal frame of this batch with the very hash that was ordered.
pub fn matching_leaves<'a>(
    frame: &[u8],
    header: &Header,
    leaves: impl IntoIterator<Item = &'a ErasedLeaf>,
) -> Result<Vec<ErasedLeaf>, Fault> {
    let held = leaves_of(frame, header)?;
    let held = decoded(&held)?;
    let matches = |ordered: &&ErasedLeaf| {
        let leaf = place_of(header, ordered).and_then(|place| held.get(place));
        leaf.is_some_and(|leaf| leaf.hash() == ordered.hash)
    };
    Ok(leaves.into_iter().filter(matches).copied().collect())
}

/// A personal frame with some leaves erased; the root stays. Gives the frame and how many leaves went.
///
/// `sequences` are looked up by their place in the batch; those outside it are passed over, and so is a leaf
/// that names nobody or is erased already. A leaf whose hash is not the one ordered is refused.
pub fn erase_leaves(frame: &[u8], header: &Header, leaves: &[ErasedLeaf]) -> Result<(Vec<u8>, u32), Fault> {
    let held = leaves_of(frame, header)?;
    let mut kept = decoded(&held)?;
    let mut erased = 0;
    for ordered in leaves {
        let Some(leaf) = place_of(header, ordered).and_then(|place| kept.get_mut(place)) else { continue };
        if !matches!(leaf, PersonalLeaf::Present { .. }) {
            continue;
        }
        if leaf.hash() != ordered.hash {
            return Err(Fault::Root { frame: "personal" });
        }
        *leaf = PersonalLeaf::Erased(ordered.hash);
        erased += 1;
    }
    if personal_root(kept.iter().copied()) != header.personal_root {
        return Err(Fault::Root { frame: "personal" });
    }
    if erased == 0 {
        return Ok((frame.to_vec(), 0));
    }
    let encoded: Vec<Vec<u8>> = kept.iter().map(PersonalLeaf::encode).collect();
    Ok((write_frame(encoded.iter().map(Vec::as_slice)), erased))
}
