//! All units of the subtree in a table: sorted by any column, filtered by name, state and tier.

use super::{
    charts,
    standing::{State, is_late, units_in},
};
use crate::{
    operations::{forms::fold, lag::UnitStanding},
    web::{
        events::Part,
        fields::Asked,
        language::Language,
        layout::{Page, scrolling},
        site::{Admitted, Site, Visitor, escaped},
    },
};
use axum::{Extension, extract::State as Shared, response::Response};
use danso_tier_config::{UnitId, limits::WEB_ROWS_MAX};
use maud::{Markup, html};
use std::cmp::Ordering;

/// What a column is called, what its cells are sorted by, and where a click begins: the worst first.
struct Column {
    word: &'static str,
    vietnamese: &'static str,
    english: &'static str,
    class: &'static str,
    compare: Option<fn(&UnitStanding, &UnitStanding) -> Ordering>,
    begins_down: bool,
}

const COLUMNS: [Column; 8] = [
    Column {
        word: "name",
        vietnamese: "Đơn vị",
        english: "Unit",
        class: "",
        compare: Some(|a, b| fold(&a.name).cmp(&fold(&b.name)).then(a.unit.cmp(&b.unit))),
        begins_down: false,
    },
    Column {
        word: "state",
        vietnamese: "Tình trạng",
        english: "State",
        class: "",
        compare: Some(|a, b| State::of(a).cmp(&State::of(b))),
        begins_down: true,
    },
    Column {
        word: "behind",
        vietnamese: "Số liệu cũ",
        english: "Age of figures",
        class: "",
        compare: Some(|a, b| behind(a).cmp(&behind(b))),
        begins_down: true,
    },
    Column {
        word: "missing",
        vietnamese: "Còn thiếu",
        english: "Missing",
        class: "number",
        compare: Some(|a, b| a.changes_behind.cmp(&b.changes_behind)),
        begins_down: true,
    },
    Column {
        word: "waits",
        vietnamese: "Chờ ở chặng",
        english: "Waits at",
        class: "wide",
        compare: None,
        begins_down: false,
    },
    Column {
        word: "heard",
        vietnamese: "Liên lạc cuối",
        english: "Last contact",
        class: "wide",
        compare: Some(|a, b| b.last_contact_ms.cmp(&a.last_contact_ms)),
        begins_down: true,
    },
    Column {
        word: "uncounted",
        vietnamese: "Chưa tính",
        english: "Not counted",
        class: "number wide",
        compare: Some(|a, b| a.quarantined.cmp(&b.quarantined)),
        begins_down: true,
    },
    Column {
        word: "history",
        vietnamese: "30 ngày",
        english: "30 days",
        class: "wide",
        compare: None,
        begins_down: false,
    },
];

/// Never reported is older than any age; a unit that records nothing has none.
fn behind(unit: &UnitStanding) -> (bool, u64) {
    (unit.records, unit.behind_ms.unwrap_or(u64::MAX))
}

/// What the visitor chose to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::web) struct Choice {
    name: String,
    state: String,
    tier: String,
    sort: &'static str,
    down: bool,
    page: usize,
}

/// What the state of a unit is filtered by: word, Vietnamese, English.
const STATES: [(&str, &str, &str); 5] = [
    ("", "tất cả", "all"),
    ("problem", "cần xử lý", "needs attention"),
    ("late", "chậm", "late"),
    ("cut", "mất liên lạc", "not connected"),
    ("unknown", "chưa từng nối", "never linked"),
];

impl Choice {
    /// Out of the address; what is not understood is left out.
    pub fn of(asked: &Asked) -> Self {
        let column = COLUMNS
            .iter()
            .find(|column| column.word == asked.text("sort") && column.compare.is_some())
            .unwrap_or(&COLUMNS[1]);
        let down = match asked.text("order") {
            "up" => false,
            "down" => true,
            _ => column.begins_down,
        };
        Self {
            name: asked.text("name").chars().take(100).collect(),
            state: asked.text("state").to_owned(),
            tier: asked.text("tier").to_owned(),
            sort: column.word,
            down,
            page: asked.text("page").parse().unwrap_or(1).max(1),
        }
    }

    /// The address of the same choice, sorted otherwise or at another page.
    fn address(&self, sort: &str, down: bool, page: usize) -> String {
        let order = if down { "down" } else { "up" };
        let mut address = format!("sort={sort}&order={order}");
        for (name, value) in [("name", &self.name), ("state", &self.state), ("tier", &self.tier)] {
            if !value.is_empty() {
                address.push_str(&format!("&{name}={}", escaped(value)));
            }
        }
        if page > 1 {
            address.push_str(&format!("&page={page}"));
        }
        address
    }

    /// The units chosen, in order.
    fn apply(&self, mut units: Vec<UnitStanding>, late_after_ms: u64) -> Vec<UnitStanding> {
        let wanted = fold(&self.name);
        units.retain(|unit| {
            let named =
                fold(&unit.name).contains(&wanted) || unit.unit.code.to_string().contains(self.name.trim());
            let state = match self.state.as_str() {
                "problem" => State::of(unit) >= State::Warning,
                "late" => is_late(unit, late_after_ms),
                "cut" => unit.connected == Some(false) && !unit.is_unknown(),
                "unknown" => unit.is_unknown(),
                _ => true,
            };
            named && state && (self.tier.is_empty() || unit.tier == self.tier)
        });
        let column = COLUMNS.iter().find(|column| column.word == self.sort);
        if let Some(compare) = column.and_then(|column| column.compare) {
            units.sort_by(|a, b| if self.down { compare(b, a) } else { compare(a, b) });
        }
        units
    }
}

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
            let found = chosen.apply(all, shared.node.config.limits.late_after_ms);
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

fn table(site: &Site, language: Language, choice: &Choice, units: &[UnitStanding]) -> Markup {
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
fn shown<'a>(choice: &Choice, units: &'a [UnitStanding]) -> impl Iterator<Item = &'a UnitStanding> {
    units.iter().skip((choice.page - 1) * WEB_ROWS_MAX).take(WEB_ROWS_MAX)
}

/// The beginning of the ids of a unit's cells.
fn id_of(unit: UnitId) -> String {
    format!("u-{}", unit.to_string().replace('@', "-"))
}

fn row(site: &Site, language: Language, unit: &UnitStanding) -> Markup {
    let samples = site.node.lag_history(unit.unit).unwrap_or_default();
    let days = charts::days(&samples, site.node.now_ms());
    let late_after_ms = site.node.config.limits.late_after_ms;
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
    let late_after_ms = site.node.config.limits.late_after_ms;
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
    let found = choice.apply(units_in(site, scope), site.node.config.limits.late_after_ms);
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
