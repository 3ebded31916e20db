//! The paper forms as files: whatever they hold, every row is recorded, known, or listed with its faults.

use crate::{corpus::bases, desk::MemoryDesk, edits::Script};
use danso_core::domain::form::RegisterRow;
use danso_node::operations::forms::{
    Fault, Parsed, Style, Summary, event_rows, import_events, import_register, register_rows, write_events,
    write_faults, write_register,
};
use danso_tier_config::Date;

/// Longest value that a fault repeats: 80 letters, each perhaps escaped.
const SHOWN_MAX: usize = 80 * "\\u{10ffff}".len() + 1;

fn as_of() -> Date {
    "2026-05-01".parse().unwrap()
}

/// The rows, each with the line it stands on or all its faults; `None` where the header is refused.
fn rows<T>(opened: Result<impl Iterator<Item = Parsed<T>>, Vec<Fault>>) -> Option<Vec<Parsed<T>>> {
    let rows = match opened {
        Ok(rows) => rows.collect::<Vec<_>>(),
        Err(faults) => {
            check_faults(&faults);
            return None;
        }
    };
    let mut line = 1;
    for row in &rows {
        let next = match row {
            Ok(row) => row.line,
            Err(faults) => {
                check_faults(faults);
                faults[0].line
            }
        };
        assert!(next >= line, "rows come in the order of the file");
        line = next;
    }
    Some(rows)
}

fn check_faults(faults: &[Fault]) {
    assert!(!faults.is_empty());
    for fault in faults {
        assert!(fault.line > 0 && fault.value.chars().count() <= SHOWN_MAX);
        assert!(!fault.vietnamese().is_empty() && !fault.english().is_empty());
    }
    let mut report = Vec::new();
    write_faults(faults, Style::default(), &mut report).unwrap();
    assert!(std::str::from_utf8(&report).is_ok());
}

fn contents<T: Clone>(rows: &[Parsed<T>]) -> Vec<T> {
    rows.iter().flatten().map(|row| row.content.clone()).collect()
}

fn check_summary(summary: &Summary, rows: usize) {
    let counts = summary.counts;
    assert_eq!(counts.rows, rows as u64);
    assert_eq!(counts.recorded + counts.already_known + counts.refused, counts.rows);
    assert!(summary.faults.len() as u64 + summary.faults_unlisted >= counts.refused);
    assert_eq!(summary.halted_at, None);
}

fn import(desk: &mut MemoryDesk, rows: Vec<Parsed<RegisterRow>>) -> Summary {
    let count = rows.len();
    let summary = import_register(desk, as_of(), rows, &mut |_| {});
    check_summary(&summary, count);
    desk.check_sizes();
    summary
}

/// Whether bytes are an A0 file (its header, at least). A second import of it adds nothing.
fn check_register(bytes: &[u8]) -> bool {
    let Some(read) = rows(register_rows(bytes)) else { return false };
    let good = contents(&read);
    let mut written = Vec::new();
    write_register(&good, Style::default(), &mut written).unwrap();
    assert_eq!(contents(&rows(register_rows(written.as_slice())).unwrap()), good);
    let mut desk = MemoryDesk::new();
    let first = import(&mut desk, read.clone());
    let changes = desk.changes;
    assert!(changes >= first.counts.recorded);
    let again = import(&mut desk, read);
    assert_eq!((again.counts.recorded, desk.changes), (0, changes));
    true
}

/// Whether bytes are a P0 file.
fn check_events(bytes: &[u8]) -> bool {
    let Some(read) = rows(event_rows(bytes)) else { return false };
    let good = contents(&read);
    let mut written = Vec::new();
    write_events(&good, Style::default(), &mut written).unwrap();
    assert_eq!(contents(&rows(event_rows(written.as_slice())).unwrap()), good);
    let mut desk = MemoryDesk::new();
    let book = include_bytes!("corpus/register/example.csv");
    import(&mut desk, rows(register_rows(book.as_slice())).unwrap());
    let count = read.len();
    check_summary(&import_events(&mut desk, read, &mut |_| {}), count);
    desk.check_sizes();
    true
}

#[test]
fn register() {
    let bases = bases("register", Vec::new(), check_register);
    fuzz!(Script, |script| {
        check_register(&script.bytes(&bases));
    });
}

#[test]
fn events() {
    let bases = bases("events", Vec::new(), check_events);
    fuzz!(Script, |script| {
        check_events(&script.bytes(&bases));
    });
}
