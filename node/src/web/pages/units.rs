//! All units of the subtree in a table: sorted by any column, filtered by name, state and tier.

use super::{
    charts,
    choice::{COLUMNS, Choice, Column, STATES},
    standing::{State, units_in},
};
use crate::{
    operations::lag::UnitStanding,
    web::{
        events::Part,
        fields::Asked,
        language::Language,
        layout::{Page, scrolling},
        site::{Admitted, Site, Visitor},
    },
};
use axum::{Extension, extract::State as Shared, response::Response};
use danso_tier_config::{UnitId, limits::WEB_ROWS_MAX};
use maud::{Markup, html};

/// The page.
pub async fn page(
    Shared(site): Shared<Site>,
    Extension(visitor): Extension<Visitor>,
    Extension(admitted): Extension<Admitted>,
    asked: Asked,
) -> Response {
    let (shared, language, choice) = (site.clone(), visitor.language, Choice::of(&asked));
    let chosen = choice.clone();
    let (body, units) = site
        .node
        .blocking(move |_| {
            let all = units_in(&shared, admitted.scope);
            let found = chosen.apply(&all, shared.node.limits().late_after_ms);
            (table(&shared, language, &chosen, &found), found.len())
        })
        .await;
    let tiers: Vec<_> = site.node.config.hierarchy.tiers().iter().collect();
    let body = html! {
        (filter(language, &choice, &tiers.iter().map(|tier| (&*tier.name, tier.title.as_str())).collect::<Vec<_>>()))
        p #found role="status" { (language.number(units as u64)) (language.pick(" đơn vị", " units")) }
        (body)
        (pages(language, &choice, units))
    };
    let live = format!("/events/units?{}", choice.address(choice.sort, choice.down, choice.page));
    Page::still(&site, &visitor, "/units", language.pick("Đơn vị", "Units")).live(live).show(&body)
}

fn filter(language: Language, choice: &Choice, tiers: &[(&str, &str)]) -> Markup {
    html! {
        form.row role="search" method="get" action="/units" {
            input type="hidden" name="sort" value=(choice.sort);
            input type="hidden" name="order" value=(if choice.down { "down" } else { "up" });
            div { label for="filter" { (language.pick("Tên hoặc mã", "Name or code")) }
                input #filter name="name" value=(choice.name) autocomplete="off" spellcheck="false"; }
            div { label for="state" { (language.pick("Tình trạng", "State")) }
                select #state name="state" {
                    @for (word, vietnamese, english) in STATES {
                        option value=(word) selected[choice.state == word] { (language.pick(vietnamese, english)) }
                    }
                } }
            div { label for="tier" { (language.pick("Cấp", "Tier")) }
                select #tier name="tier" {
                    option value="" { (language.pick("tất cả", "all")) }
                    @for (name, title) in tiers {
                        option value=(name) selected[choice.tier == *name] { (language.pick(title, name)) }
                    }
                } }
            button.main { (language.pick("Lọc", "Filter")) }
        }
    }
}

fn table(site: &Site, language: Language, choice: &Choice, units: &[&UnitStanding]) -> Markup {
    let label = language.pick("Tình trạng từng đơn vị", "How every unit stands");
    scrolling(
        label,
        &html! {
            table.units {
                caption { (label) }
                thead { tr { @for column in &COLUMNS { (heading(language, choice, column)) } } }
                tbody {
                    @for unit in shown(choice, units) { (row(site, language, unit)) }
                }
            }
        },
    )
}

fn heading(language: Language, choice: &Choice, column: &Column) -> Markup {
    let here = choice.sort == column.word;
    let order = match (here, choice.down) {
        (true, true) => Some("descending"),
        (true, false) => Some("ascending"),
        (false, _) => None,
    };
    let next_down = if here { !choice.down } else { column.begins_down };
    html! {
        th class=(column.class) scope="col" aria-sort=[order] {
            @if column.compare.is_some() {
                a href={ "/units?" (choice.address(column.word, next_down, 1)) } {
                    (language.pick(column.vietnamese, column.english))
                }
            } @else { (language.pick(column.vietnamese, column.english)) }
        }
    }
}

/// The units of the page chosen.
fn shown<'a>(choice: &Choice, units: &[&'a UnitStanding]) -> impl Iterator<Item = &'a UnitStanding> {
    units.iter().copied().skip((choice.page - 1).saturating_mul(WEB_ROWS_MAX)).take(WEB_ROWS_MAX)
}

/// The beginning of the ids of a unit's cells.
fn id_of(unit: UnitId) -> String {
    format!("u-{}", unit.to_string().replace('@', "-"))
}

fn row(site: &Site, language: Language, unit: &UnitStanding) -> Markup {
    let samples = site.node.lag_history(unit.unit).unwrap_or_default();
    let days = charts::days(&samples, site.node.now_ms());
    let late_after_ms = site.node.limits().late_after_ms;
    let cells = cells(site, language, unit);
    html! {
        tr {
            th scope="row" {
                a href={ "/units/" (unit.unit) } { (unit.name) }
                span.muted.code { (unit.unit.code) }
            }
            @for (column, cell) in COLUMNS[1..].iter().zip(&cells) {
                td class=(column.class) id=(cell.id) { (cell.inside) }
            }
            td.wide { (charts::history(language, &days, late_after_ms)) }
        }
    }
}

/// The cells that change, in the order of their columns.
fn cells(site: &Site, language: Language, unit: &UnitStanding) -> [Part; 6] {
    let late_after_ms = site.node.limits().late_after_ms;
    let now = site.node.now_ms();
    let id = id_of(unit.unit);
    let cell = |word: &str, inside: Markup| Part { id: format!("{id}-{word}"), inside };
    let cut = unit.connected == Some(false) && !unit.is_unknown();
    [
        cell("state", State::of(unit).mark(language)),
        cell(
            "behind",
            html! {
                @if unit.records {
                    @match unit.behind_ms {
                        Some(behind) => (language.length(behind)),
                        None => (language.pick("chưa từng", "never")),
                    }
                    (charts::lag_bar(unit.behind_ms, late_after_ms))
                } @else { span.muted { "–" } }
            },
        ),
        cell("missing", html! { (language.number(unit.changes_behind)) }),
        cell(
            "waits",
            html! { @if let Some(at) = &unit.waiting {
                (at.from_name) " → " (at.to_name) @if at.cut { " (" (language.pick("đứt", "cut")) ")" }
            } },
        ),
        cell(
            "heard",
            html! { (language.age(now, unit.last_contact_ms)) @if cut { " · " (language.pick("đứt", "cut")) } },
        ),
        cell("uncounted", html! { (language.number(unit.quarantined)) }),
    ]
}

fn pages(language: Language, choice: &Choice, units: usize) -> Markup {
    let last = units.div_ceil(WEB_ROWS_MAX).max(1);
    html! {
        @if last > 1 {
            nav.pages aria-label=(language.pick("Các trang của bảng", "Pages of the table")) {
                @if choice.page > 1 {
                    a rel="prev" href={ "/units?" (choice.address(choice.sort, choice.down, choice.page - 1)) } {
                        (language.pick("Trang trước", "Previous page")) }
                }
                span { (choice.page) " / " (last) }
                @if choice.page < last {
                    a rel="next" href={ "/units?" (choice.address(choice.sort, choice.down, choice.page + 1)) } {
                        (language.pick("Trang sau", "Next page")) }
                }
            }
        }
    }
}

/// The units that a page of the table shows at this moment: these are kept up to date, in their places. Blocks.
pub(in crate::web) fn on_page(site: &Site, scope: UnitId, choice: &Choice) -> Vec<UnitId> {
    let units = units_in(site, scope);
    let found = choice.apply(&units, site.node.limits().late_after_ms);
    shown(choice, &found).map(|unit| unit.unit).collect()
}

/// Everything on the page that changes. Blocks.
pub(in crate::web) fn parts(site: &Site, language: Language, scope: UnitId, rows: &[UnitId]) -> Vec<Part> {
    let units = units_in(site, scope);
    units
        .iter()
        .filter(|unit| rows.contains(&unit.unit))
        .flat_map(|unit| cells(site, language, unit))
        .collect()
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn a_page_beyond_any_number_of_units_is_empty() {
        let choice = Choice { page: usize::MAX, ..Choice::of(&Asked::default()) };
        assert_eq!(shown(&choice, &[]).count(), 0);
    }
}
