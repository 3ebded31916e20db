//! Moments in Vietnam's time and how long ago they were.

use jiff::{Timestamp, tz::Offset};

/// `2026-11-21 20:48:24 +07:00`; `never` for 0, which stands for no moment in the protocol.
pub(super) fn local(unix_ms: u64) -> String {
    let moment = i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    match moment {
        _ if unix_ms == 0 => "never".to_owned(),
        None => "beyond the calendar".to_owned(),
        Some(moment) => {
            let civil = Offset::constant(7).to_datetime(moment);
            let (date, time) = (civil.date(), civil.time());
            format!("{date} {:02}:{:02}:{:02} +07:00", time.hour(), time.minute(), time.second())
        }
    }
}

/// How long before `now_ms` a moment was, in its largest unit: `3 min`; `never` for 0.
pub(super) fn age(now_ms: u64, then_ms: u64) -> String {
    if then_ms == 0 {
        return "never".to_owned();
    }
    match now_ms.saturating_sub(then_ms) / 1_000 {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} min", seconds / 60),
        seconds @ 3_600..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn moments_are_shown_seven_hours_ahead() {
        assert_eq!(local(0), "never");
        assert_eq!(local(1), "1970-01-01 07:00:00 +07:00");
        assert_eq!(local(1_795_294_104_000), "2026-11-22 03:48:24 +07:00");
        assert_eq!(local(u64::MAX), "beyond the calendar");
    }

    #[test]
    fn ages_are_told_in_the_largest_unit() {
        let now = 1_000_000_000;
        let told =
            [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3_600, "1 h"), (172_799, "47 h"), (172_800, "2 days")];
        for (seconds, expected) in told {
            assert_eq!(age(now, now - seconds * 1_000), expected);
        }
        assert_eq!(age(now, 0), "never");
        assert_eq!(age(now, now + 5_000), "0 s", "a clock that is ahead is no age");
    }
}
