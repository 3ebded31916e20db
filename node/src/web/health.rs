//! Health for supervisors and load balancers: alive, and ready to serve. Asked without a sign-in, told nothing else.

use crate::operations::Node;
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use std::sync::Arc;

/// `/health/live`: this process answers. `/health/ready`: its store is open and takes work; 503 with the stable
/// code if it is not.
pub(super) fn routes() -> Router<Arc<Node>> {
    Router::new().route("/health/live", get(live)).route("/health/ready", get(ready))
}

async fn live() -> Response {
    answer(StatusCode::OK, r#"{"live":true}"#.to_owned())
}

async fn ready(State(node): State<Arc<Node>>) -> Response {
    let failed = node.store.failure().borrow().as_ref().map(|error| error.code());
    match failed {
        None => answer(StatusCode::OK, r#"{"ready":true}"#.to_owned()),
        Some(code) => not_ready(code),
    }
}

/// What a node answers that is not ready, with the stable code of the reason.
fn not_ready(code: &str) -> Response {
    answer(StatusCode::SERVICE_UNAVAILABLE, format!(r#"{{"ready":false,"code":"{code}"}}"#))
}

fn answer(status: StatusCode, body: String) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, format!("{body}\n")).into_response()
}

/// The same for a node in rescue mode: alive, never ready.
pub fn rescue_routes(code: &'static str) -> Router {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(move || async move { not_ready(code) }))
}
