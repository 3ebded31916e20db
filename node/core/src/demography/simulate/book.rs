//! The A0 book written from the world: rows by area, household number and line.

use super::{
    numbers::{citizen_text, phone},
    world::World,
};
use crate::domain::{HouseholdKind, form::RegisterRow};

/// Hamlet and street names.
const PLACES: [&str; 24] = [
    "Đông",
    "Đoài",
    "Trung",
    "Thượng",
    "Hạ",
    "Nam",
    "Bắc",
    "Đồng Tâm",
    "Tân Lập",
    "Tân Tiến",
    "Hòa Bình",
    "Đoàn Kết",
    "Quyết Thắng",
    "Phú Mỹ",
    "An Khang",
    "Xuân Hòa",
    "Bình Minh",
    "Thống Nhất",
    "Tiền Phong",
    "Phong Phú",
    "Mỹ Hòa",
    "Thanh Bình",
    "Vĩnh Phúc",
    "Long Thành",
];

/// Writes the register as it stands on the first day.
pub(super) fn write(world: &mut World) -> Vec<RegisterRow> {
    let mut rows = Vec::with_capacity(world.persons.len());
    for home in 0..world.homes.len() {
        let (area, kind) = (world.homes[home].area, world.homes[home].kind);
        let address = address(world, home);
        let mut members = world.homes[home].members.clone();
        members.sort_by_key(|id| (world.persons[*id].relation, world.persons[*id].birth));
        for (position, id) in members.into_iter().enumerate() {
            rows.push(row(world, id, (area, kind, &address), position as u16 + 1));
        }
    }
    rows
}

fn row(world: &mut World, id: usize, home: (u16, HouseholdKind, &str), line: u16) -> RegisterRow {
    let today = world.first_day();
    let person = world.persons[id].clone();
    let age = person.age(today);
    let has_citizen_number = world.dice.chance(if age < 1.0 { 0.6 } else { 0.95 });
    let citizen =
        has_citizen_number.then(|| world.numbers.citizen(person.sex, person.birth, &mut world.dice));
    let has_phone = (15.0..75.0).contains(&age) && world.dice.chance(0.45);
    RegisterRow {
        area: home.0,
        household_kind: home.1,
        address: home.2.to_owned(),
        line,
        person: world.new_person(id),
        citizen_number: citizen_text(citizen),
        residence: person.residence,
        method: person.method,
        phone: if has_phone { phone(&mut world.dice) } else { String::new() },
    }
}

fn address(world: &mut World, home: usize) -> String {
    let area = usize::from(world.homes[home].area);
    let place = PLACES[(area - 1) % PLACES.len()];
    let street = if world.plan.urban {
        let (house, alley) = (world.dice.between(1, 240), world.dice.between(1, 60));
        let alley = if world.dice.chance(0.6) { format!(", ngõ {alley}") } else { String::new() };
        format!("Số {house}{alley}, phố {place}, tổ dân phố {area}")
    } else if area > PLACES.len() {
        format!("Thôn {place} {}", (area - 1) / PLACES.len() + 1)
    } else {
        format!("Thôn {place}")
    };
    if world.plan.place.is_empty() { street } else { format!("{street}, {}", world.plan.place) }
}
