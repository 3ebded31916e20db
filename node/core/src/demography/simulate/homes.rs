//! Who lives with whom on the first day: couples, their children, their parents, and single persons.

use super::{
    tables,
    world::{Home, Relation, World},
};
use crate::domain::{HouseholdKind, Marital, Sex};

/// Year of birth of the oldest women's list.
const FIRST_YEAR: i32 = 1900;
/// Most children of one mother who live with her.
const CHILDREN_MAX: u8 = 5;
/// Days between births of one mother.
const SPACING_DAYS: u32 = 330;
/// Persons of one collective household.
const COLLECTIVE_MAX: usize = 12;

/// Lists of persons by year of birth, to find parents of the right age quickly.
struct ByYear(Vec<Vec<usize>>);

impl ByYear {
    fn of(world: &World, fits: impl Fn(usize) -> bool) -> Self {
        let mut years = vec![Vec::new(); 200];
        for id in (0..world.persons.len()).filter(|id| fits(*id)) {
            years[Self::place(birth_year(world, id))].push(id);
        }
        Self(years)
    }

    fn place(year: i32) -> usize {
        (year - FIRST_YEAR).clamp(0, 199) as usize
    }

    fn draw(&self, world: &mut World, year: i32) -> Option<usize> {
        let list = &self.0[Self::place(year)];
        (!list.is_empty()).then(|| *world.dice.one_of(list))
    }
}

fn birth_year(world: &World, id: usize) -> i32 {
    i32::from(world.persons[id].birth.parts().0)
}

/// Puts everyone into a household and numbers the households.
pub(super) fn settle(world: &mut World) {
    open_own_households(world);
    let mothers = ByYear::of(world, |id| {
        let person = &world.persons[id];
        person.sex == Sex::Female && person.marital != Marital::NeverMarried
    });
    place_children(world, &mothers);
    join_young_couples(world, &mothers);
    join_widowed(world);
    place_singles(world);
    number(world);
}

/// Opens a household for every couple and for everyone widowed or divorced.
fn open_own_households(world: &mut World) {
    for id in 0..world.persons.len() {
        let person = &world.persons[id];
        match (person.spouse, person.sex) {
            (Some(wife), Sex::Male) => {
                let home = open(world, HouseholdKind::Family);
                enter(world, id, home, Relation::Head);
                enter(world, wife, home, Relation::Wife);
            }
            (None, _) if person.marital != Marital::NeverMarried => {
                let home = open(world, HouseholdKind::Family);
                enter(world, id, home, Relation::Head);
            }
            _ => {}
        }
    }
}

fn open(world: &mut World, kind: HouseholdKind) -> usize {
    world.homes.push(Home { area: 1, kind, members: Vec::new() });
    world.homes.len() - 1
}

fn enter(world: &mut World, id: usize, home: usize, relation: Relation) {
    world.homes[home].members.push(id);
    world.persons[id].home = home;
    world.persons[id].relation = relation;
}

/// All members of one household move into another; `head` says what its head becomes there.
fn merge(world: &mut World, from: usize, to: usize, head: Relation, wife: Relation) {
    for id in std::mem::take(&mut world.homes[from].members) {
        let relation = match world.persons[id].relation {
            Relation::Head => head,
            Relation::Wife => wife,
            Relation::Child if matches!(head, Relation::Child | Relation::SonInLaw) => Relation::Grandchild,
            _ => Relation::Other,
        };
        enter(world, id, to, relation);
    }
}

/// Finds a mother for the never married: nearly all minors, most of the young, some of the others.
fn place_children(world: &mut World, mothers: &ByYear) {
    let today = world.first_day();
    let mut order: Vec<usize> =
        (0..world.persons.len()).filter(|id| world.persons[*id].marital == Marital::NeverMarried).collect();
    world.dice.shuffle(&mut order);
    for id in order {
        let age = world.persons[id].age(today);
        let (share, tries) = match age {
            ..18.0 => (1.0, 12),
            ..30.0 => (0.88, 6),
            _ => (0.70, 5),
        };
        if !world.dice.chance(share) {
            continue;
        }
        for _ in 0..tries {
            if let Some(mother) = draw_mother(world, mothers, id) {
                let home = world.persons[mother].home;
                enter(world, id, home, Relation::Child);
                let birth = world.persons[id].birth;
                let woman = &mut world.persons[mother];
                woman.children += 1;
                woman.last_birth = woman.last_birth.max(Some(birth));
                world.persons[id].mother = Some(mother);
                break;
            }
        }
    }
}

fn draw_mother(world: &mut World, mothers: &ByYear, child: usize) -> Option<usize> {
    let at_birth = 18 + world.dice.weighted((18..46).map(|age| tables::fertility(f64::from(age)))) as i32;
    let mother = mothers.draw(world, birth_year(world, child) - at_birth)?;
    let (woman, birth) = (&world.persons[mother], world.persons[child].birth);
    let siblings = &world.homes[woman.home].members;
    let spaced = siblings.iter().all(|sibling| {
        let sibling = &world.persons[*sibling];
        sibling.mother != Some(mother) || sibling.birth.days().abs_diff(birth.days()) > SPACING_DAYS
    });
    let (room, children) = (woman.children < CHILDREN_MAX, woman.children);
    (room && spaced && world.dice.chance(1.0 / (1.0 + 0.25 * f64::from(children)))).then_some(mother)
}

/// Some young couples live with the parents of one of them, mostly the husband's.
fn join_young_couples(world: &mut World, mothers: &ByYear) {
    let today = world.first_day();
    for id in 0..world.persons.len() {
        let husband = &world.persons[id];
        let young = husband.sex == Sex::Male && husband.spouse.is_some() && husband.age(today) < 42.0;
        if !young || !world.dice.chance(0.47) {
            continue;
        }
        let Some(wife) = world.persons[id].spouse else { continue };
        let with_hers = world.dice.chance(0.08);
        let child = if with_hers { wife } else { id };
        let year = birth_year(world, child) - world.dice.between(20, 34);
        let Some(mother) = mothers.draw(world, year) else { continue };
        let home = world.persons[mother].home;
        let free = matches!(world.persons[mother].relation, Relation::Head | Relation::Wife)
            && world.homes[home].members.len() < 6
            && home != world.persons[id].home;
        let taken = world.homes[home].members.iter().any(|member| {
            matches!(world.persons[*member].relation, Relation::DaughterInLaw | Relation::SonInLaw)
        });
        // A household that others have joined already does not move into a third one.
        let plain = world.persons[id].relation == Relation::Head
            && world.homes[world.persons[id].home].members.iter().all(|member| {
                matches!(world.persons[*member].relation, Relation::Head | Relation::Wife | Relation::Child)
            });
        if free && !taken && plain {
            let from = world.persons[id].home;
            let (head, spouse) = if with_hers {
                (Relation::SonInLaw, Relation::Child)
            } else {
                (Relation::Child, Relation::DaughterInLaw)
            };
            merge(world, from, home, head, spouse);
            world.persons[child].mother = Some(mother);
        }
    }
}

/// Most widowed persons who are left alone move to a married son.
fn join_widowed(world: &mut World) {
    let today = world.first_day();
    let sons = ByYear::of(world, |id| {
        world.persons[id].sex == Sex::Male
            && world.persons[id].spouse.is_some()
            && world.persons[id].relation == Relation::Head
    });
    for id in 0..world.persons.len() {
        let elder = &world.persons[id];
        let alone = elder.marital == Marital::Widowed
            && elder.age(today) > 58.0
            && world.homes[elder.home].members.len() == 1;
        if !alone || !world.dice.chance(0.78) {
            continue;
        }
        let year = birth_year(world, id) + world.dice.between(21, 36);
        let Some(son) = sons.draw(world, year) else { continue };
        let home = world.persons[son].home;
        let has_parent = world.homes[home]
            .members
            .iter()
            .any(|member| matches!(world.persons[*member].relation, Relation::Father | Relation::Mother));
        if !has_parent && world.persons[son].relation == Relation::Head {
            let from = world.persons[id].home;
            let relation = match world.persons[id].sex {
                Sex::Male => Relation::Father,
                Sex::Female => Relation::Mother,
            };
            merge(world, from, home, relation, relation);
            if relation == Relation::Mother {
                world.persons[son].mother = Some(id);
            }
        }
    }
}

/// The rest: minors with other families, workers in collective households, with kin, or on their own.
fn place_singles(world: &mut World) {
    let today = world.first_day();
    let families = world.homes.len();
    let mut collective = None;
    for id in 0..world.persons.len() {
        if world.persons[id].home != usize::MAX {
            continue;
        }
        let age = world.persons[id].age(today);
        let minor = age < 18.0;
        let host = (minor || world.dice.chance(0.45)).then(|| draw_host(world, families)).flatten();
        if let Some((home, head)) = host {
            let older = world.persons[head].age(today) - age;
            let relation = match older {
                35.0.. => Relation::Grandchild,
                ..15.0 => Relation::Sibling,
                _ => Relation::Other,
            };
            enter(world, id, home, relation);
        } else if (18.0..40.0).contains(&age) && world.dice.chance(0.12) {
            let open_one =
                collective.filter(|home: &usize| world.homes[*home].members.len() < COLLECTIVE_MAX);
            let home = open_one.unwrap_or_else(|| open(world, HouseholdKind::Collective));
            collective = Some(home);
            let first = world.homes[home].members.is_empty();
            enter(world, id, home, if first { Relation::Head } else { Relation::Other });
        } else {
            let home = open(world, HouseholdKind::Family);
            enter(world, id, home, Relation::Head);
        }
    }
}

/// A household of a family with its head; `None` where ten draws found none.
fn draw_host(world: &mut World, families: usize) -> Option<(usize, usize)> {
    (0..10).find_map(|_| {
        let home = world.dice.below(families);
        let members = &world.homes.get(home)?.members;
        let head = members.iter().find(|member| world.persons[**member].relation == Relation::Head);
        head.map(|head| (home, *head))
    })
}

/// Numbers the households in random order, area by area.
fn number(world: &mut World) {
    world.homes.retain(|home| !home.members.is_empty());
    let mut homes = std::mem::take(&mut world.homes);
    world.dice.shuffle(&mut homes);
    let areas = usize::from(world.plan.area_count.max(1));
    let count = homes.len();
    for (position, home) in homes.iter_mut().enumerate() {
        home.area = (position * areas / count + 1) as u16;
        for member in &home.members {
            world.persons[*member].home = position;
        }
    }
    world.homes = homes;
}
