//! `danso query`: questions to a node, answered as table, CSV or JSON.
//!
//! | file | asks for |
//! |---|---|
//! | `count.rs` | counts, each with its provenance |
//! | `units.rs` | the units of a tier or below a unit |
//! | `heads.rs` | how far every chain has come |
//! | `indicators.rs` | published indicators |
//! | `provenance.rs` | how complete and how old an answer is, shown |
//! | `names.rs` | the names of units, fetched once per command |
//! | `form.rs` | the words of measures, dimensions and filters on the command line |
//!
//! Invariants:
//! 1. CSV on stdout is rows alone; what is said about them goes to stderr. JSON holds everything.
//! 2. A name that cannot be fetched leaves its cell empty and never spoils an answer.

mod count;
mod form;
mod heads;
mod indicators;
mod names;
mod provenance;
mod units;

use super::{
    failure::{Failure, Outcome},
    output,
    sheet::{Sheet, json_text},
    wait,
};
use clap::{Subcommand, ValueEnum};
use std::fmt::Write as _;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Count persons, households or events
    Count(count::Arguments),
    /// List units
    Units(units::Arguments),
    /// Show how far every chain has come
    Heads(heads::Arguments),
    /// Show published indicators
    Indicators(indicators::Arguments),
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Aligned columns for people
    Table,
    /// Rows for spreadsheets
    Csv,
    /// Everything, for programs
    Json,
}

/// An answer ready to be shown.
struct Shown {
    rows: Sheet,
    /// What is said about the rows.
    notes: Vec<String>,
    json: serde_json::Value,
}

pub(super) fn run(command: Command) -> Result<Outcome, Failure> {
    let (format, shown) = match command {
        Command::Count(arguments) => (arguments.format, wait(count::ask(&arguments))?),
        Command::Units(arguments) => (arguments.format, wait(units::ask(&arguments))?),
        Command::Heads(arguments) => (arguments.format, wait(heads::ask(&arguments))?),
        Command::Indicators(arguments) => (arguments.format, wait(indicators::ask(&arguments))?),
    };
    let (data, notes) = shown.split(format);
    output::data(&data)?;
    notes.iter().for_each(output::note);
    Ok(Outcome::Done)
}

impl Shown {
    /// What goes to stdout, and the lines for stderr.
    fn split(self, format: Format) -> (String, Vec<String>) {
        match format {
            Format::Csv => (self.rows.csv(), self.notes),
            Format::Json => (json_text(&self.json), Vec::new()),
            Format::Table => {
                let mut text = self.rows.table();
                for (place, note) in self.notes.iter().enumerate() {
                    let gap = if place == 0 { "\n" } else { "" };
                    writeln!(text, "{gap}{note}").expect("writing to memory cannot fail");
                }
                (text, Vec::new())
            }
        }
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use crate::cli::sheet::Side;

    fn shown() -> Shown {
        let mut rows = Sheet::new([("count", Side::Right)]);
        rows.push(["5".to_owned()]);
        let notes = vec!["coverage  1 of 2 units".to_owned(), "boundary  2026-11-21".to_owned()];
        Shown { rows, notes, json: serde_json::json!({"rows": [5]}) }
    }

    #[test]
    fn csv_keeps_stdout_to_the_rows() {
        let (data, notes) = shown().split(Format::Csv);
        assert_eq!(data, "count\n5\n");
        assert_eq!(notes, ["coverage  1 of 2 units", "boundary  2026-11-21"]);
    }

    #[test]
    fn a_table_carries_its_notes_below() {
        let (data, notes) = shown().split(Format::Table);
        assert_eq!(data, "count\n    5\n\ncoverage  1 of 2 units\nboundary  2026-11-21\n");
        assert!(notes.is_empty());
    }

    #[test]
    fn json_is_one_value() {
        let (data, notes) = shown().split(Format::Json);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&data).unwrap()["rows"][0], 5);
        assert!(notes.is_empty());
    }
}
