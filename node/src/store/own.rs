//! Own changes as records of the ledger, and changes out of batches.
//!
//! Changes that are committed together and follow one on another share a record: their cores in one frame, what names
//! persons in another, as in a batch. One that stands alone has a record without frames.

use super::{
    Staged,
    at_rest::Vault,
    encoding::{encode, is_locked, read},
    ledger::Kind,
    record::{OwnChange, Record, SaltedPersonal},
};
use danso_core::{
    chain::{Batch, Header, PersonalLeaf, SALT_BYTES, read_frame, write_frame, write_personal_frame},
    domain::{CaptureId, Change, Core, Personal, Sequence},
};
use danso_tier_config::limits;
use serde::{Deserialize, Serialize};
use std::mem;

/// Own changes.
pub(super) const KIND: u8 = 1;
const PLAIN: u8 = 1;
const ALONE: u8 = 2;
const TOGETHER: u8 = 3;

/// A change that stands alone: format 2.
#[derive(Serialize, Deserialize)]
struct Alone {
    sequence: Sequence,
    capture: Option<CaptureId>,
    #[serde(with = "serde_bytes")]
    core: Vec<u8>,
    #[serde(with = "serde_bytes")]
    personal: Option<Vec<u8>>,
}

/// Changes one after the other: format 3.
#[derive(Clone, Serialize, Deserialize)]
struct Together {
    first: Sequence,
    /// One a change.
    captures: Vec<Option<CaptureId>>,
    /// Frame of the cores.
    #[serde(with = "serde_bytes")]
    cores: Vec<u8>,
    /// Frame of the personal leaves, sealed; `None` where no change names anybody.
    #[serde(with = "serde_bytes")]
    personal: Option<Vec<u8>>,
}

/// A change of a batch: its core, and salt and personal part where they are there.
pub(super) type OpenedChange = (Vec<u8>, Option<SaltedPersonal>);

/// The change that bytes and the personal part beside them say; `None` where they say none.
pub(super) fn decoded(core: &[u8], personal: Option<&SaltedPersonal>) -> Option<Change> {
    let personal = personal.map(|(_, bytes)| Personal::decode(bytes)).transpose().ok()?;
    Some(Change { core: Core::decode(core).ok()?, personal })
}

/// The changes of a stored batch that has its cores; `None` for one that does not open.
pub(super) fn changes_of(batch: &Batch, header: &Header) -> Option<Vec<OpenedChange>> {
    opened(batch.cores.as_ref()?, batch.personal.as_deref(), header.changes as usize)
}

fn opened(cores: &[u8], personal: Option<&[u8]>, count: usize) -> Option<Vec<OpenedChange>> {
    let cores = read_frame(cores, "cores", count).ok()?;
    let leaves = personal.map(|frame| read_frame(frame, "personal", count)).transpose().ok()?;
    let named = |place| {
        let Some(leaves) = &leaves else { return Some(None) };
        let leaf = PersonalLeaf::decode(leaves.get(place)?).ok()?;
        let PersonalLeaf::Present { salt, bytes } = leaf else { return Some(None) };
        Some(Some((*salt, bytes.to_vec())))
    };
    let whole = cores.len() == count && leaves.as_ref().is_none_or(|leaves| leaves.len() == count);
    let changes = cores.iter().enumerate().map(|(place, core)| Some((core.to_vec(), named(place)?)));
    changes.collect::<Option<Vec<_>>>().filter(|_| whole)
}

/// Puts own changes that lie side by side in a group into one record, as many as are read at once.
pub(super) fn joined(group: Vec<Staged>) -> Vec<Staged> {
    let mut joined: Vec<Staged> = Vec::with_capacity(group.len());
    let mut bytes = 0;
    for mut staged in group {
        let Record::Own(later) = &mut staged.record else {
            joined.push(staged);
            continue;
        };
        let more: usize = later.iter().map(size).sum();
        bytes += more;
        match joined.last_mut() {
            Some(Staged { record: Record::Own(changes), known, .. })
                if follows(changes, later) && bytes <= limits::OWN_RECORD_BYTES =>
            {
                changes.append(later);
                known.join(mem::take(&mut staged.known));
            }
            _ => {
                bytes = more;
                joined.push(staged);
            }
        }
    }
    joined
}

fn follows(changes: &[OwnChange], later: &[OwnChange]) -> bool {
    let next = changes.last().map(|last| last.sequence.plus(1));
    next == later.first().map(|first| first.sequence)
        && changes.len() + later.len() <= limits::OWN_RECORD_CHANGES_MAX
}

/// About how many bytes a change takes.
pub(super) fn size(change: &OwnChange) -> usize {
    change.core.len() + change.personal.as_ref().map_or(0, |(_, bytes)| SALT_BYTES + bytes.len())
}

fn context_alone(sequence: Sequence) -> Vec<u8> {
    [b"own".as_slice(), &sequence.0.to_be_bytes()].concat()
}

fn context_together(first: Sequence, count: usize) -> Vec<u8> {
    [b"own changes".as_slice(), &first.0.to_be_bytes(), &(count as u64).to_be_bytes()].concat()
}

/// Kind and payload of own changes, which follow one on another.
pub(super) fn encode_own(changes: &[OwnChange], vault: &Vault) -> (Kind, Vec<u8>) {
    let first = match changes {
        [change] => return encode_alone(change, vault),
        [first, ..] => first.sequence,
        [] => unreachable!("a record of own changes holds at least one"),
    };
    let personal = changes.iter().map(|change| change.personal.as_ref());
    let personal = personal.map(|personal| personal.map(|(salt, bytes)| (salt, bytes.as_slice())));
    let named = changes.iter().any(|change| change.personal.is_some());
    let sealed = |frame: Vec<u8>| vault.seal(&context_together(first, changes.len()), &frame);
    let together = Together {
        first,
        captures: changes.iter().map(|change| change.capture).collect(),
        cores: write_frame(changes.iter().map(|change| change.core.as_slice())),
        personal: named.then(|| sealed(write_personal_frame(personal))),
    };
    encode(KIND, TOGETHER, &together)
}

fn encode_alone(change: &OwnChange, vault: &Vault) -> (Kind, Vec<u8>) {
    let personal = change
        .personal
        .as_ref()
        .map(|(salt, bytes)| vault.seal(&context_alone(change.sequence), &[salt.as_slice(), bytes].concat()));
    let &OwnChange { sequence, capture, ref core, .. } = change;
    encode(KIND, ALONE, &Alone { sequence, capture, core: core.clone(), personal })
}

/// The own changes of a payload after its format byte, and whether something in it cannot be read without the key.
pub(super) fn decode_own(format: u8, bytes: &[u8], vault: &Vault) -> Option<(Vec<OwnChange>, bool)> {
    match format {
        PLAIN => Some((vec![read(bytes)?], false)),
        ALONE => {
            let Alone { sequence, capture, core, personal } = read(bytes)?;
            let (plain, veiled) = unsealed(personal, &context_alone(sequence), vault)?;
            let personal = match plain {
                Some(plain) => {
                    let (salt, bytes) = plain.split_at_checked(SALT_BYTES)?;
                    Some((salt.try_into().ok()?, bytes.to_vec()))
                }
                None => None,
            };
            Some((vec![OwnChange { sequence, capture, core, personal }], veiled))
        }
        TOGETHER => {
            let Together { first, captures, cores, personal } = read(bytes)?;
            let sequences = sequences(first, captures.len())?;
            let (personal, veiled) = unsealed(personal, &context_together(first, captures.len()), vault)?;
            let changes = opened(&cores, personal.as_deref(), captures.len())?;
            let own =
                |((sequence, capture), (core, personal))| OwnChange { sequence, capture, core, personal };
            Some((sequences.zip(captures).zip(changes).map(own).collect(), veiled))
        }
        _ => None,
    }
}

/// What was sealed, and whether it is there and cannot be read.
fn unsealed(sealed: Option<Vec<u8>>, context: &[u8], vault: &Vault) -> Option<(Option<Vec<u8>>, bool)> {
    match sealed.map(|sealed| vault.open(context, &sealed)) {
        None => Some((None, false)),
        Some(Ok(plain)) => Some((Some(plain), false)),
        Some(Err(error)) if is_locked(&error) => Some((None, true)),
        Some(Err(_)) => None,
    }
}

/// The capture ids of own changes, with these, out of a payload after its format byte.
pub(super) fn captures_of_own(format: u8, bytes: &[u8]) -> Option<Vec<(CaptureId, Sequence)>> {
    let (first, captures): (Sequence, Vec<Option<CaptureId>>) = match format {
        PLAIN | ALONE => {
            let (sequence, capture) = postcard::take_from_bytes(bytes).ok()?.0;
            (sequence, vec![capture])
        }
        TOGETHER => postcard::take_from_bytes(bytes).ok()?.0,
        _ => return None,
    };
    let found = captures.iter().zip(sequences(first, captures.len())?);
    Some(found.filter_map(|(capture, sequence)| Some(((*capture)?, sequence))).collect())
}

/// Sequences one after the other; `None` for none, and for more than there are.
fn sequences(first: Sequence, count: usize) -> Option<impl Iterator<Item = Sequence>> {
    let end = first.0.checked_add(u64::try_from(count).ok()?)?;
    (count > 0).then(|| (first.0..end).map(Sequence))
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use crate::store::at_rest::AtRestKey;

    fn change(sequence: u64, name: Option<&str>) -> OwnChange {
        let capture = name.map(|_| CaptureId([sequence as u8; 16]));
        let personal = name.map(|name| ([sequence as u8; SALT_BYTES], name.as_bytes().to_vec()));
        let core = vec![9; sequence as usize];
        OwnChange { sequence: Sequence(sequence), capture, core, personal }
    }

    fn changes() -> Vec<OwnChange> {
        vec![change(7, Some("Lê Thị Hường")), change(8, None), change(9, Some("Lê Thị Hương"))]
    }

    /// The sequences of each record of a group; none for one of another kind.
    fn records(group: Vec<Staged>) -> Vec<Vec<u64>> {
        let sequences =
            |staged: &Staged| staged.record.own_changes().iter().map(|change| change.sequence.0).collect();
        joined(group).iter().map(sequences).collect()
    }

    fn staged(change: OwnChange) -> Staged {
        Record::Own(vec![change]).into()
    }

    fn decoded(payload: &[u8], vault: &Vault) -> Option<(Vec<OwnChange>, bool)> {
        decode_own(payload[0], &payload[1..], vault)
    }

    #[test]
    fn changes_side_by_side_become_one_record_as_many_as_the_limits_allow() {
        let [one, two, three, five] = [1, 2, 3, 5].map(|sequence| staged(change(sequence, None)));
        let other: Staged = Record::Resolution(crate::store::Resolution {
            origin: "00001@2025-07-01".parse().unwrap(),
            actor: String::new(),
            reason: String::new(),
            at_ms: 0,
        })
        .into();
        let group = vec![one, two, other, three, five];
        assert_eq!(records(group), [vec![1, 2], vec![], vec![3], vec![5]]);
        let most = limits::OWN_RECORD_CHANGES_MAX as u64;
        let many = (1..=most + 1).map(|sequence| staged(change(sequence, None))).collect();
        assert_eq!(records(many), [(1..=most).collect(), vec![most + 1]]);
        let large =
            |sequence| OwnChange { core: vec![0; limits::OWN_RECORD_BYTES / 2], ..change(sequence, None) };
        assert_eq!(records((1..=3).map(large).map(staged).collect()), [vec![1, 2], vec![3]]);
    }

    #[test]
    fn what_was_recorded_comes_back_and_without_the_key_all_but_names() {
        let folder = tempfile::tempdir().unwrap();
        let key = AtRestKey::from_bytes([1; 32]);
        let open = Vault::of_folder(folder.path(), Some(&key)).unwrap();
        let locked = Vault::of_folder(folder.path(), None).unwrap();
        let nameless = |changes: &[OwnChange]| -> Vec<OwnChange> {
            changes.iter().cloned().map(|change| OwnChange { personal: None, ..change }).collect()
        };
        for changes in [changes(), nameless(&changes()), vec![change(7, Some("Lê"))], vec![change(7, None)]]
        {
            let (_, payload) = encode_own(&changes, &open);
            assert_eq!(decoded(&payload, &open), Some((changes.clone(), false)));
            let named = changes.iter().any(|change| change.personal.is_some());
            assert_eq!(decoded(&payload, &locked), Some((nameless(&changes), named)));
            let captures = captures_of_own(payload[0], &payload[1..]).unwrap();
            let recorded = changes.iter().filter_map(|change| Some((change.capture?, change.sequence)));
            assert_eq!(captures, recorded.collect::<Vec<_>>());
        }
    }

    #[test]
    fn names_do_not_open_beside_other_changes_and_a_record_has_a_change_and_sequences() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::of_folder(folder.path(), Some(&AtRestKey::from_bytes([1; 32]))).unwrap();
        let (_, payload) = encode_own(&changes(), &vault);
        let record: Together = read(&payload[1..]).unwrap();
        let again = |record: &Together| decoded(&encode(KIND, TOGETHER, record).1, &vault);
        assert!(again(&record).is_some());
        assert_eq!(again(&Together { first: Sequence(8), ..record.clone() }), None);
        assert_eq!(again(&Together { captures: vec![None; 2], ..record.clone() }), None);
        let none =
            Together { captures: Vec::new(), cores: write_frame([]), personal: None, ..record.clone() };
        assert_eq!(again(&none), None);
        let end = Together { first: Sequence(u64::MAX), personal: None, ..record.clone() };
        assert_eq!(again(&end), None);
    }
}
