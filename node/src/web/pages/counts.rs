//! Population counts of one unit: totals, the pyramid, the units below, and how complete all of it is.

use super::{
    charts::part_bar,
    pyramid::{self, Group},
};
use crate::{
    operations::{CountQuery, Counted, Node, Provenance, QueryError},
    web::{
        failure::Failure,
        fields::Asked,
        language::Language,
        layout::{Page, moment, scrolling},
        site::{Admitted, Site, Visitor},
    },
};
use axum::{Extension, extract::State, response::Response};
use danso_core::rollup::{Dimension, Measure};
use danso_tier_config::{Month, UnitId};
use maud::{Markup, html};

/// Most late units that are named; the rest is counted.
const LATE_NAMED_MAX: usize = 20;
/// Events of a month beside the population.
const EVENTS: [(Measure, &str, &str); 6] = [
    (Measure::Births, "Sinh", "Births"),
    (Measure::Deaths, "Chết", "Deaths"),
    (Measure::Arrivals, "Chuyển đến", "Arrivals"),
    (Measure::Departures, "Chuyển đi", "Departures"),
    (Measure::Marriages, "Người kết hôn", "Persons married"),
    (Measure::Divorces, "Người ly hôn", "Persons divorced"),
];

/// Everything that the page shows, read at one time.
struct Found {
    unit: UnitId,
    name: String,
    above: Vec<(UnitId, String)>,
    month: Month,
    groups: Vec<Group>,
    households: i64,
    events: Vec<i64>,
    below: Vec<(UnitId, String, i64)>,
    provenance: Provenance,
}

/// A question for a total, or by some dimensions.
fn query(units: &[UnitId], month: Month, measure: Measure, group_by: &[Dimension]) -> CountQuery {
    CountQuery {
        measure,
        units: units.iter().map(ToString::to_string).collect(),
        by_tier: None,
        months: Some((month, month)),
        filters: Vec::new(),
        group_by: group_by.to_vec(),
        boundary: None,
    }
}

fn total(counted: &Counted) -> i64 {
    counted.rows.iter().map(|row| row.count).sum()
}

fn look(node: &Node, scope: UnitId, asked: &Asked) -> Result<Found, Failure> {
    let (directory, today) = (node.directory(), node.today());
    let names: Vec<String> =
        Some(asked.text("unit")).filter(|text| !text.is_empty()).map(str::to_owned).into_iter().collect();
    let unit = node.resolve_within(&directory, &names, today, scope)?.first().copied().unwrap_or(scope);
    let not_understood =
        |value: &str| QueryError::NotUnderstood { what: "month", value: value.chars().take(40).collect() };
    let month = match asked.text("month") {
        "" => today.month().plus(-1),
        text => text.parse().map_err(|_| not_understood(text))?,
    };
    let at = directory.at(today);
    let name = |unit: UnitId| directory.name(unit).unwrap_or_default().to_owned();
    let count = |units: &[UnitId], measure, group_by: &[Dimension]| {
        node.count_within(&query(units, month, measure, group_by), scope)
    };
    let population = count(&[unit], Measure::Population, &[Dimension::Sex, Dimension::AgeGroup])?;
    let households = total(&count(&[unit], Measure::Households, &[])?);
    let events: Result<Vec<i64>, QueryError> =
        EVENTS.iter().map(|(measure, ..)| Ok(total(&count(&[unit], *measure, &[])?))).collect();
    let children = at.children(unit);
    let mut below = Vec::new();
    if !children.is_empty() {
        for row in count(&children, Measure::Population, &[Dimension::Unit])?.rows {
            let found = row.keys.first().and_then(|key| key.parse::<UnitId>().ok());
            below.extend(found.map(|unit| (unit, name(unit), row.count)));
        }
    }
    let mut above: Vec<_> =
        at.ancestors(unit).into_iter().filter(|above| at.is_within(*above, scope)).collect();
    above.reverse();
    Ok(Found {
        unit,
        name: name(unit),
        above: above.into_iter().map(|unit| (unit, name(unit))).collect(),
        month,
        groups: pyramid::groups(&population.rows),
        households,
        events: events?,
        below,
        provenance: population.provenance,
    })
}

/// The page.
pub async fn page(
    State(site): State<Site>,
    Extension(visitor): Extension<Visitor>,
    Extension(admitted): Extension<Admitted>,
    asked: Asked,
) -> Result<Response, Failure> {
    let scope = admitted.scope;
    let looked = site.node.blocking(move |node| look(node, scope, &asked)).await;
    let found = looked.inspect_err(|failure| {
        if failure.code == "outside_subtree" {
            site.node.call_denied(Some(&admitted.actor), "ReadCounts", failure.code);
        }
    })?;
    let language = visitor.language;
    let today = site.node.today().month();
    let body = html! {
        (choice(language, &found, today))
        (totals(language, &found))
        section.beside aria-labelledby="ages" {
            h2 #ages { (language.pick("Tuổi và giới tính", "Age and sex")) }
            @if found.groups.iter().all(|group| group.male + group.female == 0) {
                p.muted { (language.pick("Không có người nào được tính trong tháng này.", "Nobody is counted in this month.")) }
            } @else {
                div.two { (pyramid::drawing(language, &found.groups)) (pyramid::table(language, &found.groups)) }
            }
        }
        (units_below(language, &found))
        (freshness(language, &found.provenance))
    };
    let title = format!("{}: {}", language.pick("Số liệu dân số", "Population counts"), found.name);
    Ok(Page::still(&site, &visitor, "/counts", &title).show(&body))
}

fn month_words(language: Language, month: Month) -> String {
    match language {
        Language::Vietnamese => format!("tháng {}/{}", month.month(), month.year()),
        Language::English => month.to_string(),
    }
}

fn choice(language: Language, found: &Found, this_month: Month) -> Markup {
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
        form.row method="get" action="/counts" {
            div { label for="unit" { (language.pick("Mã đơn vị", "Unit, by code or id")) }
                input #unit name="unit" value=(found.unit) autocomplete="off" spellcheck="false"; }
            div { label for="month" { (language.pick("Tháng", "Month")) }
                input #month name="month" type="month" value=(found.month) max=(this_month); }
            button.main { (language.pick("Xem", "Show")) }
        }
    }
}

fn totals(language: Language, found: &Found) -> Markup {
    let male: i64 = found.groups.iter().map(|group| group.male).sum();
    let female: i64 = found.groups.iter().map(|group| group.female).sum();
    let ratio =
        if female > 0 { language.number((male * 100 + female / 2) / female) } else { "–".to_owned() };
    let month = month_words(language, found.month);
    html! {
        section aria-labelledby="totals" {
            h2 #totals { (language.pick("Tổng số", "Totals")) }
            p.muted { (language.pick("Dân số thường trú cuối ", "Usual residents at the end of ")) (month)
                (language.pick("; sự kiện trong tháng.", "; events within the month.")) }
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

fn units_below(language: Language, found: &Found) -> Markup {
    let label = language.pick("Dân số các đơn vị cấp dưới", "Population of the units below");
    let most = found.below.iter().map(|(.., count)| *count).max().unwrap_or(0).max(1) as u64;
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
                            td.wide {}
                        } }
                        tbody {
                            @for (unit, name, count) in &found.below {
                                tr {
                                    th scope="row" { a href={ "/counts?unit=" (unit) "&month=" (found.month) } { (name) } }
                                    td.number { (language.number(*count)) }
                                    td.wide { (part_bar((*count).max(0) as u64, most, "plain")) }
                                }
                            }
                        }
                    }
                }))
            }
        }
    }
}

fn freshness(language: Language, found: &Provenance) -> Markup {
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
                dt { (language.pick("Dấu kiểm của sổ", "Digest of the chains")) }
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
