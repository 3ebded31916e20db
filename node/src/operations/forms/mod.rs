//! Import of the paper forms from CSV files, and the writing of such files.
//!
//! Bytes come in; typed rows, recorded entries and faults with line, column, value and reason go out. The
//! register behind it is a [`Desk`], so nothing here knows the store.
//!
//! | file | holds |
//! |---|---|
//! | `columns.rs` | what a column is: name, accepted headers, need, explanation |
//! | `register_columns.rs`, `event_columns.rs` | the columns of the A0 book and of the P0 tables |
//! | `tables.rs` | the tables of the P0 sheet |
//! | `spelling.rs` | coded lists by code, Vietnamese or English word, without marks and case |
//! | `lines.rs` | physical lines to records: delimiter, quotes, limits |
//! | `reader.rs` | header and cells of known columns |
//! | `guard.rs` | the apostrophe before what a spreadsheet would run |
//! | `values.rs` | single cells to typed values |
//! | `parse.rs`, `parse_events.rs` | rows of the two forms |
//! | `capture.rs` | what recognises a row that is imported again |
//! | `import.rs` | the [`Desk`], the run over all rows, its [`Summary`] |
//! | `register.rs`, `events.rs` | one row against the desk |
//! | `render.rs` | typed rows to cells |
//! | `write.rs` | rows, templates and fault lists as CSV |
//! | `fault.rs` | what can be wrong, with stable codes and both languages |
//!
//! Invariants:
//! 1. A fault in the header means that nothing is recorded; a fault in a row concerns that row alone.
//! 2. Every row of the file is recorded, known already, or listed with all its faults.
//! 3. What `write` writes, `reader` reads back equal, whatever a cell begins with.
//! 4. A file imported twice adds nothing: recognition depends on the row's content, never on the day.
//! 5. `Debug` of a fault shows no value; values are for the officer's screen and report file only.

mod capture;
mod columns;
mod event_columns;
mod events;
mod fault;
mod guard;
mod import;
mod lines;
mod parse;
mod parse_events;
mod reader;
mod register;
mod register_columns;
mod render;
mod spelling;
mod tables;
mod values;
mod write;

#[cfg(test)]
mod tests;

pub use capture::{CaptureKey, event_capture, register_capture};
pub use columns::{Column, Form, Need};
pub use fault::{Cause, Fault, is_invisible, shown};
pub use guard::put as guarded;
pub use import::{
    Counts, Desk, Home, Member, NotRecorded, Recorded, Summary, import_events, import_register,
};
pub use parse::register_rows;
pub use parse_events::event_rows;
pub use reader::{Parsed, Row, Rows};
pub use spelling::{Listed, fold};
pub use tables::Table;
pub use write::{Delimiter, LineEnd, Style, template, write_events, write_faults, write_register};
