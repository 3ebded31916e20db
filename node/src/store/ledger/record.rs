//! The bytes of one record: a fixed head with length, checksum, kind and two positions, then the payload.
//!
//! | bytes | field, little-endian |
//! |---|---|
//! | 0..4 | length of the whole record, head included, so that zeros are never a record |
//! | 4..8 | CRC-32 of the length and of everything from byte 8 on |
//! | 8 | kind |
//! | 9..17 | position of this record, so that a shifted or stale copy does not pass |
//! | 17..25 | end of the ledger that was durable when this record was written |
//! | 25.. | payload |

use danso_tier_config::limits::RECORD_BYTES_MAX;

use super::error::Damage;
use super::position::{Kind, Position};

/// Bytes of a record before its payload.
pub(super) const HEAD_BYTES: usize = 25;

/// A checked record inside a buffer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a> {
    pub kind: Kind,
    /// End of the ledger that was durable when the record was written.
    pub durable: Position,
    pub payload: &'a [u8],
}

impl Frame<'_> {
    /// Bytes of the whole record.
    pub fn bytes(&self) -> usize {
        HEAD_BYTES + self.payload.len()
    }
}

/// Appends the bytes of a record to `out`. The caller has checked the payload's size.
pub(super) fn encode(out: &mut Vec<u8>, kind: Kind, position: Position, durable: Position, payload: &[u8]) {
    assert!(payload.len() <= RECORD_BYTES_MAX, "payload of {} bytes was not checked", payload.len());
    let start = out.len();
    let length = ((HEAD_BYTES + payload.len()) as u32).to_le_bytes();
    out.extend_from_slice(&length);
    out.extend_from_slice(&[0; 4]);
    out.push(kind.0);
    out.extend_from_slice(&position.0.to_le_bytes());
    out.extend_from_slice(&durable.0.to_le_bytes());
    out.extend_from_slice(payload);
    let checksum = checksum(&out[start..]).to_le_bytes();
    out[start + 4..start + 8].copy_from_slice(&checksum);
}

/// Length that the head at the start of `bytes` claims, checked against the limit and not yet against
/// the checksum. `bytes` holds at least a head.
pub(super) fn claimed_bytes(bytes: &[u8]) -> Result<usize, Damage> {
    let length = u32_at(bytes, 0) as usize;
    if (HEAD_BYTES..=HEAD_BYTES + RECORD_BYTES_MAX).contains(&length) {
        Ok(length)
    } else {
        Err(Damage::Length)
    }
}

/// Position that the head at the start of `bytes` names; `bytes` holds at least a head.
pub(super) fn claimed_position(bytes: &[u8]) -> Position {
    Position(u64_at(bytes, 9))
}

/// Checks the record at the start of `bytes`, which may go on after it.
pub(super) fn decode(bytes: &[u8], position: Position) -> Result<Frame<'_>, Damage> {
    if bytes.len() < HEAD_BYTES {
        return Err(Damage::Length);
    }
    let length = claimed_bytes(bytes)?;
    let record = bytes.get(..length).ok_or(Damage::Length)?;
    if claimed_position(record) != position {
        return Err(Damage::Position);
    }
    let durable = Position(u64_at(record, 17));
    if u32_at(record, 4) != checksum(record) || durable > position {
        return Err(Damage::Checksum);
    }
    Ok(Frame { kind: Kind(record[8]), durable, payload: &record[HEAD_BYTES..] })
}

fn checksum(record: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&record[..4]);
    hasher.update(&record[8..]);
    hasher.finalize()
}

/// The little-endian number at `at`; the caller has checked that it lies within `bytes`.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes were sliced"))
}

/// The little-endian number at `at`; the caller has checked that it lies within `bytes`.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes were sliced"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_is_read_back_and_its_neighbour_is_not_touched() {
        let mut bytes = Vec::new();
        encode(&mut bytes, Kind(7), Position(100), Position(64), b"first");
        encode(&mut bytes, Kind(8), Position(130), Position(64), b"");
        let first = decode(&bytes, Position(100)).unwrap();
        assert_eq!((first.kind, first.durable, first.payload), (Kind(7), Position(64), &b"first"[..]));
        let second = decode(&bytes[first.bytes()..], Position(130)).unwrap();
        assert_eq!((second.kind, second.payload, second.bytes()), (Kind(8), &b""[..], HEAD_BYTES));
    }

    #[test]
    fn record_at_another_position_does_not_pass() {
        let mut bytes = Vec::new();
        encode(&mut bytes, Kind(7), Position(100), Position(64), b"first");
        assert_eq!(decode(&bytes, Position(101)).unwrap_err(), Damage::Position);
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let mut bytes = Vec::new();
        encode(&mut bytes, Kind(7), Position(100), Position(64), b"payload");
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&flipped, Position(100)).is_err(), "bit {bit} passed");
        }
    }

    #[test]
    fn zeros_are_never_a_record() {
        assert_eq!(decode(&[0; 64], Position(0)).unwrap_err(), Damage::Length);
    }
}
