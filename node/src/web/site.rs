//! What all pages share: the node, how they travel, who asks, and the doors that they stand behind.

use super::{cookies, events, failure::Failure, language::Language, serve::CameFrom, streams::Streams};
use crate::operations::{
    Actor, Node,
    accounts::{Caller, Right},
};
use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use danso_tier_config::UnitId;
use std::{fmt::Write as _, net::IpAddr, sync::Arc};
use tokio::sync::watch;
use zeroize::Zeroizing;

/// What all pages of a node share.
#[derive(Clone)]
pub(super) struct Site {
    pub node: Arc<Node>,
    /// Whether pages travel encrypted.
    pub encrypted: bool,
    /// Turns true when the node stops.
    pub stop: watch::Receiver<bool>,
    pub streams: Streams,
}

impl Site {
    /// The name of the session's cookie: nodes on one computer share its address, and do not share sessions.
    pub fn session_cookie(&self) -> String {
        format!("danso-{}", self.node.unit().to_string().replace('@', "-"))
    }
}

/// Whoever asks for a page.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    pub language: Language,
    /// Where the connection comes from.
    pub from: IpAddr,
    /// The address asked for with its question, to come back to; none where a form was sent to it.
    pub asked: Option<String>,
    /// The session shown, if it is good.
    pub session: Option<Session>,
}

/// A good session.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub caller: Caller,
    /// As it was shown, to be asked again by pages that stay open.
    pub shown: Arc<Zeroizing<String>>,
}

impl Visitor {
    /// Who asks, by the cookies of a request.
    pub fn of(site: &Site, request: &Request) -> Self {
        let headers = request.headers();
        let from =
            request.extensions().get::<CameFrom>().map_or(IpAddr::from([0, 0, 0, 0]), |from| from.0.ip());
        let asked = (request.method() != Method::POST).then(|| address_of(request).to_owned());
        let session = cookies::value(headers, &site.session_cookie()).and_then(|shown| {
            let caller = site.node.holder_of(shown).ok()?;
            Some(Session { caller, shown: Arc::new(Zeroizing::new(shown.to_owned())) })
        });
        Self { language: Language::of(headers), from, asked, session }
    }

    /// The topmost unit for which the visitor may do `right`; `None` where they may not.
    pub fn scope(&self, site: &Site, right: Right) -> Option<UnitId> {
        let caller = &self.session.as_ref()?.caller;
        site.node.scope_of(Some(caller.role), caller.unit, right).ok()
    }
}

/// Who was let in at a door.
#[derive(Debug, Clone)]
pub(super) struct Admitted {
    pub session: Session,
    /// As the audit log names them.
    pub actor: Actor,
    /// The topmost unit that they see behind this door.
    pub scope: UnitId,
}

/// What a visitor needs to come through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Nothing.
    Open,
    /// A session.
    SignedIn,
    /// A session with this right here.
    Right(Right),
}

/// Every page and order with its door. What is not in this table is not served, whatever the routes say.
pub const DOORS: &[(&str, &str, Door)] = &[
    ("GET", "/", Door::SignedIn),
    ("GET", "/sign-in", Door::Open),
    ("POST", "/sign-in", Door::Open),
    ("POST", "/sign-out", Door::SignedIn),
    ("POST", "/language", Door::Open),
    ("GET", "/assets/{name}", Door::Open),
    ("GET", "/runbooks", Door::Open),
    ("GET", "/runbooks/{code}", Door::Open),
    ("GET", "/units", Door::Right(Right::ReadStatus)),
    ("GET", "/units/{unit}", Door::Right(Right::ReadStatus)),
    ("GET", "/alerts", Door::Right(Right::ReadStatus)),
    ("GET", "/cases", Door::Right(Right::ReadStatus)),
    ("GET", "/events/{page}", Door::Right(Right::ReadStatus)),
    ("GET", "/counts", Door::Right(Right::ReadCounts)),
    ("GET", "/accounts", Door::Right(Right::ManageAccounts)),
    ("POST", "/accounts/add", Door::Right(Right::ManageAccounts)),
    ("POST", "/accounts/change", Door::Right(Right::ManageAccounts)),
    ("POST", "/accounts/password", Door::Right(Right::ManageAccounts)),
    ("GET", "/account", Door::SignedIn),
    ("POST", "/account/password", Door::SignedIn),
];

fn door(method: &Method, path: &str) -> Option<Door> {
    let asked = if method == Method::HEAD { "GET" } else { method.as_str() };
    let found = DOORS.iter().find(|(method, known, _)| *method == asked && *known == path);
    found.map(|(.., door)| *door)
}

/// Lets a request through to its page, if its door opens for the visitor.
pub(super) async fn admit(
    State(site): State<Site>,
    path: MatchedPath,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(door) = door(request.method(), path.as_str()) else {
        return Failure::no_method().into_response();
    };
    if request.method() == Method::POST && !is_of_this_site(request.headers()) {
        return Failure::other_site().into_response();
    }
    let right = match door {
        Door::Open => return next.run(request).await,
        Door::SignedIn => None,
        Door::Right(right) => Some(right),
    };
    let visitor = request.extensions().get::<Visitor>();
    let Some(session) = visitor.and_then(|visitor| visitor.session.clone()) else {
        return to_sign_in(&request);
    };
    let actor = Actor::account(session.caller.name.as_str());
    let scope = match right {
        None => session.caller.unit,
        Some(right) => match site.node.scope_of(Some(session.caller.role), session.caller.unit, right) {
            Ok(scope) => scope,
            Err(error) => {
                site.node.call_denied(Some(&actor), &format!("{right:?}"), error.code());
                return Failure::from(error).into_response();
            }
        },
    };
    request.extensions_mut().insert(Admitted { session, actor, scope });
    next.run(request).await
}

/// The address that a request asks for, with its question.
fn address_of(request: &Request) -> &str {
    request.uri().path_and_query().map_or("/", |asked| asked.as_str())
}

/// A page is come back to after the sign-in. An order is not given again, which the sign-in says, and leads back to the
/// page it was given on. A live page is told to end.
fn to_sign_in(request: &Request) -> Response {
    let path = request.uri().path();
    if path.starts_with("/events/") {
        return events::ended();
    }
    let page = path.rsplit_once('/').map_or("", |(page, _)| page);
    let (to, why) = match *request.method() {
        Method::POST if page.is_empty() => ("/", ""),
        Method::POST => (page, "&why=order"),
        _ => (address_of(request), ""),
    };
    Redirect::to(&format!("/sign-in?to={}{why}", escaped(to))).into_response()
}

/// A text inside a question of an address.
pub(super) fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let mut out = String::new();
    for byte in text.bytes() {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing to memory cannot fail");
        }
    }
    out
}

/// Whether a form was sent from a page of this node. Browsers say so; what does not say so is refused.
fn is_of_this_site(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text(header::ORIGIN.as_str()), text(header::HOST.as_str())) {
        (Some(site), None, _) => site == "same-origin",
        (site, Some(origin), Some(host)) => {
            let of_origin = origin.split_once("://").map(|(_, rest)| rest);
            of_origin == Some(host) && site.is_none_or(|site| site == "same-origin")
        }
        _ => false,
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_form_counts_only_from_a_page_of_this_node() {
        let host = ("host", "10.0.0.1:7480");
        let own = ("origin", "https://10.0.0.1:7480");
        for (sent, taken) in [
            (vec![host, own], true),
            (vec![host, own, ("sec-fetch-site", "same-origin")], true),
            (vec![host, ("sec-fetch-site", "same-origin")], true),
            (vec![host], false),
            (vec![host, ("origin", "null")], false),
            (vec![host, ("origin", "https://10.0.0.1:7481")], false),
            (vec![host, ("origin", "https://10.0.0.1:7480.evil.example")], false),
            (vec![host, own, ("sec-fetch-site", "same-site")], false),
            (vec![host, ("sec-fetch-site", "cross-site")], false),
            (vec![host, ("sec-fetch-site", "none")], false),
            (vec![own], false),
        ] {
            assert_eq!(is_of_this_site(&headers(&sent)), taken, "{sent:?}");
        }
    }

    #[test]
    fn an_address_is_escaped_into_a_question() {
        assert_eq!(escaped("/units?sort=lag&q=ba đình"), "/units%3Fsort%3Dlag%26q%3Dba%20%C4%91%C3%ACnh");
    }
}
