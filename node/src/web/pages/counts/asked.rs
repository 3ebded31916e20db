//! What is asked for: a unit and a month, as people write them.

use super::found::Found;
use crate::{
    operations::QueryError,
    web::{fields::Asked, language::Language},
};
use danso_tier_config::Month;
use maud::{Markup, html};

/// The month of a question, the last that has ended where none is named; no later than the present one.
pub(super) fn month(asked: &Asked, this_month: Month) -> Result<Month, QueryError> {
    let text = asked.text("month");
    if text.is_empty() {
        return Ok(this_month.plus(-1));
    }
    let begun = typed(text).filter(|month| *month <= this_month);
    begun.ok_or_else(|| QueryError::NotUnderstood { what: "month", value: text.chars().take(40).collect() })
}

/// A month as a browser sends it, `2026-10`, or as people type it where the browser has no such field: `10/2026`.
fn typed(text: &str) -> Option<Month> {
    text.parse().ok().or_else(|| {
        let (month, year) = text.split_once(['/', '-', '.'])?;
        format!("{}-{:0>2}", year.trim(), month.trim()).parse().ok()
    })
}

/// A month in a sentence: `tháng 10/2026`.
pub(in crate::web) fn month_words(language: Language, month: Month) -> String {
    match language {
        Language::Vietnamese => format!("tháng {}/{}", month.month(), month.year()),
        Language::English => month.to_string(),
    }
}

pub(super) fn way_up(language: Language, found: &Found) -> Markup {
    html! {
        @if !found.above.is_empty() {
            nav.crumbs aria-label=(language.pick("Đơn vị cấp trên", "Units above")) {
                ol {
                    @for (unit, name) in &found.above {
                        li { a href={ "/counts?unit=" (unit) "&month=" (found.month) } { (name) } }
                    }
                    li aria-current="location" { (found.name) }
                }
            }
        }
    }
}

/// The form, with what was typed.
pub(super) fn form(language: Language, unit: &str, month: &str, this_month: Month) -> Markup {
    html! {
        form.row method="get" action="/counts" {
            div { label for="unit" { (language.pick("Mã đơn vị", "Unit, by code or id")) }
                input #unit name="unit" value=(unit) autocomplete="off" spellcheck="false"; }
            div { label for="month" { (language.pick("Tháng (ví dụ 10/2026)", "Month (as 2026-10)")) }
                input #month name="month" type="month" value=(month) max=(this_month); }
            button.main { (language.pick("Xem", "Show")) }
        }
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn a_month_is_taken_as_browsers_send_it_and_as_people_write_it() {
        let october: Month = "2026-10".parse().unwrap();
        for text in ["2026-10", "10/2026", "10-2026", "10.2026", "10 / 2026"] {
            assert_eq!(typed(text), Some(october), "{text}");
        }
        assert_eq!(typed("3/2026"), "2026-03".parse().ok());
        for text in ["", "10", "13/2026", "0/2026", "2026/10", "10/26", "1/10/2026", "x/2026", "010/2026"] {
            assert_eq!(typed(text), None, "{text}");
        }
    }
}
