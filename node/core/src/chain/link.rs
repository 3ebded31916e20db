//! Does a batch follow the head of its chain?

use super::{Digest, Fault, Head, Header};

/// How an acceptable batch stands to the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// It is the next one.
    Next,
    /// It is held already; the answer is the receipt given then.
    Repeat,
}

/// Checks number, previous hash and sequence against the head.
///
/// `known` is the hash of the batch held under the same number, for numbers up to the head's.
pub fn check_link(head: &Head, header: &Header, hash: Digest, known: Option<Digest>) -> Result<Link, Fault> {
    let (origin, number) = (header.origin, header.number);
    if number <= head.number {
        return match known {
            Some(known) if known == hash => Ok(Link::Repeat),
            known => Err(Fault::Fork { origin, number, known: known.unwrap_or_default(), found: hash }),
        };
    }
    if number != head.number.next() {
        return Err(Fault::Gap { origin, expected: head.number.next(), found: number });
    }
    let follows = header.previous == head.hash
        && header.first == head.next
        && header.recorded_from >= head.recorded_to
        && header.recorded_to >= header.recorded_from;
    if follows { Ok(Link::Next) } else { Err(Fault::WrongPrevious { origin, number }) }
}
