//! Texts that name things: units, days, months, persons, tiers, and who a certificate is for.

use crate::{corpus::bases, edits::Script};
use danso_core::domain::{HouseholdId, PersonId};
use danso_node::transport::tls::{Identity, IdentityError, server_name};
use danso_tier_config::{Date, Month, Policy, TierName, UnitCode, UnitId};
use std::{fmt::Display, str::FromStr};

/// Longest error about a foreign name: what it repeats is cut.
const SENTENCE_CHARS_MAX: usize = 300;

/// Reads a text that has one spelling.
fn exactly<T: FromStr + Display>(text: &str) -> Option<T> {
    let read: T = text.parse().ok()?;
    assert_eq!(read.to_string(), text);
    Some(read)
}

/// Reads a text that may be spelled in several ways; what is written reads back the same.
fn roughly<T: FromStr + Display + PartialEq>(text: &str) -> Option<T> {
    let read: T = text.parse().ok()?;
    assert!(exactly::<T>(&read.to_string()) == Some(T::from_str(text).ok()?));
    Some(read)
}

/// Whether bytes are the text of anything.
fn check_text(bytes: &[u8]) -> bool {
    let key = UnitId::from_key(bytes);
    if let Some(unit) = key {
        assert_eq!(unit.to_key().as_slice(), bytes);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return key.is_some() };
    let unit = exactly::<UnitId>(text);
    if let Some(unit) = unit {
        assert_eq!(UnitId::from_key(&unit.to_key()), Some(unit));
        assert_eq!(Identity::of_name(&server_name(unit)), Ok(Identity::Node(unit)));
    }
    let date = exactly::<Date>(text);
    if let Some(date) = date {
        let month = date.month();
        assert!(month.first_day() <= date && date <= month.last_day());
        assert_eq!(Date::from_days(date.days()), Ok(date));
        assert_eq!(date.years_since(date), 0);
    }
    let month = exactly::<Month>(text);
    if let Some(month) = month {
        assert_eq!(Month::from_index(month.index()), Ok(month));
        assert!(
            (month.plus(i32::from(i16::MAX)), month.plus(-i32::from(i16::MAX)))
                >= (month, Month::from_index(12).unwrap())
        );
    }
    let identity = check_name(text);
    let person =
        roughly::<PersonId>(text).map(|person| HouseholdId { unit: person.unit, serial: person.serial });
    assert_eq!(roughly::<HouseholdId>(text), person);
    [
        key.is_some(),
        unit.is_some(),
        date.is_some(),
        month.is_some(),
        identity,
        person.is_some(),
        exactly::<UnitCode>(text).is_some(),
        exactly::<TierName>(text).is_some(),
        exactly::<Policy>(text).is_some(),
    ]
    .contains(&true)
}

fn check_name(text: &str) -> bool {
    match Identity::of_name(text) {
        Ok(identity) => {
            assert_eq!(identity.name().as_deref(), Some(text));
            true
        }
        Err(error) => {
            check_error(&error);
            false
        }
    }
}

/// An error fits on a line, whatever the certificate says.
fn check_error(error: &IdentityError) {
    let sentence = error.to_string();
    assert!(sentence.chars().count() <= SENTENCE_CHARS_MAX && !sentence.chars().any(char::is_control));
}

/// Whether bytes are a certificate that names one node or person.
fn check_certificate(bytes: &[u8]) -> bool {
    match Identity::of_certificate(bytes) {
        Ok(identity) => {
            assert_eq!(Identity::of_name(&identity.name().unwrap()), Ok(identity));
            let longer = [bytes, &[0]].concat();
            assert_eq!(Identity::of_certificate(&longer), Err(IdentityError::Unreadable));
            let connects = !matches!(identity, Identity::Authority(_));
            assert_eq!(Identity::of_peer(bytes).ok(), connects.then_some(identity));
            true
        }
        Err(error) => {
            check_error(&error);
            false
        }
    }
}

#[test]
fn texts() {
    let made = [
        "00004@2025-07-01",
        "VN",
        "2025-07-01",
        "2000-02-29",
        "5000-12-31",
        "2026-03",
        "0001-01",
        "00004@2025-07-01/4711",
        "VN@1945-09-02/18446744073709551615",
        "u00004-20250701.node.danso",
        "uvn-19450902.analyst.danso",
        "commune",
        "cores",
    ];
    let mut made: Vec<Vec<u8>> = made.iter().map(|text| text.as_bytes().to_vec()).collect();
    made.push("00004@2025-07-01".parse::<UnitId>().unwrap().to_key().to_vec());
    let bases = bases("texts", made, check_text);
    fuzz!(Script, |script| {
        check_text(&script.bytes(&bases));
    });
}

#[test]
fn certificate() {
    let bases = bases("certificate", Vec::new(), check_certificate);
    fuzz!(Script, |script| {
        check_certificate(&script.bytes(&bases));
    });
}
