//! One unit: how it stands, its chain on every tier of the way, receipts from above, what is refused or not counted.

use super::{
    cases::{self, Case},
    charts,
    standing::{State, findings, is_late, units_in},
};
use crate::{
    operations::{
        QueryError,
        confirmations::Confirmation,
        lag::{LagSample, UnitStanding},
    },
    web::{
        events::Part,
        failure::Failure,
        language::Language,
        layout::{Page, moment, scrolling},
        site::{Admitted, Site, Visitor},
    },
};
use axum::{
    Extension,
    extract::{Path, State as Shared},
    response::Response,
};
use danso_tier_config::UnitId;
use maud::{Markup, html};

/// What is read once for the page.
struct Found {
    parts: Vec<Part>,
    name: String,
    cases: Vec<Case>,
    samples: Vec<LagSample>,
}

/// The page.
pub async fn page(
    Shared(site): Shared<Site>,
    Extension(visitor): Extension<Visitor>,
    Extension(admitted): Extension<Admitted>,
    Path(asked): Path<String>,
) -> Result<Response, Failure> {
    let (shared, language, scope) = (site.clone(), visitor.language, admitted.scope);
    let unit = find(&site, &asked, scope)?;
    let found = site.node.blocking(move |_| look(&shared, language, scope, unit)).await?;
    let days = charts::days(&found.samples, site.node.now_ms());
    let late_after_ms = site.node.limits().late_after_ms;
    let body = html! {
        p.muted { (unit) " · " a href={ "/counts?unit=" (unit) } { (language.pick("Số liệu dân số", "Population counts")) } }
        @for part in &found.parts { div id=(part.id) { (part.inside) } }
        section aria-labelledby="history" {
            h2 #history { (language.pick("30 ngày qua", "The last 30 days")) }
            p.muted { (language.pick("Tuổi lớn nhất của số liệu trong từng ngày.", "The greatest age of its figures on each day.")) }
            div.long { (charts::history(language, &days, late_after_ms)) }
            p.scale { span { (language.pick("30 ngày trước", "30 days ago")) } span { (language.pick("hôm nay", "today")) } }
        }
        section aria-labelledby="cases" {
            h2 #cases { (language.pick("Thay đổi chưa được tính", "Changes not counted")) }
            @if found.cases.is_empty() { p { (language.pick("Không có.", "None.")) } }
            @else { (cases::table(language, &found.cases, false)) }
        }
    };
    let live = format!("/events/unit?unit={unit}");
    Ok(Page::still(&site, &visitor, "/units", &found.name).live(live).show(&body))
}

/// The unit of an address, within what the visitor sees.
pub(in crate::web) fn find(site: &Site, asked: &str, scope: UnitId) -> Result<UnitId, Failure> {
    let (directory, today) = (site.node.directory(), site.node.today());
    let unit = site.node.resolve_within(&directory, &[asked.to_owned()], today, scope)?;
    let unknown = || QueryError::UnknownUnit { name: asked.chars().take(40).collect(), on: today };
    Ok(unit.first().copied().ok_or_else(unknown)?)
}

fn look(site: &Site, language: Language, scope: UnitId, unit: UnitId) -> Result<Found, Failure> {
    let units = units_in(site, scope);
    let standing = units.iter().find(|found| found.unit == unit).ok_or_else(Failure::no_page)?;
    Ok(Found {
        parts: parts_of(site, language, standing),
        name: standing.name.clone(),
        cases: cases::of_unit(site, standing)?,
        samples: site.node.lag_history(unit)?,
    })
}

/// Everything on the page that changes. Blocks.
pub(in crate::web) fn parts(site: &Site, language: Language, scope: UnitId, unit: UnitId) -> Vec<Part> {
    let units = units_in(site, scope);
    units
        .iter()
        .find(|found| found.unit == unit)
        .map(|unit| parts_of(site, language, unit))
        .unwrap_or_default()
}

fn parts_of(site: &Site, language: Language, unit: &UnitStanding) -> Vec<Part> {
    let now = site.node.now_ms();
    let confirmations = site.node.confirmations(unit.unit, now);
    let part = |id: &str, inside| Part { id: id.to_owned(), inside };
    vec![
        part("unit-state", state(site, language, unit)),
        part("unit-way", way(language, unit, now)),
        part("unit-receipts", receipts(site, language, unit, &confirmations)),
        part("unit-computer", computer(language, unit)),
    ]
}

fn state(site: &Site, language: Language, unit: &UnitStanding) -> Markup {
    let late_after_ms = site.node.limits().late_after_ms;
    html! {
        dl.tiles {
            div.tile { dt { (language.pick("Tình trạng", "State")) } dd.big { (State::of(unit).mark(language)) } }
            @if unit.records {
                div.tile { dt { (language.pick("Tuổi của số liệu", "Age of figures")) }
                    dd.big { @match unit.behind_ms {
                        Some(behind) => (language.length(behind)), None => (language.pick("chưa từng", "never")),
                    } }
                    dd { (charts::lag_bar(unit.behind_ms, late_after_ms))
                        @if is_late(unit, late_after_ms) { (language.pick("quá hạn", "late")) } @else { (language.pick("đúng hạn", "in time")) } } }
                div.tile { dt { (language.pick("Thay đổi còn thiếu", "Missing changes")) } dd.big { (language.number(unit.changes_behind)) } }
                div.tile { dt { (language.pick("Thay đổi ở đây", "Changes here")) } dd.big { (language.number(unit.changes_here)) } }
            }
            div.tile { dt { (language.pick("Liên lạc cuối", "Last contact")) } dd.big { (moment(language, unit.last_contact_ms)) }
                dd { @match unit.connected {
                    Some(true) => { span.state.good { (language.pick("thông", "open")) } },
                    Some(false) => { span.state.bad { (language.pick("đứt", "cut")) } },
                    None => { span.state.none { (language.pick("không rõ", "unknown")) } },
                } } }
        }
        @if !unit.findings.is_empty() {
            h2 { (language.pick("Việc cần xử lý", "What needs attention")) }
            (findings(site, language, unit.findings.iter().map(|finding| (unit, finding))))
        }
    }
}

/// The chain on every tier, the unit first.
fn way(language: Language, unit: &UnitStanding, now: u64) -> Markup {
    let waits_from = unit.waiting.as_ref().map(|waiting| waiting.from);
    html! {
        h2 { (language.pick("Đường đi của số liệu", "The way of its figures")) }
        ol.way {
            @for hop in &unit.hops {
                li.waits[waits_from == Some(hop.unit)] {
                    p { strong { (hop.name) } " " span.muted { (hop.unit) } }
                    p { (language.number(hop.changes)) (language.pick(" thay đổi trong ", " changes in "))
                        (language.number(hop.batches)) (language.pick(" lô", " batches"))
                        @if let Some(oldest) = hop.oldest_unsent_ms {
                            " · " (language.pick("chờ gửi từ ", "waiting since ")) (moment(language, oldest))
                        }
                        @if hop.refused > 0 { " · " (language.number(hop.refused)) (language.pick(" lô bị từ chối", " batches refused")) }
                        @if !hop.held_code.is_empty() {
                            " · " (language.pick("bị giữ: ", "held: ")) a href={ "/runbooks/" (hop.held_code) } { code { (hop.held_code) } }
                        }
                    }
                    p.muted { (language.pick("biết ", "known ")) (language.age(now, hop.told_ms)) (language.pick(" trước", " ago"))
                        @match hop.connected {
                            Some(true) => { " · " (language.pick("đường lên thông", "line up open")) },
                            Some(false) => { " · " strong { (language.pick("đường lên đứt", "line up cut")) } },
                            None => {},
                        } }
                }
            }
        }
    }
}

fn receipts(site: &Site, language: Language, unit: &UnitStanding, confirmations: &[Confirmation]) -> Markup {
    let directory = site.node.directory();
    let label = language.pick("Các cấp trên đã ký nhận", "What the tiers above have signed for");
    html! {
        h2 { (language.pick("Ký nhận và từ chối", "Receipts and refusals")) }
        @if confirmations.is_empty() || !unit.records {
            p { (language.pick("Không có cấp trên nào ký nhận ở đây.", "No tier above signs here.")) }
        } @else {
            (scrolling(label, &html! {
                table {
                    caption { (label) }
                    thead { tr {
                        th scope="col" { (language.pick("Cấp", "Tier")) }
                        th.number scope="col" { (language.pick("Đến lô", "Up to batch")) }
                        th scope="col" { (language.pick("Ký lúc", "Signed")) }
                        th.wide scope="col" { (language.pick("Về đến đây", "Came here")) }
                        th scope="col" { (language.pick("Ghi chú", "Remark")) }
                    } }
                    tbody {
                        @for found in confirmations {
                            tr {
                                th scope="row" { (directory.name(found.tier).unwrap_or_default()) }
                                td.number { (language.number(found.number.0)) " / " (language.number(unit.batches_here)) }
                                td { (moment(language, found.accepted_at_ms)) }
                                td.wide { (moment(language, found.heard_at_ms)) }
                                td { @if let Some(code) = found.code { a href={ "/runbooks/" (code) } { code { (code) } } } }
                            }
                        }
                    }
                }
            }))
        }
        p { (language.pick("Lô bị từ chối: ", "Refused batches: ")) (language.number(unit.refused))
            @if let Some((when, code)) = &unit.last_refused {
                ", " (language.pick("lần cuối ", "last ")) (moment(language, *when)) " " a href={ "/runbooks/" (code) } { code { (code) } }
            } }
    }
}

/// Whether the names are encrypted on its disk, as its report says.
fn at_rest_words(language: Language, word: &str) -> &str {
    match word {
        "open" => language.pick("đang mở", "open"),
        "locked" => language.pick("đang khóa", "locked"),
        "off" => language.pick("không mã hóa", "off"),
        other => other,
    }
}

fn computer(language: Language, unit: &UnitStanding) -> Markup {
    let clock = unit.clock_offset_ms.map(|offset| {
        let sign = if offset < 0 { "−" } else { "+" };
        format!("{sign}{}", language.length(offset.unsigned_abs()))
    });
    let unknown = || language.pick("không rõ", "unknown").to_owned();
    let or_unknown = |text: &str| if text.is_empty() { unknown() } else { text.to_owned() };
    let disk = unit.disk.map_or_else(unknown, |disk| {
        format!("{} / {}", language.bytes(disk.free_bytes), language.bytes(disk.size_bytes))
    });
    html! {
        h2 { (language.pick("Máy của đơn vị", "Its computer")) }
        dl.facts {
            dt { (language.pick("Phần mềm", "Software")) } dd { (or_unknown(&unit.software)) }
            dt { (language.pick("Đĩa còn trống", "Free disk")) } dd { (disk) }
            dt { (language.pick("Chứng chỉ còn", "Certificate left")) }
            dd { @match unit.certificate_days {
                Some(days) => { (language.number(days)) (language.pick(" ngày", " days")) }, None => (unknown()),
            } }
            dt { (language.pick("Đồng hồ lệch", "Clock off by")) } dd { (clock.unwrap_or_else(unknown)) }
            dt { (language.pick("Khóa mã hóa tên", "Key of the names")) } dd { (or_unknown(at_rest_words(language, &unit.at_rest))) }
        }
    }
}
