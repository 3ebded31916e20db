//! Bytes to records: physical lines, the byte order mark, quoted cells, bounded in every direction.

use super::fault::{Cause, Fault};
use danso_tier_config::limits::{CSV_LINE_BYTES_MAX, CSV_RECORD_LINES_MAX};
use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Chain, Cursor, Read},
};

/// One record: the cells of one or, where a quoted cell breaks lines, several physical lines.
pub(super) struct Record {
    /// Its first physical line, from 1.
    pub line: u64,
    /// Its cells, as text.
    pub cells: Vec<String>,
}

/// A physical line without its end; `Err` where it was longer than the limit and has been skipped.
type Line = Result<Vec<u8>, Cause>;

/// Bytes at the beginning that tell what a file is.
const START_BYTES: usize = 64;
/// How archives and the workbooks packed in them begin, and the old workbooks.
const WORKBOOKS: [&[u8]; 10] = [
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"PK\x07\x08",
    b"\xd0\xcf\x11\xe0",
    b"\x1f\x8b",
    b"\x28\xb5\x2f\xfd",
    b"7z\xbc\xaf",
    b"Rar!",
    b"\xfd7zXZ",
    b"BZh",
];
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads records from a source and keeps count of physical lines.
pub(super) struct Records<R> {
    source: BufReader<Chain<Cursor<Vec<u8>>, R>>,
    delimiter: u8,
    /// Cells that a record must have; 0 while the header is read.
    width: usize,
    /// Physical lines taken so far.
    line: u64,
    /// Lines looked at and given back.
    ahead: VecDeque<Line>,
    ended: bool,
}

impl<R: Read> Records<R> {
    /// Begins at the start of a source. The byte order mark is taken off; files that are no text are named.
    pub fn new(source: R) -> Result<Self, Fault> {
        // A slow line may bring one byte at a time.
        let (mut source, mut start) = (source, Vec::new());
        let read = source.by_ref().take(START_BYTES as u64).read_to_end(&mut start);
        read.map_err(|_| Fault::of_line(1, Cause::ReadFailed))?;
        if WORKBOOKS.iter().any(|workbook| start.starts_with(workbook)) {
            return Err(Fault::of_line(1, Cause::FileWorkbook));
        }
        if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") || is_utf16(&start) {
            return Err(Fault::of_line(1, Cause::FileUtf16));
        }
        if start.starts_with(BYTE_ORDER_MARK) {
            start.drain(..BYTE_ORDER_MARK.len());
        }
        let source = BufReader::new(Cursor::new(start).chain(source));
        Ok(Self { source, delimiter: b',', width: 0, line: 0, ahead: VecDeque::new(), ended: false })
    }

    /// The header: the first line that is neither empty nor a comment. Finds the delimiter.
    pub fn header(&mut self) -> Result<Record, Fault> {
        loop {
            let line = self.line + 1;
            let Some(first) = self.take()? else { return Err(Fault::of_line(line, Cause::FileEmpty)) };
            let bytes = first.map_err(|cause| Fault::of_line(line, cause))?;
            if is_skipped(&bytes) {
                continue;
            }
            self.delimiter = delimiter_of(&bytes);
            self.line -= 1;
            self.ahead.push_front(Ok(bytes));
            let record = self.next().unwrap_or_else(|| Err(Fault::of_line(line, Cause::FileEmpty)))?;
            self.width = record.cells.len();
            return Ok(record);
        }
    }

    /// The next physical line, counted; `None` at the end.
    fn take(&mut self) -> Result<Option<Line>, Fault> {
        let line = match self.ahead.pop_front() {
            Some(line) => Some(line),
            None if self.ended => None,
            None => {
                let read = self.read_line();
                self.ended = read.is_err();
                read.map_err(|_| Fault::of_line(self.line + 1, Cause::ReadFailed))?
            }
        };
        self.line += u64::from(line.is_some());
        Ok(line)
    }

    fn read_line(&mut self) -> std::io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        let most = CSV_LINE_BYTES_MAX as u64 + 2;
        if (&mut self.source).take(most).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        let whole = bytes.last() == Some(&b'\n');
        if whole {
            bytes.pop();
        }
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        if bytes.len() <= CSV_LINE_BYTES_MAX {
            return Ok(Some(Ok(bytes)));
        }
        if !whole {
            self.skip_to_line_end()?;
        }
        Ok(Some(Err(Cause::LineTooLong { max: CSV_LINE_BYTES_MAX })))
    }

    fn skip_to_line_end(&mut self) -> std::io::Result<()> {
        loop {
            let buffer = self.source.fill_buf()?;
            if buffer.is_empty() {
                return Ok(());
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let used = end.map_or(buffer.len(), |end| end + 1);
            self.source.consume(used);
            if end.is_some() {
                return Ok(());
            }
        }
    }

    /// The record that begins with the physical line `bytes`.
    fn record(&mut self, bytes: Vec<u8>) -> Result<Record, Fault> {
        let line = self.line;
        let wrong = |cause| Err(Fault::of_line(line, cause));
        let joined = match quotes(&bytes, self.delimiter) {
            Quotes::None => return cells_of(&bytes, self.delimiter, false, line),
            Quotes::Closed => bytes,
            Quotes::Misplaced => return wrong(Cause::QuoteOpen),
            Quotes::Open => match self.join(bytes)? {
                Some(joined) => joined,
                None => return wrong(Cause::QuoteOpen),
            },
        };
        cells_of(&joined, self.delimiter, true, line)
    }

    /// Adds the lines that a quoted cell runs over; `None`, and nothing taken, where the quote does not
    /// close properly: the following lines are then records of their own.
    fn join(&mut self, first: Vec<u8>) -> Result<Option<Vec<u8>>, Fault> {
        let start = self.line;
        let mut joined = first;
        let mut taken = Vec::new();
        for _ in 1..CSV_RECORD_LINES_MAX {
            let next = self.take().map_err(|_| Fault::of_line(start, Cause::ReadFailed))?;
            let Some(next) = next else { break };
            let fits = next.as_ref().is_ok_and(|bytes| joined.len() + bytes.len() < CSV_LINE_BYTES_MAX);
            if let (Ok(bytes), true) = (&next, fits) {
                joined.push(b'\n');
                joined.extend_from_slice(bytes);
            }
            taken.push(next);
            if !fits {
                break;
            }
            match quotes(&joined, self.delimiter) {
                Quotes::Open => {}
                Quotes::Closed if self.has_width(&joined, start) => return Ok(Some(joined)),
                _ => break,
            }
        }
        self.line = start;
        for line in taken.into_iter().rev() {
            self.ahead.push_front(line);
        }
        Ok(None)
    }

    fn has_width(&self, joined: &[u8], line: u64) -> bool {
        self.width == 0
            || cells_of(joined, self.delimiter, true, line)
                .is_ok_and(|record| record.cells.len() == self.width)
    }
}

impl<R: Read> Iterator for Records<R> {
    type Item = Result<Record, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let bytes = match self.take() {
                Err(fault) => return Some(Err(fault)),
                Ok(None) => return None,
                Ok(Some(Err(cause))) => return Some(Err(Fault::of_line(self.line, cause))),
                Ok(Some(Ok(bytes))) => bytes,
            };
            if is_skipped(&bytes) {
                continue;
            }
            match self.record(bytes) {
                Ok(record) if record.cells.iter().all(|cell| cell.trim().is_empty()) => {}
                record => return Some(record),
            }
        }
    }
}

/// UTF-16 without its mark: every ASCII letter, comma and line end has a zero beside it.
fn is_utf16(start: &[u8]) -> bool {
    let zeros = start.split(|byte| *byte == 0).count() - 1;
    start.len() >= 2 && zeros * 4 >= start.len()
}

/// Empty lines and explanations (`#`, also inside quotes as a spreadsheet writes them back).
fn is_skipped(bytes: &[u8]) -> bool {
    let text = bytes.trim_ascii();
    text.is_empty() || text.starts_with(b"#") || text.starts_with(b"\"#")
}

/// The delimiter of a header line: the one of comma, semicolon and tab that stands most often outside quotes.
fn delimiter_of(header: &[u8]) -> u8 {
    let count = |delimiter: u8| {
        let mut inside = false;
        header
            .iter()
            .filter(|byte| {
                inside ^= **byte == b'"';
                !inside && **byte == delimiter
            })
            .count()
    };
    [b'\t', b';', b','].into_iter().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

/// What the double quotes of a record's bytes are like.
enum Quotes {
    /// There are none.
    None,
    /// All are closed.
    Closed,
    /// The last one is open.
    Open,
    /// A closing one is followed by something else than the end of its cell.
    Misplaced,
}

fn quotes(bytes: &[u8], delimiter: u8) -> Quotes {
    #[derive(Clone, Copy, PartialEq)]
    enum At {
        CellStart,
        Plain,
        Quoted,
        QuoteInQuoted,
    }
    if !bytes.contains(&b'"') {
        return Quotes::None;
    }
    let mut at = At::CellStart;
    for &byte in bytes {
        at = match (at, byte) {
            (At::Quoted, b'"') => At::QuoteInQuoted,
            (At::CellStart | At::QuoteInQuoted, b'"') | (At::Quoted, _) => At::Quoted,
            (_, byte) if byte == delimiter => At::CellStart,
            (At::QuoteInQuoted, _) => return Quotes::Misplaced,
            (At::CellStart | At::Plain, _) => At::Plain,
        };
    }
    if at == At::Quoted { Quotes::Open } else { Quotes::Closed }
}

fn cells_of(bytes: &[u8], delimiter: u8, quoted: bool, line: u64) -> Result<Record, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::of_line(line, Cause::NotUtf8))?;
    if !quoted {
        return Ok(Record { line, cells: text.split(char::from(delimiter)).map(str::to_owned).collect() });
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .buffer_capacity(bytes.len().max(1))
        .from_reader(bytes);
    let mut record = csv::StringRecord::new();
    reader.read_record(&mut record).map_err(|_| Fault::of_line(line, Cause::QuoteOpen))?;
    Ok(Record { line, cells: record.iter().map(str::to_owned).collect() })
}
