//! Rows, templates and fault lists as CSV text that spreadsheets open as text and `reader` reads back equal.

use super::{
    columns::{Column, Form, Need},
    fault::Fault,
    guard,
    render::{Spelling, event_cells, register_cells},
    tables::Table,
};
use danso_core::domain::form::{EventRow, RegisterRow};
use std::io::{self, Write};

/// What stands between two cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Delimiter {
    /// `,`
    #[default]
    Comma,
    /// `;`, which spreadsheets set to Vietnamese expect.
    Semicolon,
    /// A tab.
    Tab,
}

/// How a line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LineEnd {
    /// `\n`
    #[default]
    Unix,
    /// `\r\n`
    Windows,
}

/// How a file is written. The default: commas, `\n`, with the byte order mark that Excel needs for UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Between cells.
    pub delimiter: Delimiter,
    /// At line ends.
    pub line_end: LineEnd,
    /// Whether the file begins with the UTF-8 byte order mark.
    pub byte_order_mark: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { delimiter: Delimiter::Comma, line_end: LineEnd::Unix, byte_order_mark: true }
    }
}

impl Style {
    fn start<W: Write>(self, mut out: W) -> io::Result<csv::Writer<W>> {
        if self.byte_order_mark {
            out.write_all("\u{feff}".as_bytes())?;
        }
        let delimiter = match self.delimiter {
            Delimiter::Comma => b',',
            Delimiter::Semicolon => b';',
            Delimiter::Tab => b'\t',
        };
        let terminator = match self.line_end {
            LineEnd::Unix => csv::Terminator::Any(b'\n'),
            LineEnd::Windows => csv::Terminator::CRLF,
        };
        Ok(csv::WriterBuilder::new().delimiter(delimiter).terminator(terminator).from_writer(out))
    }
}

fn write_rows<W: Write>(
    form: Form,
    rows: impl Iterator<Item = Vec<String>>,
    style: Style,
    out: W,
) -> io::Result<()> {
    let mut writer = style.start(out)?;
    writer.write_record(form.columns().iter().map(|column| column.name))?;
    for cells in rows {
        writer.write_record(cells.into_iter().map(guard::put))?;
    }
    writer.flush()
}

/// Writes an A0 file: header and rows, in Vietnamese words.
pub fn write_register<'a>(
    rows: impl IntoIterator<Item = &'a RegisterRow>,
    style: Style,
    out: impl Write,
) -> io::Result<()> {
    let cells = rows.into_iter().map(|row| register_cells(row, Spelling::Words));
    write_rows(Form::Register, cells, style, out)
}

/// Writes a P0 file: header and rows, in Vietnamese words.
pub fn write_events<'a>(
    rows: impl IntoIterator<Item = &'a EventRow>,
    style: Style,
    out: impl Write,
) -> io::Result<()> {
    let cells = rows.into_iter().map(|row| event_cells(row, Spelling::Words));
    write_rows(Form::Events, cells, style, out)
}

/// Writes the officer's report: one line per fault. It holds personal data like the file it is about.
pub fn write_faults<'a>(
    faults: impl IntoIterator<Item = &'a Fault>,
    style: Style,
    out: impl Write,
) -> io::Result<()> {
    let mut writer = style.start(out)?;
    writer.write_record(["line", "column", "column_vi", "value", "code", "reason_vi", "reason_en"])?;
    for fault in faults {
        let column = |text: fn(&'static Column) -> &'static str| fault.column.map_or("", text).to_owned();
        let cells = [
            fault.line.to_string(),
            column(|column| column.name),
            column(|column| column.title),
            fault.value.clone(),
            fault.code().to_owned(),
            fault.vietnamese(),
            fault.english(),
        ];
        writer.write_record(cells.map(guard::put))?;
    }
    writer.flush()
}

/// An empty file of a form: a `#` line of explanation per column, which reading skips, then the header.
pub fn template(form: Form, style: Style) -> String {
    let end = match style.line_end {
        LineEnd::Unix => "\n",
        LineEnd::Windows => "\r\n",
    };
    let explanations: Vec<String> = form
        .columns()
        .iter()
        .map(|column| {
            let Column { name, title, vietnamese, english, example, .. } = column;
            let need = need_in_words(column.need);
            format!("# {name}: {title}: {vietnamese} ({need}) | {english} | ví dụ: {example}{end}")
        })
        .collect();
    let mut header = Vec::new();
    write_rows(form, std::iter::empty(), Style { byte_order_mark: false, ..style }, &mut header)
        .expect("memory takes every write");
    let header = String::from_utf8(header).expect("column names are ASCII");
    let mark = if style.byte_order_mark { "\u{feff}" } else { "" };
    format!("{mark}{}{header}", explanations.concat())
}

fn need_in_words(need: Need) -> String {
    let named = |tables: &[Table]| {
        if tables.len() == Table::ALL.len() {
            return "mọi bảng".to_owned();
        }
        tables.iter().map(|table| table.vietnamese()).collect::<Vec<_>>().join(" / ")
    };
    match need {
        Need::Always => "bắt buộc".to_owned(),
        Need::Never => "không bắt buộc".to_owned(),
        Need::Tables { needed: &[], allowed } => format!("không bắt buộc ở: {}", named(allowed)),
        Need::Tables { needed, allowed: &[] } => format!("bắt buộc ở: {}", named(needed)),
        Need::Tables { needed, allowed } => {
            format!("bắt buộc ở: {} - không bắt buộc ở: {}", named(needed), named(allowed))
        }
    }
}
