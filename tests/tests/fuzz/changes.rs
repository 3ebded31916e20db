//! Cores, personal parts and deltas: the leaves of a batch, as any tier decodes them.

use crate::{corpus::bases, edits::Script};
use danso_core::{
    chain::LedgerKey,
    domain::{
        BirthPlace, ChangeError, Core, Event, HouseholdFacts, HouseholdId, Method, PersonFacts, PersonId,
        Personal, PregnancyOutcome, Reach, Reason, RecordedAt, Screening, Sequence, verdict, void_of,
    },
    rollup::{DeltaError, canonical, decode_leaves, deltas, encode_leaves},
};
use danso_tests::{ChainBook, unit};
use danso_tier_config::limits;

/// A book with every kind of change that it can write, and voids of some.
pub fn cores() -> Vec<Core> {
    let mut book = ChainBook::new(unit("00001"), LedgerKey::from_seed(&[1; 32]));
    (0..80u16).for_each(|step| book.write_any((step % 8) as u8, step.wrapping_mul(37)));
    let mut cores = book.cores;
    let voids: Vec<Core> = cores.iter().step_by(9).map(|core| void(core, 1)).collect();
    let subject = cores.iter().find(|core| !core.persons.is_empty()).unwrap().clone();
    cores.extend(events().map(|event| Core { event, ..subject.clone() }));
    cores.extend(voids);
    cores
}

/// The kinds that the book does not write; the rules refuse some of them here, their bytes are read all the same.
fn events() -> impl Iterator<Item = Event> {
    let (reach, method) = (Reach::Abroad, Method::Pill);
    let other = Some(unit("31117"));
    [
        Event::HouseholdClosed,
        Event::HouseholdSplit,
        Event::Born { order: 200, mother_birth: "0001-01".parse().unwrap(), place: BirthPlace::Home },
        Event::Died { infant_days: Some(u16::MAX) },
        Event::Married,
        Event::Divorced,
        Event::MovedOut { reach, to: other },
        Event::MovedIn { reach, from: other },
        Event::Corrected,
        Event::ContraceptionStarted { method },
        Event::ContraceptionStopped { method },
        Event::PregnancyRecorded { outcome: PregnancyOutcome::Ended, order: 3 },
        Event::PrenatalScreened { week: 12, results: [Screening::Suspicious; 4] },
        Event::NewbornScreened { results: [Screening::Suspicious; 5] },
        Event::ElderlyChecked,
        Event::Reviewed,
    ]
    .into_iter()
}

fn void(core: &Core, sequence: u64) -> Core {
    let households = core.households.iter().map(|change| danso_core::domain::HouseholdChange {
        id: change.id,
        before: change.after,
        after: change.before,
    });
    void_of(Sequence(sequence), core, RecordedAt::from_millis(1_790_000_000_000), households.collect())
}

/// Whether bytes are a core. What is one meets a verdict, and its deltas pass the next boundary.
pub fn check_core(bytes: &[u8]) -> bool {
    let core = match Core::decode(bytes) {
        Ok(core) => core,
        Err(error) => {
            assert_eq!(matches!(error, ChangeError::TooLarge { .. }), bytes.len() > limits::CORE_BYTES_MAX);
            return false;
        }
    };
    let again = core.encode();
    assert!(again.len() <= bytes.len());
    assert_eq!(Core::decode(&again).as_ref(), Ok(&core));
    assert!(Core::decode(&[bytes, &[0]].concat()).is_err(), "a byte is left over");
    for sequence in [Sequence(1), Sequence(u64::MAX)] {
        assert_eq!(verdict(&core, sequence), verdict(&core.clone(), sequence));
    }
    let mut added = Vec::new();
    deltas(&core, &mut added);
    let added = canonical(added);
    let leaves = encode_leaves(&added);
    assert_eq!(decode_leaves(leaves.iter().map(Vec::as_slice)), Ok(added));
    true
}

fn check_personal(bytes: &[u8]) -> bool {
    let personal = match Personal::decode(bytes) {
        Ok(personal) => personal,
        Err(error) => {
            let too_large = bytes.len() > limits::PERSONAL_BYTES_MAX;
            assert_eq!(matches!(error, ChangeError::TooLarge { .. }), too_large);
            return false;
        }
    };
    let again = personal.encode();
    assert!(again.len() <= bytes.len());
    assert!(Personal::decode(&again) == Ok(personal));
    assert!(Personal::decode(&[bytes, &[0]].concat()).is_err(), "a byte is left over");
    true
}

/// Whether bytes, cut into leaves of the length that their first byte says, are canonical deltas.
fn check_deltas(bytes: &[u8]) -> bool {
    let Some((length, rest)) = bytes.split_first() else { return true };
    let leaves: Vec<&[u8]> = rest.chunks(usize::from(*length).max(1)).collect();
    match decode_leaves(leaves.iter().copied()) {
        Ok(found) => {
            assert_eq!(encode_leaves(&found), leaves, "only one form of a delta is read");
            assert_eq!(canonical(found.clone()), found);
            true
        }
        Err(error) => {
            assert!(!matches!(error, DeltaError::TooMany));
            false
        }
    }
}

fn personals() -> Vec<Vec<u8>> {
    let person = PersonId { unit: unit("00001"), serial: 7 };
    let household = HouseholdId { unit: unit("00001"), serial: 300 };
    let facts = PersonFacts {
        name: "Trần Thị Mận".to_owned(),
        birth_date: Some("1990-02-03".parse().unwrap()),
        citizen_number: "001190000001".to_owned(),
        ..PersonFacts::default()
    };
    let home = HouseholdFacts { number: "27".to_owned(), address: "Tổ 1".to_owned() };
    let both = Personal {
        persons: vec![(person, facts.clone()), (person, PersonFacts::default())],
        households: vec![(household, home)],
        note: "ghi chú".to_owned(),
    };
    let one = Personal { persons: vec![(person, facts)], ..Personal::default() };
    [Personal::default(), one, both].iter().map(Personal::encode).collect()
}

/// The deltas of the cores, one leaf a base, with the length of the leaf before it.
fn leaves() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for core in &cores() {
        deltas(core, &mut all);
    }
    let leaves = encode_leaves(&canonical(all));
    leaves.iter().map(|leaf| [&[leaf.len() as u8], leaf.as_slice()].concat()).collect()
}

#[test]
fn core() {
    let bases = bases("core", cores().iter().map(Core::encode).collect(), check_core);
    fuzz!(Script, |script| {
        check_core(&script.bytes(&bases));
    });
}

#[test]
fn personal() {
    let bases = bases("personal", personals(), check_personal);
    fuzz!(Script, |script| {
        check_personal(&script.bytes(&bases));
    });
}

#[test]
fn delta_leaves() {
    let bases = bases("deltas", leaves(), check_deltas);
    fuzz!(Script, |script| {
        check_deltas(&script.bytes(&bases));
    });
}

/// A void within a void is refused by the rules; bytes that nest as many as fit must not exhaust the stack.
#[test]
fn voids_nested_as_deep_as_a_core_is_long_fit_on_half_a_stack() {
    let plain = cores().into_iter().next().unwrap();
    let mut nested = Core {
        recorded_at: RecordedAt::default(),
        effective_on: "0001-01-01".parse().unwrap(),
        persons: Vec::new(),
        households: Vec::new(),
        ..plain
    };
    let mut depth = 0;
    while void(&nested, 1).encode().len() <= limits::CORE_BYTES_MAX {
        nested = Core { recorded_at: RecordedAt::default(), ..void(&nested, 1) };
        depth += 1;
    }
    assert!(depth > 500, "{depth} voids");
    let bytes = nested.encode();
    let half = std::thread::Builder::new().stack_size(1_048_576);
    let refused = half.spawn(move || {
        assert!(check_core(&bytes));
        verdict(&Core::decode(&bytes).unwrap(), Sequence(9))
    });
    assert_eq!(refused.unwrap().join().unwrap(), Err(Reason::VoidTarget));
}
