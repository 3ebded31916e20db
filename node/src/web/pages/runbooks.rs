//! The page of each stable code, as it stands in the manual.

use crate::{
    operations::Runbook,
    web::{
        failure::Failure,
        language::Language,
        layout::Page,
        site::{Site, Visitor},
    },
};
use axum::{
    Extension,
    extract::{Path, State},
    response::Response,
};
use maud::{PreEscaped, html};
use pulldown_cmark::{CowStr, Event, Parser, Tag, TagEnd, html::push_html};

/// Every code with its sentence.
pub async fn list(State(site): State<Site>, Extension(visitor): Extension<Visitor>) -> Response {
    let language = visitor.language;
    let body = html! {
        p.muted { (language.pick(
            "Mỗi lỗi có một mã và một trang: lỗi là gì, cần làm gì, dữ liệu nào không mất.",
            "Every failure has a code and a page: what it is, what to do, what was not lost.",
        )) }
        dl.codes {
            @for page in Runbook::all() {
                dt { a href={ "/runbooks/" (page.code) } { code { (page.code) } } }
                @match language {
                    Language::Vietnamese => dd lang="vi" { (page.vietnamese()) },
                    Language::English => dd lang="en" { (PreEscaped(rendered(page.english()))) },
                }
            }
        }
    };
    Page::still(&site, &visitor, "/runbooks", language.pick("Sổ tay xử lý sự cố", "Runbooks")).show(&body)
}

/// One page.
pub async fn page(
    State(site): State<Site>,
    Extension(visitor): Extension<Visitor>,
    Path(code): Path<String>,
) -> Result<Response, Failure> {
    let page = Runbook::of(&code).ok_or_else(Failure::no_page)?;
    let after = page.text.find(page.vietnamese()).map_or(0, |at| at + page.vietnamese().len());
    let body = html! {
        article.runbook lang="en" {
            p lang="vi" { strong { (page.vietnamese()) } }
            (PreEscaped(rendered(&page.text[after..])))
        }
    };
    Ok(Page::still(&site, &visitor, "/runbooks", page.code).show(&body))
}

/// The text as HTML. Links to other pages lead to them here, links to anything else are their words alone; HTML in the
/// text stays text.
fn rendered(text: &str) -> String {
    // Links do not lie within links.
    let mut leads = false;
    let events = Parser::new(text).filter_map(|event| match event {
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            let page = dest_url.strip_suffix(".md").filter(|page| Runbook::of(page).is_some());
            leads = page.is_some();
            let dest_url = CowStr::from(format!("/runbooks/{}", page?));
            Some(Event::Start(Tag::Link { link_type, dest_url, title, id }))
        }
        Event::End(TagEnd::Link) => leads.then_some(Event::End(TagEnd::Link)),
        Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(text)),
        other => Some(other),
    });
    let mut out = String::new();
    push_html(&mut out, events);
    out
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn links_lead_to_the_pages_here_or_nowhere_and_html_stays_text() {
        let text = "See [fork](batch_fork.md) and [more](../SECURITY.md) <script>x</script>.";
        let shown = rendered(text);
        assert!(shown.contains("<a href=\"/runbooks/batch_fork\">fork</a> and more "), "{shown}");
        assert!(shown.contains("&lt;script&gt;"), "{shown}");
    }

    #[test]
    fn every_page_is_rendered_with_its_steps() {
        for page in Runbook::all() {
            let shown = rendered(page.text);
            assert!(shown.contains("<h2>") && shown.contains("<p>"), "{}", page.code);
        }
    }
}
