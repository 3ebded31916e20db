//! A record on its way to the ledger.

use super::{
    at_rest::Vault,
    ledger::Kind,
    record::{OwnChange, Record},
};
use danso_core::{domain::Change, rollup::Judged};

/// What was found out about a record before it is applied. Of one that comes from the ledger it is found again.
#[derive(Debug, Clone, Default)]
pub(super) enum Known {
    /// Nothing.
    #[default]
    Nothing,
    /// Of a batch: what it adds to the counts.
    Counts(Box<Judged>),
    /// Of own changes: those of which their bytes were made, one of each.
    Changes(Vec<Change>),
}

impl Known {
    /// Takes in what is known of own changes that join those of this record.
    pub fn join(&mut self, later: Self) {
        match (&mut *self, later) {
            (Self::Changes(made), Self::Changes(later)) => made.extend(later),
            _ => *self = Self::Nothing,
        }
    }

    /// What a batch adds to the counts.
    pub fn counts(self) -> Option<Judged> {
        if let Self::Counts(judged) = self { Some(*judged) } else { None }
    }
}

/// A record on its way to the ledger, with what is known of it.
#[derive(Debug, Clone)]
pub struct Staged {
    /// The record.
    pub(super) record: Record,
    /// What was found out about it.
    pub(super) known: Known,
    /// As it is appended, where that is known before the writer's turn.
    encoded: Option<(Kind, Vec<u8>)>,
}

impl From<Record> for Staged {
    fn from(record: Record) -> Self {
        Self { record, known: Known::Nothing, encoded: None }
    }
}

impl Staged {
    /// A batch, with what it adds to the counts.
    pub fn judged(record: Record, judged: Judged) -> Self {
        Self { known: Known::Counts(Box::new(judged)), ..Self::from(record) }
    }

    /// An own change, with the change of which its bytes were made.
    pub fn own(change: OwnChange, made: Change) -> Self {
        Self { known: Known::Changes(vec![made]), ..Self::from(Record::Own(vec![change])) }
    }

    /// Its own changes, each with the change of which its bytes were made where that is known.
    pub(super) fn own_changes(&self) -> impl Iterator<Item = (&OwnChange, Option<&Change>)> {
        let made = if let Known::Changes(made) = &self.known { made.as_slice() } else { &[] };
        self.record.own_changes().iter().enumerate().map(|(place, change)| (change, made.get(place)))
    }

    /// Whether nobody can wait for a record but who made it.
    pub(super) fn may_wait(&self) -> bool {
        matches!(self.record, Record::Own(_) | Record::Note(_))
    }

    /// Encodes and seals the record here, so that the one writer need not. There a note becomes an entry, and own
    /// changes that are committed together one record.
    pub(super) fn prepare(&mut self, vault: &Vault) {
        if !self.may_wait() {
            self.encode(vault);
        }
    }

    /// Encodes and seals the record, unless that was done.
    pub(super) fn encode(&mut self, vault: &Vault) {
        if self.encoded.is_none() {
            self.encoded = Some(self.record.encode(vault));
        }
    }

    /// As it is appended, once it is encoded.
    pub(super) fn encoded(&self) -> Option<(Kind, &[u8])> {
        self.encoded.as_ref().map(|(kind, bytes)| (*kind, bytes.as_slice()))
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use danso_core::domain::{Area, Core, Event, RecordedAt};

    fn made(millis: u64) -> Change {
        let core = Core {
            recorded_at: RecordedAt::from_millis(millis),
            effective_on: "2026-01-01".parse().unwrap(),
            area: Area(1),
            event: Event::Reviewed,
            persons: Vec::new(),
            households: Vec::new(),
        };
        Change { core, personal: None }
    }

    #[test]
    fn of_changes_that_join_all_are_known_or_none() {
        let known = |millis| Known::Changes(vec![made(millis)]);
        let joined = |mut first: Known, later| {
            first.join(later);
            first
        };
        let Known::Changes(both) = joined(known(1), known(2)) else { panic!("both were known") };
        assert_eq!(both, [made(1), made(2)]);
        assert!(matches!(joined(known(1), Known::Nothing), Known::Nothing));
        assert!(matches!(joined(Known::Nothing, known(2)), Known::Nothing));
    }
}
