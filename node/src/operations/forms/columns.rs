//! The one table of columns per form: stable name, accepted headers, explanation and example.

use super::{
    spelling::{fold, folds_to},
    tables::Table,
};

/// A form that can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The A0 book: one line per person with the household.
    Register,
    /// The tables of the P0 sheet in one file.
    Events,
}

/// Whether a cell must be filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The header must have the column and every row a value.
    Always,
    /// May be empty or absent.
    Never,
    /// P0: which tables need a value, and which others may have one.
    Tables {
        /// These need it.
        needed: &'static [Table],
        /// These may have it.
        allowed: &'static [Table],
    },
}

/// One column of a form.
#[derive(Debug, PartialEq, Eq)]
pub struct Column {
    /// Stable English name, the header that danso writes.
    pub name: &'static str,
    /// Vietnamese title; accepted as a header, too.
    pub title: &'static str,
    /// Further accepted headers, compared like the others without case, marks, spaces and underscores.
    pub aliases: &'static [&'static str],
    /// Whether a cell must be filled.
    pub need: Need,
    /// Explanation in Vietnamese, without commas and semicolons.
    pub vietnamese: &'static str,
    /// Explanation in English, without commas and semicolons.
    pub english: &'static str,
    /// An example of a value.
    pub example: &'static str,
}

impl Form {
    /// All columns in the order in which danso writes them.
    pub fn columns(self) -> &'static [Column] {
        match self {
            Self::Register => super::register_columns::REGISTER,
            Self::Events => super::event_columns::EVENTS,
        }
    }

    /// The column of a stable name.
    pub fn column(self, name: &str) -> Option<&'static Column> {
        self.columns().iter().find(|column| column.name == name)
    }

    /// The index of the column that a header means, whatever its language, case, marks and spacing.
    pub(super) fn find(self, header: &str) -> Option<usize> {
        let whole = fold(header);
        let before_note = fold(header.split('(').next().unwrap_or_default());
        let matches = |wanted: &str| {
            self.columns().iter().position(|column| {
                !wanted.is_empty() && column.headers().any(|accepted| folds_to(accepted, wanted))
            })
        };
        matches(&whole).or_else(|| matches(&before_note))
    }

    /// The stable name nearest to an unknown header.
    pub(super) fn nearest(self, header: &str) -> &'static str {
        let wanted = fold(header);
        let distance = |column: &&Column| {
            column.headers().map(|accepted| edits(&wanted, &fold(accepted))).min().unwrap_or(usize::MAX)
        };
        self.columns().iter().min_by_key(distance).map_or("", |column| column.name)
    }
}

impl Column {
    fn headers(&self) -> impl Iterator<Item = &'static str> {
        [self.name, self.title].into_iter().chain(self.aliases.iter().copied())
    }
}

/// Edit distance of two folded (ASCII) words.
fn edits(a: &str, b: &str) -> usize {
    let b = b.as_bytes();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, other) in b.iter().enumerate() {
            let here = (diagonal + usize::from(letter != *other)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], here);
        }
    }
    row[b.len()]
}
