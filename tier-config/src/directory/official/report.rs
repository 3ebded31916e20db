//! What is odd in the official lists, line by line, and whether it could be repaired.

use std::fmt;

/// What kind of oddity a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Oddity {
    /// The name belongs to another unit of the same district than the code.
    NameCodeMismatch,
    /// A code that its list does not hold.
    CodeUnknown,
    /// The row names another province than the unit's own list.
    ProvinceMismatch,
    /// The row names another district than the unit's own list.
    DistrictMismatch,
    /// Two lists spell one name differently (letter case and tone-mark places aside).
    Spelling,
    /// The kind's word is not written as in law: "xã Bắc Sơn" for "Xã Bắc Sơn", "Thị Trấn".
    KindCase,
    /// The column of the kind and the kind in the name differ, or two lists give two kinds.
    KindMismatch,
    /// A component that is no unit: it has no code.
    ComponentNotUnit,
    /// The remark on the transfer is not one of the standard phrases.
    RemarkReworded,
    /// One old unit goes wholly to one new unit and with people to another as well.
    TransferConflict,
    /// No row says where the old unit's people went.
    OldWithoutSuccessor,
    /// No row says what the new unit was made from.
    NewWithoutPredecessor,
    /// A pair that is listed twice.
    RowDuplicate,
    /// An optional list was not given; what that leaves out.
    ListNotGiven,
}

impl Oddity {
    /// A stable code for pages and filters.
    pub fn code(self) -> &'static str {
        match self {
            Self::NameCodeMismatch => "name-code-mismatch",
            Self::CodeUnknown => "code-unknown",
            Self::ProvinceMismatch => "province-mismatch",
            Self::DistrictMismatch => "district-mismatch",
            Self::Spelling => "spelling",
            Self::KindCase => "kind-case",
            Self::KindMismatch => "kind-mismatch",
            Self::ComponentNotUnit => "component-not-unit",
            Self::RemarkReworded => "remark-reworded",
            Self::TransferConflict => "transfer-conflict",
            Self::OldWithoutSuccessor => "old-without-successor",
            Self::NewWithoutPredecessor => "new-without-predecessor",
            Self::RowDuplicate => "row-duplicate",
            Self::ListNotGiven => "list-not-given",
        }
    }
}

/// One odd place of one list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The list's name as given.
    pub file: String,
    /// Line in the list, from 1; 0 where the list as a whole is meant.
    pub line: usize,
    /// The official code that stands in the line.
    pub unit_code: String,
    /// What kind of oddity it is.
    pub oddity: Oddity,
    /// A plain sentence with both values.
    pub message: String,
    /// True where the directory holds the right value all the same; false where someone must look.
    pub repaired: bool,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.repaired { "repaired" } else { "to check" };
        let Self { file, line, unit_code, oddity, message, .. } = self;
        write!(f, "{file}:{line}: {unit_code}: {message} [{}, {state}]", oddity.code())
    }
}

/// Everything odd that the import met, by list and line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// The findings, sorted by list and line.
    pub findings: Vec<Finding>,
}

impl Report {
    /// The findings of one kind.
    pub fn of(&self, oddity: Oddity) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.oddity == oddity)
    }

    /// The findings that someone must look at.
    pub fn unrepaired(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| !finding.repaired)
    }

    pub(super) fn sort(&mut self) {
        self.findings.sort_by(|a, b| (&a.file, a.line, a.oddity).cmp(&(&b.file, b.line, b.oddity)));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.findings.iter().try_for_each(|finding| writeln!(f, "{finding}"))
    }
}

/// Collects findings of one list.
pub(super) struct Notes<'a> {
    file: &'a str,
    report: &'a mut Report,
}

impl<'a> Notes<'a> {
    pub(super) fn new(file: &'a str, report: &'a mut Report) -> Self {
        Self { file, report }
    }

    /// Notes something odd whose right value is certain.
    pub(super) fn repaired(&mut self, line: usize, code: &str, oddity: Oddity, message: String) {
        self.note(line, code, oddity, message, true);
    }

    /// Notes something odd that someone must look at.
    pub(super) fn open(&mut self, line: usize, code: &str, oddity: Oddity, message: String) {
        self.note(line, code, oddity, message, false);
    }

    fn note(&mut self, line: usize, code: &str, oddity: Oddity, message: String, repaired: bool) {
        let (file, unit_code) = (self.file.to_owned(), code.to_owned());
        self.report.findings.push(Finding { file, line, unit_code, oddity, message, repaired });
    }
}
