//! Makes one dated directory from the official lists as published, and reports what is odd in them.
//!
//! The lists: communes before 2025-07-01 (the Statistics Office's or a derived one), districts before it,
//! communes after it, province codes of the letter 915/CTK-CSCL, and the conversion table (the office's own or
//! the normalised one). They are recognised by their columns, not by their names; the first, third and last
//! are needed.
//!
//! | file | holds |
//! |---|---|
//! | `lists.rs` | the shapes of the lists and their rows |
//! | `spelling.rs` | names made comparable |
//! | `places.rs` | units before and after, by code |
//! | `conversion.rs` | the conversion table matched with both |
//! | `remark.rs` | its remarks read as relations |
//! | `completeness.rs` | whether every unit went and came from somewhere |
//! | `assemble.rs` | dated rows and lineage |
//! | `report.rs` | what is odd, where, and whether it was repaired |
//!
//! Invariants:
//! 1. Every unit valid from 2025-07-01 is a new unit, also where nothing changed (lineage `unchanged`): the
//!    decision of that day issued all codes anew, and identity is code and first day.
//! 2. Units of the old lists are given 2004-07-08, the day of the decision on codes, as their first day; the
//!    lists do not say when each began.
//! 3. Codes join the lists. A name decides only where the code cannot be right and exactly one unit of the
//!    same district or province bears the name, and then a finding says so.
//! 4. Later changes of kind (Đồng Nai on 2026-04-30) are further rows of the same unit.

mod assemble;
mod completeness;
mod conversion;
mod lists;
mod places;
mod remark;
pub mod report;
pub mod spelling;

use super::Directory;
use crate::fault::Faults;
use conversion::Conversion;
use lists::{ListKind, Lists};
use places::{After, Before};
pub use report::{Finding, Oddity, Report};

/// The directory of the lists given as (name, text), and what is odd in them.
///
/// Faults are what leaves no directory to make: unreadable or missing lists, broken codes, duplicates.
pub fn import(files: &[(&str, &str)]) -> Result<(Directory, Report), Faults> {
    let lists = Lists::read(files)?;
    let (mut report, mut faults) = (Report::default(), Faults::default());
    let before = Before::read(&lists, &mut report, &mut faults);
    let after = After::read(&lists, &mut report, &mut faults);
    let table = lists.needed(ListKind::Conversion);
    let conversion = Conversion::read(table, &before, &after, &mut report, &mut faults);
    let after_file = &lists.needed(ListKind::CommunesAfter).file;
    let (units, lineage) = assemble::assemble(&before, &after, &conversion, after_file, &mut report);
    faults.none_or(())?;
    report.sort();
    Ok((Directory::from_rows(units, lineage)?, report))
}
