//! Names, numbers, ethnic groups, education, residence and methods of the first day's persons.

use super::{tables, world::World};
use crate::domain::{Ethnicity, Method, Residence};

/// Names the older before the younger, so that children get their father's family name.
pub(super) fn describe(world: &mut World) {
    let today = world.first_day();
    let ethnicities: Vec<Ethnicity> = (0..world.homes.len()).map(|_| draw_ethnicity(world)).collect();
    let mut order: Vec<usize> = (0..world.persons.len()).collect();
    order.sort_by_key(|id| world.persons[*id].birth);
    for id in order {
        let (home, sex, mother) = (world.persons[id].home, world.persons[id].sex, world.persons[id].mother);
        let family = mother.and_then(|mother| world.family_of_child(mother));
        let name = world.fresh_name(home, sex, family);
        let education = world.draw_education(world.persons[id].birth, today);
        let child = world.persons[id].age(today) < 15.0;
        let residence = if child { Residence::Present } else { draw_residence(world) };
        let subject = world.dice.chance(0.88).then(|| world.numbers.subject());
        let wife = world.persons[id].is_fertile_wife(today);
        let use_share = tables::method_use(world.persons[id].age(today));
        let method = (wife && world.dice.chance(use_share)).then(|| draw_method(world));
        let person = &mut world.persons[id];
        person.name = name;
        person.education = education;
        person.residence = residence;
        person.subject = subject;
        person.method = method;
        person.ethnicity = ethnicities[home];
        person.pregnancies = person.children;
    }
}

/// Draws a contraceptive method.
pub(super) fn draw_method(world: &mut World) -> Method {
    tables::METHODS[world.dice.weighted(tables::METHODS.iter().map(|entry| entry.1))].0
}

/// Draws the ethnic group of a household.
pub(super) fn draw_ethnicity(world: &mut World) -> Ethnicity {
    let position = world.dice.weighted(tables::ETHNICITIES.iter().map(|entry| entry.1));
    Ethnicity::from_code(tables::ETHNICITIES[position].0).unwrap_or(Ethnicity::KINH)
}

/// Draws a residence status.
pub(super) fn draw_residence(world: &mut World) -> Residence {
    Residence::ALL[world.dice.weighted([0.92, 0.03, 0.05].into_iter())]
}
