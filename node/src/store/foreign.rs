//! What the store makes of bytes that a damaged disk, or somebody with a hand on it, may have put there.

use super::{
    StoreError,
    at_rest::Vault,
    index, keys,
    ledger::{Kind, Position},
    record::{Anchor, Record},
    rows::{BatchRow, ChainRow, OwnPlaces, Recording, StoredHousehold, StoredPerson, TalliesRow},
};
use danso_core::{chain::AuditHead, domain::Reason};
use danso_tier_config::UnitId;
use serde::de::DeserializeOwned;

/// The record that a payload is, as the start of a node reads it; names are left out where the vault is locked.
/// Errors: `ledger_record_unreadable`.
pub fn read_record(
    kind: Kind,
    payload: &[u8],
    position: Position,
    vault: &Vault,
) -> Result<Record, StoreError> {
    Record::decode(kind, payload, position, vault).map(|decoded| decoded.record)
}

/// Kind and payload of a record as they are appended.
///
/// # Panics
/// On a note, which the writer turns into an entry before.
pub fn write_record(record: &Record, vault: &Vault) -> (Kind, Vec<u8>) {
    record.encode(vault)
}

/// Whether key and value are a row of the index: the key of one of the kinds in `keys.rs`, the value its row.
pub fn is_row(key: &[u8], value: &[u8]) -> bool {
    let Some((kind, rest)) = key.split_first() else { return false };
    match kind {
        b'm' => match key {
            keys::POSITION => fits::<(u64, u64)>(value),
            keys::REACH => fits::<u64>(value),
            keys::CHECK => fits::<u128>(value),
            keys::RECORDING => fits::<Recording>(value),
            keys::AUDIT => fits::<AuditHead>(value),
            keys::VEILED => fits::<()>(value),
            _ => false,
        },
        b't' => is_tallies(key, value),
        b'c' => UnitId::from_key(rest).is_some() && fits::<ChainRow>(value),
        b'b' => numbered(rest).is_some() && fits::<BatchRow>(value),
        b'q' => numbered(rest).is_some() && fits::<Reason>(value),
        b'p' => keys::person_of_key(key).is_some() && fits::<StoredPerson>(value),
        b'h' => numbered(rest).is_some() && fits::<StoredHousehold>(value),
        b'o' => fits::<OwnPlaces>(value),
        b'g' | b'f' => keys::position_of_key(key).is_some() && fits::<()>(value),
        b'e' => keys::position_of_key(key).is_some() && fits::<UnitId>(value),
        b'a' => UnitId::from_key(rest).is_some() && fits::<Anchor>(value),
        b'n' => UnitId::from_key(rest).is_some() && fits::<danso_core::chain::BatchNumber>(value),
        b'd' | b'l' | b'v' | b'x' | b'y' | b'z' | b'u' => fits::<u64>(value),
        _ => false,
    }
}

/// Whether a value is a page of rows.
pub fn is_page(value: &[u8]) -> bool {
    index::is_page(value)
}

fn fits<T: DeserializeOwned>(value: &[u8]) -> bool {
    index::decode::<T>(value).is_ok()
}

/// Unit and number out of a key's rest.
fn numbered(rest: &[u8]) -> Option<(UnitId, u64)> {
    let (unit, number) = rest.split_at_checked(UnitId::KEY_BYTES)?;
    Some((UnitId::from_key(unit)?, u64::from_be_bytes(number.try_into().ok()?)))
}

/// A piece of tallies that are those of its key.
fn is_tallies(key: &[u8], value: &[u8]) -> bool {
    let row = keys::tallies_of_key(key);
    row.zip(index::decode::<TalliesRow>(value).ok())
        .is_some_and(|((row, _), piece)| row.decode(&piece.entries).is_some())
}
