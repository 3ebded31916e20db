//! Rows side by side share one value of sled: 32 neighbouring keys a page.
//!
//! sled appends every change of a key to its log and rewrites whole nodes every few changes, so that a row of
//! 100 bytes costs nearly a kilobyte. Rows that are written together mostly have neighbouring keys (persons,
//! batches, audit entries): as a page they cost one change.
//!
//! A page lies under the key of its rows with the last five bits cleared and holds, after the format byte, each
//! row in order: its last five bits (1 byte), its length (2 bytes, little-endian) and its value. A row that is too
//! long for a page leaves the length 65535 there and lies alone, under its key and the byte `+`. Rows of kinds `m` and
//! `t` are no pages: those of tallies hold neighbours themselves.

use super::{
    Found, StoreError,
    keys::{self, Key},
};
use danso_tier_config::limits;

/// The bits of a key's last byte that tell the rows of a page apart.
const PLACE_BITS: u8 = (limits::INDEX_PAGE_ROWS - 1) as u8;
/// The last byte of the key of a row that lies alone; no page's key ends so.
const ALONE: u8 = b'+';
const _: () = assert!(ALONE & PLACE_BITS != 0);
/// In the place of the length of a row that lies alone.
const ELSEWHERE: u16 = u16::MAX;

/// Where a row's value is found.
pub(super) enum Place<'a> {
    /// In the page.
    Here(&'a [u8]),
    /// Under a key of its own, [`alone`].
    Alone,
}

/// The rows of a page by place, as they lie elsewhere.
#[derive(Default)]
pub(super) struct Page<'a>([Option<Place<'a>>; limits::INDEX_PAGE_ROWS]);

/// Whether rows with this key lie in pages.
pub(super) fn is_paged(key: &[u8]) -> bool {
    !matches!(key.first(), Some(b'm' | b't'))
}

/// The key of the page of a row, and the row's place in it.
pub(super) fn page_of(key: &[u8]) -> (Key, u8) {
    let mut page = Key::from(key);
    let last = page.last_mut().expect("every key begins with a letter");
    let place = *last & PLACE_BITS;
    *last &= !PLACE_BITS;
    (page, place)
}

/// Whether two rows share a page.
pub(super) fn share(one: &[u8], other: &[u8]) -> bool {
    let page = |key: &[u8]| key.split_last().map(|(last, rest)| (last & !PLACE_BITS, rest.len()));
    is_paged(one) && page(one) == page(other) && one[..one.len() - 1] == other[..one.len() - 1]
}

/// The key under which a row lies alone.
pub(super) fn alone(key: &[u8]) -> Key {
    Key::from([key, &[ALONE]].concat())
}

/// Whether a value of that length is too long for a page.
pub(super) fn is_long(value: &[u8]) -> bool {
    value.len() > limits::INDEX_PAGED_ROW_BYTES_MAX
}

/// Whether a key of sled is one of a row that lies alone.
pub(super) fn is_alone(key: &[u8]) -> bool {
    key.last().is_some_and(|last| last & PLACE_BITS != 0)
}

/// The key of the row at a place of a page.
fn key_at(page_key: &[u8], place: u8) -> Key {
    let mut key = Key::from(page_key);
    *key.last_mut().expect("every key begins with a letter") |= place;
    key
}

/// What is read of the value of a row.
pub(super) fn get<T>(
    database: &sled::Db,
    key: &[u8],
    read: impl Fn(&[u8]) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let value = |key: &[u8]| {
        let value = database.get(key).map_err(StoreError::index)?;
        value.as_deref().map(&read).transpose()
    };
    if !is_paged(key) {
        return value(key);
    }
    let (page_key, place) = page_of(key);
    let Some(page) = database.get(page_key).map_err(StoreError::index)? else { return Ok(None) };
    for row in Rows::of(&page)? {
        match row? {
            (at, Place::Here(row)) if at == place => return read(row).map(Some),
            (at, Place::Alone) if at == place => return value(&alone(key)),
            _ => {}
        }
    }
    Ok(None)
}

/// All rows whose keys begin with a prefix, which ends before the last byte of each, in order.
pub(super) fn scan(database: &sled::Db, prefix: &[u8]) -> Result<Found, StoreError> {
    let mut found = Found::new();
    for value in database.scan_prefix(prefix) {
        let (key, value) = value.map_err(StoreError::index)?;
        // A key of sled's keeps the node alive in which it lies.
        if !is_paged(&key) {
            found.insert(Key::from(&*key), value.to_vec());
        } else if is_alone(&key) {
            found.insert(Key::from(&key[..key.len() - 1]), value.to_vec());
        } else {
            for row in Rows::of(&value)? {
                if let (place, Place::Here(row)) = row? {
                    found.insert(key_at(&key, place), row.to_vec());
                }
            }
        }
    }
    Ok(found)
}

/// Whether a value is a page.
pub(in crate::store) fn is_page(value: &[u8]) -> bool {
    Page::decode(value).is_ok()
}

/// The rows of a stored page in order: places, and values as they lie there.
struct Rows<'a> {
    rest: &'a [u8],
    last: Option<u8>,
}

impl<'a> Rows<'a> {
    /// Those of a stored value.
    fn of(value: &'a [u8]) -> Result<Self, StoreError> {
        match value.split_first() {
            Some((&keys::VALUE_FORMAT, rest)) if !rest.is_empty() => Ok(Self { rest, last: None }),
            _ => Err(undecodable()),
        }
    }

    fn read(&mut self) -> Option<(u8, Place<'a>)> {
        let (&place, after) = self.rest.split_first()?;
        let (length, after) = after.split_first_chunk::<2>()?;
        let (row, after) = match u16::from_le_bytes(*length) {
            ELSEWHERE => (Place::Alone, after),
            length => {
                let (row, after) = after.split_at_checked(length.into())?;
                (Place::Here(row), after)
            }
        };
        let in_order = place <= PLACE_BITS && self.last.is_none_or(|last| last < place);
        (self.rest, self.last) = (after, Some(place));
        in_order.then_some((place, row))
    }
}

impl<'a> Iterator for Rows<'a> {
    type Item = Result<(u8, Place<'a>), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        (!self.rest.is_empty()).then(|| self.read().ok_or_else(undecodable))
    }
}

fn undecodable() -> StoreError {
    StoreError::Index("a page of rows is not decodable".to_owned())
}

impl<'a> Page<'a> {
    /// The page of a stored value.
    pub fn decode(value: &'a [u8]) -> Result<Self, StoreError> {
        let mut page = Self::default();
        for row in Rows::of(value)? {
            let (place, found) = row?;
            page.put(place, found);
        }
        Ok(page)
    }

    /// The value to be stored; `None` of a page without rows.
    pub fn encode(&self) -> Option<Vec<u8>> {
        let length = |found: &Place<'_>| 3 + if let Place::Here(row) = found { row.len() } else { 0 };
        let bytes: usize = self.0.iter().flatten().map(length).sum();
        let mut value = Vec::with_capacity(1 + bytes);
        value.push(keys::VALUE_FORMAT);
        for (place, found) in (0..).zip(&self.0) {
            let Some(found) = found else { continue };
            value.push(place);
            match found {
                Place::Here(row) => {
                    value.extend_from_slice(&(row.len() as u16).to_le_bytes());
                    value.extend_from_slice(row);
                }
                Place::Alone => value.extend_from_slice(&ELSEWHERE.to_le_bytes()),
            }
        }
        (bytes > 0).then_some(value)
    }

    fn at(&mut self, place: u8) -> &mut Option<Place<'a>> {
        &mut self.0[usize::from(place & PLACE_BITS)]
    }

    /// Takes the row at a place out.
    pub fn take(&mut self, place: u8) -> Option<Place<'a>> {
        self.at(place).take()
    }

    /// Puts a row at a place. Gives what was there.
    pub fn put(&mut self, place: u8, found: Place<'a>) -> Option<Place<'a>> {
        self.at(place).replace(found)
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    fn here<'a>(page: &mut Page<'a>, place: u8) -> Option<&'a [u8]> {
        match page.take(place)? {
            Place::Here(row) => Some(row),
            Place::Alone => None,
        }
    }

    #[test]
    fn neighbours_share_a_page_and_come_back_in_order() {
        let (first, place) = page_of(b"p\x01\x22");
        assert_eq!((&*first, place), (b"p\x01\x20".as_slice(), 2));
        assert_eq!(page_of(b"p\x01\x3f").0, first);
        assert!(share(b"p\x01\x22", b"p\x01\x3f") && !share(b"p\x01\x3f", b"p\x01\x40"));
        assert!(
            !share(b"p\x01\x22", b"p\x02\x22")
                && !share(b"p\x22", b"p\x01\x22")
                && !share(b"t\x01", b"t\x02")
        );
        assert_ne!(page_of(b"p\x01\x40").0, first);
        let mut page = Page::default();
        page.put(7, Place::Here(b"seven"));
        page.put(2, Place::Here(b""));
        page.put(5, Place::Alone);
        let stored = page.encode().unwrap();
        let places = Rows::of(&stored).unwrap().map(|row| row.unwrap().0);
        assert_eq!(
            places.map(|place| key_at(&first, place)).collect::<Vec<_>>(),
            [b"p\x01\x22", b"p\x01\x25", b"p\x01\x27"]
        );
        let mut read = Page::decode(&stored).unwrap();
        assert_eq!(here(&mut read, 7).unwrap(), b"seven");
        assert_eq!(here(&mut read, 2).unwrap(), b"");
        assert!(matches!(read.take(5), Some(Place::Alone)));
        assert_eq!(read.encode(), None);
    }

    #[test]
    fn what_is_no_page_is_refused() {
        let mut page = Page::default();
        page.put(1, Place::Here(b"one"));
        page.put(3, Place::Here(b"three"));
        let stored = page.encode().unwrap();
        assert!(Page::decode(&stored).is_ok());
        for end in [0, 1, 2, 3, 5, 8, stored.len() - 1] {
            assert!(Page::decode(&stored[..end]).is_err(), "{end}");
        }
        let format = keys::VALUE_FORMAT;
        for wrong in [
            vec![9, 1, 0, 0],
            vec![format, PLACE_BITS + 1, 0, 0],
            vec![format, 1, 0, 0, 1, 0, 0],
            vec![format, 2, 0, 0, 1, 0, 0],
        ] {
            assert!(Page::decode(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_row_that_lies_alone_is_told_from_a_page() {
        assert!(is_alone(&alone(b"p\x01\x20")));
        assert!(!is_alone(&page_of(b"p\x01\x3f").0));
    }
}
