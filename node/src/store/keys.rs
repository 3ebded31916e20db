//! The one table of sled keys. Every key begins with a letter; every value with a format byte.
//!
//! | key | value | written when |
//! |---|---|---|
//! | `m` `position` | ledger position that the tallies reflect, check sum of the tallies | flush |
//! | `m` `reach` | ledger position that no row is ahead of; those counted up are at `position` | with every write |
//! | `m` `check` | check sum over all other rows | with every write |
//! | `m` `recording` | counters of the own recording | own change applied |
//! | `t` unit, month, cuboid, births, piece | signed sums of neighbouring cells ([`RowId`]), in pieces | flush |
//! | `c` origin | chain row: head, counters, hold | batch applied |
//! | `b` origin, number | ledger position and hash of the batch | batch applied |
//! | `q` origin, sequence | reason | batch with quarantined changes applied |
//! | `o` sequence / 64 | ledger positions of these 64 own changes ([`OwnPlaces`]) | own change applied |
//! | `p` person | state, latest change, and the change that names the person | own change applied |
//! | `h` household | the same of a household | own change applied |
//! | `g` unit, position | nothing: a registration or grant of its key lies there | registration applied |
//! | `d` version | ledger position of a directory version | directory applied |
//! | `l` number | ledger position of a release | release applied |
//! | `e` position | origin: evidence at this ledger position | evidence applied |
//! | `v` issuer | ledger position of its list of revocations | revocations applied |
//! | `x` order | ledger position of an order of erasure | order applied |
//! | `y` order, unit | ledger position of a tier's word that it was carried out | word applied |
//! | `f` position | nothing: an office record lies there | office record applied |
//! | `z` position | position of the record in its place: still to be scrubbed | rewritten record applied |
//! | `s` unit, day | the samples of the unit's lag on that day of the calendar of Unix | hourly |
//! | `w` unit, who said it | the last report of the unit | hourly |
//! | `a` child | number and hash of the latest entry heard of its audit chain, when | anchor applied |
//! | `n` origin | batch up to which its names were dropped by policy | rewritten record applied |
//! | `u` number | ledger position of an audit entry | entry applied |
//! | `m` `audit` | head of the audit chain | entry applied |
//! | `m` `veiled` | nothing: rows were written without the key, which changes name whom is missing | start |
//!
//! No row names anybody: names lie in the ledger alone.
//!
//! Rows `s` and `w` follow from no record: they are gone with the index, and no check compares them.

use super::ledger::Position;
use danso_core::{
    chain::{BatchNumber, Digest},
    domain::{HouseholdId, PersonId, Sequence},
    rollup::RowId,
};
use danso_tier_config::UnitId;

/// Format byte at the head of every value.
pub(super) const VALUE_FORMAT: u8 = 7;

/// Key of the position.
pub(super) const POSITION: &[u8] = b"mposition";

/// Key of the ledger position that no row is ahead of.
pub(super) const REACH: &[u8] = b"mreach";

/// Key of the check sum over all other rows.
pub(super) const CHECK: &[u8] = b"mcheck";

/// Key of the counters of the own recording.
pub(super) const RECORDING: &[u8] = b"mrecording";

/// Key of the head of the audit chain.
pub(super) const AUDIT: &[u8] = b"maudit";

/// Key of the mark that rows were written without the key at rest.
pub(super) const VEILED: &[u8] = b"mveiled";

/// Whether a row is counted up from its former value, or decides whether another is: replaying the ledger
/// over a later one would count twice.
pub(super) fn is_counted_up(key: &[u8]) -> bool {
    key == RECORDING || key == AUDIT || matches!(key.first(), Some(b't' | b'c' | b'q'))
}

/// A key. Those of persons, households, chains and batches lie in it, without memory of their own.
pub(super) type Key = sled::IVec;

/// The longest key: an order of erasure and a unit.
const KEY_BYTES_MAX: usize = 1 + size_of::<Digest>() + UnitId::KEY_BYTES;

fn key(letter: u8, parts: &[&[u8]]) -> Key {
    let mut room = [0; KEY_BYTES_MAX];
    room[0] = letter;
    let mut end = 1;
    for part in parts {
        room[end..end + part.len()].copy_from_slice(part);
        end += part.len();
    }
    Key::from(&room[..end])
}

/// A piece of a row of tallies, from 0.
pub(super) fn tallies(row: RowId, piece: u16) -> Key {
    key(b't', &[&row.to_key(), &piece.to_be_bytes()])
}

pub(super) const TALLIES: &[u8] = b"t";

pub(super) fn tallies_of_key(key: &[u8]) -> Option<(RowId, u16)> {
    let (row, piece) = key.strip_prefix(TALLIES)?.split_at_checked(RowId::KEY_BYTES)?;
    Some((RowId::from_key(row)?, u16::from_be_bytes(piece.try_into().ok()?)))
}

pub(super) const CHAINS: &[u8] = b"c";

pub(super) fn chain(origin: UnitId) -> Key {
    key(b'c', &[&origin.to_key()])
}

pub(super) fn batch(origin: UnitId, number: BatchNumber) -> Key {
    key(b'b', &[&origin.to_key(), &number.0.to_be_bytes()])
}

pub(super) fn quarantined(origin: UnitId, sequence: Sequence) -> Key {
    key(b'q', &[&origin.to_key(), &sequence.0.to_be_bytes()])
}

pub(super) fn quarantine_of(origin: UnitId) -> Key {
    key(b'q', &[&origin.to_key()])
}

/// Own changes whose positions share a row.
pub(super) const OWN_A_ROW: usize = 64;

/// The number of the row that holds the position of an own change.
pub(super) fn row_of(sequence: Sequence) -> u64 {
    sequence.0 / OWN_A_ROW as u64
}

/// The place of an own change in its row.
pub(super) fn place_in_row(sequence: Sequence) -> usize {
    (sequence.0 % OWN_A_ROW as u64) as usize
}

/// The row that holds the position of an own change.
pub(super) fn own(sequence: Sequence) -> Key {
    key(b'o', &[&row_of(sequence).to_be_bytes()])
}

pub(super) fn person(person: PersonId) -> Key {
    key(b'p', &[&person.to_key()])
}

pub(super) const PERSONS: &[u8] = b"p";

pub(super) fn person_of_key(key: &[u8]) -> Option<PersonId> {
    let (unit, serial) = key.strip_prefix(PERSONS)?.split_at_checked(UnitId::KEY_BYTES)?;
    Some(PersonId { unit: UnitId::from_key(unit)?, serial: u64::from_be_bytes(serial.try_into().ok()?) })
}

pub(super) fn household(household: HouseholdId) -> Key {
    key(b'h', &[&household.to_key()])
}

pub(super) const HOUSEHOLDS: &[u8] = b"h";

pub(super) fn household_of_key(key: &[u8]) -> Option<HouseholdId> {
    let (unit, serial) = key.strip_prefix(HOUSEHOLDS)?.split_at_checked(UnitId::KEY_BYTES)?;
    Some(HouseholdId { unit: UnitId::from_key(unit)?, serial: u64::from_be_bytes(serial.try_into().ok()?) })
}

pub(super) const REGISTRATIONS: &[u8] = b"g";

pub(super) fn registration(unit: UnitId, position: Position) -> Key {
    key(b'g', &[&unit.to_key(), &position.0.to_be_bytes()])
}

pub(super) const DIRECTORIES: &[u8] = b"d";

pub(super) fn directory(version: u64) -> Key {
    key(b'd', &[&version.to_be_bytes()])
}

pub(super) const RELEASES: &[u8] = b"l";

pub(super) fn release(number: u64) -> Key {
    key(b'l', &[&number.to_be_bytes()])
}

pub(super) fn evidence(position: Position) -> Key {
    key(b'e', &[&position.0.to_be_bytes()])
}

pub(super) const EVIDENCE: &[u8] = b"e";

/// The ledger position at the end of a key.
pub(super) fn position_of_key(key: &[u8]) -> Option<Position> {
    let start = key.len().checked_sub(8)?;
    key[start..].try_into().ok().map(u64::from_be_bytes).map(Position)
}

pub(super) const REVOCATIONS: &[u8] = b"v";

pub(super) fn revocations(issuer: UnitId) -> Key {
    key(b'v', &[&issuer.to_key()])
}

pub(super) const ORDERS: &[u8] = b"x";

pub(super) fn order(digest: Digest) -> Key {
    key(b'x', &[&digest.0])
}

pub(super) const DONE: &[u8] = b"y";

pub(super) fn done(order: Digest, unit: UnitId) -> Key {
    key(b'y', &[&order.0, &unit.to_key()])
}

pub(super) const OFFICE: &[u8] = b"f";

pub(super) fn office(position: Position) -> Key {
    key(b'f', &[&position.0.to_be_bytes()])
}

pub(super) fn audit(number: u64) -> Key {
    key(b'u', &[&number.to_be_bytes()])
}

pub(super) const ANCHORS: &[u8] = b"a";

pub(super) fn anchor(child: UnitId) -> Key {
    key(b'a', &[&child.to_key()])
}

pub(super) fn samples_of(unit: UnitId) -> Key {
    key(b's', &[&unit.to_key()])
}

pub(super) fn samples(unit: UnitId, day: u32) -> Key {
    key(b's', &[&unit.to_key(), &day.to_be_bytes()])
}

pub(super) const REPORTS: &[u8] = b"w";

pub(super) fn report(unit: UnitId, by: UnitId) -> Key {
    key(b'w', &[&unit.to_key(), &by.to_key()])
}

pub(super) fn compacted(origin: UnitId) -> Key {
    key(b'n', &[&origin.to_key()])
}

pub(super) const SCRUBS: &[u8] = b"z";

pub(super) fn scrub(position: Position) -> Key {
    key(b'z', &[&position.0.to_be_bytes()])
}
