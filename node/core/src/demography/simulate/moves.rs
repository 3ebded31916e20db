//! Arrivals and departures as they happen: whole households, single persons, brides and grooms.

use super::{
    facts,
    months::{Planned, day_of, draw_births_of_arrived},
    world::{Home, Person, Relation, World},
};
use crate::domain::{Ethnicity, HouseholdKind, Marital, Reach, Sex, form::EventForm};
use danso_tier_config::{Date, Month};

/// Yearly probability that somebody never married of 16-34 leaves.
pub(super) const YOUNG_LEAVE: f64 = 0.024;
/// Yearly probability that a household leaves, and households arriving per person and year.
const HOUSEHOLD_LEAVES: f64 = 0.0045;
const HOUSEHOLD_ARRIVES: f64 = 0.0015;
/// Single persons arriving per person and year.
const SINGLE_ARRIVES: f64 = 0.0042;
/// Days of a year of age.
const YEAR: i32 = 365;

/// Draws the moves of a month that do not start from one person.
pub(super) fn draw_month(world: &mut World, month: Month) {
    for home in 0..world.homes.len() {
        if world.homes[home].kind == HouseholdKind::Family && world.dice.chance(HOUSEHOLD_LEAVES / 12.0) {
            let on = day_of(world, month);
            world.agenda.add(on, Planned::HouseholdDeparts(home));
        }
    }
    for (rate, what) in
        [(HOUSEHOLD_ARRIVES, Planned::HouseholdArrives), (SINGLE_ARRIVES, Planned::SingleArrives)]
    {
        let expected = world.month.population_start as f64 * rate / 12.0;
        let spread = expected.sqrt() * world.dice.bell();
        let count = (expected + spread + world.dice.unit()).max(0.0) as usize;
        for _ in 0..count {
            let on = day_of(world, month);
            world.agenda.add(on, what);
        }
    }
}

/// A person stops being a resident.
pub(super) fn leave(world: &mut World, id: usize) {
    world.persons[id].resident = false;
    world.month.population_end -= 1;
}

/// Adds a person who arrives and writes the row; `area` is given where the household is new.
pub(super) fn arrive(world: &mut World, on: Date, person: Person, area: Option<u16>) -> usize {
    let (reach, other_unit) = world.draw_reach();
    arrive_from(world, on, person, area, (reach, other_unit))
}

fn arrive_from(
    world: &mut World,
    on: Date,
    person: Person,
    area: Option<u16>,
    from: (Reach, String),
) -> usize {
    let residence = person.residence;
    let id = world.admit(person);
    let row = EventForm::Arrival {
        person: world.new_person(id),
        area,
        residence,
        reach: from.0,
        other_unit: from.1,
    };
    world.row(on, row);
    id
}

/// A resident leaves, unless a spouse lives here.
pub(super) fn departs(world: &mut World, on: Date, id: usize) {
    let person = &world.persons[id];
    let spouse_here = person.marital == Marital::Married
        && person.spouse.is_some_and(|spouse| world.persons[spouse].resident);
    if person.resident && !spouse_here {
        let (reach, other_unit) = world.draw_reach();
        let row = EventForm::Departure { person: world.reference(id), reach, other_unit };
        world.row(on, row);
        leave(world, id);
    }
}

/// All residents of a household leave together.
pub(super) fn household_departs(world: &mut World, on: Date, home: usize) {
    let (reach, other_unit) = world.draw_reach();
    for id in world.homes[home].members.clone() {
        if world.persons[id].resident {
            let person = world.reference(id);
            world.row(on, EventForm::Departure { person, reach, other_unit: other_unit.clone() });
            leave(world, id);
        }
    }
}

/// Opens the household of people who arrive.
fn open(world: &mut World) -> (usize, u16) {
    let area = world.dice.below(usize::from(world.plan.area_count.max(1))) as u16 + 1;
    world.homes.push(Home { area, kind: HouseholdKind::Family, members: Vec::new() });
    (world.homes.len() - 1, area)
}

fn newcomer(
    world: &mut World,
    on: Date,
    place: (usize, Relation),
    ethnicity: Ethnicity,
    sex: Sex,
    birth: Date,
) -> Person {
    Person {
        name: world.fresh_name(place.0, sex, None),
        home: place.0,
        relation: place.1,
        ethnicity,
        education: world.draw_education(birth, on),
        residence: facts::draw_residence(world),
        subject: world.dice.chance(0.85).then(|| world.numbers.subject()),
        ..Person::new(sex, birth)
    }
}

/// A couple of 22-42 arrives with up to two children and opens a household.
pub(super) fn household_arrives(world: &mut World, on: Date) {
    let (home, area) = open(world);
    let from = world.draw_reach();
    let ethnicity = facts::draw_ethnicity(world);
    let wife_age = world.dice.between(22, 40);
    let wife_birth = on.plus_days(-wife_age * YEAR - world.dice.between(5, 360));
    let husband_birth = wife_birth.plus_days(-world.dice.between(0, 5 * YEAR));
    let married = |person: Person| Person { marital: Marital::Married, ..person };
    let husband = newcomer(world, on, (home, Relation::Head), ethnicity, Sex::Male, husband_birth);
    let husband = arrive_from(world, on, married(husband), Some(area), from.clone());
    let wife = newcomer(world, on, (home, Relation::Wife), ethnicity, Sex::Female, wife_birth);
    let wife = Person { spouse: Some(husband), ..married(wife) };
    let wife = arrive_from(world, on, wife, Some(area), from.clone());
    world.persons[husband].spouse = Some(wife);

    let children = world.dice.weighted([0.3, 0.4, 0.3].into_iter()) as u8;
    let mut age_days = world.dice.between(YEAR, (wife_age - 20).min(10) * YEAR);
    for _ in 0..children {
        let birth = on.plus_days(-age_days);
        let sex = if world.dice.chance(0.52) { Sex::Male } else { Sex::Female };
        let family = world.family_of_child(wife);
        let child = newcomer(world, on, (home, Relation::Child), ethnicity, sex, birth);
        let name = world.fresh_name(home, sex, family);
        arrive_from(world, on, Person { name, mother: Some(wife), ..child }, Some(area), from.clone());
        world.persons[wife].children += 1;
        world.persons[wife].last_birth = world.persons[wife].last_birth.max(Some(birth));
        age_days += world.dice.between(500, 1_500);
        if age_days > (wife_age - 18) * YEAR {
            break;
        }
    }
    world.persons[wife].pregnancies = world.persons[wife].children;
    draw_births_of_arrived(world, wife, on);
    if world.dice.chance(0.7) {
        let day = on.plus_days(world.dice.between(0, 30));
        world.agenda.add(day, Planned::MethodStarts(wife));
    }
}

/// A single person of 18-32 arrives, with kin or alone.
pub(super) fn single_arrives(world: &mut World, on: Date) {
    let birth = on.plus_days(-world.dice.between(18 * YEAR + 5, 32 * YEAR));
    let sex = if world.dice.chance(0.48) { Sex::Male } else { Sex::Female };
    let host = world.dice.chance(0.45).then(|| draw_host(world)).flatten();
    let (home, area) = host.map_or_else(
        || {
            let (home, area) = open(world);
            (home, Some(area))
        },
        |home| (home, None),
    );
    let relation = if area.is_some() { Relation::Head } else { Relation::Other };
    let ethnicity = facts::draw_ethnicity(world);
    let person = newcomer(world, on, (home, relation), ethnicity, sex, birth);
    arrive(world, on, person, area);
}

/// A household where somebody lives; `None` where ten draws found none.
fn draw_host(world: &mut World) -> Option<usize> {
    (0..10).find_map(|_| {
        let home = world.dice.below(world.homes.len());
        let members = &world.homes.get(home)?.members;
        members.iter().any(|member| world.persons[*member].resident).then_some(home)
    })
}
