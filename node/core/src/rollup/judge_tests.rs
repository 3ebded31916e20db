//! What a batch adds: changes that are not counted, claims that are false, exclusions that do not fit.

use super::{
    book::{Office, unit, write},
    *,
};
use crate::{
    chain::*,
    domain::{CHANGE_FORMAT, Core, Event, PersonChange, PersonId, PersonState, Reason, RecordedAt, Sequence},
};
use danso_tier_config::{Policy, limits};

/// The first change of the batch is not the first of its chain.
const FIRST: u64 = 3;

/// A household and its members: changes 1 to 5.
fn office() -> Office {
    write(&[], false, |_, _| ())
}

fn encoded(cores: &[Core]) -> Vec<Vec<u8>> {
    cores.iter().map(Core::encode).collect()
}

/// A batch of these changes and claimed deltas, opened as it comes under a policy.
fn opened(cores: &[Vec<u8>], deltas: &[Vec<u8>], policy: Policy) -> (Contents, Header) {
    let sealed = |core: &Vec<u8>| SealedChange {
        core: core.clone(),
        personal: None,
        recorded_at: RecordedAt::from_millis(1),
    };
    let changes: Vec<SealedChange> = cores.iter().map(sealed).collect();
    let head = Head { next: Sequence(FIRST), ..Head::default() };
    let key = LedgerKey::from_seed(&[7; 32]);
    let batch = seal(&SealInput { origin: unit(), head, changes: &changes, deltas }, &key);
    let header: Header = batch.header.verify(key.public()).unwrap();
    (open(&strip(batch, policy), &header, policy).unwrap(), header)
}

fn deltas_of(cores: &[Core]) -> Vec<Delta> {
    let mut all = Vec::new();
    for core in cores {
        deltas(core, &mut all);
    }
    canonical(all)
}

/// Three changes of which the second lies in the future.
fn one_in_the_future() -> Vec<Core> {
    let mut cores = office().cores[..3].to_vec();
    cores[1].recorded_at = RecordedAt::from_millis(0);
    cores
}

fn exclusions(sequences: &[u64], deltas: &[Delta]) -> Exclusions {
    let quarantined =
        |sequence: &u64| Quarantined { sequence: Sequence(*sequence), reason: Reason::Malformed };
    Exclusions {
        tier_unit: unit(),
        origin: unit(),
        number: BatchNumber(1),
        hash: Digest::default(),
        quarantined: sequences.iter().map(quarantined).collect(),
        deltas: encode_leaves(deltas),
    }
}

#[test]
fn a_change_with_a_bad_verdict_is_claimed_and_not_counted() {
    let cores = one_in_the_future();
    let claimed = claim(&cores);
    assert_eq!(claimed, encode_leaves(&deltas_of(&cores)));
    let (contents, header) = opened(&encoded(&cores), &claimed, Policy::Cores);
    let judged = judge(&contents, &header, None).unwrap();
    let reason = Reason::EffectiveInFuture;
    assert_eq!(judged.quarantined, [Quarantined { sequence: Sequence(FIRST + 1), reason }]);
    assert_eq!(judged.excluded, deltas_of(&cores[1..2]));
    assert!(!judged.excluded.is_empty());
    assert_eq!(judged.counted, deltas_of(&[cores[0].clone(), cores[2].clone()]));
    assert_eq!(judged.claim(), claimed);
}

#[test]
fn a_claim_that_does_not_follow_from_the_cores_is_refused() {
    let cores = office().cores;
    let refused = Err(Fault::FalseDeltas { origin: unit(), number: BatchNumber(1) });
    let more = [deltas_of(&cores), deltas_of(&cores)].concat();
    for deltas in [vec![], claim(&cores[2..]), encode_leaves(&canonical(more))] {
        let (contents, header) = opened(&encoded(&cores), &deltas, Policy::Cores);
        assert_eq!(judge(&contents, &header, None), refused);
    }
}

#[test]
fn a_change_that_cannot_be_read_counts_for_nothing_and_the_others_count() {
    let cores = office().cores;
    let mut bytes = encoded(&cores[..2]);
    bytes.push(vec![CHANGE_FORMAT, 0xff]);
    let (contents, header) = opened(&bytes, &claim(&cores[..2]), Policy::Cores);
    let judged = judge(&contents, &header, None).unwrap();
    let malformed = Quarantined { sequence: Sequence(FIRST + 2), reason: Reason::Malformed };
    assert_eq!(judged.quarantined, [malformed]);
    assert_eq!((judged.counted, judged.excluded), (deltas_of(&cores[..2]), vec![]));
    // Its claim is checked all the same.
    let (contents, header) = opened(&bytes, &claim(&cores), Policy::Cores);
    assert!(matches!(judge(&contents, &header, None), Err(Fault::FalseDeltas { .. })));
}

#[test]
fn a_change_of_a_newer_format_leaves_the_claim_unchecked() {
    let cores = office().cores;
    let mut bytes = encoded(&cores[..3]);
    bytes[2][0] = CHANGE_FORMAT + 1;
    let (contents, header) = opened(&bytes, &claim(&cores), Policy::Cores);
    let judged = judge(&contents, &header, None).unwrap();
    let newer = Quarantined { sequence: Sequence(FIRST + 2), reason: Reason::NewerFormat };
    assert_eq!(judged.quarantined, [newer]);
    assert_eq!((judged.counted, judged.excluded), (deltas_of(&cores[..2]), vec![]));
}

#[test]
fn counts_are_what_the_origin_claims_less_what_a_tier_excludes() {
    let cores = one_in_the_future();
    let (contents, header) = opened(&encoded(&cores), &claim(&cores), Policy::Counts);
    let all = judge(&contents, &header, None).unwrap();
    assert_eq!(all, Judged { counted: deltas_of(&cores), ..Judged::default() });
    let excluded = deltas_of(&cores[1..2]);
    let said = exclusions(&[FIRST + 1], &excluded);
    let judged = judge(&contents, &header, Some(&said)).unwrap();
    assert_eq!(judged.counted, deltas_of(&[cores[0].clone(), cores[2].clone()]));
    assert_eq!((judged.excluded, judged.quarantined), (excluded, said.quarantined));
}

#[test]
fn exclusions_name_changes_of_the_batch_each_once_and_in_order() {
    let cores = office().cores[..3].to_vec();
    let (contents, header) = opened(&encoded(&cores), &claim(&cores), Policy::Counts);
    let last = FIRST + 2;
    let found = |sequences: &[u64]| {
        judge(&contents, &header, Some(&exclusions(sequences, &[]))).map(|judged| judged.quarantined.len())
    };
    assert_eq!(found(&[FIRST, FIRST + 1, last]), Ok(3));
    let malformed = Err(Fault::Malformed("exclusions"));
    for sequences in
        [&[FIRST - 1][..], &[last + 1], &[FIRST, FIRST], &[last, FIRST], &[FIRST, last, last + 1]]
    {
        assert_eq!(found(sequences), malformed, "{sequences:?}");
    }
}

#[test]
fn deltas_that_are_not_canonical_are_refused_in_claims_and_exclusions() {
    let cores = office().cores[..3].to_vec();
    let malformed = Err(Fault::Malformed("tallies"));
    let twice = [deltas_of(&cores[..1]), deltas_of(&cores)].concat();
    let mut turned = encode_leaves(&deltas_of(&cores));
    turned.reverse();
    let (contents, header) = opened(&encoded(&cores), &turned, Policy::Counts);
    assert_eq!(judge(&contents, &header, None), malformed);
    let (contents, header) = opened(&encoded(&cores), &claim(&cores), Policy::Counts);
    let mut said = exclusions(&[FIRST], &twice);
    said.deltas = turned;
    assert_eq!(judge(&contents, &header, Some(&said)), malformed);
}

#[test]
fn a_batch_of_more_tallies_than_any_tier_takes_as_deltas_is_not_taken_as_cores_either() {
    let found =
        office().cores.iter().find_map(|core| core.persons.first()?.after.map(|state| (core.clone(), state)));
    let (core, state) = found.unwrap();
    // Each changes the months of birth of 64 persons, in a month of its own: 128 tallies or more that no other touches.
    let corrected = |place: i32| {
        let month = core.effective_on.month().plus(-place);
        let born = |back: i32| Some(PersonState { birth: month.plus(-back), ..state });
        let persons = (0..64).map(|person| PersonChange {
            id: PersonId { unit: core.persons[0].id.unit, serial: 1 + person as u64 },
            before: born(2 * person),
            after: born(2 * person + 1),
        });
        Core {
            effective_on: month.first_day(),
            event: Event::Corrected,
            persons: persons.collect(),
            households: Vec::new(),
            ..core.clone()
        }
    };
    let judged = |count: i32| {
        let cores: Vec<Core> = (0..count).map(corrected).collect();
        let (contents, header) = opened(&encoded(&cores), &claim(&cores), Policy::Cores);
        judge(&contents, &header, None).map(|judged| (judged.quarantined.len(), judged.counted.len()))
    };
    let most = (limits::BATCH_DELTAS_MAX / 128) as i32;
    assert_eq!(judged(most), Ok((0, most as usize * 128)));
    assert_eq!(judged(most + 1), Err(Fault::Malformed("tallies")));
}
