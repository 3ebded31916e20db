//! What a node shows to browsers and tools over HTTP: the only place that names axum.
//!
//! | file | holds |
//! |---|---|
//! | `serve.rs` | HTTP/1.1 over accepted connections |
//! | `routes.rs` | every route, and what is true of all of them |
//! | `health.rs` | alive and ready, for supervisors |
//! | `metrics.rs` | the numbers, for Prometheus |
//!
//! Invariants:
//! 1. What a page shows is an operation's answer; here is only who may ask and how it looks.
//! 2. Connections come accepted and encrypted from `transport`; nothing here knows a key.

mod health;
mod metrics;
mod routes;
mod serve;

pub use health::rescue_routes;
pub use routes::routes;
pub use serve::serve;
