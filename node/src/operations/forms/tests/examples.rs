//! The hand-made files of `deploy/examples` do what their README says.

use super::{desk::MemoryDesk, places};
use crate::operations::forms::{
    Counts, Table, event_rows, import_events, import_register, register_rows, render::table_of,
};
use std::collections::BTreeSet;

const REGISTER: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/examples/register-example.csv"));
const EVENTS: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/examples/events-example.csv"));
const WITH_ERRORS: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/examples/register-with-errors.csv"));

fn registered(desk: &mut MemoryDesk, file: &[u8]) -> (Counts, Vec<(u64, &'static str, &'static str)>) {
    let on = "2025-07-01".parse().unwrap();
    let summary = import_register(desk, on, register_rows(file).unwrap(), &mut |_| ());
    (summary.counts, places(&summary.faults))
}

#[test]
fn the_example_files_import_fully_and_once() {
    let mut desk = MemoryDesk::new();
    let (counts, faults) = registered(&mut desk, REGISTER);
    assert_eq!(faults, []);
    assert_eq!(counts, Counts { rows: 21, recorded: 21, already_known: 0, refused: 0 });
    assert_eq!((desk.households().count(), desk.residents()), (6, 21));

    for known in [0, 16] {
        let summary = import_events(&mut desk, event_rows(EVENTS).unwrap(), &mut |_| ());
        assert_eq!(places(&summary.faults), []);
        let expected = Counts { rows: 16, recorded: 16 - known, already_known: known, refused: 0 };
        assert_eq!(summary.counts, expected);
    }
    assert_eq!(registered(&mut desk, REGISTER).0.already_known, 21);

    let rows = event_rows(EVENTS).unwrap().map(|row| row.unwrap().content);
    let tables: BTreeSet<&str> = rows.map(|row| table_of(&row.event).word()).collect();
    assert_eq!(tables, Table::ALL.iter().map(|table| table.word()).collect());
}

#[test]
fn the_register_example_is_what_an_office_in_vietnam_saves() {
    assert!(REGISTER.starts_with("\u{feff}".as_bytes()));
    let text = str::from_utf8(REGISTER).unwrap();
    assert!(text.lines().next().unwrap().contains(';'));
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
}

#[test]
fn the_file_with_errors_shows_the_usual_ones() {
    let mut desk = MemoryDesk::new();
    let (counts, faults) = registered(&mut desk, WITH_ERRORS);
    assert_eq!(
        faults,
        [
            (3, "birth_date", "no_such_day"),
            (4, "sex", "not_in_list"),
            (5, "citizen_number", "citizen_number_digits"),
            (6, "citizen_number", "citizen_number_sex"),
            (7, "name", "value_missing"),
            (8, "", "cell_count"),
            (9, "birth_date", "not_a_date"),
            (10, "line", "already_registered_differently"),
            (11, "area", "household_differs"),
            (12, "method", "method_holder"),
        ]
    );
    assert_eq!(counts, Counts { rows: 12, recorded: 2, already_known: 0, refused: 10 });
}
