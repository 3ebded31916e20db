//! Every route of a node, and what is true of all of them.

use super::{health, metrics};
use crate::operations::Node;
use axum::{Router, extract::DefaultBodyLimit};
use danso_tier_config::limits;
use std::sync::Arc;
use tokio::sync::watch;

/// The routes of a node whose pages travel encrypted or not; pages that are kept up to date end with `stop`.
pub fn routes(node: Arc<Node>, encrypted: bool, stop: watch::Receiver<bool>) -> Router {
    let _ = (encrypted, stop);
    // Routes for tools, which ask without a sign-in, are merged here.
    let tools = health::routes().merge(metrics::routes());
    Router::new().merge(tools).with_state(node).layer(DefaultBodyLimit::max(limits::WEB_BODY_BYTES_MAX))
}
