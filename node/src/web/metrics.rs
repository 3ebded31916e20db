//! `/metrics`: a node's numbers for Prometheus, for programs on this computer and for whoever shows a token.
//!
//! Programs on this computer ask without a sign-in. They are told by three things together: the connection comes from
//! this computer, no proxy says that it asks for somebody else, and the page was asked for by a name of this computer
//! (or else any page in a browser here could read the numbers, by a name that its owner points here).

use super::serve::CameFrom;
use crate::operations::{
    Actor, Node,
    accounts::{AccountError, Right},
};
use axum::{
    Extension, Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header, uri::Authority},
    response::{IntoResponse, Response},
    routing::get,
};
use std::{net::IpAddr, sync::Arc};

/// What is noted of a denial.
const ASKED: &str = "Metrics";
/// Headers by which a proxy says that it asks for somebody else.
const PROXIED: &[&str] = &["forwarded", "x-forwarded-for", "x-real-ip", "via"];
/// Prometheus's text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `/metrics` in Prometheus's text format; 401 and 403 with code and sentence for whoever may not read it.
pub(super) fn routes() -> Router<Arc<Node>> {
    Router::new().route("/metrics", get(metrics))
}

async fn metrics(
    State(node): State<Arc<Node>>,
    Extension(from): Extension<CameFrom>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if let Err(refusal) = may_read(&node, from.0.ip(), &uri, &headers) {
        return refusal.into_response();
    }
    let text = node.blocking(|node| node.exposition()).await;
    ([(header::CONTENT_TYPE, TEXT_FORMAT), (header::CACHE_CONTROL, "no-store")], text).into_response()
}

/// Why the numbers are not told.
struct Refusal {
    status: StatusCode,
    code: &'static str,
    sentence: &'static str,
}

const NOT_AUTHENTICATED: Refusal = Refusal {
    status: StatusCode::UNAUTHORIZED,
    code: "not_authenticated",
    sentence: "Cần mã truy cập / a token is needed: Authorization: Bearer danso_...",
};

const NOT_ALLOWED: Refusal = Refusal {
    status: StatusCode::FORBIDDEN,
    code: "not_allowed",
    sentence: "Mã này không được xem số đo của nút / this token may not read this node's numbers",
};

impl Refusal {
    fn of_token(error: &AccountError) -> Self {
        let sentence = "Mã truy cập không dùng được / this token is not good";
        Self { code: error.code(), sentence, ..NOT_AUTHENTICATED }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = format!("error[{0}]: {1}\nsee deploy/runbooks/{0}.md\n", self.code, self.sentence);
        let headers =
            [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::WWW_AUTHENTICATE, "Bearer")];
        (self.status, headers, body).into_response()
    }
}

fn may_read(node: &Node, from: IpAddr, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(shown) = headers.get(header::AUTHORIZATION) else {
        let here = from.to_canonical().is_loopback() && !is_proxied(headers) && is_asked_here(uri, headers);
        return if here { Ok(()) } else { Err(denied(node, None, NOT_AUTHENTICATED)) };
    };
    let (scheme, shown) = shown.to_str().ok().and_then(|shown| shown.split_once(' ')).unwrap_or_default();
    let bearer = scheme.eq_ignore_ascii_case("bearer");
    let holder = if bearer { node.holder_of(shown.trim()) } else { Err(AccountError::TokenUnknown) };
    let holder = holder.map_err(|error| denied(node, None, Refusal::of_token(&error)))?;
    let (own, directory) = (node.unit(), node.directory());
    // They are those of the whole node.
    let whole = holder.unit == own || directory.at(node.today()).is_within(own, holder.unit);
    if whole && holder.role.may(Right::ReadStatus) {
        Ok(())
    } else {
        Err(denied(node, Some(&Actor::account(holder.name.as_str())), NOT_ALLOWED))
    }
}

fn denied(node: &Node, caller: Option<&Actor>, refusal: Refusal) -> Refusal {
    node.call_denied(caller, ASKED, refusal.code);
    refusal
}

fn is_proxied(headers: &HeaderMap) -> bool {
    PROXIED.iter().any(|name| headers.contains_key(*name))
}

/// Whether the page was asked for by an address or the name of this very computer.
fn is_asked_here(uri: &Uri, headers: &HeaderMap) -> bool {
    let named = headers.get(header::HOST).and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    let Some(authority) = named.as_ref().or(uri.authority()) else { return false };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|host| host.is_loopback())
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn only_names_of_this_computer_ask_here() {
        let asked = |host: &'static str| {
            let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))]);
            is_asked_here(&Uri::from_static("/metrics"), &headers)
        };
        for host in ["127.0.0.1:7480", "127.9.8.7", "localhost:7480", "LOCALHOST", "[::1]:7480"] {
            assert!(asked(host), "{host}");
        }
        for host in
            ["evil.example:7480", "127.0.0.1.evil.example", "10.0.0.1:7480", "[::2]", "localhost.", ""]
        {
            assert!(!asked(host), "{host}");
        }
        assert!(!is_asked_here(&Uri::from_static("/metrics"), &HeaderMap::new()));
    }
}
