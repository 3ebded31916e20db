//! What a stream of batches has carried, so that it need not carry the same again.
//!
//! Each header names the hash of the one before it. Where that one went over the same stream, both ends know its hash,
//! and the 32 bytes stay away. The receiver puts them back before anything is checked: what is signed, kept and
//! forwarded is the whole header.

use crate::chain::{BatchNumber, Digest, Header, Statement};
use crate::domain::Sequence;
use danso_tier_config::{UnitId, limits};
use std::collections::BTreeMap;

/// The latest header of each origin that a stream carried. Each end keeps one, and tells it of every header.
#[derive(Debug, Default)]
pub struct Carried(BTreeMap<UnitId, Digest>);

impl Carried {
    /// Before a header is sent: its bytes without the hash of the one before it, if the receiver knows that from this
    /// stream.
    pub fn shorten(&mut self, header: &[u8]) -> Option<Vec<u8>> {
        let (origin, at) = place_in(header)?;
        let (previous, after) = header[at..].split_at_checked(size_of::<Digest>())?;
        let known = self.0.get(&origin).is_some_and(|known| previous == known.0);
        self.carry(origin, header);
        known.then(|| [&header[..at], after].concat())
    }

    /// A header that came whole.
    pub fn saw(&mut self, header: &[u8]) {
        if let Some((origin, _)) = place_in(header) {
            self.carry(origin, header);
        }
    }

    /// The whole header of one that came without the hash of the one before it; `None` where this stream carried
    /// nothing that it could follow.
    pub fn whole(&mut self, short: &[u8]) -> Option<Vec<u8>> {
        let (origin, at) = place_in(short)?;
        let header = [&short[..at], &self.0.get(&origin)?.0, &short[at..]].concat();
        self.carry(origin, &header);
        Some(header)
    }

    fn carry(&mut self, origin: UnitId, header: &[u8]) {
        // Both ends leave out the same ones.
        if self.0.len() < limits::HELLO_ORIGINS_MAX || self.0.contains_key(&origin) {
            self.0.insert(origin, Digest::of(&[header]));
        }
    }
}

/// Whose header it is, and where in its bytes the hash of the one before it begins: behind the fields that [`Header`]
/// has before it.
fn place_in(header: &[u8]) -> Option<(UnitId, usize)> {
    let fields = header.strip_prefix(&Header::MAGIC)?;
    let ((origin, ..), rest) =
        postcard::take_from_bytes::<(UnitId, BatchNumber, Sequence, u32)>(fields).ok()?;
    Some((origin, header.len() - rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chain::{KeyId, LedgerKey, Signed},
        domain::RecordedAt,
    };

    fn header(origin: &str, number: u64, previous: Digest) -> Vec<u8> {
        let header = Header {
            origin: origin.parse().unwrap(),
            number: BatchNumber(number),
            first: Sequence(number * 1_000),
            changes: 700,
            previous,
            personal_root: Digest::of(&[b"personal"]),
            cores_root: Digest::of(&[b"cores"]),
            tallies_root: Digest::of(&[b"tallies"]),
            recorded_from: RecordedAt::from_millis(1_780_000_000_000),
            recorded_to: RecordedAt::from_millis(1_780_000_000_001),
            key: KeyId([7; 8]),
        };
        Signed::sign(&header, &LedgerKey::from_seed(&[1; 32])).bytes
    }

    /// The headers of a chain from 1 on.
    fn chain(origin: &str, count: u64) -> Vec<Vec<u8>> {
        let mut previous = Digest::default();
        (1..=count)
            .map(|number| {
                let bytes = header(origin, number, previous);
                previous = Digest::of(&[&bytes]);
                bytes
            })
            .collect()
    }

    /// Sends headers over a stream; what came out, and whether each was short on its way.
    fn send(headers: &[Vec<u8>]) -> Vec<(Vec<u8>, bool)> {
        let (mut sender, mut receiver) = (Carried::default(), Carried::default());
        let over = |header: &Vec<u8>| {
            if let Some(short) = sender.shorten(header) {
                assert_eq!(short.len() + 32, header.len());
                (receiver.whole(&short).unwrap(), true)
            } else {
                receiver.saw(header);
                (header.clone(), false)
            }
        };
        headers.iter().map(over).collect()
    }

    #[test]
    fn all_but_the_first_of_each_chain_are_short_and_come_out_whole() {
        let (one, other) = (chain("00001@2025-07-01", 40), chain("00002@2025-07-01", 40));
        let mixed: Vec<Vec<u8>> = one.into_iter().zip(other).flat_map(|(a, b)| [a, b]).collect();
        let came = send(&mixed);
        assert!(came.iter().zip(&mixed).all(|((came, _), sent)| came == sent));
        let short: Vec<bool> = came.iter().map(|(_, short)| *short).collect();
        assert!(!short[0] && !short[1] && short[2..].iter().all(|short| *short));
    }

    #[test]
    fn what_does_not_follow_what_was_carried_goes_whole() {
        let chain = chain("00001@2025-07-01", 6);
        // From the middle, once more, a gap, and on from there.
        let order = [3, 3, 1, 2, 5, 4, 5].map(|at: usize| chain[at].clone());
        let came = send(&order);
        assert!(came.iter().zip(&order).all(|((came, _), sent)| came == sent));
        let short: Vec<bool> = came.into_iter().map(|(_, short)| short).collect();
        assert_eq!(short, [false, false, false, true, false, false, true]);
    }

    #[test]
    fn a_short_header_of_an_origin_that_was_not_carried_is_refused() {
        let chain = chain("00001@2025-07-01", 2);
        let mut sender = Carried::default();
        sender.saw(&chain[0]);
        let short = sender.shorten(&chain[1]).unwrap();
        assert_eq!(Carried::default().whole(&short), None);
        let mut other = Carried::default();
        other.saw(&header("00002@2025-07-01", 1, Digest::default()));
        assert_eq!(other.whole(&short), None);
    }

    #[test]
    fn what_is_no_header_is_neither_shortened_nor_made_whole() {
        let chain = chain("00001@2025-07-01", 1);
        let mut carried = Carried::default();
        carried.saw(&chain[0]);
        for length in 0..chain[0].len() {
            let _ = carried.whole(&chain[0][..length]);
            let cut = &chain[0][..length.min(60)];
            assert_eq!(Carried::default().shorten(cut), None);
        }
        assert_eq!(carried.whole(b"DSB2 of a later format"), None);
    }

    #[test]
    fn both_ends_remember_as_many_origins_and_no_more() {
        let all: Vec<Vec<u8>> = (0..=limits::HELLO_ORIGINS_MAX)
            .map(|at| header(&format!("{at:05}@2025-07-01"), 1, Digest::default()))
            .collect();
        let next = |first: &Vec<u8>, at: usize| {
            header(&format!("{at:05}@2025-07-01"), 2, Digest::of(&[first.as_slice()]))
        };
        let last = limits::HELLO_ORIGINS_MAX;
        let mut headers = all.clone();
        headers.extend([next(&all[0], 0), next(&all[last], last)]);
        let came = send(&headers);
        assert!(came.iter().zip(&headers).all(|((came, _), sent)| came == sent));
        assert_eq!((came[last + 1].1, came[last + 2].1), (true, false));
    }
}
