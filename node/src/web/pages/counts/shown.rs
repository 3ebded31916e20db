//! The figures, each with how complete it is.

use super::{
    asked::month_words,
    found::{Below, EVENTS, Found},
};
use crate::{
    operations::Provenance,
    web::{
        language::Language,
        layout::{moment, scrolling},
        pages::charts::part_bar,
    },
};
use maud::{Markup, html};

/// Most late units that are named; the rest is counted.
const LATE_NAMED_MAX: usize = 20;

/// The totals of the unit.
pub(super) fn totals(language: Language, found: &Found) -> Markup {
    let male: i64 = found.groups.iter().map(|group| group.male).sum();
    let female: i64 = found.groups.iter().map(|group| group.female).sum();
    let ratio =
        if female > 0 { language.number((male * 100 + female / 2) / female) } else { "–".to_owned() };
    let month = month_words(language, found.month);
    html! {
        section aria-labelledby="totals" {
            h2 #totals { (language.pick("Tổng số", "Totals")) }
            @if found.begun_only {
                p.notice { (language.pick("Chưa hết ", "Not ended: ")) (month) (language.pick(
                    ": số liệu mới tính đến nay và còn thay đổi, chưa dùng để báo cáo.",
                    ": the figures are those known so far and will change; they are not for reports.",
                )) }
            }
            p.muted { (language.pick("Dân số (nhân khẩu thực tế thường trú) ", "Usual residents "))
                @if found.begun_only { (language.pick("đến nay", "so far")) }
                @else { (language.pick("cuối ", "at the end of ")) (month) }
                (language.pick(
                    "; sự kiện trong tháng; chuyển đến, chuyển đi qua địa giới của đơn vị này.",
                    "; events within the month; arrivals and departures across the border of this unit.",
                )) }
            dl.tiles {
                div.tile { dt { (language.pick("Dân số", "Population")) } dd.big { (language.number(male + female)) } }
                div.tile { dt { (language.pick("Nam", "Men")) } dd.big { (language.number(male)) } }
                div.tile { dt { (language.pick("Nữ", "Women")) } dd.big { (language.number(female)) } }
                div.tile { dt { (language.pick("Nam trên 100 nữ", "Men per 100 women")) } dd.big { (ratio) } }
                div.tile { dt { (language.pick("Hộ", "Households")) } dd.big { (language.number(found.households)) } }
                @for ((_, vietnamese, english), count) in EVENTS.iter().zip(&found.events) {
                    div.tile { dt { (language.pick(vietnamese, english)) } dd.big { (language.number(*count)) } }
                }
            }
        }
    }
}

/// How many of a unit's recording units have reported.
fn reported(language: Language, below: &Below) -> Markup {
    html! {
        @if below.silent { (language.pick("chưa từng", "never")) }
        @else if below.expected == 1 { @if below.reported == 1 { (language.pick("có", "yes")) } @else { (language.pick("chậm", "late")) } }
        @else { (language.number(below.reported)) " / " (language.number(below.expected)) }
    }
}

/// The units just below, each with how many of its units have reported.
pub(super) fn units_below(language: Language, found: &Found) -> Markup {
    let label = language.pick("Dân số các đơn vị cấp dưới", "Population of the units below");
    let most = found.below.iter().map(|below| below.population).max().unwrap_or(0).max(1) as u64;
    html! {
        @if !found.below.is_empty() {
            section aria-labelledby="below" {
                h2 #below { (language.pick("Đơn vị cấp dưới", "Units below")) }
                (scrolling(label, &html! {
                    table {
                        caption { (label) }
                        thead { tr {
                            th scope="col" { (language.pick("Đơn vị", "Unit")) }
                            th.number scope="col" { (language.pick("Dân số", "Population")) }
                            th.number scope="col" { (language.pick("Đã báo cáo", "Reported")) }
                            td.wide {}
                        } }
                        tbody {
                            @for below in &found.below {
                                tr {
                                    th scope="row" { a href={ "/counts?unit=" (below.unit) "&month=" (found.month) } { (below.name) } }
                                    td.number { @if below.silent { "–" } @else { (language.number(below.population)) } }
                                    td.number { (reported(language, below)) }
                                    td.wide { (part_bar(below.population.max(0) as u64, most, "plain")) }
                                }
                            }
                        }
                    }
                }))
            }
        }
    }
}

/// How complete and how fresh the figures are.
pub(super) fn freshness(language: Language, found: &Provenance) -> Markup {
    let digest = found.heads.to_string();
    html! {
        section aria-labelledby="fresh" {
            h2 #fresh { (language.pick("Độ đầy đủ và độ mới", "How complete and how fresh")) }
            dl.facts {
                dt { (language.pick("Đơn vị đã báo cáo", "Units that reported")) }
                dd { (language.number(found.reported)) " / " (language.number(found.expected)) " ("
                    (language.percent(found.reported.into(), found.expected.into())) ")" }
                dt { (language.pick("Biết đến ít nhất lúc", "Known up to at least")) }
                dd { (moment(language, found.oldest_watermark_ms)) }
                dt { (language.pick("Thay đổi chưa được tính", "Changes not counted")) }
                dd { (language.number(found.quarantined)) }
                dt { (language.pick("Địa giới ngày", "Boundaries of")) }
                dd { (language.date(found.boundary)) }
                dt { (language.pick("Mã băm của sổ", "Digest of the chains")) }
                dd { code.digest { (digest) } }
            }
            @if !found.late.is_empty() {
                h3 { (language.pick("Đơn vị chậm", "Late units")) " (" (found.late.len()) ")" }
                ul {
                    @for late in found.late.iter().take(LATE_NAMED_MAX) {
                        li { (late.name) " (" (late.unit) "): "
                            @if late.watermark_ms == 0 { (language.pick("chưa từng báo cáo", "never reported")) }
                            @else { (language.pick("đến ", "up to ")) (moment(language, late.watermark_ms)) } }
                    }
                    @if found.late.len() > LATE_NAMED_MAX {
                        li { (language.pick("và thêm ", "and ")) (found.late.len() - LATE_NAMED_MAX) (language.pick(" đơn vị", " more")) }
                    }
                }
            }
        }
    }
}
