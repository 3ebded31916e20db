//! Single cells to typed values. The text comes in NFC, trimmed and without invisible characters.

use super::{fault::Cause, spelling::Listed};
use danso_core::domain::Sex;
use danso_tier_config::{Date, limits, unit::UnitCode};

/// A coded list's entry, by code, Vietnamese or English word.
pub(super) fn listed<T: Listed>(cell: &str) -> Result<T, Cause> {
    T::read(cell).ok_or_else(|| Cause::NotInList { choices: T::choices() })
}

/// A whole number within bounds.
pub(super) fn number<T: TryFrom<u64>>(min: u64, max: u64) -> impl Fn(&str) -> Result<T, Cause> {
    move |cell| {
        let digits = cell.bytes().all(|byte| byte.is_ascii_digit());
        let value = cell.parse::<u64>().ok().filter(|value| digits && (min..=max).contains(value));
        value.and_then(|value| T::try_from(value).ok()).ok_or(Cause::NotNumber { min, max })
    }
}

fn text_up_to(cell: &str, max: usize) -> Result<String, Cause> {
    if cell.chars().count() > max { Err(Cause::TooLong { max }) } else { Ok(cell.to_owned()) }
}

/// A name or a relation.
pub(super) fn name(cell: &str) -> Result<String, Cause> {
    text_up_to(cell, limits::NAME_CHARS_MAX)
}

/// An address.
pub(super) fn address(cell: &str) -> Result<String, Cause> {
    text_up_to(cell, limits::NOTE_CHARS_MAX)
}

/// A household number.
pub(super) fn household(cell: &str) -> Result<String, Cause> {
    let max = limits::HOUSEHOLD_NUMBER_CHARS_MAX;
    let plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '/' | '-');
    if cell.chars().count() <= max && cell.chars().all(plain) {
        Ok(cell.to_owned())
    } else {
        Err(Cause::HouseholdNumber { max })
    }
}

/// A subject code; letters become capitals.
pub(super) fn subject_code(cell: &str) -> Result<String, Cause> {
    let max = limits::SUBJECT_CODE_CHARS_MAX;
    if cell.len() <= max && cell.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        Ok(cell.to_ascii_uppercase())
    } else {
        Err(Cause::SubjectCode { max })
    }
}

/// Twelve digits; whether they fit the person is [`citizen_fault`].
pub(super) fn citizen_number(cell: &str) -> Result<String, Cause> {
    if cell.len() == 12 && cell.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(cell.to_owned())
    } else {
        Err(Cause::CitizenDigits)
    }
}

/// What of a citizen number does not fit sex and date of birth: its fourth digit is the century and sex
/// (0 and 1 the 1900s, male and female, 2 and 3 the 2000s, and so on), the next two the year.
pub(super) fn citizen_fault(number: &str, sex: Sex, birth: Date) -> Option<Cause> {
    let digits: Vec<i16> = number.bytes().map(|byte| i16::from(byte - b'0')).collect();
    let year = birth.parts().0;
    let expected = (year / 100 - 19) * 2 + i16::from(sex == Sex::Female);
    if digits.get(3) != Some(&expected) {
        return Some(Cause::CitizenSex);
    }
    (digits[4] * 10 + digits[5] != year % 100).then_some(Cause::CitizenYear)
}

/// A telephone number.
pub(super) fn phone(cell: &str) -> Result<String, Cause> {
    let max = limits::PHONE_CHARS_MAX;
    let plain = |byte: u8| byte.is_ascii_digit() || b"+.-() ".contains(&byte);
    if cell.len() <= max && cell.bytes().all(plain) { Ok(cell.to_owned()) } else { Err(Cause::Phone { max }) }
}

/// A date `dd/mm/yyyy` (also with `-` or `.`) or `yyyy-mm-dd`, four digits of the year.
pub(super) fn date(cell: &str) -> Result<Date, Cause> {
    let parts: Vec<&str> = cell.split(['/', '-', '.']).collect();
    let &[first, second, third] = parts.as_slice() else { return Err(Cause::NotDate) };
    let iso = first.len() == 4 && cell.contains('-');
    let (day, month, year) = if iso { (third, second, first) } else { (first, second, third) };
    let part = |text: &str, longest: usize| {
        let plain = (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if plain { text.parse::<u16>().map_err(|_| Cause::NotDate) } else { Err(Cause::NotDate) }
    };
    if year.len() != 4 {
        return Err(Cause::NotDate);
    }
    let (day, month, year) = (part(day, 2)? as u8, part(month, 2)? as u8, part(year, 4)?);
    Date::new(year as i16, month as i8, day as i8).map_err(|_| Cause::NoSuchDay { day, month, year })
}

/// The official code of a unit.
pub(super) fn unit_code(cell: &str) -> Result<String, Cause> {
    cell.parse::<UnitCode>().map(|code| code.as_str().to_owned()).map_err(|_| Cause::UnitNotFound)
}
