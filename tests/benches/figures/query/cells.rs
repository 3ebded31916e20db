//! What a commune of about 30,000 persons adds to the counts: its register, then the events of each month.

use danso_core::{
    domain::{HouseholdKind, Method, Reach, Residence, Sex},
    rollup::{Cell, Delta, canonical},
};
use danso_tests::Dice;
use danso_tier_config::Month;

/// Birth months that have residents: 100 years.
const BIRTH_MONTHS: u64 = 1_200;
/// Events a month: births, deaths, moves in, moves out, weddings, methods begun, methods stopped, corrections.
const EVENTS: [(Event, u64); 8] = [
    (Event::Birth, 34),
    (Event::Death, 17),
    (Event::Arrival, 110),
    (Event::Departure, 110),
    (Event::Wedding, 19),
    (Event::Start, 60),
    (Event::Stop, 60),
    (Event::Correction, 40),
];

#[derive(Clone, Copy)]
enum Event {
    Birth,
    Death,
    Arrival,
    Departure,
    Wedding,
    Start,
    Stop,
    Correction,
}

/// The events of a month.
pub fn events_a_month() -> u64 {
    EVENTS.iter().map(|(_, count)| count).sum()
}

/// The register of a commune: everybody present, one in fifteen cells with absent ones too.
pub fn register(month: Month, dice: &mut Dice) -> Vec<Delta> {
    let mut deltas = Vec::new();
    let mut add = |cell, amount: u64| deltas.push(Delta { month, cell, amount: amount as i64 });
    for back in 0..BIRTH_MONTHS {
        let birth = month.plus(-(back as i32));
        for sex in [Sex::Male, Sex::Female] {
            // About 17 of each month and sex up to 60 years, then ever fewer.
            let most = if back < 720 { 17 } else { 1 + 17 * (BIRTH_MONTHS - back) / 480 };
            add(
                Cell::Population { sex, birth, residence: Residence::Present },
                1 + most / 2 + dice.below(most),
            );
            if dice.below(15) == 0 {
                add(Cell::Population { sex, birth, residence: Residence::Absent }, 1);
            }
        }
        if (240..720).contains(&back) {
            add(Cell::MarriedWomen { birth, method: None }, 4 + dice.below(4));
            for method in &Method::ALL[..3] {
                add(Cell::MarriedWomen { birth, method: Some(*method) }, 1 + dice.below(4));
            }
        }
    }
    for size in 1..=10 {
        add(Cell::Households { kind: HouseholdKind::Family, size }, 200 + dice.below(2_000));
    }
    canonical(deltas)
}

/// What the events of a month add.
pub fn events(month: Month, dice: &mut Dice) -> Vec<Delta> {
    let mut out = Vec::new();
    for (event, count) in EVENTS {
        for _ in 0..count {
            add_event(event, month, dice, &mut out);
        }
    }
    canonical(out)
}

fn add_event(event: Event, month: Month, dice: &mut Dice, out: &mut Vec<Delta>) {
    let mut add = |cell, amount| out.push(Delta { month, cell, amount });
    let sex = Sex::ALL[dice.below(2) as usize];
    let mut aged = |from: u64, years: u64| month.plus(-((from * 12 + dice.below(years * 12)) as i32));
    let (any, fertile) = (aged(0, 90), aged(18, 25));
    let person = |birth| Cell::Population { sex, birth, residence: Residence::Present };
    let woman = |method| Cell::MarriedWomen { birth: fertile, method };
    let (size, order) = (1 + dice.below(8) as u16, 1 + dice.below(3) as u8);
    let reach = Reach::ALL[dice.below(Reach::ALL.len() as u64) as usize];
    let method = Method::ALL[dice.below(3) as usize];
    let home = |size| Cell::Households { kind: HouseholdKind::Family, size };
    let mut homes = |by: i64| {
        add(home(size), -by);
        add(home(size + 1), by);
    };
    match event {
        Event::Birth => {
            homes(1);
            add(person(month), 1);
            add(Cell::Births { sex, order, mother_birth: fertile }, 1);
        }
        Event::Death => {
            homes(-1);
            add(person(any), -1);
            add(Cell::Deaths { sex, birth: any, infant_days: None }, 1);
        }
        Event::Arrival => {
            homes(1);
            add(person(any), 1);
            add(Cell::Arrivals { sex, birth: any, reach }, 1);
        }
        Event::Departure => {
            homes(-1);
            add(person(any), -1);
            add(Cell::Departures { sex, birth: any, reach }, 1);
        }
        Event::Wedding => {
            add(woman(None), 1);
            for sex in Sex::ALL {
                add(Cell::Marriages { sex: *sex, birth: fertile }, 1);
            }
        }
        Event::Start => {
            add(woman(None), -1);
            add(woman(Some(method)), 1);
            add(Cell::ContraceptionStarts { method, birth: fertile }, 1);
        }
        Event::Stop => {
            add(woman(Some(method)), -1);
            add(woman(None), 1);
            add(Cell::ContraceptionStops { method, birth: fertile }, 1);
        }
        Event::Correction => {
            add(person(any), -1);
            add(person(any.plus(-1)), 1);
        }
    }
}
