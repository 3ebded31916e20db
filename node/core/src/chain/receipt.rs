//! A parent's signed answer to a batch, and what a tier that sends counts only excluded.

use super::{BatchNumber, Digest, Statement};
use crate::domain::{Reason, Sequence};
use danso_tier_config::{
    UnitId,
    limits::{BATCH_DELTAS_MAX, RECEIPT_QUARANTINED_MAX},
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, SeqAccess, Visitor},
};
use std::{fmt, marker::PhantomData};

/// A change that is stored but not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// Which change of the origin.
    pub sequence: Sequence,
    /// Why.
    pub reason: Reason,
}

/// The parent holds the origin's chain up to this batch, durably, with these verdicts on the batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Who signs.
    pub parent: UnitId,
    /// Whose chain.
    pub origin: UnitId,
    /// Up to which batch; receipts are cumulative.
    pub number: BatchNumber,
    /// Hash of that batch's header.
    pub hash: Digest,
    /// The changes of this batch that are not counted; all others are.
    #[serde(deserialize_with = "at_most::<_, _, RECEIPT_QUARANTINED_MAX>")]
    pub quarantined: Vec<Quarantined>,
    /// When the batch became durable at the parent, Unix milliseconds.
    pub accepted_at_ms: u64,
}

impl Statement for Receipt {
    const MAGIC: [u8; 4] = *b"DSR1";
}

/// A tier that sends counts only says which deltas of a batch it does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclusions {
    /// Who says so; the node that forwards.
    pub tier_unit: UnitId,
    /// Whose chain.
    pub origin: UnitId,
    /// Which batch.
    pub number: BatchNumber,
    /// Hash of that batch's header.
    pub hash: Digest,
    /// The changes, with reasons.
    #[serde(deserialize_with = "at_most::<_, _, RECEIPT_QUARANTINED_MAX>")]
    pub quarantined: Vec<Quarantined>,
    /// Leaves of the canonical deltas of those changes.
    #[serde(deserialize_with = "at_most::<_, _, BATCH_DELTAS_MAX>")]
    pub deltas: Vec<Vec<u8>>,
}

impl Statement for Exclusions {
    const MAGIC: [u8; 4] = *b"DSX1";
}

/// A list of bounded length: an empty element takes a byte when encoded and many in memory.
pub(super) fn at_most<'de, D, T, const MAX: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct List<T, const MAX: usize>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for List<T, MAX> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MAX}")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut found: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(element) = found.next_element()? {
                if list.len() == MAX {
                    return Err(A::Error::invalid_length(MAX + 1, &self));
                }
                list.push(element);
            }
            Ok(list)
        }
    }

    deserializer.deserialize_seq(List::<T, MAX>(PhantomData))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{Fault, LedgerKey, Signed};

    #[test]
    fn exclusions_of_more_leaves_than_a_batch_has_are_not_read() {
        let key = LedgerKey::from_seed(&[1; 32]);
        let exclusions = |leaves| Exclusions {
            tier_unit: "001@2025-07-01".parse().unwrap(),
            origin: "00001@2025-07-01".parse().unwrap(),
            number: BatchNumber(1),
            hash: Digest::default(),
            quarantined: Vec::new(),
            deltas: vec![Vec::new(); leaves],
        };
        for (leaves, expected) in
            [(BATCH_DELTAS_MAX, Ok(())), (BATCH_DELTAS_MAX + 1, Err(Fault::Malformed("statement")))]
        {
            let read = Signed::sign(&exclusions(leaves), &key).verify::<Exclusions>(key.public());
            assert_eq!(read.map(|read| assert_eq!(read.deltas.len(), leaves)), expected);
        }
    }
}
