//! The codec of all services: what a peer sends is counted before it is decoded.
//!
//! A repeated field takes two bytes on the wire for each empty element and up to a hundred in memory, so a
//! message within its limit in bytes could still take a gigabyte.

use crate::v1;
use prost::Message;
use std::{any::TypeId, marker::PhantomData};
use tonic::{
    Status,
    codec::{Codec, DecodeBuf, Decoder},
};
use tonic_prost::{ProstCodec, ProstDecoder, ProstEncoder};

/// Most fields of a message of the link, with those of the message in it.
pub const FIELDS_MAX: usize = 100_000;

/// Prost with a bound on the number of fields.
#[derive(Debug, Clone)]
pub struct BoundedCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for BoundedCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T: Message + Send + 'static, U: Message + Default + Send + 'static> Codec for BoundedCodec<T, U> {
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = BoundedDecoder<U>;

    fn encoder(&mut self) -> ProstEncoder<T> {
        ProstCodec::<T, U>::default().encoder()
    }

    fn decoder(&mut self) -> BoundedDecoder<U> {
        BoundedDecoder(ProstCodec::<T, U>::default().decoder())
    }
}

/// Counts, then decodes.
#[derive(Debug, Clone)]
pub struct BoundedDecoder<U>(ProstDecoder<U>);

impl<U: Message + Default + 'static> Decoder for BoundedDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        // Only these may be large and come from either side unasked.
        let bounded = [
            TypeId::of::<v1::ChildMessage>(),
            TypeId::of::<v1::ParentMessage>(),
            TypeId::of::<v1::BackupRequest>(),
        ];
        // The rest of the buffer lies in one piece.
        if bounded.contains(&TypeId::of::<U>()) && !is_bounded(prost::bytes::Buf::chunk(source)) {
            // As prost says of what it cannot decode.
            return Err(Status::internal(format!("a message of more than {FIELDS_MAX} fields")));
        }
        self.0.decode(source)
    }

    fn buffer_settings(&self) -> tonic::codec::BufferSettings {
        self.0.buffer_settings()
    }
}

/// Whether an encoded message has no more than [`FIELDS_MAX`] fields, counted with those of the messages in it.
/// What is no message is none of this function's business.
pub fn is_bounded(message: &[u8]) -> bool {
    let mut left = FIELDS_MAX;
    count(message, true, &mut left).is_some()
}

/// Takes each field from what is left; nothing when that does not suffice.
fn count(mut bytes: &[u8], deeper: bool, left: &mut usize) -> Option<()> {
    while let Some(key) = varint(&mut bytes) {
        *left = left.checked_sub(1)?;
        let value = match key & 7 {
            0 => varint(&mut bytes).map(|_| &[][..]),
            1 => take(&mut bytes, 8),
            2 => varint(&mut bytes).and_then(|length| take(&mut bytes, length)),
            5 => take(&mut bytes, 4),
            // A group: its fields count as if they stood here.
            _ => Some(&[][..]),
        };
        let Some(value) = value else { break };
        if deeper && key & 7 == 2 {
            count(value, false, left)?;
        }
    }
    Some(())
}

fn take<'a>(bytes: &mut &'a [u8], length: u64) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
    *bytes = rest;
    Some(taken)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for place in 0..10 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use v1::{Batch, ChildMessage, Hello, SignedStatement, child_message::Message as FromChild};

    fn encoded(message: FromChild) -> Vec<u8> {
        ChildMessage { message: Some(message) }.encode_to_vec()
    }

    #[test]
    fn a_hello_of_as_many_keys_as_fit_is_counted_field_by_field() {
        let registrations = |count| vec![SignedStatement::default(); count];
        let hello = |count| {
            encoded(FromChild::Hello(Hello { registrations: registrations(count), ..Hello::default() }))
        };
        assert!(is_bounded(&hello(FIELDS_MAX - 1)));
        assert!(!is_bounded(&hello(FIELDS_MAX)));
        // The same field again and again is one message in the end.
        let one = hello(1_000);
        assert!(!is_bounded(&one.repeat(200)));
    }

    #[test]
    fn what_lies_in_a_frame_is_not_counted() {
        let frame = Some([0x0a, 0x00].repeat(1 << 20).into());
        let batch = Batch { cores_frame: frame, ..Batch::default() };
        assert!(is_bounded(&encoded(FromChild::Batch(batch))));
    }

    #[test]
    fn fields_before_a_broken_end_and_within_groups_are_counted() {
        for bomb in [[0x08, 0x00], [0x0b, 0x0c], [0x2a, 0x00]] {
            let mut bytes = bomb.repeat(FIELDS_MAX + 1);
            bytes.extend([0x0a, 0xff]);
            assert!(!is_bounded(&bytes), "{bomb:?}");
        }
        assert!(is_bounded(&[0x0a, 0xff, 0xff]) && is_bounded(&[]));
    }
}
