//! Health for supervisors and load balancers: alive, and ready to serve. Asked without a sign-in, told nothing else.

use crate::{
    operations::{Health, Node},
    store::StoreError,
};
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use std::sync::Arc;

/// `/health/live`: this process is of use as it is. `/health/ready`: its store is well and it takes work; 503 with
/// how it stands, and the stable code of the reason where there is one, if not.
pub(super) fn routes() -> Router<Arc<Node>> {
    Router::new().route("/health/live", get(live)).route("/health/ready", get(ready))
}

async fn live(State(node): State<Arc<Node>>) -> Response {
    let health = node.health();
    answer("live", health.is_live(), health, code(&node))
}

async fn ready(State(node): State<Arc<Node>>) -> Response {
    let health = node.health();
    answer("ready", health.is_ready(), health, code(&node))
}

/// The code of the error after which the store stopped.
fn code(node: &Node) -> Option<&'static str> {
    node.store.failure().borrow().as_ref().map(StoreError::code)
}

fn answer(what: &str, holds: bool, health: Health, code: Option<&'static str>) -> Response {
    let status = if holds { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    let code = code.map(|code| format!(r#","code":"{code}""#)).unwrap_or_default();
    let body = format!("{{\"{what}\":{holds},\"state\":\"{}\"{code}}}\n", health.as_str());
    (status, headers, body).into_response()
}

/// The same for a node in rescue mode: alive, never ready.
pub fn rescue_routes(code: &'static str) -> Router {
    let page = move |what, holds: fn(Health) -> bool| {
        let health = Health::Rescue;
        move || async move { answer(what, holds(health), health, Some(code)) }
    };
    Router::new()
        .route("/health/live", get(page("live", Health::is_live)))
        .route("/health/ready", get(page("ready", Health::is_ready)))
}
