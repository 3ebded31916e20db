//! What is drawn each month, and the agenda on which it happens in the order of days.

use super::{
    family, health, moves, tables,
    world::{Person, World},
};
use crate::{
    demography::MonthFigures,
    domain::{Marital, Sex},
};
use danso_tier_config::{Date, Month};
use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};

/// Months between the draw of a birth and the birth: the pregnancy is about two months old then.
const BIRTHS_AHEAD: i32 = 7;
/// Days between births of one mother.
const SPACING_DAYS: u32 = 340;
/// How much likelier a wife without a method is to get pregnant than one with.
const METHOD_WEIGHT: f64 = 0.5;
/// Share of a first year's deaths that fall into the first 28 days.
pub(super) const NEONATAL_SHARE: f64 = 0.6;

/// What may happen to whom; whoever died or left by then is passed over.
#[derive(Debug, Clone, Copy)]
pub(super) enum Planned {
    Birth(usize),
    Death(usize),
    WomanMarries(usize),
    ManMarriesOutside(usize),
    Divorce(usize),
    Departs(usize),
    HouseholdDeparts(usize),
    HouseholdArrives,
    SingleArrives,
    MethodStarts(usize),
    MethodStops(usize),
    PregnancyRecorded(usize),
    PregnancyLost(usize),
    PrenatalScreened(usize, u8),
    NewbornScreened(usize),
    ElderlyChecked(usize),
    Named(usize),
    Corrected(usize),
}

#[derive(Debug)]
struct Appointment {
    on: Date,
    serial: u64,
    what: Planned,
}

impl Ord for Appointment {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.on, self.serial).cmp(&(other.on, other.serial))
    }
}

impl PartialOrd for Appointment {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Appointment {
    fn eq(&self, other: &Self) -> bool {
        self.serial == other.serial
    }
}

impl Eq for Appointment {}

/// Appointments by day, and on one day in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    heap: BinaryHeap<Reverse<Appointment>>,
    serial: u64,
}

impl Agenda {
    /// Puts something on the agenda.
    pub fn add(&mut self, on: Date, what: Planned) {
        self.heap.push(Reverse(Appointment { on, serial: self.serial, what }));
        self.serial += 1;
    }

    fn next_until(&mut self, last: Date) -> Option<(Date, Planned)> {
        self.heap.peek().filter(|next| next.0.on <= last)?;
        self.heap.pop().map(|next| (next.0.on, next.0.what))
    }
}

/// Draws the births of the first months, so that who is pregnant uses no method on the first day.
pub(super) fn prepare(world: &mut World) {
    world.month.population_end = world.persons.len() as i64;
    for ahead in 0..BIRTHS_AHEAD {
        draw_births(world, world.plan.start, ahead);
    }
    for person in &mut world.persons {
        let just_born = person
            .last_birth
            .is_some_and(|birth| world.plan.start.first_day().days().saturating_sub(birth.days()) < 60);
        if person.due.is_some() || just_born {
            person.method = None;
        }
    }
}

/// Simulates the plan's months.
pub(super) fn run(world: &mut World) {
    for position in 0..world.plan.months {
        let month = world.plan.start.plus(i32::from(position));
        let population = world.month.population_end;
        world.month =
            MonthFigures { population_start: population, population_end: population, ..Default::default() };
        draw_births(world, month, BIRTHS_AHEAD);
        draw_events(world, month);
        while let Some((on, what)) = world.agenda.next_until(month.last_day()) {
            happen(world, on, what);
        }
        world.figures.push(world.month);
    }
}

fn happen(world: &mut World, on: Date, what: Planned) {
    match what {
        Planned::Birth(mother) => family::birth(world, on, mother),
        Planned::Death(person) => family::death(world, on, person),
        Planned::WomanMarries(woman) => family::woman_marries(world, on, woman),
        Planned::ManMarriesOutside(man) => family::man_marries_outside(world, on, man),
        Planned::Divorce(wife) => family::divorce(world, on, wife),
        Planned::Departs(person) => moves::departs(world, on, person),
        Planned::HouseholdDeparts(home) => moves::household_departs(world, on, home),
        Planned::HouseholdArrives => moves::household_arrives(world, on),
        Planned::SingleArrives => moves::single_arrives(world, on),
        Planned::MethodStarts(wife) => health::method_starts(world, on, wife),
        Planned::MethodStops(wife) => health::method_stops(world, on, wife),
        Planned::PregnancyRecorded(woman) => health::pregnancy_recorded(world, on, woman),
        Planned::PregnancyLost(woman) => health::pregnancy_lost(world, on, woman),
        Planned::PrenatalScreened(woman, week) => health::prenatal_screened(world, on, woman, week),
        Planned::NewbornScreened(child) => health::newborn_screened(world, on, child),
        Planned::ElderlyChecked(person) => health::elderly_checked(world, on, person),
        Planned::Named(child) => health::named(world, on, child),
        Planned::Corrected(person) => health::corrected(world, on, person),
    }
}

/// A day of a month.
pub(super) fn day_of(world: &mut World, month: Month) -> Date {
    let days = month.last_day().days() - month.first_day().days() + 1;
    month.first_day().plus_days(world.dice.below(days as usize) as i32)
}

/// Draws who will give birth in the month `ahead` of this one.
///
/// All births are borne by wives, so each age group's rate is raised by women / open wives of the group.
fn draw_births(world: &mut World, month: Month, ahead: i32) {
    let (now, then) = (month.first_day(), month.plus(ahead).first_day());
    let (mut women, mut open) = ([0.0; 7], [0.0; 7]);
    for person in &world.persons {
        let age = person.age(then);
        if person.resident && person.sex == Sex::Female && (15.0..50.0).contains(&age) {
            let group = tables::age_group(age) - 3;
            women[group] += 1.0;
            open[group] += openness(person, now, then);
        }
    }
    for group in 0..7 {
        world.births_per_wife[group] = if open[group] > 0.0 { women[group] / open[group] } else { 0.0 };
    }
    for id in 0..world.persons.len() {
        draw_birth(world, id, now, ahead);
    }
}

/// How open to a birth at `then` a woman is: 0 for no wife, one with child or just delivered.
fn openness(person: &Person, now: Date, then: Date) -> f64 {
    let delivered =
        person.last_birth.is_some_and(|last| then.days().saturating_sub(last.days()) < SPACING_DAYS);
    match person.method {
        _ if !person.is_fertile_wife(now) || person.due.is_some() || delivered => 0.0,
        Some(_) => METHOD_WEIGHT,
        None => 1.0,
    }
}

/// Draws whether a woman gives birth in the month `ahead` of today's, and plans her pregnancy from today on.
fn draw_birth(world: &mut World, id: usize, now: Date, ahead: i32) {
    let month = now.month().plus(ahead);
    let then = month.first_day();
    let person = &world.persons[id];
    let age = person.age(then);
    let open = openness(person, now, then);
    if open == 0.0 || !(15.0..49.8).contains(&age) {
        return;
    }
    let factor = world.births_per_wife[tables::age_group(age) - 3];
    if world.dice.chance((tables::fertility(age) / 12.0 * factor * open).min(0.5)) {
        let on = day_of(world, month);
        world.persons[id].due = Some(on);
        world.persons[id].pregnancies += 1;
        world.agenda.add(on, Planned::Birth(id));
        health::plan_pregnancy(world, id, now, on);
    }
}

/// Births for a wife who arrived: the months that were drawn already for the others.
pub(super) fn draw_births_of_arrived(world: &mut World, id: usize, on: Date) {
    for ahead in 1..BIRTHS_AHEAD {
        draw_birth(world, id, on, ahead);
    }
}

/// Draws everything else of a month.
fn draw_events(world: &mut World, month: Month) {
    let now = month.first_day();
    for id in 0..world.persons.len() {
        if world.persons[id].resident {
            draw_person(world, id, month, now);
        }
    }
    moves::draw_month(world, month);
}

fn draw_person(world: &mut World, id: usize, month: Month, now: Date) {
    let person = &world.persons[id];
    let (age, sex, marital, wife) =
        (person.age(now), person.sex, person.marital, person.is_fertile_wife(now));
    let user = person.method.is_some();
    let infant = if age < 28.0 / 365.0 { 0.0 } else { 1.0 - NEONATAL_SHARE };
    let death = tables::mortality(sex, age) * if age < 1.0 { infant * 1.083 } else { 1.0 };
    let mut plan = |yearly: f64, what: Planned| {
        if world.dice.chance(yearly / 12.0) {
            let on = day_of(world, month);
            world.agenda.add(on, what);
        }
    };
    plan(death, Planned::Death(id));
    plan(0.010, Planned::Corrected(id));
    if age >= 60.0 {
        plan(0.55, Planned::ElderlyChecked(id));
    }
    match (marital, sex) {
        (Marital::NeverMarried, Sex::Female) => {
            plan(tables::first_marriage(sex, age), Planned::WomanMarries(id));
        }
        (Marital::NeverMarried, Sex::Male) => {
            plan(tables::first_marriage(sex, age) * 0.6, Planned::ManMarriesOutside(id));
        }
        (Marital::Divorced, Sex::Female) if age < 50.0 => plan(0.04, Planned::WomanMarries(id)),
        (Marital::Married, Sex::Female) => plan(0.0012, Planned::Divorce(id)),
        _ => {}
    }
    if marital == Marital::NeverMarried && (16.0..35.0).contains(&age) {
        plan(moves::YOUNG_LEAVE, Planned::Departs(id));
    }
    if wife {
        health::draw_method_change(world, id, month);
    } else if user {
        let on = day_of(world, month);
        world.agenda.add(on, Planned::MethodStops(id));
    }
}
