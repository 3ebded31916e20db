//! What a batch adds to the counts: verdicts on its cores, the deltas claimed and the deltas counted.

use super::{Delta, canonical, canonical::room_for, canonical_of, decode_leaves, deltas, encode_leaves};
use crate::{
    chain::{Contents, Exclusions, Fault, Header, Leaves, Quarantined, check_deltas},
    domain::{ChangeError, Core, Reason, verdict},
};
use danso_tier_config::limits;

/// What follows from a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judged {
    /// Changes that are stored but not counted, in order of sequence.
    pub quarantined: Vec<Quarantined>,
    /// Canonical deltas of all other changes.
    pub counted: Vec<Delta>,
    /// Canonical deltas of the quarantined changes that could be read.
    pub excluded: Vec<Delta>,
}

impl Judged {
    /// The canonical leaves of all readable changes, counted or not: what the batch's header commits to.
    pub fn claim(&self) -> Vec<Vec<u8>> {
        encode_leaves(&canonical([self.counted.as_slice(), self.excluded.as_slice()].concat()))
    }
}

/// The deltas that a batch of these changes claims, as canonical leaves: those of every readable core,
/// whatever the verdict on it.
pub fn claim<'a>(cores: impl IntoIterator<Item = &'a Core>) -> Vec<Vec<u8>> {
    encode_leaves(&canonical_of(cores))
}

/// Judges an opened batch: from its cores where they are there, else from its signed deltas less the
/// tier's exclusions.
///
/// Errors: [`Fault::FalseDeltas`] where the claim does not follow from the cores, [`Fault::Malformed`]
/// for deltas that are not canonical or more than [`limits::BATCH_DELTAS_MAX`] and for exclusions of changes that the batch does not hold. A batch that holds a core of a newer format cannot have its claim
/// checked; its readable changes are counted.
pub fn judge(contents: &Contents, header: &Header, exclusions: Option<&Exclusions>) -> Result<Judged, Fault> {
    match &contents.cores {
        Some(cores) => judge_cores(cores, header),
        None => judge_deltas(contents, header, exclusions),
    }
}

fn judge_cores(cores: &Leaves, header: &Header) -> Result<Judged, Fault> {
    let mut judged = Judged { counted: room_for(cores.len()), ..Judged::default() };
    let mut newer = false;
    for (index, bytes) in cores.iter().enumerate() {
        let sequence = header.first.plus(index as u64);
        let reason = match Core::decode(bytes) {
            Ok(core) => match verdict(&core, sequence) {
                Ok(()) => {
                    deltas(&core, &mut judged.counted);
                    continue;
                }
                Err(reason) => {
                    deltas(&core, &mut judged.excluded);
                    reason
                }
            },
            Err(ChangeError::NewerFormat(_)) => {
                newer = true;
                Reason::NewerFormat
            }
            Err(ChangeError::Malformed | ChangeError::TooLarge { .. }) => Reason::Malformed,
        };
        judged.quarantined.push(Quarantined { sequence, reason });
    }
    judged.counted = canonical(judged.counted);
    judged.excluded = canonical(judged.excluded);
    // What a tier above could not take as deltas is not taken as cores either, nor kept in memory.
    if judged.counted.len() + judged.excluded.len() > limits::BATCH_DELTAS_MAX {
        return Err(Fault::Malformed("tallies"));
    }
    if !newer {
        check_deltas(&judged.claim(), header)?;
    }
    Ok(judged)
}

fn judge_deltas(
    contents: &Contents,
    header: &Header,
    exclusions: Option<&Exclusions>,
) -> Result<Judged, Fault> {
    let malformed = |_| Fault::Malformed("tallies");
    let leaves = contents.deltas.iter().flat_map(Leaves::iter);
    let mut counted = decode_leaves(leaves).map_err(malformed)?;
    let Some(exclusions) = exclusions else {
        return Ok(Judged { counted, ..Judged::default() });
    };
    let sequences = || exclusions.quarantined.iter().map(|quarantined| quarantined.sequence);
    let held = sequences().all(|sequence| (header.first..=header.last()).contains(&sequence));
    if !(held && sequences().is_sorted_by(|one, next| one < next)) {
        return Err(Fault::Malformed("exclusions"));
    }
    let excluded = decode_leaves(exclusions.deltas.iter().map(Vec::as_slice)).map_err(malformed)?;
    counted.extend(excluded.iter().map(|delta| Delta { amount: -delta.amount, ..*delta }));
    Ok(Judged { quarantined: exclusions.quarantined.clone(), counted: canonical(counted), excluded })
}
