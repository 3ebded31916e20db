//! Civil dates as plain numbers, so that they sort, subtract and encode small.

use crate::month::Month;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr};

/// Milliseconds of a day; Vietnam has no summer time.
pub const DAY_MS: u64 = 86_400_000;
/// So far are the clocks of Vietnam (UTC+7) ahead, milliseconds.
const AHEAD_MS: u64 = 7 * 3_600_000;

/// Days between 0000-01-01 (proleptic Gregorian) and 1970-01-01.
const EPOCH_DAYS: i32 = 719_528;
/// Days between 0000-01-01 and 0001-01-01, the first day taken.
const FIRST_DAYS: u32 = 366;
/// Days between 0000-01-01 and 5000-12-31, the last day taken, so that every date lies in a [`Month`].
const LAST_DAYS: u32 = 1_826_577;

/// Days between 0000-01-01 and 0000-03-01.
const MARCH_DAYS: u32 = 60;
/// Days of 400 years, after which the calendar repeats.
const ERA_DAYS: u32 = 146_097;

/// A text that is not a calendar date or month, with the text itself left out (it may be personal).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// Not `YYYY-MM-DD`, or no such day (30 February).
    #[error("not a calendar date written YYYY-MM-DD")]
    Date,
    /// Not `YYYY-MM`.
    #[error("not a month written YYYY-MM")]
    Month,
}

/// A civil date of the years 1 to 5000: days since 0000-01-01.
///
/// Serialised as text where the format is read by people, else as a day number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(u32);

impl Date {
    /// The last day taken.
    pub(crate) const LAST: Self = Self(LAST_DAYS);

    /// The date of a year, month (1-12) and day, or an error where the calendar has none.
    pub fn new(year: i16, month: i8, day: i8) -> Result<Self, DateError> {
        let civil = jiff::civil::Date::new(year, month, day).map_err(|_| DateError::Date)?;
        Self::from_civil(civil)
    }

    fn from_civil(civil: jiff::civil::Date) -> Result<Self, DateError> {
        if civil.year() < 1 {
            return Err(DateError::Date);
        }
        let epoch = jiff::civil::date(1970, 1, 1);
        let days = u32::try_from((civil - epoch).get_days() + EPOCH_DAYS).map_err(|_| DateError::Date)?;
        if days > LAST_DAYS { Err(DateError::Date) } else { Ok(Self(days)) }
    }

    /// The date that `days` since 0000-01-01 names; an error outside the years 1 to 5000.
    pub fn from_days(days: u32) -> Result<Self, DateError> {
        if (FIRST_DAYS..=LAST_DAYS).contains(&days) { Ok(Self(days)) } else { Err(DateError::Date) }
    }

    /// The civil date in Vietnam (UTC+7, no summer time) at a moment in Unix milliseconds.
    pub fn in_vietnam(unix_ms: u64) -> Self {
        let days = unix_ms.saturating_add(AHEAD_MS) / DAY_MS;
        Self((u32::try_from(days).unwrap_or(LAST_DAYS).saturating_add(EPOCH_DAYS as u32)).min(LAST_DAYS))
    }

    /// The first moment of the day in Vietnam, Unix milliseconds; 0 for all days before 1970-01-02.
    pub fn begins_ms(self) -> u64 {
        (u64::from(self.0.saturating_sub(EPOCH_DAYS as u32)) * DAY_MS).saturating_sub(AHEAD_MS)
    }

    /// Days since 0000-01-01.
    pub fn days(self) -> u32 {
        self.0
    }

    fn civil(self) -> jiff::civil::Date {
        let span = jiff::Span::new().days(self.0 as i32 - EPOCH_DAYS);
        jiff::civil::date(1970, 1, 1).checked_add(span).expect("a Date holds only days of the calendar")
    }

    /// Year, month 1-12, day 1-31.
    pub fn parts(self) -> (i16, i8, i8) {
        let civil = self.civil();
        (civil.year(), civil.month(), civil.day())
    }

    /// The month this date lies in.
    ///
    /// Asked for several times a change at every tier, so computed here (H. Hinnant, chrono-compatible low-level date
    /// algorithms, `civil_from_days`): years begin in March, the leap day is the last of its year.
    pub fn month(self) -> Month {
        let days = self.0 - MARCH_DAYS;
        let (era, day) = (days / ERA_DAYS, days % ERA_DAYS);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day_of_year = day - (365 * year + year / 4 - year / 100);
        let months_since_march = (5 * day_of_year + 2) / 153;
        Month(((era * 400 + year) * 12 + 2 + months_since_march) as u16)
    }

    /// This date moved by a number of days, held inside the calendar's ends.
    #[must_use]
    pub fn plus_days(self, days: i32) -> Self {
        Self(self.0.saturating_add_signed(days).clamp(FIRST_DAYS, LAST_DAYS))
    }

    /// Completed years between a birth date and this date (negative before birth).
    pub fn years_since(self, birth: Self) -> i32 {
        let (year, month, day) = self.parts();
        let (birth_year, birth_month, birth_day) = birth.parts();
        i32::from(year) - i32::from(birth_year) - i32::from((month, day) < (birth_month, birth_day))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.parts();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Date {
    type Err = DateError;
    fn from_str(text: &str) -> Result<Self, DateError> {
        let bytes = text.as_bytes();
        let shaped = bytes.len() == 10
            && bytes
                .iter()
                .enumerate()
                .all(|(i, b)| if i == 4 || i == 7 { *b == b'-' } else { b.is_ascii_digit() });
        if !shaped {
            return Err(DateError::Date);
        }
        Self::from_civil(text.parse().map_err(|_| DateError::Date)?)
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() { s.collect_str(self) } else { s.serialize_u32(self.0) }
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        if d.is_human_readable() {
            String::deserialize(d)?.parse().map_err(D::Error::custom)
        } else {
            Self::from_days(u32::deserialize(d)?).map_err(D::Error::custom)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_lies_in_the_month_of_the_calendar() {
        let month = |days| {
            let (year, month, _) = Date(days).parts();
            Month::new(year as u16, month as u16).unwrap()
        };
        // Each day of a turn of the calendar, and the ends of each month of all others.
        for days in (FIRST_DAYS..=FIRST_DAYS + ERA_DAYS).chain(LAST_DAYS - ERA_DAYS..=LAST_DAYS) {
            assert_eq!(Date(days).month(), month(days), "{days}");
        }
        for index in 12..=60_011 {
            let of = Month(index);
            assert_eq!((of.first_day().month(), of.last_day().month()), (of, of));
        }
    }

    #[test]
    fn dates_survive_text_and_day_numbers() {
        for text in ["0001-01-01", "1970-01-01", "2000-02-29", "2025-07-01", "5000-12-31"] {
            let date: Date = text.parse().unwrap();
            assert_eq!(date.to_string(), text);
            assert_eq!(Date::from_days(date.days()), Ok(date));
        }
        assert_eq!("2023-02-30".parse::<Date>(), Err(DateError::Date));
        assert_eq!("0000-01-01".parse::<Date>(), Err(DateError::Date));
        assert_eq!("5001-01-01".parse::<Date>(), Err(DateError::Date));
        assert_eq!("1/2/2023".parse::<Date>(), Err(DateError::Date));
        assert_eq!(Date::from_days(u32::MAX), Err(DateError::Date));
        let first: Date = "0001-01-01".parse().unwrap();
        assert_eq!(Date::from_days(first.days() - 1), Err(DateError::Date));
        let last: Date = "5000-12-31".parse().unwrap();
        assert_eq!(Date::from_days(last.days() + 1), Err(DateError::Date));
    }

    #[test]
    fn vietnam_is_seven_hours_ahead() {
        assert_eq!(Date::in_vietnam(0).to_string(), "1970-01-01");
        assert_eq!(Date::in_vietnam(17 * 3_600_000).to_string(), "1970-01-02");
        assert_eq!(Date::in_vietnam(u64::MAX).to_string(), "5000-12-31");
        let day = Date::new(2026, 2, 28).unwrap();
        assert_eq!(Date::in_vietnam(day.begins_ms()), day);
        assert_eq!(Date::in_vietnam(day.begins_ms() - 1).to_string(), "2026-02-27");
    }

    #[test]
    fn age_is_in_completed_years() {
        let birth: Date = "2000-02-29".parse().unwrap();
        assert_eq!("2001-02-28".parse::<Date>().unwrap().years_since(birth), 0);
        assert_eq!("2001-03-01".parse::<Date>().unwrap().years_since(birth), 1);
    }
}
