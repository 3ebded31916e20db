//! The sign-in, the sign-out, the choice of a language.

use crate::web::{
    cookies,
    failure::Failure,
    fields::{Asked, Fields},
    language::{self, Language},
    layout::{Page, failure_box},
    site::{Admitted, Site, Visitor},
};
use axum::{
    Extension,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};
use danso_tier_config::limits::SESSION_MS;
use maud::html;

/// How long a chosen language is kept, in seconds.
const LANGUAGE_SECONDS: u64 = 366 * 86_400;

/// An address of this site to go on to; anything else leads to the first page.
fn of_this_site(to: &str) -> &str {
    let own = to.starts_with('/') && !to.starts_with("//") && !to.contains(['\\', '\r', '\n', '\t']);
    if own { to } else { "/" }
}

fn redirect(to: &str, cookie: Option<HeaderValue>) -> Response {
    let mut response = Redirect::to(of_this_site(to)).into_response();
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// The form; whoever is signed in already goes on.
pub async fn form(
    State(site): State<Site>,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
) -> Response {
    if visitor.session.is_some() {
        return redirect(asked.text("to"), None);
    }
    let why = asked.text("why");
    let said = SAID.iter().find(|(word, ..)| *word == why);
    let said = said.map(|(_, vietnamese, english)| visitor.language.pick(vietnamese, english));
    show(&site, &visitor, asked.text("to"), "", said, None)
}

/// Why somebody is sent to the sign-in, by the word in the address.
const SAID: [(&str, &str, &str); 2] = [
    (
        "order",
        "Phiên đã hết. Việc vừa gửi CHƯA được thực hiện: hãy đăng nhập và làm lại.",
        "The session had ended. What you sent was NOT carried out: sign in and do it again.",
    ),
    (
        "password",
        "Đã đổi mật khẩu, mọi phiên đã hết. Hãy đăng nhập bằng mật khẩu mới.",
        "The password is changed and all sessions have ended. Sign in with the new one.",
    ),
];

fn show(
    site: &Site,
    visitor: &Visitor,
    to: &str,
    name: &str,
    said: Option<&str>,
    failure: Option<&Failure>,
) -> Response {
    let language = visitor.language;
    let body = html! {
        @if let Some(said) = said { p.notice role="status" { (said) } }
        @if let Some(failure) = failure { (failure_box(language, failure)) }
        form.sheet method="post" action="/sign-in" {
            input type="hidden" name="to" value=(of_this_site(to));
            label for="name" { (language.pick("Tên đăng nhập", "Account name")) }
            input #name name="name" value=(name) autocomplete="username" autocapitalize="none" spellcheck="false"
                required autofocus[name.is_empty()];
            label for="password" { (language.pick("Mật khẩu", "Password")) }
            input #password name="password" type="password" autocomplete="current-password" required
                autofocus[!name.is_empty()];
            button.main { (language.pick("Đăng nhập", "Sign in")) }
        }
        p.muted.narrow { (language.pick(
            "Quên mật khẩu: người vận hành đặt lại bằng trang Tài khoản hoặc lệnh danso user password.",
            "Forgotten password: the operator sets a new one on the page Accounts or by danso user password.",
        )) }
    };
    let mut response =
        Page::still(site, visitor, "/sign-in", language.pick("Đăng nhập", "Sign in")).show(&body);
    if let Some(failure) = failure {
        *response.status_mut() = failure.status;
    }
    response
}

/// Opens a session, or shows the form again with the reason.
pub async fn sign_in(
    State(site): State<Site>,
    Extension(visitor): Extension<Visitor>,
    mut fields: Fields,
) -> Result<Response, Failure> {
    let (name, password, to) = (fields.text("name")?, fields.secret("password")?, fields.text("to")?);
    match site.node.sign_in(name.clone(), password, visitor.from).await {
        Ok(signed_in) => {
            let cookie = cookies::set(
                &site.session_cookie(),
                signed_in.session.expose(),
                SESSION_MS / 1_000,
                site.encrypted,
            );
            Ok(redirect(&to, cookie))
        }
        Err(error) => {
            let failure = Failure::from(error);
            // A name that is none may be a password: it is not shown again.
            let shown = name.parse::<crate::operations::accounts::AccountName>().map_or("", |_| &name);
            Ok(show(&site, &visitor, &to, shown, None, Some(&failure)))
        }
    }
}

/// Ends the session and takes its cookie back.
pub async fn sign_out(
    State(site): State<Site>,
    Extension(admitted): Extension<Admitted>,
) -> Result<Response, Failure> {
    site.node.sign_out(admitted.session.caller).await?;
    Ok(redirect("/sign-in", cookies::set(&site.session_cookie(), "", 0, site.encrypted)))
}

/// Keeps the choice of a language.
pub async fn language(State(site): State<Site>, mut fields: Fields) -> Result<Response, Failure> {
    let chosen = if fields.text("language")? == "en" { Language::English } else { Language::Vietnamese };
    let cookie = cookies::set(language::COOKIE, chosen.code(), LANGUAGE_SECONDS, site.encrypted);
    Ok(redirect(&fields.text("to")?, cookie))
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn a_sign_in_leads_to_no_other_site() {
        for (to, led) in [
            ("/units?sort=lag", "/units?sort=lag"),
            ("", "/"),
            ("https://evil.example/", "/"),
            ("//evil.example/", "/"),
            ("/\\evil.example", "/"),
            ("/\t/evil.example", "/"),
            ("/a\r\nSet-Cookie: x=y", "/"),
        ] {
            assert_eq!(of_this_site(to), led, "{to:?}");
        }
    }
}
