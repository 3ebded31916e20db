//! Ages, sexes, marital status and couples of the first day.

use super::{
    tables,
    world::{Person, World},
};
use crate::domain::{Marital, Sex};
use danso_tier_config::Date;

/// Years by which husbands are older than their wives, on average.
const HUSBAND_OLDER: f64 = 3.4;

/// Fills the world with exactly the plan's persons and pairs the married ones.
pub(super) fn populate(world: &mut World) {
    let persons = world.plan.persons;
    let men = (f64::from(persons) * tables::SEX_RATIO / (100.0 + tables::SEX_RATIO)).round() as u32;
    draw_ages(world, Sex::Male, men);
    draw_ages(world, Sex::Female, persons - men);
    for id in 0..world.persons.len() {
        world.persons[id].marital = draw_marital(world, id);
    }
    pair(world);
}

/// One person per equal slice of the age distribution: the structure is met at any size.
fn draw_ages(world: &mut World, sex: Sex, count: u32) {
    let groups = tables::persons_by_age(sex);
    let all: f64 = groups.iter().sum();
    let (mut group, mut below) = (0, 0.0);
    for position in 0..count {
        let point = (f64::from(position) + world.dice.unit()) / f64::from(count) * all;
        while group + 1 < groups.len() && point >= below + groups[group] {
            below += groups[group];
            group += 1;
        }
        let age = 5.0 * (group as f64 + ((point - below) / groups[group]).clamp(0.0, 0.999));
        let birth = world.first_day().plus_days(-1 - (age * 365.2425) as i32);
        world.persons.push(Person::new(sex, birth));
    }
}

fn draw_marital(world: &mut World, id: usize) -> Marital {
    let (sex, age) = (world.persons[id].sex, world.persons[id].age(world.first_day()));
    if !world.dice.chance(tables::ever_married(sex, age)) {
        return Marital::NeverMarried;
    }
    if world.dice.chance(tables::widowed(sex, age)) {
        return Marital::Widowed;
    }
    if age > 24.0 && world.dice.chance(0.02) { Marital::Divorced } else { Marital::Married }
}

/// Pairs husbands and wives in the order of their ages; who is left over was not married after all.
fn pair(world: &mut World) {
    let today = world.first_day();
    let mut husbands = in_order(world, Sex::Male, today, HUSBAND_OLDER);
    let mut wives = in_order(world, Sex::Female, today, 0.0);
    let couples = husbands.len().min(wives.len());
    thin_out(world, &mut husbands, couples, today);
    thin_out(world, &mut wives, couples, today);
    for (husband, wife) in husbands.into_iter().zip(wives) {
        world.persons[husband].spouse = Some(wife);
        world.persons[wife].spouse = Some(husband);
    }
}

fn in_order(world: &mut World, sex: Sex, today: Date, older: f64) -> Vec<usize> {
    let mut keyed = Vec::new();
    for (id, person) in world.persons.iter().enumerate() {
        if person.sex == sex && person.marital == Marital::Married {
            keyed.push((person.age(today) - older + 1.3 * world.dice.bell(), id));
        }
    }
    keyed.sort_by(|one, other| one.0.total_cmp(&other.0));
    keyed.into_iter().map(|(_, id)| id).collect()
}

/// Keeps `count` of the ids, evenly over the ages; the others get another marital status.
fn thin_out(world: &mut World, ids: &mut Vec<usize>, count: usize, today: Date) {
    let all = ids.len();
    let mut position = 0;
    ids.retain(|id| {
        let kept = (position + 1) * count / all > position * count / all;
        position += 1;
        if !kept {
            let person = &mut world.persons[*id];
            let age = person.age(today);
            person.marital = match person.sex {
                _ if age < 35.0 => Marital::NeverMarried,
                Sex::Female if age > 50.0 => Marital::Widowed,
                _ => Marital::Divorced,
            };
        }
        kept
    });
}
