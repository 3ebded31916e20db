//! What differs between an index and a recount, each difference with a name and without personal data: the cell of
//! a tally, the chain, the batch, the id of a person or household.

use super::{
    StoreError,
    index::{self, Index, encoded},
    keys,
    ledger::Position,
    rows::{BatchRow, OwnPlaces, StoredHousehold, StoredPerson},
    view::View,
};
use danso_core::{chain::hex, rollup::difference};
use danso_tier_config::UnitId;

/// Kinds of rows that are compared as they are; `t` and `c` are compared as views.
const PLAIN: &[u8] = b"abdefghlopquvxy";

/// Differing tallies, chains, and counters.
pub(super) fn of_views(held: &View, counted: &View) -> Vec<String> {
    let mut found: Vec<String> = difference(&held.tallies, &counted.tallies)
        .into_iter()
        .map(|found| {
            let (unit, month, cell) = (found.unit, found.month, found.cell);
            format!("tally {unit} {month} {cell:?}: index {}, ledger {}", found.left, found.right)
        })
        .collect();
    for origin in held.chains.keys().chain(counted.chains.keys()) {
        let (indexed, ledger) = (held.chains.get(origin), counted.chains.get(origin));
        if indexed != ledger {
            found.push(format!("chain of {origin}: index {indexed:?}, ledger {ledger:?}"));
        }
    }
    if held.recording != counted.recording {
        let (indexed, ledger) = (held.recording, counted.recording);
        found.push(format!("own recording: index {indexed:?}, ledger {ledger:?}"));
    }
    if held.audit != counted.audit {
        found.push(format!("audit log: index {}, ledger {}", held.audit.number, counted.audit.number));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Differing rows of all other kinds, one kind after the other. A recount without the key (`locked`) finds nobody named:
/// where the register's rows say that somebody is, they are not compared then.
///
/// Errors: an index that cannot be read.
pub(super) fn of_rows(held: &Index, counted: &Index, locked: bool) -> Result<Vec<String>, StoreError> {
    let mut found = Vec::new();
    for kind in PLAIN {
        let (indexed, ledger) = (held.scan(&[*kind])?, counted.scan(&[*kind])?);
        let others = ledger.keys().filter(|key| !indexed.contains_key(*key));
        for key in indexed.keys().chain(others) {
            let (held, counted) = (indexed.get(key), ledger.get(key));
            let same = held == counted || locked && nameless(key, held)? == nameless(key, counted)?;
            if !same {
                found.push(told(key, held, counted));
            }
        }
    }
    Ok(found)
}

/// A row, but for where it says that a person or household is named.
fn nameless(key: &[u8], row: Option<&Vec<u8>>) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(row) = row else { return Ok(None) };
    Ok(Some(match key.first() {
        Some(b'p') => encoded(&StoredPerson { named: None, ..index::decode(row)? }),
        Some(b'h') => encoded(&StoredHousehold { named: None, ..index::decode(row)? }),
        _ => row.clone(),
    }))
}

fn told(key: &[u8], indexed: Option<&Vec<u8>>, ledger: Option<&Vec<u8>>) -> String {
    let name = name_of(key);
    match (indexed, ledger) {
        (None, _) => format!("{name}: missing in the index"),
        (_, None) => format!("{name}: in the index only"),
        _ => format!("{name}: index and ledger differ"),
    }
}

/// What a row is about.
fn name_of(key: &[u8]) -> String {
    let kind = key.first().copied().unwrap_or_default();
    let position = || keys::position_of_key(key).unwrap_or_default();
    let number = || position().0;
    let unit = || key.get(1..).and_then(|rest| UnitId::from_key(rest.get(..UnitId::KEY_BYTES)?));
    let of = |unit: Option<UnitId>| unit.map_or("an unreadable unit".to_owned(), |unit| unit.to_string());
    match kind {
        b'a' => format!("audit anchor of {}", of(unit())),
        b'b' => format!("batch {} of {}", number(), of(unit())),
        b'd' => format!("directory version {}", number()),
        b'e' => format!("evidence at {}", position()),
        b'f' => format!("office record at {}", position()),
        b'g' => format!("ledger key of {}", of(unit())),
        b'h' => keys::household_of_key(key).map_or("household".to_owned(), |id| format!("household {id}")),
        b'l' => format!("release {}", number()),
        b'n' => format!("names of {} dropped by policy", of(unit())),
        b'o' => {
            let (first, last) = own_row(number());
            format!("own changes {first} to {last}")
        }
        b'p' => keys::person_of_key(key).map_or("person".to_owned(), |id| format!("person {id}")),
        b'q' => format!("quarantined change {} of {}", number(), of(unit())),
        b'u' => format!("entry {} of the audit log", number()),
        b'v' => format!("list of revocations of {}", of(unit())),
        b'x' => "order of erasure".to_owned(),
        b'y' => "word that an order of erasure was carried out".to_owned(),
        _ => format!("row {}", hex(key)),
    }
}

/// First and last change of a row of own changes.
fn own_row(row: u64) -> (u64, u64) {
    let first = row.saturating_mul(keys::OWN_A_ROW as u64);
    (first, first.saturating_add(keys::OWN_A_ROW as u64 - 1))
}

/// What the index says of the record at a position.
///
/// Errors: an index that cannot be read.
pub(super) fn what_lies_at(held: &Index, position: Position) -> Result<Option<String>, StoreError> {
    for (key, value) in held.scan(b"b")? {
        if index::decode::<BatchRow>(&value)?.position == position.0 {
            return Ok(Some(name_of(&key)));
        }
    }
    let mut own = Vec::new();
    for (key, value) in held.scan(b"o")? {
        let places: OwnPlaces = index::decode(&value)?;
        let (first, _) = own_row(keys::position_of_key(&key).unwrap_or_default().0);
        let changes = (first..).zip(places.positions());
        own.extend(changes.filter(|(_, held)| *held == Some(position)).map(|(sequence, _)| sequence));
    }
    if let Some((first, last)) = own.first().zip(own.last()) {
        let (s, to) = if first == last { ("", String::new()) } else { ("s", format!(" to {last}")) };
        return Ok(Some(format!("own change{s} {first}{to}")));
    }
    for kind in *b"uldvxy" {
        for (key, value) in held.scan(&[kind])? {
            if index::decode::<u64>(&value)? == position.0 {
                return Ok(Some(name_of(&key)));
            }
        }
    }
    for kind in *b"fge" {
        let mut keys = held.scan(&[kind])?.into_keys();
        if let Some(key) = keys.find(|key| keys::position_of_key(key) == Some(position)) {
            return Ok(Some(name_of(&key)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use crate::store::{at_rest::Vault, index::Reflected};
    use danso_core::{
        chain::{BatchNumber, Digest},
        domain::{HouseholdId, PersonId, Sequence},
    };
    use danso_tier_config::limits;
    use std::{collections::BTreeMap, path::Path, sync::Arc};

    fn unit() -> UnitId {
        "00004@2025-07-01".parse().unwrap()
    }

    fn person(changed: u64) -> StoredPerson {
        StoredPerson { state: None, named: Some(Sequence(3)), changed: Some(Sequence(changed)) }
    }

    /// An index with a person, a household, a batch and an own change.
    fn filled(folder: &Path, changed: u64) -> Index {
        let vault = Arc::new(Vault::of_folder(folder.parent().unwrap(), None).unwrap());
        let index = Index::open(folder, 1_048_576, &vault).unwrap();
        index.put_person(PersonId { unit: unit(), serial: 7 }, &person(changed));
        let home = HouseholdId { unit: unit(), serial: 3 };
        index.change_household(home, (None, true), Sequence(4)).unwrap();
        let row = BatchRow { position: 99, hash: Digest([1; 32]) };
        index.put(keys::batch(unit(), BatchNumber(2)), &row);
        let own = [(63, 70), (64, 70), (65, 70), (5, 77)];
        index.put_own(&own.map(|(sequence, position)| (Sequence(sequence), Position(position)))).unwrap();
        index
    }

    #[test]
    fn each_row_that_differs_is_named() {
        let root = tempfile::tempdir().unwrap();
        let (held, counted) = (filled(&root.path().join("held"), 4), filled(&root.path().join("counted"), 4));
        assert_eq!(of_rows(&held, &counted, false).unwrap(), Vec::<String>::new());
        held.put_person(PersonId { unit: unit(), serial: 7 }, &person(5));
        held.remove(keys::own(Sequence(5)));
        held.put(keys::audit(5), &66_u64);
        held.put(keys::batch(unit(), BatchNumber(2)), &BatchRow { position: 98, hash: Digest([1; 32]) });
        let expected = [
            "batch 2 of 00004@2025-07-01: index and ledger differ".to_owned(),
            "own changes 0 to 63: missing in the index".to_owned(),
            "person 00004@2025-07-01/7: index and ledger differ".to_owned(),
            "entry 5 of the audit log: in the index only".to_owned(),
        ];
        assert_eq!(of_rows(&held, &counted, false).unwrap(), expected);
        assert_eq!(what_lies_at(&held, Position(98)).unwrap().unwrap(), "batch 2 of 00004@2025-07-01");
        assert_eq!(what_lies_at(&counted, Position(77)).unwrap().unwrap(), "own change 5");
        assert_eq!(what_lies_at(&held, Position(70)).unwrap().unwrap(), "own changes 64 to 65");
        assert_eq!(what_lies_at(&counted, Position(70)).unwrap().unwrap(), "own changes 63 to 65");
        assert_eq!(what_lies_at(&counted, Position(98)).unwrap(), None);
    }

    #[test]
    fn an_index_without_one_of_its_rows_does_not_open() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("held");
        let index = filled(&folder, 4);
        index.flush(Reflected { position: 1, tallies_check: 0 }, &BTreeMap::new()).unwrap();
        index.close().unwrap();
        drop(index);
        let reopened = filled(&folder, 5);
        reopened.remove(keys::own(Sequence(5)));
        reopened.flush(Reflected { position: 2, tallies_check: 0 }, &BTreeMap::new()).unwrap();
        reopened.close().unwrap();
        drop(reopened);
        let vault = Arc::new(Vault::of_folder(root.path(), None).unwrap());
        drop(Index::open(&folder, 1_048_576, &vault).unwrap());
        // A row goes behind the index's back, as when sled loses a page.
        let config = sled::Config::new().path(&folder).segment_size(limits::SLED_SEGMENT_BYTES);
        let database = config.mode(sled::Mode::LowSpace).open().unwrap();
        let page = database.scan_prefix(b"b").keys().next().unwrap().unwrap();
        database.remove(page).unwrap().unwrap();
        database.flush().unwrap();
        drop(database);
        let error = Index::open(&folder, 1_048_576, &vault).err().unwrap();
        assert_eq!(error.to_string(), "index is unusable: its rows do not have their check sum");
    }
}
