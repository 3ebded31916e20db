//! The node at one look: tiles, and what is wrong.

use super::{
    charts::part_bar,
    counts::month_words,
    standing::{State, all_findings, findings, is_late, units_in},
};
use crate::{
    operations::{
        accounts::Right,
        lag::{Severity, UnitStanding},
    },
    web::{
        events::Part,
        language::Language,
        layout::{Page, moment},
        site::{Admitted, Site, Visitor},
    },
};
use axum::{
    Extension,
    extract::State as Shared,
    response::{IntoResponse, Redirect, Response},
};
use danso_tier_config::UnitId;
use maud::{Markup, html};

/// Most findings that the overview shows.
const FINDINGS_SHOWN_MAX: usize = 8;

/// The overview; those who may not see it go on to what they may.
pub async fn page(
    Shared(site): Shared<Site>,
    Extension(visitor): Extension<Visitor>,
    Extension(_): Extension<Admitted>,
) -> Response {
    let Some(scope) = visitor.scope(&site, Right::ReadStatus) else {
        let counts = visitor.scope(&site, Right::ReadCounts).is_some();
        return Redirect::to(if counts { "/counts" } else { "/account?only=yes" }).into_response();
    };
    let (shared, language) = (site.clone(), visitor.language);
    let parts = site.node.blocking(move |_| parts(&shared, language, scope)).await;
    let (tiles, wrong): (Vec<Part>, Vec<Part>) =
        parts.into_iter().partition(|part| part.id.starts_with("tile-"));
    let body = html! {
        div.tiles {
            @for tile in &tiles { section.tile id=(tile.id) { (tile.inside) } }
        }
        section aria-labelledby="wrong-title" {
            h2 #wrong-title { (language.pick("Việc cần xử lý", "What needs attention")) }
            @for part in &wrong { div id=(part.id) { (part.inside) } }
        }
    };
    let title = language.pick("Tổng quan", "Overview");
    Page::still(&site, &visitor, "/", title).live("/events/overview".to_owned()).show(&body)
}

/// A tile: what it is, its figure, and what the figure means.
fn tile(id: &str, title: &str, figure: &Markup, below: &Markup) -> Part {
    Part {
        id: format!("tile-{id}"),
        inside: html! { h2 { (title) } p.big { (figure) } div.below { (below) } },
    }
}

/// Everything on the page that changes. Blocks.
pub(in crate::web) fn parts(site: &Site, language: Language, scope: UnitId) -> Vec<Part> {
    let units = units_in(site, scope);
    let mut parts = tiles_of_units(site, language, &units);
    if scope == site.node.unit() {
        parts.extend(
            units
                .iter()
                .find(|unit| unit.unit == scope)
                .map(|own| tiles_of_node(site, language, own))
                .into_iter()
                .flatten(),
        );
    }
    parts.push(release(site, language));
    let all = all_findings(&units);
    let shown = all.iter().copied().take(FINDINGS_SHOWN_MAX);
    parts.push(Part {
        id: "wrong".to_owned(),
        inside: html! {
            @if all.is_empty() {
                p { (State::Good.mark(language)) " " (language.pick("Không có việc gì cần xử lý.", "Nothing needs attention.")) }
            } @else { (findings(site, language, shown)) }
            @if all.len() > FINDINGS_SHOWN_MAX {
                p { a href="/alerts" { (language.pick("Xem tất cả ", "See all ")) (all.len()) } }
            }
        },
    });
    parts
}

fn tiles_of_units(site: &Site, language: Language, units: &[UnitStanding]) -> Vec<Part> {
    let late_after_ms = site.node.limits().late_after_ms;
    let recording: Vec<&UnitStanding> = units.iter().filter(|unit| unit.records).collect();
    let late = recording.iter().filter(|unit| is_late(unit, late_after_ms)).count() as u64;
    let expected = recording.len() as u64;
    let oldest = recording.iter().filter(|unit| unit.watermark_ms > 0).min_by_key(|unit| unit.watermark_ms);
    let silent = recording.iter().filter(|unit| unit.watermark_ms == 0).count() as u64;
    let uncounted: u64 = units.iter().map(|unit| unit.quarantined).sum();
    let grown: u64 = units.iter().map(|unit| unit.quarantined.saturating_sub(unit.quarantined_before)).sum();
    let worst = |severity| {
        units.iter().flat_map(|unit| &unit.findings).filter(|found| found.severity == severity).count()
    };
    let tone = if late > 0 { "bad" } else { "good" };
    vec![
        tile(
            "reporting",
            language.pick("Đơn vị báo cáo đúng hạn", "Units reporting in time"),
            &html! { (language.number(expected - late)) " / " (language.number(expected)) },
            &html! { (part_bar(expected - late, expected, tone)) (language.percent(expected - late, expected)) },
        ),
        tile(
            "late",
            language.pick("Đơn vị chậm", "Late units"),
            &html! { a href="/units?state=late&sort=behind&order=down" { (language.number(late)) } },
            &html! { (language.number(silent)) (language.pick(" chưa từng báo cáo", " never reported")) },
        ),
        tile(
            "oldest",
            language.pick("Số liệu cũ nhất", "Oldest figures"),
            &html! { @match oldest {
                Some(unit) => (language.length(unit.behind_ms.unwrap_or(0))),
                None => "–",
            } },
            &html! { @if let Some(unit) = oldest {
                a href={ "/units/" (unit.unit) } { (unit.name) } ", " (moment(language, unit.watermark_ms))
            } },
        ),
        tile(
            "uncounted",
            language.pick("Thay đổi chưa được tính", "Changes not counted"),
            &html! { a href="/cases" { (language.number(uncounted)) } },
            &html! { "+" (language.number(grown)) (language.pick(" trong một ngày", " in a day")) },
        ),
        tile(
            "alerts",
            language.pick("Cảnh báo", "Alerts"),
            &html! { a href="/alerts" { (language.number((worst(Severity::Critical) + worst(Severity::Warning)) as u64)) } },
            &html! { (language.number(worst(Severity::Critical) as u64)) (language.pick(" nghiêm trọng", " critical")) },
        ),
    ]
}

fn tiles_of_node(site: &Site, language: Language, own: &UnitStanding) -> Vec<Part> {
    let top = site.node.config.parent.is_none();
    let link = match own.connected {
        _ if top => html! { (language.pick("cấp cao nhất", "the top")) },
        Some(true) => html! { span.state.good { (language.pick("thông", "open")) } },
        _ => html! { span.state.bad { (language.pick("đứt", "cut")) } },
    };
    let waiting = site.node.unacknowledged();
    let of_link = html! {
        @if !own.link_code.is_empty() { a href={ "/runbooks/" (own.link_code) } { code { (own.link_code) } } " · " }
        @if !top { (language.number(waiting)) (language.pick(" lô chờ cấp trên", " batches wait")) }
    };
    let disk = html! { @match own.disk { Some(disk) => (language.bytes(disk.free_bytes)), None => "–" } };
    let of_disk = html! { @if let Some(disk) = own.disk {
        @let used = disk.size_bytes.saturating_sub(disk.free_bytes);
        (part_bar(used, disk.size_bytes, "plain"))
        (language.pick("trống, trên ", "free of ")) (language.bytes(disk.size_bytes))
    } };
    let certificate = html! { @match own.certificate_days {
        Some(days) => { (language.number(days)) (language.pick(" ngày", " days")) },
        None => "–",
    } };
    let link_title = language.pick("Đường nối lên cấp trên", "Line to the tier above");
    vec![
        tile("link", link_title, &link, &of_link),
        tile("disk", language.pick("Đĩa còn trống", "Free disk"), &disk, &of_disk),
        tile("certificate", language.pick("Chứng chỉ còn", "Certificate left"), &certificate, &html! {}),
    ]
}

fn release(site: &Site, language: Language) -> Part {
    let release = site.node.store.view().release.clone();
    let figure = html! { @match &release { Some(release) => { (language.pick("Số ", "No. ")) (release.number) }, None => "–" } };
    let below = html! { @if let Some(release) = &release {
        (month_words(language, release.month)) ", " (moment(language, release.issued_at_ms))
    } @else { (language.pick("chưa có công bố nào", "none published yet")) } };
    tile("release", language.pick("Công bố mới nhất", "Latest release"), &figure, &below)
}
