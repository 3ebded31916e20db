//! The simulated commune keeps the plan, contradicts itself nowhere and moves like Viet Nam in 2019.

use super::{Commune, Neighbour, Plan, check, simulate};
use crate::{
    demography::{Indicator, MonthFigures, Value},
    domain::{
        Marital, Reach, Sex,
        form::{EventForm, RegisterRow},
    },
};
use danso_tier_config::{Date, Month};
use std::collections::{HashMap, HashSet};

fn start() -> Month {
    "2025-07".parse().unwrap()
}

fn plan(persons: u32, months: u16, seed: u64) -> Plan {
    Plan { province: 92, area_count: 12, ..Plan::new("31117", persons, months, start(), seed) }
}

fn share(rows: &[&RegisterRow], holds: impl Fn(&RegisterRow) -> bool) -> f64 {
    rows.iter().filter(|row| holds(row)).count() as f64 / rows.len() as f64
}

fn close(what: &str, found: f64, expected: f64, within: f64) {
    assert!((found - expected).abs() <= within, "{what}: {found}, expected {expected} within {within}");
}

fn sum(figures: &[MonthFigures], of: impl Fn(&MonthFigures) -> i64) -> f64 {
    figures.iter().map(of).sum::<i64>() as f64
}

#[test]
fn the_register_holds_exactly_the_persons_asked_for() {
    for persons in [0, 1, 2, 3, 7, 50, 1_234] {
        let commune = simulate(&plan(persons, 3, 1));
        assert_eq!(commune.register.len(), persons as usize);
        assert_eq!(commune.figures.len(), 3);
        assert_eq!(commune.figures[0].population_start, i64::from(persons));
    }
}

#[test]
fn the_same_plan_gives_the_same_rows_and_another_seed_or_unit_others() {
    let once = simulate(&plan(800, 6, 5));
    assert_eq!(once, simulate(&plan(800, 6, 5)));
    assert_ne!(once, simulate(&plan(800, 6, 6)));
    assert_ne!(once, simulate(&Plan { unit_code: "31120".to_owned(), ..plan(800, 6, 5) }));
}

#[test]
fn rows_replay_without_contradiction_to_the_figures() {
    for (persons, months, seed) in [(1, 24, 1), (60, 60, 2), (900, 36, 3), (9_000, 30, 4)] {
        let plan = plan(persons, months, seed);
        let commune = simulate(&plan);
        let figures = check::replay(&commune, plan.start, plan.months);
        assert_eq!(figures.as_ref(), Ok(&commune.figures), "{persons} persons, seed {seed}");
    }
}

#[test]
fn the_replay_sees_a_contradiction() {
    let plan = plan(3_000, 6, 9);
    let commune = simulate(&plan);
    let replay = |commune: &Commune| check::replay(commune, plan.start, plan.months);
    let death = commune.events.iter().position(|row| matches!(row.event, EventForm::Death(_))).unwrap();
    let mut twice = commune.clone();
    twice.events.insert(death, commune.events[death].clone());
    assert_eq!(replay(&twice), Err((death + 1, "nobody of this name lives there")));
    let mut unsorted = commune.clone();
    unsorted.events[death].on = plan.start.plus(9).first_day();
    assert!(replay(&unsorted).is_err());
    let mut doubled = commune;
    doubled.register[1].person.subject_code = "0000000001".to_owned();
    doubled.register[0].person.subject_code = "0000000001".to_owned();
    assert_eq!(replay(&doubled), Err((0, "an insurance number stands twice")));
}

#[test]
fn every_kind_of_row_occurs_in_a_year_of_a_large_commune() {
    let commune = simulate(&plan(20_000, 12, 11));
    let mut register = check::Replay::of(&commune.register).unwrap();
    commune.events.iter().try_for_each(|row| register.take(row)).unwrap();
    for kind in [
        "birth",
        "newborn_screening",
        "death",
        "arrival",
        "departure",
        "marriage",
        "divorce",
        "correction",
        "method_started",
        "method_stopped",
        "pregnancy",
        "prenatal_screening",
        "elderly_check",
    ] {
        assert!(register.kinds.get(kind).is_some_and(|count| *count > 3), "{kind}: {:?}", register.kinds);
    }
}

#[test]
fn two_hundred_thousand_persons_reproduce_the_rates_of_2019() {
    let plan = plan(200_000, 12, 2019);
    let commune = simulate(&plan);
    let figures = &commune.figures;
    let (births, deaths) = (sum(figures, MonthFigures::births), sum(figures, |month| month.deaths));
    let (boys, girls) = (sum(figures, |month| month.births_male), sum(figures, |month| month.births_female));
    let years: f64 = (0..12).map(|step| figures[step].person_years(plan.start.plus(step as i32))).sum();
    // Four sigma of Poisson counts: 4 × sqrt(expected events) / person-years.
    let sigma4 = |rate: f64| 4.0 * (rate / 1000.0 * years).sqrt() / years * 1000.0;
    close("cbr", births / years * 1000.0, 16.3, sigma4(16.3));
    close("cdr", deaths / years * 1000.0, 6.3, sigma4(6.3));
    // The share of boys has sigma sqrt(pq/n); d(ratio) = d(share) × 100 / girls' share squared.
    let share_of_boys: f64 = 111.5 / 211.5;
    let sigma = (share_of_boys * (1.0 - share_of_boys) / births).sqrt();
    let srb = Value::of(Indicator::SexRatioAtBirth, boys, girls).value.unwrap();
    close("srb", srb, 111.5, 4.0 * sigma * 100.0 / (1.0 - share_of_boys).powi(2));
    close("growth by moves", moved(&commune) / years * 1000.0, 0.0, 4.0);
    let marriages = commune.events.iter().filter(|row| matches!(row.event, EventForm::Marriage(_))).count();
    close("residents married per 1000", marriages as f64 / years * 1000.0, 13.3, 2.0);
}

fn moved(commune: &Commune) -> f64 {
    let growth = commune.figures.last().unwrap().population_end - commune.figures[0].population_start;
    let natural: i64 = commune.figures.iter().map(|month| month.births() - month.deaths).sum();
    (growth - natural) as f64
}

#[test]
fn two_hundred_thousand_persons_are_composed_like_the_census() {
    let commune = simulate(&plan(200_000, 0, 7));
    let today = start().first_day();
    let all: Vec<&RegisterRow> = commune.register.iter().collect();
    let age = |row: &RegisterRow| today.years_since(row.person.birth_date);
    let men = share(&all, |row| row.person.sex == Sex::Male);
    close("sex ratio", men / (1.0 - men) * 100.0, 99.1, 0.01);
    // WPP 2019 for 2020: 23.2 % under 15, 7.9 % of 65 and more.
    close("under 15", share(&all, |row| age(row) < 15), 0.232, 0.002);
    close("65 and over", share(&all, |row| age(row) >= 65), 0.079, 0.002);
    let households: HashSet<&str> = all.iter().map(|row| row.person.household.as_str()).collect();
    close("household size", all.len() as f64 / households.len() as f64, 3.6, 0.2);
    close("Kinh", share(&all, |row| row.person.ethnicity.code() == 1), 0.85, 0.02);
    close("Nguyễn", share(&all, |row| row.person.name.starts_with("Nguyễn ")), 0.392, 0.02);
    close("insured", share(&all, |row| !row.person.subject_code.is_empty()), 0.88, 0.004);
    let mut wives = all.clone();
    wives.retain(|row| {
        row.person.sex == Sex::Female
            && row.person.marital == Marital::Married
            && (15..50).contains(&age(row))
    });
    close("wives using a method", share(&wives, |row| row.method.is_some()), 0.71, 0.04);
    close("singulate mean age, men", mean_age_at_marriage(&all, Sex::Male, today), 27.0, 1.2);
    close("singulate mean age, women", mean_age_at_marriage(&all, Sex::Female, today), 23.2, 1.2);
}

/// Hajnal's singulate mean age at marriage from the shares never married at 15-49.
fn mean_age_at_marriage(rows: &[&RegisterRow], sex: Sex, today: Date) -> f64 {
    let single = |from: i32| {
        let mut group = rows.to_vec();
        group.retain(|row| {
            row.person.sex == sex && (from..from + 5).contains(&today.years_since(row.person.birth_date))
        });
        share(&group, |row| row.person.marital == Marital::NeverMarried)
    };
    let lived: f64 = (0..7).map(|step| 5.0 * single(15 + 5 * step)).sum();
    let never = f64::midpoint(single(45), single(50));
    (15.0 + lived - 50.0 * never) / (1.0 - never)
}

#[test]
fn couples_live_together_and_each_household_has_one_head() {
    let commune = simulate(&plan(20_000, 0, 13));
    let mut households: HashMap<&str, Vec<&RegisterRow>> = HashMap::new();
    for row in &commune.register {
        households.entry(&row.person.household).or_default().push(row);
    }
    for members in households.values() {
        let married = |sex| {
            members
                .iter()
                .filter(|row| row.person.sex == sex && row.person.marital == Marital::Married)
                .count()
        };
        assert_eq!(married(Sex::Male), married(Sex::Female), "{}", members[0].person.household);
        let heads = members.iter().filter(|row| row.person.relation == "Chủ hộ").count();
        assert_eq!((heads, members[0].line), (1, 1));
        assert_eq!(members[0].person.relation, "Chủ hộ");
        assert!(members.iter().all(|row| row.area == members[0].area && row.address == members[0].address));
    }
    let areas: HashSet<u16> = commune.register.iter().map(|row| row.area).collect();
    assert_eq!(areas, (1..=12).collect());
}

#[test]
fn citizen_numbers_agree_with_sex_and_year_of_birth() {
    let commune = simulate(&plan(5_000, 0, 17));
    for row in commune.register.iter().filter(|row| !row.citizen_number.is_empty()) {
        let (year, ..) = row.person.birth_date.parts();
        let century = (year / 100 - 19) * 2 + i16::from(row.person.sex == Sex::Female);
        assert_eq!(row.citizen_number[3..6], format!("{century}{:02}", year % 100));
        assert_eq!(row.citizen_number.len(), 12);
    }
}

#[test]
fn moves_name_only_units_at_their_distance() {
    let neighbour = Neighbour { code: "31120".to_owned(), reach: Reach::SameDistrict };
    let commune = simulate(&Plan { neighbours: vec![neighbour], ..plan(4_000, 12, 19) });
    let mut named = 0;
    for row in &commune.events {
        if let EventForm::Departure { reach, other_unit, .. } | EventForm::Arrival { reach, other_unit, .. } =
            &row.event
        {
            let expected = if *reach == Reach::SameDistrict { "31120" } else { "" };
            assert_eq!(other_unit, expected);
            named += usize::from(*reach == Reach::SameDistrict);
        }
    }
    assert!(named > 5, "{named}");
}
