//! What recognises that something is recorded again: capture ids and the changes they became.
//!
//! In memory, read back from the ledger at the first question: ids are random, and sled would keep three copies of what
//! the ledger has anyway.

use danso_core::domain::{CaptureId, Sequence};
use std::collections::BTreeMap;

/// Empty until it is filled at the first question.
#[derive(Debug, Default)]
pub(super) struct Captures {
    filled: bool,
    sequences: BTreeMap<CaptureId, Sequence>,
}

impl Captures {
    /// Whether all are in.
    pub fn is_filled(&self) -> bool {
        self.filled
    }

    /// Takes all in, the oldest first; before it, single ones are passed over.
    pub fn fill(&mut self, captures: impl IntoIterator<Item = (CaptureId, Sequence)>) {
        *self = Self { filled: true, sequences: captures.into_iter().collect() };
    }

    /// Takes one in.
    pub fn learn(&mut self, capture: CaptureId, sequence: Sequence) {
        if self.filled {
            self.sequences.insert(capture, sequence);
        }
    }

    /// The change that it became.
    pub fn sequence(&self, capture: CaptureId) -> Option<Sequence> {
        self.sequences.get(&capture).copied()
    }

    /// The first that begins with these bytes, at most as many as an id has.
    pub fn beginning(&self, beginning: &[u8]) -> Option<CaptureId> {
        let mut from = CaptureId([0; 16]);
        from.0.get_mut(..beginning.len())?.copy_from_slice(beginning);
        let (found, _) = self.sequences.range(from..).next()?;
        found.0.starts_with(beginning).then_some(*found)
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn a_capture_is_found_whole_and_by_its_beginning_once_all_are_in() {
        let mut captures = Captures::default();
        let id = |first: u8| CaptureId(std::array::from_fn(|at| if at == 0 { first } else { at as u8 }));
        captures.learn(id(3), Sequence(1));
        assert_eq!((captures.is_filled(), captures.sequence(id(3))), (false, None));
        captures.fill([(id(3), Sequence(1)), (id(9), Sequence(2))]);
        captures.learn(id(5), Sequence(3));
        assert_eq!(captures.sequence(id(5)), Some(Sequence(3)));
        assert_eq!(captures.beginning(&[5, 1]), Some(id(5)));
        assert_eq!(captures.beginning(&[5, 2]), None);
        assert_eq!(captures.beginning(&[10]), None);
        assert_eq!(captures.beginning(&[0; 17]), None);
    }
}
