//! Personal parts read lately, by the record that they lie in: of one that holds many, the neighbours of a person asked
//! for are mostly asked for next.
//!
//! In memory only. An erasure empties it.

use super::{StoreError, ledger::Position};
use danso_core::domain::Sequence;
use danso_tier_config::limits;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The encoded personal parts of the changes of one record, from its first change on.
pub(super) struct PersonalParts {
    pub first: Sequence,
    pub parts: Vec<Option<Vec<u8>>>,
}

impl PersonalParts {
    /// The part of a change; `None` where it names nobody.
    pub fn of(&self, sequence: Sequence) -> Option<&[u8]> {
        let place = usize::try_from(sequence.0.checked_sub(self.first.0)?).ok()?;
        self.parts.get(place)?.as_deref()
    }

    /// About how many bytes of memory it takes.
    fn bytes(&self) -> usize {
        let parts = self.parts.iter().flatten().map(Vec::len).sum::<usize>();
        parts + self.parts.len() * size_of::<Option<Vec<u8>>>()
    }
}

/// What was read lately, the first read going first.
#[derive(Default)]
pub(super) struct Recent(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    records: HashMap<Position, Arc<PersonalParts>>,
    order: VecDeque<Position>,
    bytes: usize,
    /// Counts up when it was emptied.
    emptied: u64,
}

impl Recent {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The personal parts of the record at a position, read where they are not kept.
    pub fn parts(
        &self,
        position: Position,
        read: impl FnOnce() -> Result<PersonalParts, StoreError>,
    ) -> Result<Arc<PersonalParts>, StoreError> {
        let emptied = {
            let kept = self.kept();
            if let Some(found) = kept.records.get(&position) {
                return Ok(Arc::clone(found));
            }
            kept.emptied
        };
        // Nobody waits while it is read.
        let parts = Arc::new(read()?);
        let mut kept = self.kept();
        if parts.parts.len() > 1 && kept.emptied == emptied {
            kept.keep(position, Arc::clone(&parts));
        }
        Ok(parts)
    }

    /// Keeps nothing of what was read so far.
    pub fn empty(&self) {
        let mut kept = self.kept();
        *kept = Kept { emptied: kept.emptied + 1, ..Kept::default() };
    }
}

impl Kept {
    fn keep(&mut self, position: Position, parts: Arc<PersonalParts>) {
        let bytes = parts.bytes();
        if self.records.insert(position, parts).is_some() {
            return;
        }
        self.order.push_back(position);
        self.bytes += bytes;
        while self.bytes > limits::PERSONAL_PARTS_BYTES_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.bytes -= self.records.remove(&oldest).map_or(0, |parts| parts.bytes());
        }
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    const PART: usize = limits::PERSONAL_PARTS_BYTES_MAX / 8;

    fn many() -> PersonalParts {
        PersonalParts { first: Sequence(7), parts: vec![Some(vec![3; PART]), None] }
    }

    fn is_kept(recent: &Recent, position: u64) -> bool {
        let mut read = false;
        let parts = recent.parts(Position(position), || {
            read = true;
            Ok(many())
        });
        assert_eq!(parts.unwrap().of(Sequence(7)).map(<[u8]>::len), Some(PART));
        !read
    }

    #[test]
    fn a_part_is_found_by_its_change() {
        let parts = many();
        assert!(parts.of(Sequence(7)).is_some());
        assert_eq!([6, 8, 9].map(|other| parts.of(Sequence(other))), [None; 3]);
    }

    #[test]
    fn as_much_is_kept_as_the_limit_allows_and_the_first_goes_first() {
        let recent = Recent::default();
        assert!((0..8).all(|position| !is_kept(&recent, position)));
        // A little is needed beside the parts themselves: seven fit.
        assert!((1..8).all(|position| is_kept(&recent, position)));
        assert!(!is_kept(&recent, 0));
        assert!(!is_kept(&recent, 1));
        assert!(is_kept(&recent, 0));
    }

    #[test]
    fn a_change_alone_is_not_kept() {
        let recent = Recent::default();
        let alone = || Ok(PersonalParts { first: Sequence(7), parts: vec![Some(vec![1])] });
        recent.parts(Position(1), alone).unwrap();
        assert!(!is_kept(&recent, 1));
    }

    #[test]
    fn what_is_being_read_while_it_is_emptied_is_not_kept() {
        let recent = Recent::default();
        let read = || {
            recent.empty();
            Ok(many())
        };
        recent.parts(Position(1), read).unwrap();
        assert!(!is_kept(&recent, 1));
        assert!(is_kept(&recent, 1));
        recent.empty();
        assert!(!is_kept(&recent, 1));
    }
}
