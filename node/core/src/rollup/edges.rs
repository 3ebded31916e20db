//! The edges of cells, deltas, tallies, questions and answers: each bound, and what lies just beyond it.

use super::*;
use crate::{
    chain::Digest,
    domain::{Method, Residence, Sex},
};
use danso_tier_config::{Month, UnitId, limits};

fn unit(code: u8) -> UnitId {
    format!("{code:05}@2025-07-01").parse().unwrap()
}

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

fn birth(order: u8) -> Cell {
    Cell::Births { sex: Sex::Male, order, mother_birth: month("2000-01") }
}

fn death(infant_days: Option<u16>) -> Cell {
    Cell::Deaths { sex: Sex::Male, birth: month("2000-01"), infant_days }
}

#[test]
fn cells_are_valid_up_to_their_caps_and_not_beyond() {
    let (order, days) = (limits::BIRTH_ORDER_CELL_MAX, limits::INFANT_DAYS_CELL_MAX);
    for (cell, valid) in [
        (birth(0), true),
        (birth(order), true),
        (birth(order + 1), false),
        (death(None), true),
        (death(Some(0)), true),
        (death(Some(days)), true),
        (death(Some(days + 1)), false),
        (death(Some(u16::MAX)), false),
    ] {
        assert_eq!(cell.is_valid(), valid, "{cell:?}");
        assert_eq!(Cell::unpack(cell.cuboid(), cell.pack()).is_some(), valid, "{cell:?}");
        let leaf = encode_delta(&Delta { month: month("2026-01"), cell, amount: 1 });
        let decoded = decode_leaves([leaf.as_slice()]).map(|deltas| deltas.len());
        assert_eq!(decoded, if valid { Ok(1) } else { Err(DeltaError::Cell { position: 0 }) }, "{cell:?}");
    }
}

#[test]
fn each_fault_of_a_delta_has_its_code() {
    let faults = [
        (DeltaError::Malformed { position: 1 }, "delta_malformed"),
        (DeltaError::Cell { position: 1 }, "delta_cell"),
        (DeltaError::Amount { position: 1, amount: 0 }, "delta_amount"),
        (DeltaError::Order { position: 1 }, "delta_order"),
        (DeltaError::TooMany, "deltas_too_many"),
    ];
    for (fault, code) in faults {
        assert_eq!(fault.code(), code);
    }
}

#[test]
fn each_refusal_of_a_question_has_its_code() {
    let (measure, dimension) = (Measure::Births, Dimension::Reach);
    let (from, to) = (month("2026-02"), month("2026-01"));
    let refusals = [
        (CountError::DimensionNotOfMeasure { measure, dimension }, "dimension_not_of_measure"),
        (CountError::DimensionTwice { dimension }, "dimension_twice"),
        (CountError::FilterDimension { dimension }, "filter_dimension"),
        (CountError::FilterValue { dimension }, "filter_value"),
        (CountError::MonthsReversed { from, to }, "months_reversed"),
        (CountError::TooManyMonths { months: 1 }, "too_many_months"),
        (CountError::TooManyRows, "too_many_rows"),
    ];
    for (refusal, code) in refusals {
        assert_eq!(refusal.code(), code);
    }
}

#[test]
fn the_last_value_of_every_dimension_is_read_and_the_one_beyond_it_is_not() {
    for (dimension, last, beyond) in [
        (Dimension::Age, "130", "131"),
        (Dimension::AgeGroup, "80+", "85+"),
        (Dimension::HouseholdSize, "255", "256"),
        (Dimension::BirthOrder, "20", "21"),
        (Dimension::InfantDays, "366", "367"),
        (Dimension::Method, "pill", "pills"),
    ] {
        assert!(Accept::parse(dimension, last).is_ok(), "{last}");
        let refused = Err(CountError::FilterValue { dimension });
        assert_eq!(Accept::parse(dimension, beyond), refused, "{beyond}");
    }
}

/// Counts `cells`, each once in January 2026, by one dimension.
fn counted(measure: Measure, dimension: Dimension, cells: &[Cell]) -> Vec<(String, i64)> {
    let on = month("2026-01");
    let mut tallies = Tallies::default();
    let deltas: Vec<Delta> = cells.iter().map(|cell| Delta { month: on, cell: *cell, amount: 1 }).collect();
    tallies.apply(unit(1), &deltas);
    let groups = vec![UnitGroup { key: "here".into(), units: vec![unit(1)] }];
    let group_by = vec![dimension];
    let question = Question { measure, groups, from: on, to: on, filters: vec![], group_by };
    count(&tallies, &question).unwrap().into_iter().map(|row| (row.keys.concat(), row.count)).collect()
}

#[test]
fn the_caps_of_cells_are_rows_of_their_own() {
    let days = [None, Some(0), Some(27), Some(365), Some(366)].map(death);
    let rows = ["none", "0", "27", "365", "366"].map(|word| (word.to_owned(), 1));
    assert_eq!(counted(Measure::Deaths, Dimension::InfantDays, &days), rows);
    let orders = [1, 19, 20].map(birth);
    let rows = ["1", "19", "20+"].map(|word| (word.to_owned(), 1));
    assert_eq!(counted(Measure::Births, Dimension::BirthOrder, &orders), rows);
    let kind = crate::domain::HouseholdKind::Family;
    let sizes = [1, 254, 255].map(|size| Cell::Households { kind, size });
    let rows = ["1", "254", "255+"].map(|word| (word.to_owned(), 1));
    assert_eq!(counted(Measure::Households, Dimension::HouseholdSize, &sizes), rows);
    let women =
        [None, Some(Method::Pill)].map(|method| Cell::MarriedWomen { birth: month("1990-01"), method });
    let rows = ["none", "pill"].map(|word| (word.to_owned(), 1));
    assert_eq!(counted(Measure::MarriedWomen, Dimension::Method, &women), rows);
}

#[test]
fn ages_are_spelled_to_the_last_and_above() {
    let born =
        |text: &str| Cell::Population { sex: Sex::Male, birth: month(text), residence: Residence::Present };
    let persons = ["2026-01", "1897-01", "1896-01", "1895-12", "1890-01"].map(born);
    let rows = [("0", 1), ("129", 1), ("130+", 3)].map(|(word, count)| (word.to_owned(), count));
    assert_eq!(counted(Measure::Population, Dimension::Age, &persons), rows);
    let rows = [("0-4", 1), ("80+", 4)].map(|(word, count)| (word.to_owned(), count));
    assert_eq!(counted(Measure::Population, Dimension::AgeGroup, &persons), rows);
}

fn marriages(month: Month, amount: i64) -> Delta {
    Delta { month, cell: Cell::Marriages { sex: Sex::Female, birth: self::month("2000-01") }, amount }
}

/// Nodes compare these digests with each other: domain, unit, cuboid, month and cell, value.
#[test]
fn a_digest_of_tallies_is_over_these_bytes() {
    let (first, second) = (marriages(month("2026-01"), 3), marriages(month("2026-02"), -2));
    let mut tallies = Tallies::default();
    tallies.apply(unit(7), &[first, second]);
    let record = |delta: &Delta| {
        let key = u64::from(delta.month.index()) << 48 | delta.cell.pack();
        let parts = [&unit(7).to_key()[..], &[6], &key.to_be_bytes(), &delta.amount.to_be_bytes()];
        parts.concat()
    };
    let expected = |records: &[Vec<u8>]| Digest::of(&[b"danso tallies 1\n", &records.concat()]).0;
    assert_eq!(tallies.digest(), expected(&[record(&first), record(&second)]));
    assert_eq!(tallies.digest_of(unit(7), second.month), expected(&[record(&second)]));
    assert_eq!(tallies.digest_of(unit(8), second.month), expected(&[]));
    assert_eq!(Tallies::default().digest(), expected(&[]));
}

#[test]
fn a_loaded_zero_is_no_tally() {
    let one = marriages(month("2026-01"), 1);
    let mut tallies = Tallies::default();
    tallies.load(unit(1), one.month, one.cell, 0);
    assert!(tallies.is_empty());
    tallies.load(unit(1), one.month, one.cell, 5);
    // After the last, before the first.
    tallies.load(unit(1), month("2026-03"), one.cell, 0);
    tallies.load(unit(1), month("2025-03"), one.cell, 0);
    assert_eq!((tallies.len(), tallies.is_empty()), (1, false));
    let mut same = Tallies::default();
    same.apply(unit(1), &[Delta { amount: 5, ..one }]);
    assert_eq!(tallies, same);
    assert_eq!(tallies.units().collect::<Vec<_>>(), [unit(1)]);
    let tally = Tally { unit: unit(1), month: one.month, cell: one.cell, value: 5 };
    assert_eq!(tallies.iter().collect::<Vec<_>>(), [tally]);
}

#[test]
fn a_recount_of_many_changes_is_the_sum_of_them() {
    let office = book::write(&[], false, |_, _| ());
    let registered = &office.cores[1];
    let mut once = Tallies::default();
    let mut deltas_of_one = Vec::new();
    deltas(registered, &mut deltas_of_one);
    for _ in 0..5_000 {
        once.apply(unit(1), &deltas_of_one);
    }
    let recounted = Tallies::recount(std::iter::repeat_n((unit(1), registered), 5_000));
    assert_eq!(recounted, once);
    assert!(!recounted.is_empty());
}
