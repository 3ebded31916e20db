//! The run over all rows of a file against the register, and what came of it.

use super::{
    capture::{CaptureKey, key_of},
    columns::Form,
    events,
    fault::{Cause, Fault},
    reader::{Parsed, Row},
    register,
    render::{Spelling, event_cells, register_cells},
};
use danso_core::domain::{
    CaptureId, HouseholdFacts, HouseholdId, HouseholdState, PersonFacts, PersonId, PersonState, Reach,
    Sequence,
    entry::{Entry, Refusal},
    form::{EventRow, RegisterRow},
};
use danso_tier_config::{Date, UnitId, limits};

/// A resident person as the desk finds one.
#[derive(Debug, Clone)]
pub struct Member {
    /// Who.
    pub id: PersonId,
    /// What counting knows.
    pub state: PersonState,
    /// What names the person.
    pub facts: PersonFacts,
}

/// An open household as the desk finds one.
#[derive(Debug, Clone)]
pub struct Home {
    /// Which.
    pub id: HouseholdId,
    /// Area, kind, size.
    pub state: HouseholdState,
    /// Number and address.
    pub facts: HouseholdFacts,
}

/// What recording an entry gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// Number of the change.
    pub sequence: Sequence,
    /// The person that the entry added.
    pub person: Option<PersonId>,
    /// The household that the entry opened.
    pub household: Option<HouseholdId>,
}

/// Why an entry was not recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotRecorded {
    /// The register refuses it; the next row may still go in.
    Refused(Refusal),
    /// The register takes nothing more (disk full, shutting down): the run ends. The desk keeps the cause.
    Halted,
}

/// The register as an import sees it; every answer reflects the entries recorded before in the same run.
pub trait Desk {
    /// The open household of a number, as written in the A0 book (NFC, trimmed).
    fn household_by_number(&self, number: &str) -> Option<Home>;
    /// The resident members of a household.
    fn members(&self, household: HouseholdId) -> Vec<Member>;
    /// The resident with a subject code (capital letters).
    fn person_by_subject_code(&self, code: &str) -> Option<Member>;
    /// The resident with a citizen number.
    fn person_by_citizen_number(&self, number: &str) -> Option<Member>;
    /// The recorded capture that begins with these bytes; at most one of an import does.
    fn captured(&self, key: CaptureKey) -> Option<CaptureId>;
    /// How far away the unit of a code is on a day, and its lasting id.
    fn reach_of(&self, unit_code: &str, on: Date) -> Option<(Reach, UnitId)>;
    /// Records an entry; the capture, where given, is recorded with it. Durable when the caller says so.
    fn record(&mut self, capture: Option<CaptureId>, on: Date, entry: Entry)
    -> Result<Recorded, NotRecorded>;
}

/// Rows so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Read.
    pub rows: u64,
    /// Recorded now.
    pub recorded: u64,
    /// In the register already with the same content.
    pub already_known: u64,
    /// Not taken; each has at least one fault.
    pub refused: u64,
}

/// What came of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Rows by outcome.
    pub counts: Counts,
    /// The first [`limits::IMPORT_FAULTS_MAX`] faults in the order of the file.
    pub faults: Vec<Fault>,
    /// Faults beyond these.
    pub faults_unlisted: u64,
    /// The line at which the desk took nothing more; that row and the rest are not recorded.
    pub halted_at: Option<u64>,
}

/// What came of one row.
pub(super) enum Outcome {
    Recorded,
    AlreadyKnown,
}

/// Why one row was not recorded.
pub(super) enum Stop {
    /// Something is wrong with a column, or with the row as a whole.
    Fault(Option<&'static str>, Cause),
    /// The desk takes nothing more.
    Halted,
}

impl Stop {
    pub fn at(column: &'static str, cause: Cause) -> Self {
        Self::Fault(Some(column), cause)
    }
}

impl From<NotRecorded> for Stop {
    fn from(not: NotRecorded) -> Self {
        match not {
            NotRecorded::Refused(refusal) => Self::Fault(None, Cause::Refused(refusal)),
            NotRecorded::Halted => Self::Halted,
        }
    }
}

/// Records the rows of an A0 book. `on` is the day the register is as of, on which registration takes effect;
/// it is not part of recognition, so a repeat on another day adds nothing. `progress` hears of every row.
pub fn import_register<D: Desk>(
    desk: &mut D,
    on: Date,
    rows: impl IntoIterator<Item = Parsed<RegisterRow>>,
    progress: &mut dyn FnMut(&Counts),
) -> Summary {
    let cells = |row: &RegisterRow| register_cells(row, Spelling::Words);
    run(Form::Register, rows, cells, |row| register::record(desk, on, row), progress)
}

/// Records the rows of P0 sheets, each on its own date, in the order of the file.
pub fn import_events<D: Desk>(
    desk: &mut D,
    rows: impl IntoIterator<Item = Parsed<EventRow>>,
    progress: &mut dyn FnMut(&Counts),
) -> Summary {
    let cells = |row: &EventRow| event_cells(row, Spelling::Words);
    run(Form::Events, rows, cells, |row| events::record(desk, row), progress)
}

fn run<T>(
    form: Form,
    rows: impl IntoIterator<Item = Parsed<T>>,
    cells: impl Fn(&T) -> Vec<String>,
    mut record: impl FnMut(&T) -> Result<Outcome, Stop>,
    progress: &mut dyn FnMut(&Counts),
) -> Summary {
    let mut summary = Summary::default();
    for parsed in rows {
        summary.counts.rows += 1;
        match parsed {
            Err(faults) => summary.refuse(faults),
            Ok(Row { line, content }) => match record(&content) {
                Ok(Outcome::Recorded) => summary.counts.recorded += 1,
                Ok(Outcome::AlreadyKnown) => summary.counts.already_known += 1,
                Err(Stop::Fault(column, cause)) => {
                    let place = form.columns().iter().position(|known| Some(known.name) == column);
                    summary.refuse(vec![match place {
                        Some(place) => {
                            Fault::of_cell(line, &form.columns()[place], &cells(&content)[place], cause)
                        }
                        None => Fault::of_line(line, cause),
                    }]);
                }
                Err(Stop::Halted) => {
                    summary.counts.rows -= 1;
                    summary.halted_at = Some(line);
                    break;
                }
            },
        }
        progress(&summary.counts);
    }
    summary
}

impl Summary {
    fn refuse(&mut self, faults: Vec<Fault>) {
        self.counts.refused += 1;
        for fault in faults {
            if self.faults.len() < limits::IMPORT_FAULTS_MAX {
                self.faults.push(fault);
            } else {
                self.faults_unlisted += 1;
            }
        }
    }
}

/// What the register knows of a row's capture.
pub(super) enum Seen {
    Never,
    Same,
    /// Another content stands under the row's natural key.
    Differently,
}

pub(super) fn seen(desk: &impl Desk, capture: CaptureId) -> Seen {
    match desk.captured(key_of(capture)) {
        None => Seen::Never,
        Some(known) if known == capture => Seen::Same,
        Some(_) => Seen::Differently,
    }
}
