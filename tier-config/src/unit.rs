//! The lasting identity of an administrative unit: its code and the day the code began to mean it.

use crate::date::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{cmp::Ordering, fmt, str::FromStr};

/// Longest official code, in characters (commune codes have five, provinces two).
const CODE_LENGTH_MAX: usize = 8;

/// A text that is not a unit id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitIdError {
    /// The code part is empty, too long or holds other than digits and capital letters.
    #[error("unit code must be 1 to 8 digits or capital letters")]
    Code,
    /// The date part is missing or not a calendar date.
    #[error("unit id must be CODE@YYYY-MM-DD, for example 00004@2025-07-01")]
    Date,
}

/// An official unit code: 1 to 8 ASCII digits or capital letters, leading zeros kept.
///
/// Not an identity: codes are reused by merged units. See [`UnitId`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct UnitCode([u8; CODE_LENGTH_MAX]);

impl Ord for UnitCode {
    /// As the text.
    fn cmp(&self, other: &Self) -> Ordering {
        u64::from_be_bytes(self.0).cmp(&u64::from_be_bytes(other.0))
    }
}

impl PartialOrd for UnitCode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl UnitCode {
    fn from_bytes(text: &[u8]) -> Result<Self, UnitIdError> {
        let plain = text.iter().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
        if text.is_empty() || text.len() > CODE_LENGTH_MAX || !plain {
            return Err(UnitIdError::Code);
        }
        let mut code = [0; CODE_LENGTH_MAX];
        code[..text.len()].copy_from_slice(text);
        Ok(Self(code))
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        let length = self.0.iter().position(|b| *b == 0).unwrap_or(CODE_LENGTH_MAX);
        std::str::from_utf8(&self.0[..length]).expect("a code holds only ASCII")
    }
}

impl FromStr for UnitCode {
    type Err = UnitIdError;
    fn from_str(text: &str) -> Result<Self, UnitIdError> {
        Self::from_bytes(text.as_bytes())
    }
}

impl fmt::Display for UnitCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for UnitCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A unit for ever: official code and first day of validity, `00004@2025-07-01`; never reused.
///
/// Serialised as that text, or in compact formats as (code, day number).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitId {
    /// The official code on `valid_from`.
    pub code: UnitCode,
    /// The first day on which the code meant this unit.
    pub valid_from: Date,
}

impl UnitId {
    /// Bytes of [`UnitId::to_key`].
    pub const KEY_BYTES: usize = 12;

    /// Twelve bytes that sort like the id: the code padded with zero bytes, then the day number, big-endian.
    pub fn to_key(self) -> [u8; Self::KEY_BYTES] {
        let mut key = [0; Self::KEY_BYTES];
        key[..8].copy_from_slice(&self.code.0);
        key[8..].copy_from_slice(&self.valid_from.days().to_be_bytes());
        key
    }

    /// The unit of a key made by [`UnitId::to_key`]; `None` for any other bytes.
    pub fn from_key(key: &[u8]) -> Option<Self> {
        let (code, day) = key.split_at_checked(8)?;
        let length = code.iter().position(|b| *b == 0).unwrap_or(8);
        if code[length..].iter().any(|b| *b != 0) {
            return None;
        }
        let code = UnitCode::from_bytes(&code[..length]).ok()?;
        let valid_from = Date::from_days(u32::from_be_bytes(day.try_into().ok()?)).ok()?;
        Some(Self { code, valid_from })
    }
}

impl fmt::Display for UnitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.code, self.valid_from)
    }
}

impl fmt::Debug for UnitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for UnitId {
    type Err = UnitIdError;
    fn from_str(text: &str) -> Result<Self, UnitIdError> {
        let (code, date) = text.split_once('@').ok_or(UnitIdError::Date)?;
        Ok(Self { code: code.parse()?, valid_from: date.parse().map_err(|_| UnitIdError::Date)? })
    }
}

impl Serialize for UnitId {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() {
            s.collect_str(self)
        } else {
            (self.code.as_str(), self.valid_from).serialize(s)
        }
    }
}

impl<'de> Deserialize<'de> for UnitId {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        if d.is_human_readable() {
            return String::deserialize(d)?.parse().map_err(D::Error::custom);
        }
        // A text is written as its bytes are.
        let (code, valid_from) = <(&[u8], Date)>::deserialize(d)?;
        Ok(Self { code: UnitCode::from_bytes(code).map_err(D::Error::custom)?, valid_from })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_ids_survive_every_form() {
        for text in ["00004@2025-07-01", "VN@1945-09-02", "01@2004-07-08"] {
            let unit: UnitId = text.parse().unwrap();
            assert_eq!(unit.to_string(), text);
            assert_eq!(UnitId::from_key(&unit.to_key()), Some(unit));
            let bytes = postcard::to_stdvec(&unit).unwrap();
            assert_eq!(postcard::from_bytes::<UnitId>(&bytes), Ok(unit));
            assert_eq!(serde_json::from_str::<UnitId>(&serde_json::to_string(&unit).unwrap()).unwrap(), unit);
        }
    }

    #[test]
    fn codes_sort_as_their_texts() {
        let texts = ["0", "00", "00004", "01", "1", "12345678", "9", "A", "VN", "Z9"];
        assert!(texts.is_sorted());
        assert!(texts.map(|text| text.parse::<UnitCode>().unwrap()).is_sorted());
    }

    #[test]
    fn other_bytes_are_refused() {
        for code in ["", "123456789", "0a", "Đ"] {
            let bytes = postcard::to_stdvec(&(code, 1_000u32)).unwrap();
            assert!(postcard::from_bytes::<UnitId>(&bytes).is_err(), "{code}");
        }
    }

    #[test]
    fn other_texts_are_refused_by_part() {
        assert_eq!("00004".parse::<UnitId>(), Err(UnitIdError::Date));
        assert_eq!("@2025-07-01".parse::<UnitId>(), Err(UnitIdError::Code));
        assert_eq!("00 04@2025-07-01".parse::<UnitId>(), Err(UnitIdError::Code));
        assert_eq!("00004@2025-02-30".parse::<UnitId>(), Err(UnitIdError::Date));
        assert_eq!(UnitId::from_key(&[b'1', 0, b'2', 0, 0, 0, 0, 0, 0, 0, 2, 0]), None);
    }
}
