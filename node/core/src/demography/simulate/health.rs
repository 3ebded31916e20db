//! Methods, pregnancies, screenings, elderly checks and corrections as they happen.

use super::{
    facts,
    months::{Planned, day_of},
    names::Name,
    tables,
    world::World,
};
use crate::domain::{
    Education, Marital, Method, PregnancyOutcome, Residence, Screening, Sex,
    form::{EventForm, PersonReference},
};
use danso_tier_config::{Date, Month};

/// Yearly probability that a user stops; most change to another method.
const METHOD_STOP: f64 = 0.30;
/// Yearly probability that a wife who uses none starts.
const METHOD_START: f64 = 0.36;
/// Yearly probability that a wife loses or ends a pregnancy.
const PREGNANCY_LOST: f64 = 0.012;
/// Days from week 12 and from week 21 of a pregnancy to the birth.
const WEEK_12_BEFORE: i32 = 196;
const WEEK_21_BEFORE: i32 = 133;

/// The fields of a correction that change.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub name: Option<Name>,
    pub birth_date: Option<Date>,
    pub education: Option<Education>,
    pub marital: Option<Marital>,
    pub residence: Option<Residence>,
}

impl Changes {
    /// The row about the person as named before the correction.
    pub fn row(self, person: PersonReference) -> EventForm {
        EventForm::Correction {
            person,
            new_name: self.name.map(Name::text),
            new_birth_date: self.birth_date,
            new_sex: None,
            new_education: self.education,
            new_marital: self.marital,
            new_residence: self.residence,
        }
    }
}

/// Plans what precedes a birth, from `now` on.
pub(super) fn plan_pregnancy(world: &mut World, id: usize, now: Date, birth: Date) {
    let week_12 = birth.plus_days(-WEEK_12_BEFORE);
    if week_12.plus_days(-4) >= now {
        let recorded = birth.plus_days(-world.dice.between(200, 222)).max(now);
        world.agenda.add(recorded, Planned::MethodStops(id));
        world.agenda.add(recorded, Planned::PregnancyRecorded(id));
    }
    for (day, week, share) in [(week_12, 12, 0.55), (birth.plus_days(-WEEK_21_BEFORE), 21, 0.45)] {
        if day >= now && world.dice.chance(share) {
            world.agenda.add(day, Planned::PrenatalScreened(id, week));
        }
    }
}

/// Draws whether a wife stops or starts a method this month, or loses a pregnancy.
pub(super) fn draw_method_change(world: &mut World, id: usize, month: Month) {
    let person = &world.persons[id];
    if person.due.is_some() {
        return;
    }
    let lasting = matches!(person.method, Some(Method::MaleSterilisation | Method::FemaleSterilisation));
    let (yearly, what) = match person.method {
        Some(_) if lasting => return,
        Some(_) => (METHOD_STOP, Planned::MethodStops(id)),
        None => (METHOD_START, Planned::MethodStarts(id)),
    };
    if world.dice.chance(yearly / 12.0) {
        let on = day_of(world, month);
        world.agenda.add(on, what);
        if matches!(what, Planned::MethodStops(_)) && world.dice.chance(0.7) {
            let again = on.plus_days(world.dice.between(0, 60));
            world.agenda.add(again, Planned::MethodStarts(id));
        }
    } else if world.dice.chance(PREGNANCY_LOST / 12.0) {
        let on = day_of(world, month);
        world.agenda.add(on, Planned::PregnancyLost(id));
    }
}

/// A wife who uses none and is not pregnant starts a method.
pub(super) fn method_starts(world: &mut World, on: Date, id: usize) {
    let person = &world.persons[id];
    if person.is_fertile_wife(on) && person.due.is_none() && person.method.is_none() {
        let method = facts::draw_method(world);
        world.persons[id].method = Some(method);
        let row = EventForm::MethodStarted { person: world.reference(id), method };
        world.row(on, row);
    }
}

/// A resident who uses a method stops it.
pub(super) fn method_stops(world: &mut World, on: Date, id: usize) {
    if world.persons[id].resident && world.persons[id].method.take().is_some() {
        let row = EventForm::MethodStopped(world.reference(id));
        world.row(on, row);
    }
}

/// A pregnancy comes to the collaborator's knowledge.
pub(super) fn pregnancy_recorded(world: &mut World, on: Date, id: usize) {
    if world.persons[id].resident && world.persons[id].due.is_some() {
        pregnancy_row(world, on, id, PregnancyOutcome::Pregnant);
    }
}

fn pregnancy_row(world: &mut World, on: Date, id: usize, outcome: PregnancyOutcome) {
    let order = world.persons[id].pregnancies.max(1);
    let row = EventForm::Pregnancy { person: world.reference(id), outcome, order };
    world.row(on, row);
}

/// A pregnancy ends before it is recorded.
pub(super) fn pregnancy_lost(world: &mut World, on: Date, id: usize) {
    let person = &world.persons[id];
    if !person.is_fertile_wife(on) || person.due.is_some() {
        return;
    }
    method_stops(world, on, id);
    world.persons[id].pregnancies += 1;
    let outcome =
        if world.dice.chance(0.45) { PregnancyOutcome::Miscarried } else { PregnancyOutcome::Ended };
    pregnancy_row(world, on, id, outcome);
}

fn draw_results<const TESTS: usize>(world: &mut World) -> [Screening; TESTS] {
    std::array::from_fn(|_| match world.dice.weighted([0.12, 0.87, 0.01].into_iter()) {
        0 => Screening::NotDone,
        1 => Screening::Normal,
        _ => Screening::Suspicious,
    })
}

/// A pregnant resident is screened.
pub(super) fn prenatal_screened(world: &mut World, on: Date, id: usize, week: u8) {
    if world.persons[id].resident && world.persons[id].due.is_some() {
        let results = draw_results(world);
        let row = EventForm::PrenatalScreening { person: world.reference(id), week, results };
        world.row(on, row);
    }
}

/// A newborn is screened.
pub(super) fn newborn_screened(world: &mut World, on: Date, id: usize) {
    if world.persons[id].resident {
        let results = draw_results(world);
        let row = EventForm::NewbornScreening { person: world.reference(id), results };
        world.row(on, row);
    }
}

/// An elderly resident has a health check.
pub(super) fn elderly_checked(world: &mut World, on: Date, id: usize) {
    if world.persons[id].resident {
        let row = EventForm::ElderlyCheck(world.reference(id));
        world.row(on, row);
    }
}

/// A child that had no name gets one.
pub(super) fn named(world: &mut World, on: Date, id: usize) {
    let child = &world.persons[id];
    let Some(mother) = child.mother.filter(|_| child.resident && matches!(child.name, Name::Unnamed(_)))
    else {
        return;
    };
    let (home, sex) = (child.home, child.sex);
    let family = world.family_of_child(mother);
    let name = world.fresh_name(home, sex, family);
    correct(world, on, id, Changes { name: Some(name), ..Changes::default() });
}

/// Something in the book was wrong or changed.
pub(super) fn corrected(world: &mut World, on: Date, id: usize) {
    if !world.persons[id].resident {
        return;
    }
    let changes = match world.dice.weighted([0.2, 0.2, 0.35, 0.25].into_iter()) {
        0 => new_name(world, id),
        1 => new_birth_date(world, on, id),
        2 => new_education(world, on, id),
        _ => Some(new_residence(world, id)),
    };
    if let Some(changes) = changes {
        correct(world, on, id, changes);
    }
}

fn correct(world: &mut World, on: Date, id: usize, changes: Changes) {
    let reference = world.reference(id);
    let person = &mut world.persons[id];
    person.name = changes.name.unwrap_or(person.name);
    person.birth = changes.birth_date.unwrap_or(person.birth);
    person.education = changes.education.unwrap_or(person.education);
    person.residence = changes.residence.unwrap_or(person.residence);
    world.row(on, changes.row(reference));
}

fn new_name(world: &mut World, id: usize) -> Option<Changes> {
    let (home, sex, family) = {
        let person = &world.persons[id];
        (person.home, person.sex, person.name.family()?)
    };
    Some(Changes { name: Some(world.fresh_name(home, sex, Some(family))), ..Changes::default() })
}

/// Women who may bear children keep theirs, so that their ages at births stay true.
fn new_birth_date(world: &mut World, on: Date, id: usize) -> Option<Changes> {
    let person = &world.persons[id];
    let age = person.age(on);
    let fixed = age < 1.0 || person.sex == Sex::Female && (13.0..52.0).contains(&age);
    let days = world.dice.between(1, 25) * if world.dice.chance(0.5) { 1 } else { -1 };
    let birth = world.persons[id].birth.plus_days(days);
    (!fixed).then(|| Changes { birth_date: Some(birth), ..Changes::default() })
}

fn new_education(world: &World, on: Date, id: usize) -> Option<Changes> {
    let person = &world.persons[id];
    let next = tables::schooling(person.age(on))
        .or_else(|| Education::ALL.iter().copied().find(|education| *education > person.education));
    next.filter(|next| *next != person.education)
        .map(|next| Changes { education: Some(next), ..Changes::default() })
}

fn new_residence(world: &World, id: usize) -> Changes {
    let residence = match world.persons[id].residence {
        Residence::Present => Residence::Absent,
        Residence::Absent | Residence::Staying => Residence::Present,
    };
    Changes { residence: Some(residence), ..Changes::default() }
}
