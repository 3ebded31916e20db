//! Population counts of one unit: totals, the pyramid, the units below, and how complete all of it is.
//!
//! | file | holds |
//! |---|---|
//! | `asked.rs` | the unit and the month that are asked for, and the form for them |
//! | `found.rs` | everything that the page shows, read from the node |
//! | `shown.rs` | totals, the units below, how complete and how fresh |
//!
//! Invariants:
//! 1. No figure stands alone: how many units have reported is beside each, and a month that goes on says so.
//! 2. A move within a unit is none of that unit's arrivals or departures.

mod asked;
mod found;
mod shown;

use super::pyramid;
use crate::web::{
    fields::Asked,
    layout::{Page, failure_box},
    site::{Admitted, Site, Visitor},
};
use axum::{Extension, extract::State, response::Response};
use maud::html;

pub(in crate::web) use asked::month_words;

/// The page; with the form and the reason where the question is not understood.
pub async fn page(
    State(site): State<Site>,
    Extension(visitor): Extension<Visitor>,
    Extension(admitted): Extension<Admitted>,
    asked: Asked,
) -> Response {
    let (scope, language, today) = (admitted.scope, visitor.language, site.node.today().month());
    let typed = asked.clone();
    let title = language.pick("Số liệu dân số", "Population counts");
    let found = match site.node.blocking(move |node| found::look(node, scope, &asked)).await {
        Ok(found) => found,
        Err(failure) => {
            if failure.code == "outside_subtree" {
                site.node.call_denied(Some(&admitted.actor), "ReadCounts", failure.code);
            }
            let body = html! {
                (failure_box(language, &failure))
                (asked::form(language, typed.text("unit"), typed.text("month"), today))
            };
            let mut response = Page::still(&site, &visitor, "/counts", title).show(&body);
            *response.status_mut() = failure.status;
            return response;
        }
    };
    let body = html! {
        (asked::way_up(language, &found))
        (asked::form(language, &found.unit.to_string(), &found.month.to_string(), today))
        (shown::totals(language, &found))
        section.beside aria-labelledby="ages" {
            h2 #ages { (language.pick("Tuổi và giới tính", "Age and sex")) }
            @if found.groups.iter().all(|group| group.male + group.female == 0) {
                p.muted { (language.pick("Không có người nào được tính trong tháng này.", "Nobody is counted in this month.")) }
            } @else {
                div.two { (pyramid::drawing(language, &found.groups)) (pyramid::table(language, &found.groups)) }
            }
        }
        (shown::units_below(language, &found))
        (shown::freshness(language, &found.provenance))
    };
    Page::still(&site, &visitor, "/counts", &format!("{title}: {}", found.name)).show(&body)
}
