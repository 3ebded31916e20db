//! One row of a P0 table against the register.

use super::{
    capture::event_capture,
    fault::Cause,
    import::{Desk, Home, Member, Outcome, Seen, Stop, seen},
    register::{check_age, namesake, open},
    spelling::Listed,
};
use danso_core::domain::{
    Area, HouseholdKind, PersonFacts, Reach, Reason, Residence,
    entry::{Entry, Refusal},
    form::{EventForm, EventRow, NewPerson, PersonReference},
    personal::name_key,
};
use danso_tier_config::{Date, UnitId};

/// Records the row's event.
pub(super) fn record(desk: &mut impl Desk, row: &EventRow) -> Result<Outcome, Stop> {
    let capture = event_capture(row);
    if matches!(seen(desk, capture), Seen::Same) {
        return Ok(Outcome::AlreadyKnown);
    }
    let entry = entry_of(desk, row)?;
    desk.record(Some(capture), row.on, entry).map_err(|not| name_column(not.into()))?;
    Ok(Outcome::Recorded)
}

/// Puts a rule's refusal to the column that it is about.
fn name_column(stop: Stop) -> Stop {
    match stop {
        Stop::Fault(None, cause) => {
            let column = match &cause {
                Cause::Refused(Refusal::Rule(Reason::EffectiveInFuture | Reason::BirthAfterEvent)) => "date",
                Cause::Refused(Refusal::Rule(Reason::MotherAge)) => "mother_birth_date",
                Cause::Refused(Refusal::Rule(Reason::BirthOrder)) => "birth_order",
                Cause::Refused(Refusal::Rule(Reason::ScreeningWeek)) => "week",
                Cause::Refused(_) => "table",
                _ => return Stop::Fault(None, cause),
            };
            Stop::at(column, cause)
        }
        other => other,
    }
}

fn entry_of(desk: &mut impl Desk, row: &EventRow) -> Result<Entry, Stop> {
    let known = |person: &PersonReference| find(desk, person);
    let id = |person: &PersonReference| known(person).map(|member| member.id);
    Ok(match &row.event {
        EventForm::Birth { child, mother_birth, order, place } => {
            let home = desk.household_by_number(&child.household);
            let home = home.ok_or(Stop::at("household", Cause::HouseholdNotFound))?;
            check_new(desk, child, Some(&home))?;
            Entry::Birth {
                household: home.id,
                child: child.person(Residence::Present),
                order: *order,
                mother_birth: *mother_birth,
                place: *place,
            }
        }
        EventForm::Arrival { person, area, residence, reach, other_unit } => {
            check_age(person.birth_date, row.on)?;
            let from = unit(desk, other_unit, *reach, row.on)?;
            let home = desk.household_by_number(&person.household);
            check_new(desk, person, home.as_ref())?;
            let household = match home {
                Some(home) if area.is_some_and(|area| Area(area) != home.state.area) => {
                    return Err(Stop::at("area", Cause::HouseholdDiffers));
                }
                Some(home) => home.id,
                None => {
                    let area = Area(area.unwrap_or(1));
                    open(desk, row.on, area, HouseholdKind::Family, &person.household, "")
                        .map_err(name_column)?
                }
            };
            Entry::Arrival { household, person: person.person(*residence), reach: *reach, from }
        }
        EventForm::Departure { person, reach, other_unit } => {
            let person = id(person)?;
            Entry::Departure { person, reach: *reach, to: unit(desk, other_unit, *reach, row.on)? }
        }
        EventForm::Death(person) => {
            let member = known(person)?;
            Entry::Death { person: member.id, birth_date: member.facts.birth_date }
        }
        EventForm::Marriage(person) => Entry::Marriage(id(person)?),
        EventForm::Divorce(person) => Entry::Divorce(id(person)?),
        EventForm::Correction { person, .. } => correction(&known(person)?, &row.event),
        EventForm::MethodStarted { person, method } => {
            Entry::MethodStarted { person: id(person)?, method: *method }
        }
        EventForm::MethodStopped(person) => Entry::MethodStopped { person: id(person)? },
        EventForm::Pregnancy { person, outcome, order } => {
            Entry::Pregnancy { person: id(person)?, outcome: *outcome, order: *order }
        }
        EventForm::PrenatalScreening { person, week, results } => {
            Entry::PrenatalScreening { person: id(person)?, week: *week, results: *results }
        }
        EventForm::NewbornScreening { person, results } => {
            Entry::NewbornScreening { person: id(person)?, results: *results }
        }
        EventForm::ElderlyCheck(person) => Entry::ElderlyCheck(id(person)?),
    })
}

/// The one resident whom a row means.
fn find(desk: &impl Desk, person: &PersonReference) -> Result<Member, Stop> {
    if !person.subject_code.is_empty() {
        return find_by_code(desk, person);
    }
    let home = desk.household_by_number(&person.household);
    let home = home.ok_or(Stop::at("household", Cause::HouseholdNotFound))?;
    let key = name_key(&person.name);
    let fits = |member: &Member| {
        name_key(&member.facts.name) == key
            && person.birth_date.is_none_or(|birth| member.facts.birth_date == Some(birth))
    };
    let mut found: Vec<Member> = desk.members(home.id).into_iter().filter(fits).collect();
    match (found.len(), found.pop()) {
        (1, Some(member)) => Ok(member),
        (0, _) | (_, None) => Err(Stop::at("name", Cause::PersonNotFound)),
        (count, Some(_)) => Err(Stop::at("name", Cause::PersonAmbiguous { count })),
    }
}

/// The code decides; what else the row says of the person must not contradict it.
fn find_by_code(desk: &impl Desk, person: &PersonReference) -> Result<Member, Stop> {
    let member = desk.person_by_subject_code(&person.subject_code);
    let member = member.ok_or(Stop::at("subject_code", Cause::PersonNotFound))?;
    let lives_there =
        || desk.household_by_number(&person.household).is_some_and(|home| home.id == member.state.household);
    let fits = (person.household.is_empty() || lives_there())
        && (person.name.is_empty() || name_key(&person.name) == name_key(&member.facts.name))
        && person.birth_date.is_none_or(|birth| member.facts.birth_date.is_none_or(|known| known == birth));
    if fits { Ok(member) } else { Err(Stop::at("subject_code", Cause::PersonDiffers)) }
}

/// Somebody new to the register must not be in it.
fn check_new(desk: &impl Desk, person: &NewPerson, home: Option<&Home>) -> Result<(), Stop> {
    let taken = |column| Err(Stop::at(column, Cause::AlreadyRegisteredDifferently));
    if !person.subject_code.is_empty() && desk.person_by_subject_code(&person.subject_code).is_some() {
        return taken("subject_code");
    }
    match home.and_then(|home| namesake(desk, home.id, &person.name, person.birth_date)) {
        Some(_) => taken("name"),
        None => Ok(()),
    }
}

/// The unit of a code; it must be as far away as the row says.
fn unit(desk: &impl Desk, code: &str, reach: Reach, on: Date) -> Result<Option<UnitId>, Stop> {
    if code.is_empty() {
        return Ok(None);
    }
    let (expected, unit) = desk.reach_of(code, on).ok_or(Stop::at("other_unit", Cause::UnitNotFound))?;
    if expected != reach {
        let cause = Cause::ReachDiffers { vi: expected.vietnamese(), en: expected.english() };
        return Err(Stop::at("reach", cause));
    }
    Ok(Some(unit))
}

fn correction(member: &Member, event: &EventForm) -> Entry {
    let EventForm::Correction {
        new_name,
        new_birth_date,
        new_sex,
        new_education,
        new_marital,
        new_residence,
        ..
    } = event
    else {
        unreachable!("called for corrections only")
    };
    let named = new_name.is_some() || new_birth_date.is_some();
    let facts = named.then(|| PersonFacts {
        name: new_name.clone().unwrap_or_else(|| member.facts.name.clone()),
        birth_date: new_birth_date.or(member.facts.birth_date),
        ..member.facts.clone()
    });
    Entry::Correction {
        person: member.id,
        sex: *new_sex,
        birth_date: *new_birth_date,
        ethnicity: None,
        education: *new_education,
        marital: *new_marital,
        residence: *new_residence,
        facts,
    }
}
