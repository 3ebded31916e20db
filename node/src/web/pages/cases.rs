//! Changes that are stored and not counted: of which units, for which reasons. Nobody is named.

use super::standing::units_in;
use crate::{
    operations::lag::UnitStanding,
    store::StoreError,
    web::{
        failure::Failure,
        language::Language,
        layout::{Page, scrolling},
        site::{Admitted, Site, Visitor},
    },
};
use axum::{Extension, extract::State, response::Response};
use danso_core::domain::{Reason, Sequence};
use danso_tier_config::{UnitId, limits::WEB_ROWS_MAX};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// Most numbers of changes that a row shows.
const NUMBERS_SHOWN_MAX: usize = 12;

/// Uncounted changes of one unit for one reason.
pub(super) struct Case {
    pub unit: UnitId,
    pub name: String,
    pub reason: Reason,
    pub changes: Vec<Sequence>,
}

/// The cases of one unit, the most frequent reason first. Blocks.
pub(super) fn of_unit(site: &Site, unit: &UnitStanding) -> Result<Vec<Case>, StoreError> {
    let mut by_reason: BTreeMap<&'static str, Case> = BTreeMap::new();
    for (sequence, reason) in site.node.quarantine(unit.unit)? {
        let new = || Case { unit: unit.unit, name: unit.name.clone(), reason, changes: Vec::new() };
        by_reason.entry(reason.code()).or_insert_with(new).changes.push(sequence);
    }
    let mut cases: Vec<Case> = by_reason.into_values().collect();
    cases.sort_by_key(|case| std::cmp::Reverse(case.changes.len()));
    Ok(cases)
}

/// The page.
pub async fn page(
    State(site): State<Site>,
    Extension(visitor): Extension<Visitor>,
    Extension(admitted): Extension<Admitted>,
) -> Result<Response, Failure> {
    let (shared, scope) = (site.clone(), admitted.scope);
    let look = move |_: &_| -> Result<Vec<Case>, StoreError> {
        let mut cases = Vec::new();
        for unit in units_in(&shared, scope).iter().filter(|unit| unit.quarantined > 0) {
            cases.extend(of_unit(&shared, unit)?);
        }
        cases.sort_by_key(|case| std::cmp::Reverse(case.changes.len()));
        Ok(cases)
    };
    let cases = site.node.blocking(move |node| look(node)).await?;
    let language = visitor.language;
    let total: usize = cases.iter().map(|case| case.changes.len()).sum();
    let body = html! {
        p { (language.pick(
            "Những thay đổi trái quy tắc: vẫn được lưu và chuyển tiếp, nhưng không được tính cho đến khi đơn vị sửa.",
            "Changes that break a rule: stored and passed on, but not counted until their unit corrects them.",
        )) }
        @if cases.is_empty() {
            p { span.state.good { (language.pick("tốt", "good")) } " " (language.pick("Không có thay đổi nào bị để ngoài.", "No change is left out.")) }
        } @else {
            p { strong { (language.number(total as u64)) } (language.pick(" thay đổi chưa được tính", " changes not counted")) }
            (table(language, &cases[..cases.len().min(WEB_ROWS_MAX)], true))
            @if cases.len() > WEB_ROWS_MAX { p {
                (language.pick("và thêm ", "and ")) (language.number((cases.len() - WEB_ROWS_MAX) as u64))
                (language.pick(" dòng có ít thay đổi hơn", " more rows with fewer changes"))
            } }
        }
    };
    let title = language.pick("Chất lượng số liệu", "Data quality");
    Ok(Page::still(&site, &visitor, "/cases", title).show(&body))
}

/// Cases as a table, with or without their unit.
pub(super) fn table(language: Language, cases: &[Case], with_unit: bool) -> Markup {
    let label = language.pick("Thay đổi chưa được tính, theo lý do", "Changes not counted, by reason");
    scrolling(
        label,
        &html! {
            table {
                caption { (label) }
                thead { tr {
                    @if with_unit { th scope="col" { (language.pick("Đơn vị", "Unit")) } }
                    th scope="col" { (language.pick("Lý do", "Reason")) }
                    th.number scope="col" { (language.pick("Số thay đổi", "Changes")) }
                    th scope="col" { (language.pick("Số thứ tự trong sổ", "Numbers in the chain")) }
                } }
                tbody {
                    @for case in cases {
                        tr {
                            @if with_unit { th scope="row" { a href={ "/units/" (case.unit) } { (case.name) } } }
                            td {
                                (language.pick(case.reason.vietnamese(), case.reason.english())) " "
                                a href={ "/runbooks/" (case.reason.code()) } { code { (case.reason.code()) } }
                            }
                            td.number { (language.number(case.changes.len() as u64)) }
                            td { (numbers(language, &case.changes)) }
                        }
                    }
                }
            }
        },
    )
}

fn numbers(language: Language, changes: &[Sequence]) -> String {
    let shown: Vec<String> =
        changes.iter().take(NUMBERS_SHOWN_MAX).map(|number| number.0.to_string()).collect();
    let more = changes.len().saturating_sub(NUMBERS_SHOWN_MAX);
    let rest =
        if more > 0 { format!(" {} {more}", language.pick("và thêm", "and")) } else { String::new() };
    format!("{}{rest}", shown.join(", "))
}
