//! Records to cells of known columns: the header checked whole, then row after row.

use super::{
    columns::{Column, Form, Need},
    fault::{Cause, Fault, is_invisible},
    guard,
    lines::{Record, Records},
    tables::Table,
};
use danso_core::domain::personal::tidy;
use danso_tier_config::limits::CSV_COLUMNS_MAX;
use std::io::Read;

/// A typed row and the physical line it began on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<T> {
    /// Physical line of the file, from 1; 0 where the row did not come from a file.
    pub line: u64,
    /// What it says.
    pub content: T,
}

/// A row, or everything that is wrong with it.
pub type Parsed<T> = Result<Row<T>, Vec<Fault>>;

/// Turns the cells of one row into a typed row.
type ParseRow<T> = fn(&mut Cells<'_>) -> Option<T>;

/// The rows of one file, read as they are asked for.
pub struct Rows<R, T> {
    records: Records<R>,
    header: Header,
    parse: ParseRow<T>,
}

/// Where each column of the form stands in the file.
struct Header {
    form: Form,
    /// By column of the form.
    places: Vec<Option<usize>>,
    width: usize,
}

impl<R: Read, T> Rows<R, T> {
    /// Reads the header; all that is wrong with it is listed at once, and then no row is read.
    pub(super) fn open(form: Form, source: R, parse: ParseRow<T>) -> Result<Self, Vec<Fault>> {
        let mut records = Records::new(source).map_err(|fault| vec![fault])?;
        let record = records.header().map_err(|fault| vec![fault])?;
        let header = Header::of(form, &record)?;
        Ok(Self { records, header, parse })
    }
}

impl Header {
    fn of(form: Form, record: &Record) -> Result<Self, Vec<Fault>> {
        if record.cells.len() > CSV_COLUMNS_MAX {
            let cause = Cause::ColumnsTooMany { max: CSV_COLUMNS_MAX };
            return Err(vec![Fault::of_line(record.line, cause)]);
        }
        let mut places: Vec<Option<usize>> = vec![None; form.columns().len()];
        let mut faults = Vec::new();
        for (place, title) in record.cells.iter().enumerate() {
            if title.trim().is_empty() {
                continue;
            }
            match form.find(title) {
                Some(column) if places[column].is_some() => {
                    let column = &form.columns()[column];
                    faults.push(Fault::of_cell(record.line, column, title, Cause::ColumnTwice));
                }
                Some(column) => places[column] = Some(place),
                None => faults.push(Fault {
                    value: super::fault::shown(title),
                    ..Fault::of_line(record.line, Cause::ColumnUnknown { nearest: form.nearest(title) })
                }),
            }
        }
        for (column, place) in form.columns().iter().zip(&places) {
            if column.need == Need::Always && place.is_none() {
                faults.push(Fault::of_cell(record.line, column, "", Cause::ColumnMissing));
            }
        }
        let width = record.cells.len();
        if faults.is_empty() { Ok(Self { form, places, width }) } else { Err(faults) }
    }
}

impl<R: Read, T> Iterator for Rows<R, T> {
    type Item = Parsed<T>;

    fn next(&mut self) -> Option<Self::Item> {
        let record = match self.records.next()? {
            Ok(record) => record,
            Err(fault) => return Some(Err(vec![fault])),
        };
        let (expected, found) = (self.header.width, record.cells.len());
        let beyond_is_empty = || record.cells[expected..].iter().all(|cell| cell.trim().is_empty());
        if found < expected || (found > expected && !beyond_is_empty()) {
            let cause = Cause::CellCount { expected, found };
            return Some(Err(vec![Fault::of_line(record.line, cause)]));
        }
        let line = record.line;
        let mut cells = Cells { header: &self.header, record: &record, faults: Vec::new() };
        let content = (self.parse)(&mut cells);
        let faults = cells.faults;
        Some(match content {
            Some(content) if faults.is_empty() => Ok(Row { line, content }),
            _ => Err(faults),
        })
    }
}

/// The cells of one row. Every getter notes what is wrong and answers `None`; the row goes on, so that
/// all its faults are found.
pub(super) struct Cells<'a> {
    header: &'a Header,
    record: &'a Record,
    faults: Vec<Fault>,
}

impl Cells<'_> {
    fn place(&self, name: &str) -> (&'static Column, Option<usize>) {
        let columns = self.header.form.columns();
        let index = columns.iter().position(|column| column.name == name);
        let index = index.expect("a parser asks for columns of its own form");
        (&columns[index], self.header.places[index])
    }

    /// The cell as written; empty where the file has no such column.
    fn raw(&self, name: &str) -> &str {
        self.place(name).1.map_or("", |place| &self.record.cells[place])
    }

    /// Notes a fault of a cell.
    pub fn fault(&mut self, name: &str, cause: Cause) {
        let (column, _) = self.place(name);
        let fault = Fault::of_cell(self.record.line, column, self.raw(name), cause);
        self.faults.push(fault);
    }

    /// A cell that may be empty: `Some(None)` where it is, `None` where it is wrong.
    #[allow(clippy::option_option)] // wrong, empty and filled are three answers
    pub fn maybe<T>(&mut self, name: &str, read: impl Fn(&str) -> Result<T, Cause>) -> Option<Option<T>> {
        let written = guard::strip(self.raw(name).trim());
        let outcome = if written.is_empty() {
            return Some(None);
        } else if written.chars().any(is_invisible) {
            Err(Cause::InvisibleLetter)
        } else {
            read(&tidy(written))
        };
        match outcome {
            Ok(value) => Some(Some(value)),
            Err(cause) => {
                self.fault(name, cause);
                None
            }
        }
    }

    /// A cell that must be filled.
    pub fn need<T>(&mut self, name: &str, read: impl Fn(&str) -> Result<T, Cause>) -> Option<T> {
        let value = self.maybe(name, read)?;
        if value.is_none() {
            self.fault(name, Cause::ValueMissing);
        }
        value
    }

    /// A text that may be empty.
    pub fn text(&mut self, name: &str, read: impl Fn(&str) -> Result<String, Cause>) -> Option<String> {
        self.maybe(name, read).map(Option::unwrap_or_default)
    }

    /// Notes every filled cell that does not belong to the row's table.
    pub fn only_for(&mut self, table: Table) {
        for column in self.header.form.columns() {
            let Need::Tables { needed, allowed } = column.need else { continue };
            let belongs = needed.contains(&table) || allowed.contains(&table);
            if !belongs && !self.raw(column.name).trim().is_empty() {
                self.fault(column.name, Cause::NotForTable);
            }
        }
    }
}
