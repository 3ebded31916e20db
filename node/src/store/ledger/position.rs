//! The names that the ledger shows at its border: positions, kinds and segment numbers.

use std::fmt;

/// A place in the ledger, in bytes from its beginning, growing over all segments.
///
/// A record's position is the place of its first byte. Between the last record of a segment and the
/// first of the next lies a header, so the position after a record may name the same place twice:
/// reading at either gives the next record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position(pub u64);

impl Position {
    /// The beginning of every ledger; reading from here gives its first record.
    pub const START: Self = Self(0);

    /// The place `bytes` further on.
    pub(super) const fn after(self, bytes: u64) -> Self {
        Self(self.0 + bytes)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a record holds; the ledger keeps it and gives it back without looking at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(pub u8);

impl Kind {
    /// A record that was replaced; [`super::replaced_by`] reads from its payload what replaces it. The
    /// one kind that the ledger itself gives, and that is never appended.
    pub const SCRUBBED: Self = Self(255);
}

/// Number of a segment file, from 1 without gaps; shown as in its file name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentNumber(pub u32);

impl SegmentNumber {
    /// The first segment of every ledger.
    pub const FIRST: Self = Self(1);

    /// The segment after this one.
    pub(super) const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for SegmentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08}", self.0)
    }
}
