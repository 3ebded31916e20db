//! Tallies written into rows and read back.

use super::*;
use crate::{
    domain::{HouseholdKind, Method, Reach, Residence, Sex},
    rollup::Delta,
};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn month(index: u16) -> Month {
    Month::from_index(index).unwrap()
}

fn unit(code: u8) -> UnitId {
    format!("{code:05}@2025-07-01").parse().unwrap()
}

fn cell() -> impl Strategy<Value = Cell> {
    let birth = (22_900u16..24_310).prop_map(month);
    (0u8..6, birth, 0usize..2, 0u16..256).prop_map(|(kind, birth, sex, number)| {
        let sex = Sex::ALL[sex];
        let any = usize::from(number);
        match kind {
            0 | 1 => Cell::Population { sex, birth, residence: Residence::ALL[any % Residence::ALL.len()] },
            2 => Cell::Households { kind: HouseholdKind::Family, size: number.max(1) },
            3 => Cell::MarriedWomen { birth, method: Method::from_code((any % 9) as u8) },
            4 => Cell::Deaths { sex, birth, infant_days: number.checked_sub(1) },
            _ => Cell::Departures { sex, birth, reach: Reach::ALL[any % Reach::ALL.len()] },
        }
    })
}

/// All tallies in rows, and what these are read back to.
fn through_rows(tallies: &Tallies, bytes_max: usize) -> Tallies {
    let rows: BTreeSet<RowId> =
        tallies.iter().map(|tally| RowId::of(tally.unit, tally.month, tally.cell)).collect();
    let mut read = Tallies::default();
    for row in rows {
        assert_eq!(RowId::from_key(&row.to_key()), Some(row));
        for piece in row.encode(tallies, bytes_max) {
            assert!(piece.len() <= bytes_max.max(16));
            for Tally { unit, month, cell, value } in row.decode(&piece).unwrap() {
                read.load(unit, month, cell, value);
            }
        }
    }
    read
}

proptest! {
    #[test]
    fn rows_hold_every_tally_once(
        parts in prop::collection::vec((0u8..3, 24_300u16..24_303, cell(), -3i64..4), 0..400),
        bytes_max in 1usize..200,
    ) {
        let mut tallies = Tallies::default();
        for (code, index, cell, amount) in parts {
            tallies.apply(unit(code), &[Delta { month: month(index), cell, amount }]);
        }
        prop_assert_eq!(through_rows(&tallies, bytes_max), tallies);
    }
}

#[test]
fn every_birth_month_finds_its_row_again() {
    let mut tallies = Tallies::default();
    for index in [12, 63, 64, 127, 24_300, 60_011] {
        let cell = Cell::Marriages { sex: Sex::Female, birth: month(index) };
        tallies.apply(unit(1), &[Delta { month: month(24_300), cell, amount: i64::from(index) << 40 }]);
    }
    assert_eq!(through_rows(&tallies, 1_000), tallies);
}

#[test]
fn what_is_no_row_is_refused() {
    let cell = |birth, sex| Cell::Marriages { sex, birth: month(birth) };
    let mut tallies = Tallies::default();
    for cell in [cell(24_000, Sex::Male), cell(24_000, Sex::Female), cell(24_001, Sex::Male)] {
        tallies.apply(unit(1), &[Delta { month: month(24_300), cell, amount: 1 }]);
    }
    let row = RowId::of(unit(1), month(24_300), cell(24_000, Sex::Male));
    let [piece] = row.encode(&tallies, 1_000).try_into().unwrap();
    assert_eq!(piece.len(), 12);
    assert_eq!(row.decode(&piece).unwrap().len(), 3);
    let swapped = [&piece[4..8], &piece[..4]].concat();
    let twice = [&piece[..4], &piece[..4]].concat();
    let zero = [&piece[..3], &[0]].concat();
    let unknown = [&piece[..1], &[9], &piece[2..4]].concat();
    let far = [&[64], &piece[1..4]].concat();
    for wrong in [Vec::new(), piece[..11].to_vec(), swapped, twice, zero, unknown, far] {
        assert_eq!(row.decode(&wrong), None, "{wrong:?}");
    }
    let key = row.to_key();
    for (at, byte) in [(UnitId::KEY_BYTES + 2, 12), (UnitId::KEY_BYTES + 3, 4), (0, 0)] {
        let mut wrong = key;
        wrong[at] = byte;
        assert_eq!(RowId::from_key(&wrong), None);
    }
    assert_eq!(RowId::from_key(&key[1..]), None);
}
