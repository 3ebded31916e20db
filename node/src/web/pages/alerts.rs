//! What is wrong in the subtree, the worst first, and what to do about it.

use super::standing::{State, all_findings, findings, units_in};
use crate::{
    operations::lag::Severity,
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
                span.count { (State::from(severity).mark(language)) " " (count(severity)) " " }
            }
        }
    };
    let list = html! {
        @if all.is_empty() { p { (language.pick("Không có việc gì cần xử lý.", "Nothing needs attention.")) } }
        (findings(language, all.iter().copied()))
    };
    vec![
        Part { id: "alerts-summary".to_owned(), inside: summary },
        Part { id: "alerts-list".to_owned(), inside: list },
    ]
}
