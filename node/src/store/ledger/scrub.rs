//! What stands in place of a record that was replaced: a payload of the same length without its content.
//!
//! | bytes of the payload | field, little-endian |
//! |---|---|
//! | 0 | format |
//! | 1..9 | position of the record that replaces this one |
//! | 9.. | zeros up to the length of the payload that was here |

use super::error::{Damage, Refusal};
use super::position::{Kind, Position};
use super::record::{self, Frame, u64_at};

/// Smallest payload that can be scrubbed.
pub(super) const SCRUBBED_BYTES_MIN: usize = 9;

const FORMAT: u8 = 1;

/// The record that replaces a scrubbed one, read from its payload.
///
/// It may be scrubbed itself and lies further on, so that following it comes to an end. `None` if
/// these are not the bytes of a scrubbed payload, or those of a newer format. The caller has looked
/// at the kind: a payload of another kind may look the same.
pub fn replaced_by(payload: &[u8]) -> Option<Position> {
    let (fields, rest) = payload.split_at_checked(SCRUBBED_BYTES_MIN)?;
    (fields[0] == FORMAT && rest.iter().all(|&byte| byte == 0)).then(|| Position(u64_at(fields, 1)))
}

/// Whether a record is still to be scrubbed: not if it was before.
pub(super) fn is_due(kind: Kind, payload_bytes: usize) -> Result<bool, Refusal> {
    if kind == Kind::SCRUBBED {
        return Ok(false);
    }
    if payload_bytes < SCRUBBED_BYTES_MIN {
        return Err(Refusal::TooShort { bytes: payload_bytes, bytes_min: SCRUBBED_BYTES_MIN });
    }
    Ok(true)
}

/// Writes the scrubbed record over the one at the start of `bytes`, which goes on after it. Length,
/// position and durable end stay; the caller has asked [`is_due`].
pub(super) fn overwrite(bytes: &mut [u8], position: Position, replaced_by: Position) -> Result<(), Damage> {
    let Frame { durable, payload, .. } = record::decode(bytes, position)?;
    let mut scrubbed = vec![0; payload.len()];
    scrubbed[0] = FORMAT;
    scrubbed[1..SCRUBBED_BYTES_MIN].copy_from_slice(&replaced_by.0.to_le_bytes());
    let mut whole = Vec::new();
    record::encode(&mut whole, Kind::SCRUBBED, position, durable, &scrubbed);
    bytes[..whole.len()].copy_from_slice(&whole);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::record::HEAD_BYTES;
    use super::*;

    fn scrubbed(payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        record::encode(&mut bytes, Kind(2), Position(100), Position(64), payload);
        bytes.extend_from_slice(b"behind");
        overwrite(&mut bytes, Position(100), Position(7_000_000_000)).unwrap();
        bytes
    }

    #[test]
    fn scrubbed_record_keeps_length_position_and_durable_end_and_nothing_of_its_content() {
        for payload in [&b"nine long"[..], b"a name that has to go"] {
            let bytes = scrubbed(payload);
            let frame = record::decode(&bytes, Position(100)).unwrap();
            assert_eq!((frame.kind, frame.durable), (Kind::SCRUBBED, Position(64)));
            assert_eq!(frame.payload.len(), payload.len());
            assert_eq!(replaced_by(frame.payload), Some(Position(7_000_000_000)));
            assert_eq!(&bytes[HEAD_BYTES + payload.len()..], b"behind");
            assert!(frame.payload[SCRUBBED_BYTES_MIN..].iter().all(|&byte| byte == 0));
        }
    }

    #[test]
    fn payload_of_nine_bytes_is_the_shortest_that_is_due() {
        assert_eq!(is_due(Kind(2), 9), Ok(true));
        assert_eq!(is_due(Kind(2), 8), Err(Refusal::TooShort { bytes: 8, bytes_min: 9 }));
        assert_eq!(is_due(Kind::SCRUBBED, 9), Ok(false));
    }

    #[test]
    fn bytes_that_are_no_scrubbed_payload_name_no_position() {
        let good = [1, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(replaced_by(&good), Some(Position(5)));
        assert_eq!(replaced_by(&good[..9]), Some(Position(5)));
        assert_eq!(replaced_by(&good[..8]), None);
        assert_eq!(replaced_by(&[]), None);
        for (at, byte) in [(0, 0), (0, 2), (9, 1), (10, 1)] {
            let mut other = good;
            other[at] = byte;
            assert_eq!(replaced_by(&other), None, "byte {at}");
        }
    }

    #[test]
    fn damaged_record_is_not_written_over() {
        let mut bytes = Vec::new();
        record::encode(&mut bytes, Kind(2), Position(100), Position(64), b"a name that has to go");
        bytes[HEAD_BYTES] ^= 1;
        let before = bytes.clone();
        assert_eq!(overwrite(&mut bytes, Position(100), Position(200)), Err(Damage::Checksum));
        assert_eq!(bytes, before);
    }
}
