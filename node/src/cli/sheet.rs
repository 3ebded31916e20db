//! Rows under named columns, as an aligned table for people or as CSV for programs.

use crate::operations::forms::{guarded, is_invisible};
use serde_json::Value;
use std::fmt::Write as _;

/// On which side of its column a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Rows under named columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sheet {
    columns: Vec<(String, Side)>,
    rows: Vec<Vec<String>>,
}

impl Sheet {
    /// No rows yet.
    pub fn new<Name: Into<String>>(columns: impl IntoIterator<Item = (Name, Side)>) -> Self {
        Self {
            columns: columns.into_iter().map(|(name, side)| (name.into(), side)).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row. Cells beyond the columns are left out, missing ones are empty.
    pub fn push(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut row: Vec<String> = cells.into_iter().take(self.columns.len()).collect();
        row.resize(self.columns.len(), String::new());
        self.rows.push(row);
    }

    /// True where there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// An aligned table with a header line; letters that nobody sees are shown escaped.
    pub fn table(&self) -> String {
        let header: Vec<String> = self.columns.iter().map(|(name, _)| name.clone()).collect();
        let lines: Vec<Vec<String>> = std::iter::once(&header)
            .chain(&self.rows)
            .map(|row| row.iter().map(|cell| plain(cell)).collect())
            .collect();
        let widths: Vec<usize> = (0..header.len())
            .map(|at| lines.iter().map(|row| width(&row[at])).max().unwrap_or_default())
            .collect();
        let mut text = String::new();
        for row in &lines {
            let mut line = String::new();
            for ((cell, room), (_, side)) in row.iter().zip(&widths).zip(&self.columns) {
                let blanks = " ".repeat(room - width(cell));
                let gap = if line.is_empty() { "" } else { "  " };
                let (before, after) = if *side == Side::Left { ("", &*blanks) } else { (&*blanks, "") };
                line.extend([gap, before, cell, after]);
            }
            writeln!(text, "{}", line.trim_end()).expect("writing to memory cannot fail");
        }
        text
    }

    /// CSV with a header line, commas and `\n`. A cell that a spreadsheet would run has an apostrophe before it;
    /// numbers stay as they are.
    pub fn csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let header = self.columns.iter().map(|(name, _)| name.as_str());
        writer.write_record(header).expect("memory takes every write");
        for row in &self.rows {
            let cells =
                row.iter().map(|cell| if is_number(cell) { cell.clone() } else { guarded(cell.clone()) });
            writer.write_record(cells).expect("all rows have as many cells as there are columns");
        }
        let bytes = writer.into_inner().expect("memory takes every write");
        String::from_utf8(bytes).expect("cells are UTF-8")
    }
}

/// A text on one line that neither moves the cursor of a terminal nor changes its direction: letters that nobody
/// sees are escaped.
pub(super) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_invisible(letter) { shown.extend(letter.escape_unicode()) } else { shown.push(letter) }
    }
    shown
}

/// JSON over several lines, its line end included. Letters that nobody sees are escaped as JSON has it, so a
/// terminal shows them and a program reads the same.
pub(super) fn json_text(value: &Value) -> String {
    escaped(&format!("{value:#}\n"))
}

/// As [`json_text`], on one line.
pub(super) fn json_line(value: &Value) -> String {
    escaped(&format!("{value}\n"))
}

fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for letter in json.chars() {
        if is_invisible(letter) && letter != '\n' {
            let mut units = [0; 2];
            for unit in letter.encode_utf16(&mut units) {
                write!(text, "\\u{unit:04x}").expect("writing to memory cannot fail");
            }
        } else {
            text.push(letter);
        }
    }
    text
}

fn is_number(cell: &str) -> bool {
    cell.bytes().all(|byte| byte.is_ascii_digit() || b"+-.".contains(&byte)) && cell.parse::<f64>().is_ok()
}

/// Places that a text takes on a terminal; a combining mark takes none.
fn width(text: &str) -> usize {
    text.chars().filter(|letter| !('\u{300}'..='\u{36f}').contains(letter)).count()
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    fn sheet() -> Sheet {
        let mut sheet = Sheet::new([("unit", Side::Left), ("name", Side::Left), ("count", Side::Right)]);
        sheet.push(["00004@2025-07-01", "Phường Ba Đình", "7"].map(str::to_owned));
        sheet.push(["01", "Xa\u{303}, \u{1b}[2J", "12345"].map(str::to_owned));
        sheet
    }

    #[test]
    fn a_table_is_aligned_and_harmless() {
        let expected = "unit              name            count\n\
                        00004@2025-07-01  Phường Ba Đình      7\n\
                        01                Xa\u{303}, \\u{1b}[2J   12345\n";
        assert_eq!(sheet().table(), expected);
    }

    #[test]
    fn csv_keeps_every_cell() {
        let text = sheet().csv();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
        assert_eq!(&rows[1], &["01", "Xa\u{303}, \u{1b}[2J", "12345"][..]);
        assert_eq!(text.lines().next(), Some("unit,name,count"));
    }

    #[test]
    fn csv_holds_nothing_that_a_spreadsheet_would_run() {
        let mut sheet = Sheet::new([("name", Side::Left), ("value", Side::Right)]);
        for (name, value) in
            [("=cmd|' /C calc'!A0", "-3.5"), ("@SUM(A1)", "=1+1"), ("+84", "+7"), ("-a", "-")]
        {
            sheet.push([name, value].map(str::to_owned));
        }
        let expected = "name,value\n'=cmd|' /C calc'!A0,-3.5\n'@SUM(A1),'=1+1\n+84,+7\n'-a,'-\n";
        assert_eq!(sheet.csv(), expected);
    }

    #[test]
    fn json_shows_what_nobody_sees_and_reads_back_the_same() {
        let value = serde_json::json!({ "name": "Hòa\u{202e}\u{9b}2J\u{7f}\n\u{e0041}🌸", "born": [1, 2] });
        let text = json_text(&value);
        assert!(!text.replace('\n', "").chars().any(is_invisible), "{text}");
        assert!(text.contains("\\u202e") && text.contains("\\udb40\\udc41") && text.contains("🌸"));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn short_and_long_rows_fit_the_columns() {
        let mut sheet = Sheet::new([("a", Side::Left), ("b", Side::Right)]);
        sheet.push(["1".to_owned()]);
        sheet.push(["1", "2", "3"].map(str::to_owned));
        assert_eq!(sheet.csv(), "a,b\n1,\n1,2\n");
    }
}
