//! Every route of a node, and what is true of all of them.

use super::{
    assets, events,
    failure::Failure,
    health, layout, metrics,
    pages::{accounts, alerts, cases, counts, overview, own_account, runbooks, sign_in, unit, units},
    site::{self, Site, Visitor},
    streams::Streams,
};
use crate::operations::Node;
use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::Response,
    routing::{get, post},
};
use danso_tier_config::limits;
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, time::timeout};

/// The routes of a node whose pages travel encrypted or not; pages that are kept up to date end with `stop`.
pub fn routes(node: Arc<Node>, encrypted: bool, stop: watch::Receiver<bool>) -> Router {
    let site = Site { node: Arc::clone(&node), encrypted, stop, streams: Streams::default() };
    // Routes for tools, which ask without a sign-in, are merged here.
    let tools = health::routes().merge(metrics::routes()).with_state(node);
    let pages = pages()
        .route_layer(from_fn_with_state(site.clone(), site::admit))
        .fallback(async || Failure::no_page())
        .layer(from_fn_with_state(site.clone(), dress))
        .with_state(site);
    let limit = DefaultBodyLimit::max(limits::WEB_BODY_BYTES_MAX);
    Router::new().merge(tools).merge(pages).layer(limit).layer(from_fn(guarded))
}

fn pages() -> Router<Site> {
    Router::new()
        .route("/", get(overview::page))
        .route("/sign-in", get(sign_in::form).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/language", post(sign_in::language))
        .route("/assets/{name}", get(assets::serve))
        .route("/runbooks", get(runbooks::list))
        .route("/runbooks/{code}", get(runbooks::page))
        .route("/units", get(units::page))
        .route("/units/{unit}", get(unit::page))
        .route("/alerts", get(alerts::page))
        .route("/cases", get(cases::page))
        .route("/events/{page}", get(events::stream))
        .route("/counts", get(counts::page))
        .route("/accounts", get(accounts::page))
        .route("/accounts/add", post(accounts::add))
        .route("/accounts/change", post(accounts::change))
        .route("/accounts/password", post(accounts::password))
        .route("/account", get(own_account::page))
        .route("/account/password", post(own_account::password))
}

/// Finds out who asks, bounds the time of the answer, and shows a failure in the visitor's language.
async fn dress(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    let visitor = Visitor::of(&site, &request);
    let live = request.uri().path().starts_with("/events/");
    request.extensions_mut().insert(visitor.clone());
    let patience = Duration::from_millis(limits::WEB_REQUEST_MS_MAX);
    let failure = match timeout(patience, next.run(request)).await {
        Ok(mut response) => match response.extensions_mut().remove::<Failure>() {
            None => return response,
            Some(failure) => failure,
        },
        Err(_) => Failure::too_slow(),
    };
    if live {
        let mut response = Response::new(failure.code.into());
        *response.status_mut() = failure.status;
        return response;
    }
    layout::failure_page(&site, &visitor, &failure)
}

/// What a page may load and who may show it: its own style, script and updates, nobody in a frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Headers of every answer.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
];

/// Sets the headers of every answer; what does not say otherwise is kept nowhere.
async fn guarded(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
