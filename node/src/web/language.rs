//! The two languages of the pages, and how each writes numbers, moments and ages.

use axum::http::HeaderMap;
use danso_tier_config::Date;

/// Name of the cookie that keeps the choice.
pub(super) const COOKIE: &str = "danso-language";

/// The language of a page; Vietnamese unless the visitor chose otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Vietnamese,
    English,
}

impl Language {
    /// What the cookie says.
    pub fn of(headers: &HeaderMap) -> Self {
        match super::cookies::value(headers, COOKIE) {
            Some("en") => Self::English,
            _ => Self::Vietnamese,
        }
    }

    /// The code of HTML and of the cookie.
    pub fn code(self) -> &'static str {
        self.pick("vi", "en")
    }

    /// The text in this language.
    pub fn pick<'a>(self, vietnamese: &'a str, english: &'a str) -> &'a str {
        match self {
            Self::Vietnamese => vietnamese,
            Self::English => english,
        }
    }

    /// A whole number with separators: `1.234.567`, `1,234,567`.
    pub fn number(self, number: impl Into<i128>) -> String {
        let number: i128 = number.into();
        let digits = number.unsigned_abs().to_string();
        let separator = if self == Self::Vietnamese { '.' } else { ',' };
        let mut text = String::from(if number < 0 { "−" } else { "" });
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                text.push(separator);
            }
            text.push(digit);
        }
        text
    }

    /// A share in percent with one decimal: `97,5%`, `97.5%`; 100 only where nothing is missing, `–` of nothing.
    pub fn percent(self, part: u64, whole: u64) -> String {
        let Some(tenths) = (part * 1_000 + whole / 2).checked_div(whole) else { return "–".to_owned() };
        let tenths = if part < whole { tenths.min(999) } else { tenths };
        let comma = if self == Self::Vietnamese { ',' } else { '.' };
        format!("{}{comma}{}%", tenths / 10, tenths % 10)
    }

    /// A moment in Vietnam's time, `22/11/2026 13:04`; a word for 0, which stands for no moment.
    pub fn moment(self, unix_ms: u64) -> String {
        if unix_ms == 0 {
            return self.pick("chưa từng", "never").to_owned();
        }
        let (date, minutes) = (Date::in_vietnam(unix_ms), (unix_ms / 60_000 + 7 * 60) % (24 * 60));
        format!("{} {:02}:{:02}", self.date(date), minutes / 60, minutes % 60)
    }

    /// A day, `22/11/2026`.
    pub fn date(self, date: Date) -> String {
        let (year, month, day) = date.parts();
        match self {
            Self::Vietnamese => format!("{day:02}/{month:02}/{year}"),
            Self::English => date.to_string(),
        }
    }

    /// A length of time in its largest unit: `5 phút`, `5 min`.
    pub fn length(self, milliseconds: u64) -> String {
        match milliseconds / 1_000 {
            seconds @ 0..60 => format!("{seconds} {}", self.pick("giây", "s")),
            seconds @ 60..3_600 => format!("{} {}", seconds / 60, self.pick("phút", "min")),
            seconds @ 3_600..172_800 => format!("{} {}", seconds / 3_600, self.pick("giờ", "h")),
            seconds => {
                format!("{} {}", self.number(seconds / 86_400), self.pick("ngày", "days"))
            }
        }
    }

    /// A length of time that is to be waited for, rounded up: who waits it does not come too early.
    pub fn wait(self, milliseconds: u64) -> String {
        let unit = if milliseconds > 60_000 { 60_000 } else { 1_000 };
        self.length(milliseconds.div_ceil(unit).max(1) * unit)
    }

    /// How long before `now_ms` a moment was; a word for 0.
    pub fn age(self, now_ms: u64, then_ms: u64) -> String {
        match then_ms {
            0 => self.pick("chưa từng", "never").to_owned(),
            then => self.length(now_ms.saturating_sub(then)),
        }
    }

    /// A size: `12 MiB`.
    pub fn bytes(self, bytes: u64) -> String {
        match bytes {
            0..1_048_576 => format!("{} KiB", bytes / 1_024),
            1_048_576..1_073_741_824 => format!("{} MiB", bytes / 1_048_576),
            _ => format!("{} GiB", self.number(bytes / 1_073_741_824)),
        }
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_as_each_language_does() {
        let (vi, en) = (Language::Vietnamese, Language::English);
        for (number, vietnamese, english) in [
            (0, "0", "0"),
            (999, "999", "999"),
            (1_000, "1.000", "1,000"),
            (-1_234_567, "−1.234.567", "−1,234,567"),
        ] {
            assert_eq!((vi.number(number), en.number(number)), (vietnamese.to_owned(), english.to_owned()));
        }
        for (part, whole, told) in [
            (39, 40, "97,5%"),
            (3_320, 3_321, "99,9%"),
            (3_321, 3_321, "100,0%"),
            (0, 9, "0,0%"),
            (0, 0, "–"),
        ] {
            assert_eq!(vi.percent(part, whole), told);
        }
        assert_eq!(en.percent(39, 40), "97.5%");
    }

    #[test]
    fn moments_are_shown_seven_hours_ahead_and_ages_in_their_largest_unit() {
        let vi = Language::Vietnamese;
        assert_eq!(vi.moment(1_795_294_104_000), "22/11/2026 03:48");
        assert_eq!(Language::English.moment(1_795_294_104_000), "2026-11-22 03:48");
        assert_eq!(vi.moment(0), "chưa từng");
        for (seconds, told) in [(59, "59 giây"), (60, "1 phút"), (3_600, "1 giờ"), (172_800, "2 ngày")] {
            assert_eq!(vi.length(seconds * 1_000), told);
        }
        for (milliseconds, told) in
            [(0, "1 giây"), (1_001, "2 giây"), (60_001, "2 phút"), (512_000, "9 phút")]
        {
            assert_eq!(vi.wait(milliseconds), told);
        }
        assert_eq!(vi.age(5_000, 9_000), "0 giây", "a clock that is ahead is no age");
    }
}
