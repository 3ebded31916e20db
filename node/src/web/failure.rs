//! What goes wrong on the way to a page: a stable code, a plain sentence, the HTTP status.

use crate::{
    operations::{
        NotAllowed, OfficeError, QueryError,
        accounts::{AccountError, Weakness},
    },
    store::StoreError,
    web::language::Language,
};
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use danso_tier_config::limits::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, PASSWORD_DISTINCT_CHARS_MIN};

/// Why a page is not shown or an order not carried out. Rendered in the visitor's language on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub status: StatusCode,
    /// Stable code; `deploy/runbooks` has a page for it.
    pub code: &'static str,
    /// The plain sentence in English, with its values.
    pub sentence: String,
    /// The sentence in Vietnamese with its values; none where that of the code's page says all.
    pub vietnamese: Option<String>,
}

impl Failure {
    /// A failure of the pages themselves.
    pub fn new(status: StatusCode, code: &'static str, sentence: impl Into<String>) -> Self {
        Self { status, code, sentence: sentence.into(), vietnamese: None }
    }
}

macro_rules! own_failures {
    ($($(#[$doc:meta])* $name:ident = $status:ident, $code:literal, $sentence:literal;)+) => {
        impl Failure {
            $($(#[$doc])* pub fn $name() -> Self {
                Self { status: StatusCode::$status, code: $code, sentence: $sentence.to_owned(), vietnamese: None }
            })+
        }
    };
}

own_failures! {
    /// A live page whose session is gone.
    signed_out = UNAUTHORIZED, "not_authenticated", "the session has ended, sign in again";
    /// No page has this address.
    no_page = NOT_FOUND, "web_no_page", "there is no such page";
    /// The address takes no such request.
    no_method = METHOD_NOT_ALLOWED, "web_method", "this address does not take such a request";
    /// A form that was sent from another site, or by a browser that does not say from where.
    other_site = FORBIDDEN, "web_other_site", "the form was not sent from a page of this node";
    /// A form that cannot be read or lacks a field.
    form = BAD_REQUEST, "web_form", "the form is not complete";
    /// A body beyond the limit.
    too_large = PAYLOAD_TOO_LARGE, "web_too_large", "what was sent is too large";
    /// The answer, or the rest of the request, took too long.
    too_slow = SERVICE_UNAVAILABLE, "web_too_slow", "the page was not ready in time";
    /// As many live pages as are allowed.
    streams_full = SERVICE_UNAVAILABLE, "web_streams_full", "too many pages are kept up to date at once";
}

/// The status that fits a code.
fn status_of(code: &str) -> StatusCode {
    match code {
        "not_allowed" | "outside_subtree" | "signin_refused" | "account_disabled" => StatusCode::FORBIDDEN,
        "unknown_unit" | "account_unknown" => StatusCode::NOT_FOUND,
        "account_exists" => StatusCode::CONFLICT,
        "signin_delayed" | "signin_busy" | "accounts_full" => StatusCode::TOO_MANY_REQUESTS,
        "disk_full" | "disk_low" => StatusCode::INSUFFICIENT_STORAGE,
        _ => StatusCode::BAD_REQUEST,
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error.code() {
            "disk_full" | "disk_low" => Self::new(status_of(error.code()), error.code(), error.to_string()),
            code => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, code, "the node's store failed, see its log")
            }
        }
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        Self::new(status_of(error.code()), error.code(), error.to_string())
    }
}

impl From<NotAllowed> for Failure {
    fn from(error: NotAllowed) -> Self {
        Self::new(status_of(error.code()), error.code(), error.to_string())
    }
}

impl From<OfficeError> for Failure {
    fn from(error: OfficeError) -> Self {
        match error {
            OfficeError::Store(error) => error.into(),
            OfficeError::Account(error) => error.into(),
            error => Self::new(status_of(error.code()), error.code(), error.to_string()),
        }
    }
}

impl From<AccountError> for Failure {
    fn from(error: AccountError) -> Self {
        let (sentence, vietnamese) = match error {
            AccountError::SigninDelayed { retry_after_ms } => {
                let wait = |language: Language| language.wait(retry_after_ms);
                (
                    format!("too many failed sign-ins, try again in {}", wait(Language::English)),
                    Some(format!("Đăng nhập sai quá nhiều lần, hãy chờ {}.", wait(Language::Vietnamese))),
                )
            }
            AccountError::PasswordWeak(weakness) => (error.to_string(), Some(in_vietnamese(weakness))),
            _ => (error.to_string(), None),
        };
        Self { vietnamese, ..Self::new(status_of(error.code()), error.code(), sentence) }
    }
}

fn in_vietnamese(weakness: Weakness) -> String {
    match weakness {
        Weakness::Short { chars } => {
            format!("Mật khẩu mới có {chars} ký tự, cần ít nhất {PASSWORD_CHARS_MIN}.")
        }
        Weakness::Long => format!("Mật khẩu mới dài hơn {PASSWORD_CHARS_MAX} ký tự."),
        Weakness::Control => "Mật khẩu mới có ký tự không gõ được ở mọi máy.".to_owned(),
        Weakness::Repeated => {
            format!("Mật khẩu mới cần ít nhất {PASSWORD_DISTINCT_CHARS_MIN} ký tự khác nhau.")
        }
        Weakness::Common => "Mật khẩu mới là một trong những mật khẩu dễ đoán nhất.".to_owned(),
        Weakness::Name => "Mật khẩu mới chứa tên đăng nhập.".to_owned(),
    }
}

impl IntoResponse for Failure {
    /// Without a body: the page is made where the visitor's language is known.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use crate::operations::Runbook;

    #[test]
    fn every_failure_of_the_pages_has_a_page_of_its_own() {
        let all = [
            Failure::signed_out(),
            Failure::no_page(),
            Failure::no_method(),
            Failure::other_site(),
            Failure::form(),
            Failure::too_large(),
            Failure::too_slow(),
            Failure::streams_full(),
        ];
        for failure in all {
            assert!(Runbook::of(failure.code).is_some(), "{}", failure.code);
            assert!(failure.status.is_client_error() || failure.status.is_server_error());
        }
    }

    #[test]
    fn a_store_that_failed_tells_no_more_than_its_code() {
        let error = StoreError::Ledger { code: "ledger_io", message: "a place on the disk".to_owned() };
        let failure = Failure::from(error);
        assert_eq!((failure.status.as_u16(), failure.code), (500, "ledger_io"));
        assert!(!failure.sentence.contains("place"), "{}", failure.sentence);
    }
}
