//! Requests of persons about their data: kinds, reference ids, and the days on which they fall due by law.
//!
//! Decree 356/2025/NĐ-CP, Article 5: an answer within 2 working days of receipt; then 15 days to withdraw
//! consent, restrict or object, 10 days to view, correct or provide, 20 days to delete; one extension. Working
//! days are Monday to Friday; public holidays are known only as far as the caller names them. Days of
//! fulfilment are calendar days, and a last day off is not moved: the earlier day is the safe one.

use danso_tier_config::{Date, limits};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, str::FromStr};

/// Working days within which a request is answered.
pub const ANSWER_WORKING_DAYS: u32 = 2;

/// What a person asks for. New ones go to the end: the order is part of the recorded format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RequestKind {
    /// To see the data (xem).
    View,
    /// To have them corrected (chỉnh sửa).
    Correct,
    /// To be given a copy (cung cấp).
    Provide,
    /// To withdraw consent (rút lại sự đồng ý).
    WithdrawConsent,
    /// To have their use restricted (hạn chế xử lý).
    Restrict,
    /// To object to their use (phản đối xử lý).
    Object,
    /// To have them deleted (xóa).
    Delete,
}

/// A word that is no kind of request, or a text that is no reference id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestWordError {
    /// Not a kind.
    #[error("a request is view, correct, provide, withdraw_consent, restrict, object or delete")]
    Kind,
    /// Not a reference id.
    #[error("a reference id has 1 to {} letters, digits or / _ . -", limits::REQUEST_ID_CHARS_MAX)]
    Id,
}

impl RequestWordError {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Kind => "request_kind",
            Self::Id => "request_id",
        }
    }
}

impl RequestKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::View,
        Self::Correct,
        Self::Provide,
        Self::WithdrawConsent,
        Self::Restrict,
        Self::Object,
        Self::Delete,
    ];

    /// The stable English word.
    pub fn word(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Correct => "correct",
            Self::Provide => "provide",
            Self::WithdrawConsent => "withdraw_consent",
            Self::Restrict => "restrict",
            Self::Object => "object",
            Self::Delete => "delete",
        }
    }

    /// Days of fulfilment after receipt; an extension adds as many again.
    pub fn days(self) -> u32 {
        match self {
            Self::View | Self::Correct | Self::Provide => 10,
            Self::WithdrawConsent | Self::Restrict | Self::Object => 15,
            Self::Delete => 20,
        }
    }
}

impl fmt::Display for RequestKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for RequestKind {
    type Err = RequestWordError;
    fn from_str(text: &str) -> Result<Self, RequestWordError> {
        Self::ALL.into_iter().find(|kind| kind.word() == text).ok_or(RequestWordError::Kind)
    }
}

/// Reference id of a request, given by the office: letters, digits and `/ _ . -`; never a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestId(String);

impl RequestId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RequestId {
    type Error = RequestWordError;
    fn try_from(text: String) -> Result<Self, RequestWordError> {
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_.-".contains(&byte));
        let fits = (1..=limits::REQUEST_ID_CHARS_MAX).contains(&text.len());
        if plain && fits { Ok(Self(text)) } else { Err(RequestWordError::Id) }
    }
}

impl FromStr for RequestId {
    type Err = RequestWordError;
    fn from_str(text: &str) -> Result<Self, RequestWordError> {
        text.to_owned().try_into()
    }
}

impl From<RequestId> for String {
    fn from(id: RequestId) -> Self {
        id.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The last days on which a request is answered and fulfilled in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueDates {
    /// Of the answer that confirms the receipt.
    pub answer: Date,
    /// Of the fulfilment or refusal.
    pub fulfilment: Date,
}

/// The due dates of a request received on a day. `days_off` are working days on which the office is closed.
pub fn due_dates(
    kind: RequestKind,
    received_on: Date,
    extended: bool,
    days_off: &BTreeSet<Date>,
) -> DueDates {
    let days = kind.days() * if extended { 2 } else { 1 };
    DueDates {
        answer: working_days_after(received_on, ANSWER_WORKING_DAYS, days_off),
        fulfilment: received_on.plus_days(days as i32),
    }
}

/// The `count`-th working day after a day.
pub fn working_days_after(day: Date, count: u32, days_off: &BTreeSet<Date>) -> Date {
    let mut found = day;
    for _ in 0..count {
        found = found.plus_days(1);
        while is_weekend(found) || days_off.contains(&found) {
            found = found.plus_days(1);
        }
    }
    found
}

/// Saturday or Sunday: 0000-01-01 was a Saturday.
fn is_weekend(day: Date) -> bool {
    day.days() % 7 < 2
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn fulfilment_falls_due_as_article_5_of_decree_356_2025_says() {
        use RequestKind::{Correct, Delete, Object, Provide, Restrict, View, WithdrawConsent};
        // kind, received on, due, due when extended once by the same length
        let table = [
            (View, "2026-11-02", "2026-11-12", "2026-11-22"),
            (Correct, "2026-12-28", "2027-01-07", "2027-01-17"),
            (Provide, "2026-02-20", "2026-03-02", "2026-03-12"),
            (WithdrawConsent, "2026-11-02", "2026-11-17", "2026-12-02"),
            (Restrict, "2026-11-02", "2026-11-17", "2026-12-02"),
            (Object, "2028-02-20", "2028-03-06", "2028-03-21"),
            (Delete, "2026-11-02", "2026-11-22", "2026-12-12"),
        ];
        for (kind, received, due, extended) in table {
            let none = BTreeSet::new();
            assert_eq!(due_dates(kind, date(received), false, &none).fulfilment, date(due), "{kind}");
            assert_eq!(due_dates(kind, date(received), true, &none).fulfilment, date(extended), "{kind}");
        }
    }

    #[test]
    fn an_answer_falls_due_after_two_working_days_by_article_5() {
        // received on, due
        let table = [
            ("2026-11-16", "2026-11-18"), // Monday to Wednesday
            ("2026-11-18", "2026-11-20"), // Wednesday to Friday
            ("2026-11-19", "2026-11-23"), // Thursday: Friday, Monday
            ("2026-11-20", "2026-11-24"), // Friday: Monday, Tuesday
            ("2026-11-21", "2026-11-24"), // Saturday
            ("2026-11-22", "2026-11-24"), // Sunday
        ];
        for (received, due) in table {
            let found = due_dates(RequestKind::View, date(received), true, &BTreeSet::new()).answer;
            assert_eq!(found, date(due), "received {received}");
        }
    }

    #[test]
    fn days_off_that_the_office_names_do_not_count_as_working_days() {
        let days_off = [date("2026-11-20"), date("2026-11-23"), date("2026-11-21")].into();
        assert_eq!(working_days_after(date("2026-11-19"), 2, &days_off), date("2026-11-25"));
    }

    #[test]
    fn kinds_are_read_back_from_their_words() {
        for kind in RequestKind::ALL {
            assert_eq!(kind.word().parse(), Ok(kind));
        }
        assert_eq!("erase".parse::<RequestKind>().map_err(RequestWordError::code), Err("request_kind"));
    }

    #[test]
    fn a_reference_id_is_short_and_plain() {
        for good in ["1", "12/YC-UBND_2026.3", &"a".repeat(64)] {
            assert_eq!(good.parse::<RequestId>().unwrap().as_str(), good);
        }
        for bad in ["", " 1", "Nguyễn", "a b", &"a".repeat(65)] {
            assert_eq!(bad.parse::<RequestId>(), Err(RequestWordError::Id), "{bad:?}");
        }
    }
}
