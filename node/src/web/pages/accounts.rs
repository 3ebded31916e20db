//! Accounts of the subtree: the list, new ones, new passwords, switched off and on, removed.

use crate::{
    operations::{
        AccountChange, Manager, OfficeError,
        accounts::{AccountLine, AccountName, Role},
    },
    web::{
        failure::Failure,
        fields::{Asked, Fields},
        language::Language,
        layout::{Page, failure_box, moment, scrolling},
        site::{Admitted, Site, Visitor},
        words,
    },
};
use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use danso_tier_config::limits::{ACCOUNT_NAME_CHARS_MAX, PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN};
use maud::{Markup, html};

/// What was typed for a new account, to be shown again with the reason for its refusal. Never the password.
#[derive(Debug, Default)]
struct Draft {
    name: String,
    role: String,
    unit: String,
}

/// The list and the form for a new one.
pub async fn page(
    State(site): State<Site>,
    Extension(visitor): Extension<Visitor>,
    Extension(admitted): Extension<Admitted>,
    asked: Asked,
) -> Response {
    show(&site, &visitor, &admitted, asked.text("done"), None, &Draft::default())
}

fn show(
    site: &Site,
    visitor: &Visitor,
    admitted: &Admitted,
    done: &str,
    failure: Option<&Failure>,
    draft: &Draft,
) -> Response {
    let language = visitor.language;
    let accounts = site.node.accounts_below(admitted.scope);
    let body = html! {
        @if let Some(failure) = failure { (failure_box(language, failure)) }
        @if let Some(words) = done_words(language, done) { p.done role="status" { (words) } }
        (list(site, language, &accounts, admitted))
        (new_account(language, site, admitted, draft))
    };
    let title = language.pick("Tài khoản", "Accounts");
    let mut response = Page::still(site, visitor, "/accounts", title).show(&body);
    if let Some(failure) = failure {
        *response.status_mut() = failure.status;
    }
    response
}

fn done_words(language: Language, done: &str) -> Option<&'static str> {
    Some(match done {
        "added" => language.pick("Đã thêm tài khoản.", "The account was added."),
        "disable" => language
            .pick("Đã khóa tài khoản; các phiên đã hết.", "The account was disabled; its sessions ended."),
        "enable" => language.pick("Đã mở lại tài khoản.", "The account was enabled."),
        "remove" => language.pick("Đã xóa tài khoản.", "The account was removed."),
        "password" => language
            .pick("Đã đặt mật khẩu mới; các phiên đã hết.", "The password was set; its sessions ended."),
        _ => return None,
    })
}

fn list(site: &Site, language: Language, accounts: &[AccountLine], admitted: &Admitted) -> Markup {
    let directory = site.node.directory();
    let label = language.pick("Tài khoản của đơn vị và cấp dưới", "Accounts of the unit and of those below");
    scrolling(
        label,
        &html! {
            table.accounts {
                caption { (label) }
                thead { tr {
                    th scope="col" { (language.pick("Tên", "Name")) }
                    th scope="col" { (language.pick("Vai trò", "Role")) }
                    th scope="col" { (language.pick("Đơn vị", "Unit")) }
                    th scope="col" { (language.pick("Tình trạng", "State")) }
                    th.wide scope="col" { (language.pick("Đặt mật khẩu lúc", "Password set")) }
                    th scope="col" { (language.pick("Thao tác", "Actions")) }
                } }
                tbody {
                    @for account in accounts {
                        tr {
                            th scope="row" { (account.name.as_str()) }
                            td { (words::role(language, account.role)) }
                            td { (directory.name(account.unit).unwrap_or_default()) " (" (account.unit.code) ")" }
                            td {
                                @if account.disabled { span.state.bad { (language.pick("đã khóa", "disabled")) } }
                                @else if account.sessions > 0 {
                                    span.state.good { (language.pick("đang đăng nhập", "signed in")) " (" (account.sessions) ")" }
                                } @else { span.state.none { (language.pick("mở", "enabled")) } }
                            }
                            td.wide { (moment(language, account.password_set_at_ms)) }
                            td {
                                @if account.name == admitted.session.caller.name {
                                    a href="/account" { (language.pick("Tài khoản của bạn", "Your own account")) }
                                } @else { (actions(language, account)) }
                            }
                        }
                    }
                }
            }
        },
    )
}

fn actions(language: Language, account: &AccountLine) -> Markup {
    let name = account.name.as_str();
    let (change, word) = if account.disabled {
        ("enable", language.pick("Mở lại", "Enable"))
    } else {
        ("disable", language.pick("Khóa", "Disable"))
    };
    html! {
        details {
            summary { (language.pick("Thay đổi", "Change")) span.hidden { " " (name) } }
            form method="post" action="/accounts/change" {
                input type="hidden" name="name" value=(name);
                button name="change" value=(change) { (word) }
            }
            form method="post" action="/accounts/password" {
                input type="text" name="name" value=(name) autocomplete="username" hidden;
                label for={ "password-" (name) } { (language.pick("Mật khẩu mới", "New password")) }
                input id={ "password-" (name) } name="password" type="password" autocomplete="new-password"
                    minlength=(PASSWORD_CHARS_MIN) maxlength=(PASSWORD_CHARS_MAX) required;
                button { (language.pick("Đặt mật khẩu", "Set password")) }
            }
            form method="post" action="/accounts/change" {
                input type="hidden" name="name" value=(name);
                label { input type="checkbox" required;
                    (language.pick(" Tôi chắc chắn muốn xóa", " I am sure to remove it")) }
                button.danger name="change" value="remove" { (language.pick("Xóa", "Remove")) }
            }
        }
    }
}

fn new_account(language: Language, site: &Site, admitted: &Admitted, draft: &Draft) -> Markup {
    let unit = if draft.unit.is_empty() { admitted.scope.to_string() } else { draft.unit.clone() };
    let directory = site.node.directory();
    let named = directory.name(admitted.scope).unwrap_or_default();
    html! {
        section aria-labelledby="new" {
            h2 #new { (language.pick("Thêm tài khoản", "New account")) }
            form.sheet method="post" action="/accounts/add" {
                label for="name" { (language.pick("Tên đăng nhập", "Account name")) }
                input #name name="name" value=(draft.name) autocomplete="off" autocapitalize="none" spellcheck="false"
                    maxlength=(ACCOUNT_NAME_CHARS_MAX) pattern="[a-z0-9][a-z0-9._\\-]*" aria-describedby="name-form" required;
                p.hint #name-form { (language.pick(
                    "chữ thường không dấu, số, dấu chấm, gạch ngang, gạch dưới", "a-z, 0-9, dot, hyphen, underscore",
                )) }
                label for="role" { (language.pick("Vai trò", "Role")) }
                select #role name="role" required {
                    @for role in Role::ALL {
                        option value=(role.as_str()) selected[draft.role == role.as_str()] {
                            (words::role(language, role)) " – " (words::role_meaning(language, role))
                        }
                    }
                }
                label for="unit" { (language.pick("Đơn vị (mã)", "Unit (code or id)")) }
                input #unit name="unit" value=(unit) autocomplete="off" spellcheck="false" aria-describedby="unit-form" required;
                p.hint #unit-form { (language.pick("của ", "within ")) (named) }
                label for="password" { (language.pick("Mật khẩu", "Password")) }
                input #password name="password" type="password" autocomplete="new-password"
                    minlength=(PASSWORD_CHARS_MIN) maxlength=(PASSWORD_CHARS_MAX) aria-describedby="password-form" required;
                p.hint #password-form { (language.pick("ít nhất ", "at least ")) (PASSWORD_CHARS_MIN)
                    (language.pick(" ký tự; một câu dễ nhớ là tốt nhất", " characters; a sentence is best")) }
                button.main { (language.pick("Thêm", "Add")) }
            }
        }
    }
}

fn manager(admitted: &Admitted) -> Manager {
    Manager { actor: admitted.actor.clone(), scope: admitted.scope }
}

fn done(what: &str) -> Response {
    Redirect::to(&format!("/accounts?done={what}")).into_response()
}

/// A refused order, shown above the list; a denied one is counted.
fn refused(
    site: &Site,
    visitor: &Visitor,
    admitted: &Admitted,
    error: OfficeError,
    draft: &Draft,
) -> Response {
    let failure = Failure::from(error);
    if ["not_allowed", "outside_subtree"].contains(&failure.code) {
        site.node.call_denied(Some(&admitted.actor), "ManageAccounts", failure.code);
    }
    show(site, visitor, admitted, "", Some(&failure), draft)
}

/// Adds an account.
pub async fn add(
    State(site): State<Site>,
    Extension(visitor): Extension<Visitor>,
    Extension(admitted): Extension<Admitted>,
    mut fields: Fields,
) -> Result<Response, Failure> {
    let draft = Draft { name: fields.text("name")?, role: fields.text("role")?, unit: fields.text("unit")? };
    let password = fields.secret("password")?;
    let order = async {
        let name: AccountName = draft.name.parse()?;
        let role: Role = draft.role.parse()?;
        let unit = site.node.unit_to_give(&draft.unit, admitted.scope)?;
        site.node.add_account(manager(&admitted), name, role, unit, password).await
    };
    Ok(match order.await {
        Ok(()) => done("added"),
        Err(error) => refused(&site, &visitor, &admitted, error, &draft),
    })
}

/// Switches an account off or on, or removes it.
pub async fn change(
    State(site): State<Site>,
    Extension(visitor): Extension<Visitor>,
    Extension(admitted): Extension<Admitted>,
    mut fields: Fields,
) -> Result<Response, Failure> {
    let word = fields.text("change")?;
    let change = match word.as_str() {
        "disable" => AccountChange::Disable,
        "enable" => AccountChange::Enable,
        "remove" => AccountChange::Remove,
        _ => return Err(Failure::form()),
    };
    let name = fields.text("name")?;
    let order = async { site.node.change_account(manager(&admitted), name.parse()?, change).await };
    Ok(match order.await {
        Ok(()) => done(&word),
        Err(error) => refused(&site, &visitor, &admitted, error, &Draft::default()),
    })
}

/// Gives an account a new password.
pub async fn password(
    State(site): State<Site>,
    Extension(visitor): Extension<Visitor>,
    Extension(admitted): Extension<Admitted>,
    mut fields: Fields,
) -> Result<Response, Failure> {
    let (name, password) = (fields.text("name")?, fields.secret("password")?);
    let order = async { site.node.set_password(manager(&admitted), name.parse()?, password).await };
    Ok(match order.await {
        Ok(()) => done("password"),
        Err(error) => refused(&site, &visitor, &admitted, error, &Draft::default()),
    })
}
