//! Plain data as bytes: postcard.

use danso_tier_config::limits;
use serde::Serialize;

/// The bytes of plain data, no more of them than it takes.
///
/// Most are made in room that is there and copied once: a vector that grows is copied at every step.
pub fn encoded<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut room = [0; limits::ENCODED_BYTES];
    match postcard::to_slice(value, &mut room) {
        Ok(bytes) => bytes.to_vec(),
        // It takes more.
        Err(_) => postcard::to_stdvec(value).expect("plain data encodes into memory"),
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn what_fits_into_the_room_and_what_does_not_is_encoded_alike() {
        for bytes in [0, 1, limits::ENCODED_BYTES - 2, limits::ENCODED_BYTES - 1, 2 * limits::ENCODED_BYTES] {
            let value = vec![7u8; bytes];
            assert_eq!(encoded(&value), postcard::to_stdvec(&value).unwrap(), "{bytes}");
        }
    }
}
