//! What surrounds every page: head, navigation, language, sign-out; and the parts that pages share.

use super::{
    assets::{ICON, LIVE, STYLE},
    failure::Failure,
    language::Language,
    site::{Site, Visitor},
    words,
};
use crate::operations::Runbook;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};

/// A page about to be shown.
pub(super) struct Page<'a> {
    pub site: &'a Site,
    pub visitor: &'a Visitor,
    pub title: &'a str,
    /// Address of the navigation's entry that it belongs to.
    pub here: &'a str,
    /// Where its updates come from, if it is kept up to date.
    pub live: Option<String>,
}

impl<'a> Page<'a> {
    /// A page that stays as it is.
    pub fn still(site: &'a Site, visitor: &'a Visitor, here: &'a str, title: &'a str) -> Self {
        Self { site, visitor, title, here, live: None }
    }

    /// The same, kept up to date from an address.
    #[must_use]
    pub fn live(mut self, from: String) -> Self {
        self.live = Some(from);
        self
    }

    /// The whole page around its body.
    pub fn show(&self, body: &Markup) -> Response {
        let text = self.around(body).into_string();
        let kind = HeaderValue::from_static("text/html; charset=utf-8");
        ([(header::CONTENT_TYPE, kind)], text).into_response()
    }

    fn around(&self, body: &Markup) -> Markup {
        let language = self.visitor.language;
        let unit = self.site.node.unit();
        let directory = self.site.node.directory();
        let name = directory.name(unit).unwrap_or_default();
        html! {
            (DOCTYPE)
            html lang=(language.code()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) " · " (name) " · danso" }
                    link rel="stylesheet" href=(STYLE.path());
                    link rel="icon" type="image/svg+xml" href=(ICON.path());
                    script defer src=(LIVE.path()) {}
                }
                body data-live=[self.live.as_deref()] {
                    a.skip href="#main" { (language.pick("Đến nội dung chính", "Skip to the content")) }
                    header.top {
                        p.brand { a href="/" { "danso" } span { (name) } }
                        (self.navigation())
                        (self.person())
                    }
                    main id="main" tabindex="-1" {
                        div.heading {
                            h1 { (self.title) }
                            @if self.visitor.session.is_some() { p.printed.muted {
                                (language.pick("In từ số liệu lúc ", "Printed from the figures of "))
                                (moment(language, self.site.node.now_ms()))
                            } }
                            (self.live_state())
                        }
                        (body)
                    }
                    footer.bottom {
                        p { (unit) " · danso " (env!("CARGO_PKG_VERSION")) " · "
                            a href="/runbooks" { (language.pick("Sổ tay xử lý sự cố", "Runbooks")) } }
                    }
                }
            }
        }
    }

    fn navigation(&self) -> Markup {
        let language = self.visitor.language;
        let open: Vec<_> = words::PAGES
            .iter()
            .filter(|(.., right)| self.visitor.scope(self.site, *right).is_some())
            .collect();
        html! {
            @if !open.is_empty() {
                nav aria-label=(language.pick("Các trang", "Pages")) {
                    ul {
                        @for (address, vietnamese, english, _) in open {
                            li {
                                a href=(address) aria-current=[(*address == self.here).then_some("page")] {
                                    (language.pick(vietnamese, english))
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn person(&self) -> Markup {
        let language = self.visitor.language;
        let (other, word) = match language {
            Language::Vietnamese => ("en", "English"),
            Language::English => ("vi", "Tiếng Việt"),
        };
        html! {
            div.person {
                @if let Some(session) = &self.visitor.session {
                    a href="/account" aria-current=[(self.here == "/account").then_some("page")] {
                        (session.caller.name.as_str())
                        span.muted.role { " " (words::role(language, session.caller.role)) }
                    }
                }
                form method="post" action="/language" {
                    input type="hidden" name="to" value=(self.visitor.asked.as_deref().unwrap_or(self.here));
                    button.plain name="language" value=(other) lang=(other) { (word) }
                }
                @if self.visitor.session.is_some() {
                    form method="post" action="/sign-out" {
                        button.plain { (language.pick("Đăng xuất", "Sign out")) }
                    }
                }
            }
        }
    }

    /// Whether the page is kept up to date; the script fills it in.
    fn live_state(&self) -> Markup {
        let language = self.visitor.language;
        html! {
            @if self.live.is_some() {
                p.live #live role="status"
                    data-on=(language.pick("Đang cập nhật trực tiếp", "Updating live"))
                    data-off=(language.pick("Mất kết nối, đang thử lại", "Connection lost, trying again"))
                    data-full=(language.pick(
                        "Quá nhiều trang đang mở, trang này chưa tự cập nhật",
                        "Too many pages are open, this one is not updated yet",
                    ))
                    data-end=(language.pick("Phiên đã hết, hãy đăng nhập lại", "The session has ended, sign in again"))
                    {}
            }
        }
    }
}

/// A failure as people read it: the sentence of its page in both languages, the visitor's first, and its code.
pub(super) fn failure_box(language: Language, failure: &Failure) -> Markup {
    let page = Runbook::of(failure.code);
    let of_page = page.map_or("Có lỗi xảy ra.", Runbook::vietnamese);
    let vietnamese = failure.vietnamese.as_deref().unwrap_or(of_page);
    let sentences = match language {
        Language::Vietnamese => [("vi", vietnamese), ("en", failure.sentence.as_str())],
        Language::English => [("en", failure.sentence.as_str()), ("vi", vietnamese)],
    };
    html! {
        div.failure role="alert" {
            p lang=(sentences[0].0) { strong { (sentences[0].1) } }
            p.muted lang=(sentences[1].0) { (sentences[1].1) }
            p.muted {
                (language.pick("Mã: ", "Code: ")) code { (failure.code) }
                @if page.is_some() {
                    " · " a href={ "/runbooks/" (failure.code) } { (language.pick("Cách xử lý", "What to do")) }
                }
            }
        }
    }
}

/// A failure as a page of its own.
pub(super) fn failure_page(site: &Site, visitor: &Visitor, failure: &Failure) -> Response {
    let language = visitor.language;
    let title = match failure.status {
        StatusCode::NOT_FOUND => language.pick("Không tìm thấy", "Not found"),
        StatusCode::FORBIDDEN => language.pick("Không được phép", "Not allowed"),
        _ => language.pick("Không thực hiện được", "That did not work"),
    };
    let body = html! {
        (failure_box(language, failure))
        p { a href="/" { (language.pick("Về trang đầu", "Back to the first page")) } }
    };
    let mut response = Page::still(site, visitor, "", title).show(&body);
    *response.status_mut() = failure.status;
    response
}

/// A table that may be wider than the page: it scrolls alone, by keyboard too.
pub(super) fn scrolling(label: &str, table: &Markup) -> Markup {
    html! { div.scroll role="region" aria-label=(label) tabindex="0" { (table) } }
}

/// A moment that programs can read, shown as people do.
pub(super) fn moment(language: Language, unix_ms: u64) -> Markup {
    let stamp = i64::try_from(unix_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let stamp = stamp.filter(|_| unix_ms > 0).map(|stamp| stamp.to_string());
    html! {
        @if let Some(stamp) = stamp { time datetime=(stamp) { (language.moment(unix_ms)) } }
        @else { (language.moment(unix_ms)) }
    }
}
