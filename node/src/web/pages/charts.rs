//! Bars and lines as SVG, each with its meaning in words.

use crate::{operations::lag::LagSample, web::language::Language};
use danso_tier_config::{DAY_MS, limits::LAG_HISTORY_DAYS};
use maud::{Markup, html};

/// Width of a drawing, in its own units.
const WIDTH: f64 = 100.0;
/// Age at which a bar is full, in minutes: thirty days.
const FULL_MINUTES: f64 = 30.0 * 24.0 * 60.0;

/// A share of the full width that grows fast for minutes and slowly for days.
fn share(age_ms: u64) -> f64 {
    let minutes = age_ms as f64 / 60_000.0;
    ((1.0 + minutes).ln() / (1.0 + FULL_MINUTES).ln()).clamp(0.0, 1.0)
}

/// How an age is to be seen: by colour and length, beside the words.
fn tone(age_ms: Option<u64>, late_after_ms: u64) -> &'static str {
    match age_ms {
        None => "none",
        Some(age) if age > late_after_ms => "bad",
        Some(age) if age > late_after_ms / 2 => "warn",
        Some(_) => "good",
    }
}

/// A bar as long as figures are old; decoration, the age stands beside it.
pub(super) fn lag_bar(behind_ms: Option<u64>, late_after_ms: u64) -> Markup {
    let width = behind_ms.map_or(WIDTH, share_width);
    html! {
        svg.bar viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            rect.track width="100" height="6" {}
            rect class=(tone(behind_ms, late_after_ms)) width=(format!("{width:.1}")) height="6" {}
        }
    }
}

fn share_width(age_ms: u64) -> f64 {
    (share(age_ms) * WIDTH).max(2.0)
}

/// A bar for a part of a whole; decoration.
pub(super) fn part_bar(part: u64, whole: u64, tone: &str) -> Markup {
    let width = if whole == 0 { 0.0 } else { part as f64 / whole as f64 * WIDTH };
    html! {
        svg.bar viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            rect.track width="100" height="6" {}
            rect class=(tone) width=(format!("{width:.1}")) height="6" {}
        }
    }
}

/// The longest lag of each of the last days, the oldest first; `None` for days without a sample.
pub(super) fn days(samples: &[LagSample], now_ms: u64) -> Vec<Option<u64>> {
    let mut days = vec![None; LAG_HISTORY_DAYS as usize];
    for sample in samples {
        let ago = now_ms.saturating_sub(sample.at_ms) / DAY_MS;
        if ago < LAG_HISTORY_DAYS {
            let day: &mut Option<u64> = &mut days[(LAG_HISTORY_DAYS - 1 - ago) as usize];
            // Nothing known at all is as bad as the longest age.
            *day = (*day).max(Some(sample.behind_ms.unwrap_or(u64::MAX)));
        }
    }
    days
}

/// Thirty bars, one a day, as high as the longest lag of the day.
pub(super) fn history(language: Language, days: &[Option<u64>], late_after_ms: u64) -> Markup {
    let step = WIDTH / days.len().max(1) as f64;
    let known = days.iter().flatten().count();
    let longest = days.iter().flatten().max().copied();
    let label = match longest {
        None => language.pick("chưa có lịch sử", "no history yet").to_owned(),
        Some(u64::MAX) => language.pick("có ngày không có số liệu", "days without any figures").to_owned(),
        Some(longest) => format!(
            "{} {}, {} {}",
            language.pick("lâu nhất", "longest"),
            language.length(longest),
            known,
            language.pick("ngày có số liệu", "days known")
        ),
    };
    html! {
        svg.history viewBox="0 0 100 20" preserveAspectRatio="none" role="img" aria-label=(label) {
            rect.ground y="19.4" width="100" height="0.6" {}
            @for (at, day) in days.iter().enumerate() {
                @if let Some(age) = day {
                    @let height = (share(*age) * 19.0).max(1.4);
                    rect class=(tone(Some(*age), late_after_ms)) x=(format!("{:.2}", at as f64 * step + 0.3))
                        y=(format!("{:.2}", 19.4 - height)) width=(format!("{:.2}", step - 0.6))
                        height=(format!("{height:.2}")) {}
                }
            }
        }
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    fn sample(at_ms: u64, behind_ms: Option<u64>) -> LagSample {
        LagSample { at_ms, behind_ms, changes_behind: 0, quarantined: 0, connected: true }
    }

    #[test]
    fn a_day_shows_its_longest_lag_and_a_day_without_samples_none() {
        let now = 100 * DAY_MS;
        let samples = [
            sample(now - 29 * DAY_MS - 5, Some(7)),
            sample(now - 2_000, Some(3)),
            sample(now - 1_000, Some(9)),
            sample(now - DAY_MS, None),
            sample(now - 31 * DAY_MS, Some(1)),
        ];
        let days = days(&samples, now);
        assert_eq!(days.len(), 30);
        assert_eq!((days[0], days[1], days[28], days[29]), (Some(7), None, Some(u64::MAX), Some(9)));
    }

    #[test]
    fn bars_grow_with_age_and_stay_within_their_frame() {
        let widths = [0, 60_000, 3_600_000, DAY_MS, 30 * DAY_MS, u64::MAX].map(share_width);
        assert!(widths.is_sorted_by(|a, b| a <= b) && widths[5] <= WIDTH, "{widths:?}");
        assert_eq!(tone(Some(DAY_MS + 1), DAY_MS), "bad");
        assert_eq!(tone(Some(1), DAY_MS), "good");
    }
}
