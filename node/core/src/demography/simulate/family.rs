//! Births, deaths, marriages and divorces as they happen.

use super::{
    facts, health,
    months::{NEONATAL_SHARE, Planned},
    moves,
    names::Name,
    tables,
    world::{Person, Relation, World},
};
use crate::domain::{BirthPlace, Marital, Sex, form::EventForm};
use danso_tier_config::Date;

/// Where brides of the commune go: to a man of the commune, else away, else a husband comes.
const MARRIES_INSIDE: f64 = 0.35;
const MARRIES_AWAY: f64 = 0.55;
/// Youngest bride and groom: 18 and 20 years (Luật Hôn nhân và Gia đình).
const BRIDE_AGE_MIN: f64 = 18.0;
const GROOM_AGE_MIN: f64 = 20.0;

/// A mother who still lives here gives birth; twins about once in 110 times.
pub(super) fn birth(world: &mut World, on: Date, mother: usize) {
    let woman = &mut world.persons[mother];
    woman.due = None;
    if !woman.resident || !(15..=49).contains(&on.years_since(woman.birth)) {
        return;
    }
    woman.last_birth = Some(on);
    let twins = world.dice.chance(0.009);
    for _ in 0..=u8::from(twins) {
        deliver(world, on, mother, twins);
    }
    if world.dice.chance(0.7) {
        let later = on.plus_days(world.dice.between(60, 300));
        world.agenda.add(later, Planned::MethodStarts(mother));
    }
}

fn deliver(world: &mut World, on: Date, mother: usize, twin: bool) {
    let boys = tables::SEX_RATIO_AT_BIRTH / (100.0 + tables::SEX_RATIO_AT_BIRTH);
    let sex = if world.dice.chance(boys) { Sex::Male } else { Sex::Female };
    let home = world.persons[mother].home;
    let family = world.family_of_child(mother);
    let unnamed = !twin && world.dice.chance(0.08) && !world.is_borne(home, Name::Unnamed(sex));
    let name = if unnamed { Name::Unnamed(sex) } else { world.fresh_name(home, sex, family) };
    let subject = world.dice.chance(0.25).then(|| world.numbers.subject());
    let woman = &mut world.persons[mother];
    woman.children += 1;
    let (order, mother_birth) = (woman.children, woman.birth);
    let relation = match woman.relation {
        Relation::Head | Relation::Wife => Relation::Child,
        Relation::Child | Relation::DaughterInLaw => Relation::Grandchild,
        _ => Relation::Other,
    };
    let ethnicity = woman.ethnicity;
    let child =
        Person { name, home, relation, ethnicity, subject, mother: Some(mother), ..Person::new(sex, on) };
    let id = world.admit(child);
    match sex {
        Sex::Male => world.month.births_male += 1,
        Sex::Female => world.month.births_female += 1,
    }
    let places = [BirthPlace::Facility, BirthPlace::Home, BirthPlace::Elsewhere];
    let place = places[world.dice.weighted([0.96, 0.03, 0.01].into_iter())];
    let row = EventForm::Birth { child: world.new_person(id), mother_birth, order, place };
    world.row(on, row);
    plan_childhood(world, on, id, unnamed);
}

fn plan_childhood(world: &mut World, on: Date, child: usize, unnamed: bool) {
    if world.dice.chance(tables::mortality(world.persons[child].sex, 0.0) * NEONATAL_SHARE) {
        let days = (world.dice.unit().powi(3) * 28.0) as i32;
        world.agenda.add(on.plus_days(days), Planned::Death(child));
    }
    if world.dice.chance(0.62) {
        let day = on.plus_days(world.dice.between(2, 5));
        world.agenda.add(day, Planned::NewbornScreened(child));
    }
    if unnamed {
        let day = on.plus_days(world.dice.between(15, 60));
        world.agenda.add(day, Planned::Named(child));
    }
}

/// A resident dies; the spouse becomes widowed.
pub(super) fn death(world: &mut World, on: Date, id: usize) {
    if !world.persons[id].resident {
        return;
    }
    let row = EventForm::Death(world.reference(id));
    world.row(on, row);
    world.month.deaths += 1;
    moves::leave(world, id);
    if let Some(spouse) = world.persons[id].spouse
        && world.persons[spouse].resident
        && world.persons[spouse].marital == Marital::Married
    {
        health::method_stops(world, on, spouse);
        world.persons[spouse].spouse = None;
        world.persons[spouse].marital = Marital::Widowed;
        let changes = health::Changes { marital: Some(Marital::Widowed), ..Default::default() };
        let row = changes.row(world.reference(spouse));
        world.row(on, row);
    }
}

fn may_marry(world: &World, id: usize, on: Date) -> bool {
    let person = &world.persons[id];
    let age_min = if person.sex == Sex::Female { BRIDE_AGE_MIN } else { GROOM_AGE_MIN };
    person.resident && person.marital != Marital::Married && person.age(on) >= age_min + 0.01
}

fn marry(world: &mut World, on: Date, id: usize, spouse: Option<usize>) {
    let row = EventForm::Marriage(world.reference(id));
    world.row(on, row);
    world.persons[id].marital = Marital::Married;
    world.persons[id].spouse = spouse;
}

/// A resident woman marries a resident, or leaves to a husband elsewhere, or a husband comes to her.
///
/// Two residents stay in the books of their own households until those are split; no P0 table moves them.
pub(super) fn woman_marries(world: &mut World, on: Date, woman: usize) {
    if !may_marry(world, woman, on) {
        return;
    }
    let draw = world.dice.unit();
    let groom = if draw < MARRIES_INSIDE { find_groom(world, on, woman) } else { None };
    if let Some(groom) = groom {
        marry(world, on, woman, Some(groom));
        marry(world, on, groom, Some(woman));
    } else if draw < MARRIES_INSIDE + MARRIES_AWAY {
        marry(world, on, woman, None);
        let day = on.plus_days(world.dice.between(0, 40));
        world.agenda.add(day, Planned::Departs(woman));
    } else {
        let older = world.dice.between(0, 6) * 365 + world.dice.between(0, 364);
        let latest = on.plus_days(-(GROOM_AGE_MIN as i32) * 366);
        let birth = world.persons[woman].birth.plus_days(-older).min(latest);
        let relation = match world.persons[woman].relation {
            Relation::Head => Relation::Husband,
            Relation::Child => Relation::SonInLaw,
            _ => Relation::Other,
        };
        spouse_comes(world, on, woman, Sex::Male, birth, relation);
    }
}

/// A resident man marries a woman from elsewhere, who comes to him.
pub(super) fn man_marries_outside(world: &mut World, on: Date, man: usize) {
    if !may_marry(world, man, on) {
        return;
    }
    let younger = world.dice.between(-1, 6) * 365 + world.dice.between(0, 364);
    let latest = on.plus_days(-(BRIDE_AGE_MIN as i32) * 366);
    let birth = world.persons[man].birth.plus_days(younger).min(latest);
    let relation = match world.persons[man].relation {
        Relation::Head => Relation::Wife,
        Relation::Child => Relation::DaughterInLaw,
        _ => Relation::Other,
    };
    spouse_comes(world, on, man, Sex::Female, birth, relation);
}

fn spouse_comes(
    world: &mut World,
    on: Date,
    resident: usize,
    sex: Sex,
    birth: Date,
    relation: Relation,
) -> usize {
    marry(world, on, resident, None);
    let home = world.persons[resident].home;
    let name = world.fresh_name(home, sex, None);
    let mut spouse = Person {
        name,
        home,
        relation,
        ethnicity: world.persons[resident].ethnicity,
        education: world.draw_education(birth, on),
        marital: Marital::Married,
        spouse: Some(resident),
        ..Person::new(sex, birth)
    };
    spouse.subject = world.dice.chance(0.9).then(|| world.numbers.subject());
    spouse.residence = facts::draw_residence(world);
    let id = moves::arrive(world, on, spouse, None);
    world.persons[resident].spouse = Some(id);
    id
}

fn find_groom(world: &mut World, on: Date, woman: usize) -> Option<usize> {
    (0..80).find_map(|_| {
        let id = world.dice.below(world.persons.len());
        let (man, bride) = (&world.persons[id], &world.persons[woman]);
        let older = man.age(on) - bride.age(on);
        let suits = man.sex == Sex::Male && man.home != bride.home && (-3.0..9.0).contains(&older);
        (suits && may_marry(world, id, on)).then_some(id)
    })
}

/// A resident couple divorces; mostly one of them leaves.
pub(super) fn divorce(world: &mut World, on: Date, wife: usize) {
    let Some(husband) = world.persons[wife].spouse else { return };
    let married = |id: usize| world.persons[id].resident && world.persons[id].marital == Marital::Married;
    if !married(wife) || !married(husband) {
        return;
    }
    health::method_stops(world, on, wife);
    for id in [wife, husband] {
        let row = EventForm::Divorce(world.reference(id));
        world.row(on, row);
        world.persons[id].marital = Marital::Divorced;
        world.persons[id].spouse = None;
    }
    if world.dice.chance(0.6) {
        let leaver = *world.dice.one_of(&[wife, husband]);
        let day = on.plus_days(world.dice.between(5, 90));
        world.agenda.add(day, Planned::Departs(leaver));
    }
}
