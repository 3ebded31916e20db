//! What is wrong in the subtree, the worst first, and what to do about it.

use super::standing::{State, all_findings, findings, units_in};
use crate::{
    operations::lag::{Finding, Severity, UnitStanding},
    web::{
        events::Part,
        language::Language,
        layout::Page,
        site::{Admitted, Site, Visitor},
    },
};
use axum::{Extension, extract::State as Shared, response::Response};
use danso_tier_config::UnitId;
use maud::html;
use std::{cmp::Reverse, collections::BTreeMap};

/// Most findings of one code that the page shows: a province whose communes go home has hundreds of them.
const SHOWN_OF_A_CODE_MAX: usize = 20;

/// The page.
pub async fn page(
    Shared(site): Shared<Site>,
    Extension(visitor): Extension<Visitor>,
    Extension(admitted): Extension<Admitted>,
) -> Response {
    let (shared, language, scope) = (site.clone(), visitor.language, admitted.scope);
    let parts = site.node.blocking(move |_| parts(&shared, language, scope)).await;
    let body = html! { @for part in &parts { div id=(part.id) { (part.inside) } } };
    let title = language.pick("Cảnh báo", "Alerts");
    Page::still(&site, &visitor, "/alerts", title).live("/events/alerts".to_owned()).show(&body)
}

/// Everything on the page that changes. Blocks.
pub(in crate::web) fn parts(site: &Site, language: Language, scope: UnitId) -> Vec<Part> {
    let units = units_in(site, scope);
    let all = all_findings(&units);
    let count = |severity| all.iter().filter(|(_, finding)| finding.severity == severity).count();
    let summary = html! {
        p {
            @for severity in [Severity::Critical, Severity::Warning, Severity::Note] {
                span.count { (State::from(severity).mark(language)) " " (language.number(count(severity) as u64)) " " }
            }
        }
    };
    let list = html! {
        @if all.is_empty() { p { (language.pick("Không có việc gì cần xử lý.", "Nothing needs attention.")) } }
        @for same in alike(&all) {
            (findings(site, language, same.iter().copied().take(SHOWN_OF_A_CODE_MAX)))
            @if same.len() > SHOWN_OF_A_CODE_MAX { p {
                a href="/units?sort=state&order=down" {
                    (language.pick("và thêm ", "and ")) (language.number((same.len() - SHOWN_OF_A_CODE_MAX) as u64))
                    (language.pick(" đơn vị nữa với ", " more units with ")) code { (same[0].1.code) }
                }
            } }
        }
    };
    vec![
        Part { id: "alerts-summary".to_owned(), inside: summary },
        Part { id: "alerts-list".to_owned(), inside: list },
    ]
}

/// Findings as severe and of one code together, the worst first.
fn alike<'a>(all: &[(&'a UnitStanding, &'a Finding)]) -> Vec<Vec<(&'a UnitStanding, &'a Finding)>> {
    let mut groups: BTreeMap<(Reverse<Severity>, &str), Vec<_>> = BTreeMap::new();
    for (unit, finding) in all {
        groups.entry((Reverse(finding.severity), &finding.code)).or_default().push((*unit, *finding));
    }
    groups.into_values().collect()
}
