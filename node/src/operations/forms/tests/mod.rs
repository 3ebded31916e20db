//! The forms against a desk in memory: reading, importing, repeating, writing.

mod columns;
mod desk;
mod examples;
mod hostile;
mod importing;
mod reading;
mod reading_events;
mod round_trip;

use super::{Fault, Parsed, event_rows, register_rows};
use danso_core::domain::form::{EventRow, RegisterRow};

/// Line, column and code of each fault.
fn places(faults: &[Fault]) -> Vec<(u64, &'static str, &'static str)> {
    faults.iter().map(|fault| (fault.line, fault.column.map_or("", |c| c.name), fault.code())).collect()
}

fn register(bytes: impl AsRef<[u8]>) -> Vec<Parsed<RegisterRow>> {
    register_rows(bytes.as_ref()).unwrap().collect()
}

fn events(bytes: impl AsRef<[u8]>) -> Vec<Parsed<EventRow>> {
    event_rows(bytes.as_ref()).unwrap().collect()
}

/// All faults of an A0 file, header and rows.
fn register_faults(bytes: impl AsRef<[u8]>) -> Vec<(u64, &'static str, &'static str)> {
    match register_rows(bytes.as_ref()) {
        Err(faults) => places(&faults),
        Ok(rows) => rows.filter_map(Result::err).flat_map(|faults| places(&faults)).collect(),
    }
}

fn event_faults(bytes: impl AsRef<[u8]>) -> Vec<(u64, &'static str, &'static str)> {
    match event_rows(bytes.as_ref()) {
        Err(faults) => places(&faults),
        Ok(rows) => rows.filter_map(Result::err).flat_map(|faults| places(&faults)).collect(),
    }
}

const HEADER: &str = "area,household,line,name,sex,birth_date,ethnicity,education,marital,residence";

/// An A0 file of the required columns and these lines.
fn book(lines: &[&str]) -> String {
    format!("{HEADER}\n{}\n", lines.join("\n"))
}
