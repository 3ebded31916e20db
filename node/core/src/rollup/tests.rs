//! Properties of counting over registers written by chance, against naive recounts.

use super::{
    book::{Office, Step, nth, start, steps, unit, write},
    *,
};
use crate::domain::{Core, Event, Marital, Method, PersonState, Residence, Sex, entry::Entry};
use danso_tier_config::{Month, UnitId};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn ask(measure: Measure, from: Month, to: Month, group_by: &[Dimension]) -> Question {
    let groups = vec![UnitGroup { key: "here".into(), units: vec![unit()] }];
    Question { measure, groups, from, to, filters: vec![], group_by: group_by.to_vec() }
}

fn all_months(office: &Office) -> (Month, Month) {
    let months: Vec<Month> = office.cores.iter().map(|core| core.effective_on.month()).collect();
    (*months.iter().min().unwrap(), months.iter().max().unwrap().plus(14))
}

fn total(rows: &[Row]) -> i64 {
    rows.iter().map(|row| row.count).sum()
}

/// Completed years on a month's last day of someone born on the first of a month.
fn years(month: Month, birth: Month) -> i32 {
    month.last_day().years_since(birth.first_day())
}

fn group_word(age: i32) -> String {
    if age >= 80 { "80+".into() } else { format!("{}-{}", age / 5 * 5, age / 5 * 5 + 4) }
}

/// Rows as a map, which also shows that none stands twice.
fn as_map(rows: Vec<Row>) -> BTreeMap<Vec<String>, i64> {
    let length = rows.len();
    let map: BTreeMap<_, _> = rows.into_iter().map(|row| (row.keys, row.count)).collect();
    assert_eq!(map.len(), length);
    map
}

fn tally_up(keys: impl Iterator<Item = Vec<String>>) -> BTreeMap<Vec<String>, i64> {
    let mut counts = BTreeMap::new();
    for key in keys {
        *counts.entry(key).or_default() += 1;
    }
    counts
}

#[test]
fn the_steps_reach_every_kind_of_event_that_counts() {
    let steps: Vec<Step> = (0..3_000_u32)
        .map(|i| {
            let chance = i.wrapping_mul(2_654_435_761);
            let (pick, other) = ((chance >> 16) as u16, (chance >> 7) as u16);
            Step { kind: (chance >> 24) as u8 % 30, pick, other, days: (i % 2) as u16 }
        })
        .collect();
    let office = write(&steps, true, |_, _| ());
    let kinds: BTreeSet<&str> = office.cores.iter().map(|core| core.event.kind()).collect();
    for kind in [
        "household_opened",
        "household_closed",
        "household_split",
        "person_registered",
        "born",
        "died",
        "married",
        "divorced",
        "moved_out",
        "moved_in",
        "corrected",
        "contraception_started",
        "contraception_stopped",
        "voided",
    ] {
        assert!(kinds.contains(kind), "{kind} never happened");
    }
    let tallies = office.tallies();
    let cuboids: BTreeSet<Cuboid> = tallies.iter().map(|tally| tally.cell.cuboid()).collect();
    assert_eq!(cuboids.len(), Cuboid::ALL.len());
}

#[test]
fn a_correction_moves_stocks_and_no_flows() {
    let mut office = write(&[], false, |_, _| ());
    let (id, before) = office.book.persons.first_key_value().map(|(id, state)| (*id, *state)).unwrap();
    let sex = if before.sex == Sex::Male { Sex::Female } else { Sex::Male };
    let correction = Entry::Correction {
        person: id,
        sex: Some(sex),
        birth_date: None,
        ethnicity: None,
        education: None,
        marital: Some(Marital::NeverMarried),
        residence: None,
        facts: None,
    };
    office.write(correction, start()).unwrap();
    let mut found = Vec::new();
    deltas(office.cores.last().unwrap(), &mut found);
    assert!(found.iter().all(|delta| delta.cell.cuboid().is_stock()));
    let amount = |sex| {
        let cell = Cell::Population { sex, birth: before.birth, residence: before.residence };
        found.iter().filter(|delta| delta.cell == cell).map(|delta| delta.amount).sum::<i64>()
    };
    assert_eq!((amount(before.sex), amount(sex)), (-1, 1));
}

#[test]
fn nothing_recorded_still_gives_rows_by_unit_and_month() {
    let other: UnitId = "00007@2025-07-01".parse().unwrap();
    let (from, to) = ("2025-11".parse().unwrap(), "2026-01".parse().unwrap());
    let mut question = ask(Measure::Births, from, to, &[Dimension::Month, Dimension::Unit]);
    question.groups.push(UnitGroup { key: "there".into(), units: vec![other] });
    let rows = count(&Tallies::default(), &question).unwrap();
    let keys: Vec<String> = rows.iter().map(|row| row.keys.join(" ")).collect();
    let expected =
        ["2025-11 here", "2025-11 there", "2025-12 here", "2025-12 there", "2026-01 here", "2026-01 there"];
    assert_eq!(keys, expected);
    assert_eq!(total(&rows), 0);
    question.group_by = vec![];
    let row = Row { keys: vec![], count: 0 };
    assert_eq!(count(&Tallies::default(), &question), Ok(vec![row]));
    question.group_by = vec![Dimension::Sex];
    assert_eq!(count(&Tallies::default(), &question), Ok(vec![]));
}

#[test]
fn a_unit_of_two_groups_counts_once_without_columns_of_units() {
    let office = write(&[], false, |_, _| ());
    let month = start().month();
    let mut question = ask(Measure::Population, month, month, &[]);
    let once = count(&office.tallies(), &question).unwrap();
    assert_eq!(once[0].count, 4);
    question.groups.push(UnitGroup { key: "again".into(), units: vec![unit(), unit()] });
    assert_eq!(count(&office.tallies(), &question).unwrap(), once);
    question.group_by = vec![Dimension::Unit];
    let rows = count(&office.tallies(), &question).unwrap();
    assert_eq!(rows.iter().map(|row| row.count).collect::<Vec<_>>(), [4, 4]);
}

#[test]
fn an_answer_of_too_many_rows_is_refused() {
    let month = start().month();
    let mut question = ask(Measure::Births, month.plus(-999), month, &[Dimension::Unit, Dimension::Month]);
    let group = question.groups[0].clone();
    question.groups = vec![group; 201];
    assert_eq!(count(&Tallies::default(), &question), Err(CountError::TooManyRows));
    question.groups.pop();
    assert_eq!(count(&Tallies::default(), &question).map(|rows| rows.len()), Ok(200_000));
}

#[test]
fn a_child_grows_older_from_month_to_month() {
    let (birth, to) = ("2020-03".parse().unwrap(), "2026-05".parse::<Month>().unwrap());
    let cell = Cell::Population { sex: Sex::Female, birth, residence: Residence::Present };
    let mut tallies = Tallies::default();
    tallies.apply(unit(), &[Delta { month: "2023-01".parse().unwrap(), cell, amount: 1 }]);
    let question = ask(Measure::Population, to.plus(-17), to, &[Dimension::Month, Dimension::AgeGroup]);
    let mut rows = count(&tallies, &question).unwrap();
    assert_eq!(rows.len(), 18);
    let young = rows.iter().filter(|row| row.keys[1] == "0-4").count();
    assert_eq!(rows[young].keys, ["2025-03", "5-9"]);
    assert!(rows.drain(..young).all(|row| row.keys[0].as_str() < "2025-03"));
    let five = Accept::parse(Dimension::Age, "5").unwrap();
    let five = Question { filters: vec![(Dimension::Age, vec![five])], ..question };
    let months: Vec<String> =
        count(&tallies, &five).unwrap().into_iter().map(|row| row.keys[0].clone()).collect();
    assert_eq!((months.first(), months.last()), (Some(&"2025-03".into()), Some(&"2026-02".into())));
    assert_eq!(months.len(), 12);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn after_voids_in_any_order_the_register_is_what_counts(steps in steps(), voids in 0usize..40) {
        let mut office = write(&steps, true, |_, _| ());
        for turn in 0..voids {
            // Some are refused: later changes build on them.
            if let Some(sequence) = nth(office.standing.iter().copied(), (turn * 7) as u16) {
                let _ = office.void(sequence);
            }
        }
        let (from, last) = all_months(&office);
        let tallies = office.tallies();
        let whole = |measure| total(&count(&tallies, &ask(measure, from, last, &[])).unwrap());
        prop_assert_eq!(whole(Measure::Population), office.book.persons.len() as i64);
        let inhabited = office.book.households.values().filter(|state| state.size > 0).count();
        prop_assert_eq!(whole(Measure::Households), inhabited as i64);
        let standing = |kind| office.standing().filter(|core| core.event.kind() == kind).count() as i64;
        prop_assert_eq!(whole(Measure::Births), standing("born"));
        prop_assert_eq!(whole(Measure::Deaths), standing("died"));
        prop_assert_eq!(whole(Measure::Marriages), standing("married"));
        prop_assert_eq!(whole(Measure::Divorces), standing("divorced"));
        prop_assert_eq!(whole(Measure::Arrivals), standing("moved_in"));
        prop_assert_eq!(whole(Measure::Departures), standing("moved_out"));
        prop_assert_eq!(whole(Measure::ContraceptionStarts), standing("contraception_started"));
        prop_assert_eq!(whole(Measure::ContraceptionStops), standing("contraception_stopped"));
    }

    #[test]
    fn voiding_backwards_leaves_nothing_at_all(steps in steps()) {
        let mut office = write(&steps, false, |_, _| ());
        while let Some(last) = office.standing.last().copied() {
            office.void(last).unwrap();
        }
        prop_assert!(office.tallies().is_empty());
        prop_assert_eq!(office.tallies().digest(), Tallies::default().digest());
    }

    #[test]
    fn a_change_and_its_void_add_nothing_together(steps in steps()) {
        let mut office = write(&steps, false, |_, _| ());
        let sequence = *office.standing.last().unwrap();
        let mut both = Vec::new();
        deltas(office.core(sequence), &mut both);
        office.void(sequence).unwrap();
        deltas(office.cores.last().unwrap(), &mut both);
        prop_assert_eq!(canonical(both), vec![]);
    }

    #[test]
    fn tallies_do_not_depend_on_order_or_batches(steps in steps(), seed: u64, size in 1usize..20) {
        let office = write(&steps, true, |_, _| ());
        let mut order: Vec<&Core> = office.cores.iter().collect();
        order.sort_by_key(|core| seed.wrapping_mul(core.recorded_at.millis() | 1).rotate_left(23));
        let mut tallies = Tallies::default();
        for batch in order.chunks(size) {
            let mut collected = Vec::new();
            for core in batch {
 deltas(core, &mut collected);
}
            let leaves = encode_leaves(&canonical(collected));
            let received = decode_leaves(leaves.iter().map(Vec::as_slice)).unwrap();
            tallies.apply(unit(), &received);
        }
        prop_assert_eq!(&tallies, &office.tallies());
        prop_assert_eq!(tallies.digest(), office.tallies().digest());
    }

    #[test]
    fn stocks_match_the_register_at_every_month_end(steps in steps()) {
        let mut ends: BTreeMap<Month, Office> = BTreeMap::new();
        let office = write(&steps, false, |on, office| {
            ends.insert(on.month(), office.clone());
        });
        let tallies = office.tallies();
        let (from, to) = all_months(&office);
        let by = |measure, dimensions: &[Dimension]| {
            let question = ask(measure, from, to, &[&[Dimension::Month], dimensions].concat());
            as_map(count(&tallies, &question).unwrap())
        };
        let months: Vec<Month> = (0..=to.since(from)).map(|step| from.plus(step)).collect();
        let naive = |keys: &dyn Fn(Month, &Office) -> Vec<Vec<String>>| {
            tally_up(months.iter().flat_map(|month| {
                let (_, office) = ends.range(..=*month).next_back().unwrap();
                keys(*month, office).into_iter().map(|mut key| {
                    key.insert(0, month.to_string());
                    key
                })
            }))
        };
        let word = |text: &str| text.to_owned();
        let persons = naive(&|month, office| {
            office.book.persons.values().map(|state| {
                let age = years(month, state.birth);
                vec![word(state.sex.word()), group_word(age), word(state.residence.word()), age.to_string()]
            }).collect()
        });
        let dimensions = [Dimension::Sex, Dimension::AgeGroup, Dimension::Residence, Dimension::Age];
        prop_assert_eq!(by(Measure::Population, &dimensions), persons);
        let homes = naive(&|_, office| {
            let inhabited = office.book.households.values().filter(|state| state.size > 0);
            inhabited.map(|state| vec![word(state.kind.word()), state.size.to_string()]).collect()
        });
        prop_assert_eq!(by(Measure::Households, &[Dimension::HouseholdKind, Dimension::HouseholdSize]), homes);
        let women = naive(&|month, office| {
            let married = |state: &&PersonState| state.sex == Sex::Female && state.marital == Marital::Married;
            let fertile = |state: &&PersonState| (15..=49).contains(&years(month, state.birth));
            office.book.persons.values().filter(married).filter(fertile).map(|state| {
                vec![word(state.method.map_or("none", Method::word)), years(month, state.birth).to_string()]
            }).collect()
        });
        prop_assert_eq!(by(Measure::MarriedWomen, &[Dimension::Method, Dimension::Age]), women);
    }

    #[test]
    fn flows_match_the_events_that_stand(steps in steps()) {
        let office = write(&steps, true, |_, _| ());
        let (from, to) = all_months(&office);
        let by = |measure, dimension| {
            let question = ask(measure, from, to, &[Dimension::Month, dimension]);
            as_map(count(&office.tallies(), &question).unwrap())
        };
        let naive = |word: &dyn Fn(&Core) -> Option<String>| {
            tally_up(office.standing().filter_map(|core| {
                word(core).map(|word| vec![core.effective_on.month().to_string(), word])
            }))
        };
        let births = naive(&|core| match &core.event {
            Event::Born { order, .. } if *order >= 20 => Some("20+".into()),
            Event::Born { order, .. } => Some(order.to_string()),
            _ => None,
        });
        prop_assert_eq!(by(Measure::Births, Dimension::BirthOrder), births);
        let mothers = naive(&|core| match &core.event {
            Event::Born { mother_birth, .. } => Some(group_word(years(core.effective_on.month(), *mother_birth))),
            _ => None,
        });
        prop_assert_eq!(by(Measure::Births, Dimension::AgeGroup), mothers);
        let deaths = naive(&|core| match &core.event {
            Event::Died { infant_days } => Some(infant_days.map_or("none".into(), |days| days.to_string())),
            _ => None,
        });
        prop_assert_eq!(by(Measure::Deaths, Dimension::InfantDays), deaths);
        let marriages = naive(&|core| {
            let sex = core.persons.first()?.before?.sex;
            matches!(core.event, Event::Married).then(|| sex.word().into())
        });
        prop_assert_eq!(by(Measure::Marriages, Dimension::Sex), marriages);
        let arrivals = naive(&|core| match &core.event {
            Event::MovedIn { reach, .. } => Some(reach.word().into()),
            _ => None,
        });
        prop_assert_eq!(by(Measure::Arrivals, Dimension::Reach), arrivals);
        let departures = naive(&|core| match &core.event {
            Event::MovedOut { reach, .. } => Some(reach.word().into()),
            _ => None,
        });
        prop_assert_eq!(by(Measure::Departures, Dimension::Reach), departures);
        let stops = naive(&|core| match &core.event {
            Event::ContraceptionStopped { method } => Some(method.word().into()),
            _ => None,
        });
        prop_assert_eq!(by(Measure::ContraceptionStops, Dimension::Method), stops);
    }

    #[test]
    fn rows_by_any_dimensions_sum_to_the_whole(steps in steps(), span in 0i32..30) {
        let office = write(&steps, true, |_, _| ());
        let tallies = office.tallies();
        let (from, last) = all_months(&office);
        let to = from.plus(span).min(last);
        for measure in Measure::ALL {
            let own: Vec<Dimension> =
                Dimension::ALL.iter().copied().filter(|d| measure.has(*d) && *d != Dimension::Month).collect();
            let whole = total(&count(&tallies, &ask(*measure, from, to, &[])).unwrap());
            for dimension in &own {
                let rows = count(&tallies, &ask(*measure, from, to, &[*dimension])).unwrap();
                prop_assert_eq!(total(&rows), whole, "{:?} by {:?}", measure, dimension);
            }
            let finest = count(&tallies, &ask(*measure, from, to, &own)).unwrap();
            prop_assert_eq!(total(&finest), whole, "{:?} by all", measure);
            // By month too: what one month answers alone is what it answers among the others.
            let every = [&[Dimension::Month], &own[..]].concat();
            let monthly = count(&tallies, &ask(*measure, from, to, &every)).unwrap();
            for step in 0..=to.since(from) {
                let month = from.plus(step);
                let alone = as_map(count(&tallies, &ask(*measure, month, month, &own)).unwrap());
                let name = month.to_string();
                let among = monthly.iter().filter(|row| row.keys[0] == name);
                let among: BTreeMap<_, _> = among.map(|row| (row.keys[1..].to_vec(), row.count)).collect();
                prop_assert_eq!(alone, among, "{:?} in {}", measure, month);
            }
        }
    }
}
