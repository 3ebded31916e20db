//! The check sum over all rows of the index, by which a start knows that none is missing, old or altered.
//!
//! sled loses what it finds torn or damaged without a word, one page here and another there. Every batch that is
//! written carries the sum after it; it does not depend on the order of rows, so that it is counted on.

use super::{index, keys};
use danso_core::chain::Digest;

/// What a row adds to the check sum.
pub(super) fn check_of(key: &[u8], value: &[u8]) -> u128 {
    let digest = Digest::of(&[&(key.len() as u64).to_be_bytes(), key, value]);
    u128::from_be_bytes(digest.0[..16].try_into().expect("a digest has 32 bytes"))
}

/// The check sum over all rows, if it is the one that was written with them. Reads every row.
pub(super) fn checked(database: &sled::Db) -> sled::Result<Option<u128>> {
    let (mut found, mut written) = (0_u128, None);
    for row in database.iter() {
        let (key, value) = row?;
        if key == keys::CHECK {
            written = index::decode::<u128>(&value).ok();
        } else {
            found = found.wrapping_add(check_of(&key, &value));
        }
    }
    Ok((written.unwrap_or(0) == found).then_some(found))
}
