//! The visitor's own account: what it may do, and a new password for the old one.

use crate::web::{
    failure::Failure,
    fields::{Asked, Fields},
    layout::{Page, failure_box, moment},
    site::{Admitted, Site, Visitor},
    words,
};
use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use danso_tier_config::limits::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN};
use maud::html;

/// The page.
pub async fn page(
    State(site): State<Site>,
    Extension(visitor): Extension<Visitor>,
    Extension(admitted): Extension<Admitted>,
    asked: Asked,
) -> Response {
    let nothing_else = asked.text("only") == "yes";
    show(&site, &visitor, &admitted, nothing_else, None)
}

fn show(
    site: &Site,
    visitor: &Visitor,
    admitted: &Admitted,
    nothing_else: bool,
    failure: Option<&Failure>,
) -> Response {
    let language = visitor.language;
    let caller = &admitted.session.caller;
    let directory = site.node.directory();
    let own = site.node.passes_of(&caller.name).into_iter().find(|pass| pass.id == caller.id);
    let body = html! {
        @if let Some(failure) = failure { (failure_box(language, failure)) }
        @if nothing_else { p.notice { (language.pick(
            "Vai trò của bạn làm việc bằng chương trình ghi sổ; các trang này không có gì thêm cho bạn.",
            "Your role works with the program that records; these pages hold nothing more for you.",
        )) } }
        dl.facts {
            dt { (language.pick("Tên", "Name")) } dd { (caller.name.as_str()) }
            dt { (language.pick("Vai trò", "Role")) }
            dd { (words::role(language, caller.role)) " – " (words::role_meaning(language, caller.role)) }
            dt { (language.pick("Đơn vị", "Unit")) }
            dd { (directory.name(caller.unit).unwrap_or_default()) " (" (caller.unit) ")" }
            @if let Some(own) = own {
                dt { (language.pick("Phiên này hết lúc", "This session ends")) } dd { (moment(language, own.expires_at_ms)) }
            }
        }
        section aria-labelledby="new-password" {
            h2 #new-password { (language.pick("Đổi mật khẩu", "New password")) }
            form.sheet method="post" action="/account/password" {
                input type="text" name="name" value=(caller.name.as_str()) autocomplete="username" hidden;
                label for="old" { (language.pick("Mật khẩu hiện nay", "Present password")) }
                input #old name="old" type="password" autocomplete="current-password" required;
                label for="password" { (language.pick("Mật khẩu mới", "New password")) }
                input #password name="password" type="password" autocomplete="new-password" aria-describedby="password-form"
                    minlength=(PASSWORD_CHARS_MIN) maxlength=(PASSWORD_CHARS_MAX) required;
                p.hint #password-form { (language.pick("ít nhất ", "at least ")) (PASSWORD_CHARS_MIN)
                    (language.pick(" ký tự; mọi phiên sẽ hết, hãy đăng nhập lại", " characters; all sessions end, sign in again")) }
                button.main { (language.pick("Đổi mật khẩu", "Set password")) }
            }
        }
    };
    let title = language.pick("Tài khoản của bạn", "Your account");
    let mut response = Page::still(site, visitor, "/account", title).show(&body);
    if let Some(failure) = failure {
        *response.status_mut() = failure.status;
    }
    response
}

/// Sets the new password; all sessions end, this one too.
pub async fn password(
    State(site): State<Site>,
    Extension(visitor): Extension<Visitor>,
    Extension(admitted): Extension<Admitted>,
    mut fields: Fields,
) -> Result<Response, Failure> {
    let (old, new) = (fields.secret("old")?, fields.secret("password")?);
    let set = site.node.set_own_password(admitted.session.caller.clone(), visitor.from, old, new).await;
    Ok(match set {
        Ok(()) => Redirect::to("/sign-in?to=/account&why=password").into_response(),
        Err(error) => show(&site, &visitor, &admitted, false, Some(&Failure::from(error))),
    })
}
