//! Calendar months as plain numbers.

use crate::date::{Date, DateError};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr};

/// A calendar month: year × 12 + month − 1, so `2025-07` is 24306.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(pub(crate) u16);

impl Month {
    /// The month of a year 1 to 5000 and month 1-12.
    pub fn new(year: u16, month: u16) -> Result<Self, DateError> {
        if (1..=5000).contains(&year) && (1..=12).contains(&month) {
            Ok(Self(year * 12 + month - 1))
        } else {
            Err(DateError::Month)
        }
    }

    /// The month with an index as given by [`Month::index`].
    pub fn from_index(index: u16) -> Result<Self, DateError> {
        Self::new(index / 12, index % 12 + 1)
    }

    /// Year × 12 + month − 1.
    #[inline]
    pub fn index(self) -> u16 {
        self.0
    }

    /// The calendar year.
    pub fn year(self) -> u16 {
        self.0 / 12
    }

    /// The month of the year, 1-12.
    pub fn month(self) -> u16 {
        self.0 % 12 + 1
    }

    /// The first day of the month.
    pub fn first_day(self) -> Date {
        Date::new(self.year() as i16, self.month() as i8, 1).expect("a Month has a first day")
    }

    /// The last day of the month.
    pub fn last_day(self) -> Date {
        let next = self.plus(1);
        // The last month of the calendar has no next one.
        if next == self { Date::LAST } else { next.first_day().plus_days(-1) }
    }

    /// This month moved by a number of months, held inside the years 1 to 5000.
    #[must_use]
    pub fn plus(self, months: i32) -> Self {
        Self((i32::from(self.0) + months).clamp(12, 60_011) as u16)
    }

    /// Months from `earlier` to this month (negative when `earlier` is later).
    pub fn since(self, earlier: Self) -> i32 {
        i32::from(self.0) - i32::from(earlier.0)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year(), self.month())
    }
}

impl fmt::Debug for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Month {
    type Err = DateError;
    fn from_str(text: &str) -> Result<Self, DateError> {
        let (year, month) = text.split_once('-').ok_or(DateError::Month)?;
        if year.len() != 4 || month.len() != 2 || !text.bytes().all(|b| b == b'-' || b.is_ascii_digit()) {
            return Err(DateError::Month);
        }
        let number = |part: &str| part.parse::<u16>().map_err(|_| DateError::Month);
        Self::new(number(year)?, number(month)?)
    }
}

impl Serialize for Month {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() { s.collect_str(self) } else { s.serialize_u16(self.0) }
    }
}

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        if d.is_human_readable() {
            String::deserialize(d)?.parse().map_err(D::Error::custom)
        } else {
            Self::from_index(u16::deserialize(d)?).map_err(D::Error::custom)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_order_and_step() {
        let july: Month = "2025-07".parse().unwrap();
        assert_eq!(july.last_day().to_string(), "2025-07-31");
        let last: Month = "5000-12".parse().unwrap();
        assert_eq!(last.last_day().to_string(), "5000-12-31");
        assert_eq!(july.plus(6).to_string(), "2026-01");
        assert_eq!(july.plus(-7).since(july), -7);
        assert_eq!("2025-13".parse::<Month>(), Err(DateError::Month));
        assert_eq!(Month::from_index(july.index()), Ok(july));
    }
}
