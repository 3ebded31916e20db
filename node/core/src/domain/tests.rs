//! The rules and entries of the register, one by one.

use super::{
    entry::{Entry, PersonData, Refusal, change_of},
    *,
};
use danso_tier_config::{Date, UnitId};

/// A register, and the cores of all that was written into it.
struct Office {
    book: Book,
    changes: Vec<Core>,
}

fn unit() -> UnitId {
    "31117@2025-07-01".parse().unwrap()
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

impl Office {
    fn take(&mut self, on: &str, entry: Entry) -> Result<Core, Refusal> {
        let sequence = Sequence(self.changes.len() as u64 + 1);
        let recorded_at = RecordedAt::from_millis(1_780_000_000_000).next(0);
        let core = change_of(entry, date(on), recorded_at, sequence, &self.book)?.core;
        self.book.apply(&core);
        self.changes.push(core.clone());
        Ok(core)
    }

    /// A household with a woman born in 1995 and a man born in 1990, neither married.
    fn couple() -> (Self, HouseholdId, PersonId, PersonId) {
        let mut office = Self { book: Book::new(unit()), changes: Vec::new() };
        let facts = HouseholdFacts { number: "0001".into(), ..HouseholdFacts::default() };
        let open = Entry::OpenHousehold { area: Area(1), kind: HouseholdKind::Family, facts };
        let home = office.take("2026-01-01", open).unwrap().households[0].id;
        let mut add = |sex, birth| {
            let entry = Entry::Register { household: home, person: person(sex, birth) };
            office.take("2026-01-01", entry).unwrap().persons[0].id
        };
        let (woman, man) = (add(Sex::Female, "1995-05-05"), add(Sex::Male, "1990-02-02"));
        (office, home, woman, man)
    }
}

fn person(sex: Sex, birth: &str) -> PersonData {
    PersonData {
        sex,
        birth_date: date(birth),
        ethnicity: Ethnicity::KINH,
        education: Education::Primary,
        marital: Marital::NeverMarried,
        residence: Residence::Present,
        method: None,
        facts: PersonFacts { name: "Nguyễn Thị Hòa".into(), ..PersonFacts::default() },
    }
}

fn birth(home: HouseholdId, on: &str, mother_birth: &str, order: u8) -> Entry {
    Entry::Birth {
        household: home,
        child: person(Sex::Male, on),
        order,
        mother_birth: date(mother_birth),
        place: BirthPlace::Facility,
    }
}

fn void(office: &Office, index: usize) -> Entry {
    Entry::Void { sequence: Sequence(index as u64 + 1), original: Box::new(office.changes[index].clone()) }
}

#[test]
fn a_household_grows_and_shrinks_with_its_members() {
    let (mut office, home, woman, man) = Office::couple();
    assert_eq!(office.book.households[&home].size, 2);
    office.take("2026-03-01", birth(home, "2026-03-01", "1995-05-05", 1)).unwrap();
    assert_eq!(office.book.households[&home].size, 3);
    let facts = HouseholdFacts { number: "0002".into(), ..HouseholdFacts::default() };
    let split = Entry::SplitHousehold { from: home, members: vec![man], area: Area(2), facts };
    let new = office.take("2026-03-02", split).unwrap().households[1].id;
    assert_eq!((office.book.households[&home].size, office.book.households[&new].size), (2, 1));
    assert_eq!(office.book.persons[&man].household, new);
    office.take("2026-04-01", Entry::Death { person: woman, birth_date: None }).unwrap();
    assert_eq!(office.book.households[&home].size, 1);
    let gone = Entry::Departure { person: man, reach: Reach::Abroad, to: None };
    office.take("2026-04-02", gone).unwrap();
    office.take("2026-04-03", Entry::CloseHousehold(new)).unwrap();
    assert_eq!(
        office.take("2026-04-04", Entry::CloseHousehold(home)),
        Err(Refusal::Rule(Reason::HouseholdSize))
    );
}

#[test]
fn nobody_dies_before_the_day_of_birth_though_it_be_the_same_month() {
    let (mut office, home, woman, _) = Office::couple();
    let child = office.take("2026-03-20", birth(home, "2026-03-20", "1995-05-05", 1)).unwrap().persons[0].id;
    let death = Entry::Death { person: child, birth_date: Some(date("2026-03-20")) };
    assert_eq!(office.take("2026-03-10", death.clone()), Err(Refusal::Rule(Reason::BirthAfterEvent)));
    let corrected = Entry::Correction {
        person: woman,
        sex: None,
        birth_date: Some(date("2026-03-30")),
        ethnicity: None,
        education: None,
        marital: None,
        residence: None,
        facts: None,
    };
    assert_eq!(office.take("2026-03-20", corrected), Err(Refusal::Rule(Reason::BirthAfterEvent)));
    let Event::Died { infant_days } = office.take("2026-03-20", death).unwrap().event else { unreachable!() };
    assert_eq!(infant_days, Some(0));
}

#[test]
fn a_method_is_started_once_and_what_concerns_women_is_not_recorded_of_a_man() {
    let (mut office, _, woman, man) = Office::couple();
    let started = |method| Entry::MethodStarted { person: woman, method };
    office.take("2026-03-03", started(Method::Iud)).unwrap();
    assert_eq!(office.take("2026-03-05", started(Method::Iud)), Err(Refusal::MethodInUse));
    office.take("2026-03-06", started(Method::Pill)).unwrap();
    office.take("2026-03-07", Entry::MethodStopped { person: woman }).unwrap();
    office.take("2026-03-08", started(Method::Pill)).unwrap();
    let pregnancy = |person| Entry::Pregnancy { person, outcome: PregnancyOutcome::Pregnant, order: 1 };
    let screening = |person| Entry::PrenatalScreening { person, week: 12, results: [Screening::Normal; 4] };
    assert_eq!(office.take("2026-03-09", pregnancy(man)), Err(Refusal::WomanExpected));
    assert_eq!(office.take("2026-03-09", screening(man)), Err(Refusal::WomanExpected));
    office.take("2026-03-09", pregnancy(woman)).unwrap();
    office.take("2026-03-10", screening(woman)).unwrap();
}

#[test]
fn impossible_data_meets_its_own_reason() {
    let (mut office, home, woman, man) = Office::couple();
    let rule = |reason| Err(Refusal::Rule(reason));
    let register = |birth: &str| Entry::Register { household: home, person: person(Sex::Male, birth) };
    assert_eq!(office.take("2026-03-01", register("2026-03-02")), rule(Reason::BirthAfterEvent));
    assert_eq!(office.take("2026-03-01", register("1890-01-01")), rule(Reason::AgeImpossible));
    assert_eq!(office.take("2027-03-01", register("2000-01-01")), rule(Reason::EffectiveInFuture));
    assert_eq!(
        office.take("2026-03-01", birth(home, "2026-03-01", "2020-01-01", 1)),
        rule(Reason::MotherAge)
    );
    assert_eq!(
        office.take("2026-03-01", birth(home, "2026-03-01", "1995-01-01", 0)),
        rule(Reason::BirthOrder)
    );
    assert_eq!(
        office.take("2026-03-01", birth(home, "2026-02-01", "1995-01-01", 1)),
        rule(Reason::Transition)
    );
    assert_eq!(office.take("2026-03-01", Entry::Divorce(woman)), rule(Reason::MaritalTransition));
    let method = |person| Entry::MethodStarted { person, method: Method::Pill };
    assert_eq!(office.take("2026-03-01", method(man)), rule(Reason::MethodHolder));
    assert_eq!(office.take("2026-03-01", Entry::MethodStopped { person: woman }), rule(Reason::MethodHolder));
    let screening = Entry::PrenatalScreening { person: woman, week: 13, results: [Screening::Normal; 4] };
    assert_eq!(office.take("2026-03-01", screening), rule(Reason::ScreeningWeek));
    let stranger = PersonId { unit: unit(), serial: 99 };
    assert_eq!(office.take("2026-03-01", Entry::Marriage(stranger)), Err(Refusal::UnknownPerson));
    let nowhere = HouseholdId { unit: unit(), serial: 99 };
    assert_eq!(office.take("2026-03-01", Entry::Review(nowhere)), Err(Refusal::UnknownHousehold));
    office.take("2026-03-01", Entry::Marriage(woman)).unwrap();
    assert_eq!(office.take("2026-03-02", Entry::Marriage(woman)), rule(Reason::MaritalTransition));
}

#[test]
fn nothing_happens_to_the_dead() {
    let (mut office, _, woman, _) = Office::couple();
    let death = || Entry::Death { person: woman, birth_date: None };
    office.take("2026-03-01", death()).unwrap();
    assert_eq!(office.take("2026-03-01", death()), Err(Refusal::UnknownPerson));
    assert_eq!(office.take("2026-03-02", Entry::Marriage(woman)), Err(Refusal::UnknownPerson));
}

#[test]
fn an_infants_days_of_life_follow_from_the_exact_birth_date() {
    let (mut office, home, ..) = Office::couple();
    let child = office.take("2026-03-01", birth(home, "2026-03-01", "1995-05-05", 1)).unwrap().persons[0].id;
    let death = Entry::Death { person: child, birth_date: Some(date("2026-03-01")) };
    let core = office.take("2026-03-10", death).unwrap();
    assert_eq!(core.event, Event::Died { infant_days: Some(9) });
    let mut wrong = core;
    wrong.event = Event::Died { infant_days: Some(90) };
    assert_eq!(verdict(&wrong, Sequence(9)), Err(Reason::InfantDays));
}

#[test]
fn a_void_takes_back_what_was_done_and_only_once() {
    let (mut office, home, woman, _) = Office::couple();
    office.take("2026-03-01", Entry::Death { person: woman, birth_date: None }).unwrap();
    let died = office.changes.len() - 1;
    office.take("2026-03-05", birth(home, "2026-03-05", "1995-05-05", 1)).unwrap();
    let entry = void(&office, died);
    let core = office.take("2026-03-01", entry).unwrap();
    assert!(office.book.persons.contains_key(&woman));
    assert_eq!(office.book.households[&home].size, 3, "the birth that came between stands");
    assert_eq!(core.event.kind(), "voided");
    let again = void(&office, died);
    assert_eq!(office.take("2026-03-01", again), Err(Refusal::VoidNotLatest));
    let of_void = void(&office, office.changes.len() - 1);
    assert_eq!(office.take("2026-03-01", of_void), Err(Refusal::Rule(Reason::VoidTarget)));
}

#[test]
fn a_change_that_something_was_built_on_is_not_voided() {
    let (mut office, _, woman, _) = Office::couple();
    office.take("2026-03-01", Entry::Marriage(woman)).unwrap();
    let married = office.changes.len() - 1;
    office.take("2026-03-02", Entry::MethodStarted { person: woman, method: Method::Pill }).unwrap();
    let entry = void(&office, married);
    assert_eq!(office.take("2026-03-01", entry), Err(Refusal::VoidNotLatest));
}

#[test]
fn a_forged_core_is_judged_by_every_rule() {
    let (office, home, woman, _) = Office::couple();
    let registered = office.changes[1].clone();
    let state = registered.persons[0].after.unwrap();
    let judged = |edit: &dyn Fn(&mut Core)| {
        let mut core = registered.clone();
        edit(&mut core);
        verdict(&core, Sequence(2))
    };
    assert_eq!(judged(&|_| ()), Ok(()));
    assert_eq!(judged(&|core| core.persons.push(core.persons[0])), Err(Reason::IdentityChanged));
    assert_eq!(judged(&|core| core.persons[0].before = Some(state)), Err(Reason::Transition));
    assert_eq!(judged(&|core| core.households.clear()), Err(Reason::HouseholdSize));
    let bigger = |core: &mut Core| core.households[0].after.as_mut().unwrap().size += 1;
    assert_eq!(judged(&bigger), Err(Reason::HouseholdSize));
    let man_with_method = |core: &mut Core| {
        let state = core.persons[0].after.as_mut().unwrap();
        (state.sex, state.method) = (Sex::Male, Some(Method::Condom));
    };
    assert_eq!(judged(&man_with_method), Err(Reason::MethodHolder));
    let many = |core: &mut Core| {
        let of =
            |serial| PersonChange { id: PersonId { unit: unit(), serial }, before: None, after: Some(state) };
        core.persons = (1..100).map(of).collect();
    };
    assert_eq!(judged(&many), Err(Reason::TooManyPersons));
    let mut later = void_of(Sequence(7), &registered, registered.recorded_at, vec![]);
    assert_eq!(verdict(&later, Sequence(7)), Err(Reason::VoidTarget));
    later.event = Event::Voided { sequence: Sequence(2), original: Box::new(registered.clone()) };
    assert_eq!(verdict(&later, Sequence(7)), Err(Reason::Transition), "the household must give back, too");
    assert_eq!((home.serial, woman.serial), (1, 1));
}

#[test]
fn a_core_names_nobody_and_survives_its_encoding() {
    let (mut office, home, woman, _) = Office::couple();
    office.take("2026-03-01", Entry::Marriage(woman)).unwrap();
    office.take("2026-03-05", birth(home, "2026-03-05", "1995-05-05", 1)).unwrap();
    let last = void(&office, office.changes.len() - 1);
    office.take("2026-03-05", last).unwrap();
    for core in &office.changes {
        let bytes = core.encode();
        assert_eq!(Core::decode(&bytes), Ok(core.clone()));
        assert!(!String::from_utf8_lossy(&bytes).contains("Hòa"));
        assert_eq!(Core::decode(&[&bytes[..], &[0]].concat()), Err(ChangeError::Malformed));
        assert!(Core::decode(&bytes[..bytes.len() - 1]).is_err());
        let mut newer = bytes;
        newer[0] = CHANGE_FORMAT + 1;
        assert_eq!(Core::decode(&newer), Err(ChangeError::NewerFormat(CHANGE_FORMAT + 1)));
    }
}

/// Voids within voids, as deep as a core's bytes can hold: read or refused, never a stack that overflows.
#[test]
fn a_deeply_nested_void_does_not_overflow_the_stack() {
    // The stack of a test is that of tokio's blocking threads, 2 MiB.
    let (office, ..) = Office::couple();
    let mut core = Core { persons: vec![], households: vec![], ..office.changes[1].clone() };
    while core.encode().len() <= danso_tier_config::limits::CORE_BYTES_MAX {
        core = void_of(Sequence(1), &core, core.recorded_at, vec![]);
    }
    let Event::Voided { original, .. } = core.event else { unreachable!("the loop ends with a void") };
    let bytes = original.encode();
    assert!(bytes.len() > 3_000);
    assert_eq!(Core::decode(&bytes), Ok(*original));
}

/// The bytes of a core are signed and kept for ever; this one was written out once.
#[test]
fn golden_bytes_of_a_core() {
    let (office, ..) = Office::couple();
    let hex = office.changes[1].encode().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    assert_eq!(hex, GOLDEN_CORE);
}

const GOLDEN_CORE: &str = "01818080c0c8889ccf018e952d010301053331313137d6932d010001053331313137d6932d010188bb01010100000001053331313137d6932d010101000001010001";
