//! What a node shows to browsers and tools over HTTP: the only place that names axum.
//!
//! | file | holds |
//! |---|---|
//! | `serve.rs` | HTTP/1.1 over accepted connections |
//! | `routes.rs` | every route, and what is true of all of them |
//! | `health.rs` | alive and ready, for supervisors |
//! | `metrics.rs` | the numbers, for Prometheus |
//! | `site.rs` | what pages share, who asks, and the table of doors that pages stand behind |
//! | `pages/` | the pages |
//! | `layout.rs` | what surrounds every page |
//! | `events.rs` | pages kept up to date |
//! | `streams.rs` | how many of them |
//! | `fields.rs` | what forms and addresses carry |
//! | `cookies.rs` | cookies |
//! | `language.rs` | Vietnamese and English; numbers and moments in them |
//! | `words.rs` | roles and entries of the navigation |
//! | `failure.rs` | what goes wrong, with its stable code |
//! | `assets.rs`, `assets/` | style, script and icon |
//!
//! Invariants:
//! 1. What a page shows is an operation's answer; here is only who may ask and how it looks.
//! 2. Connections come accepted and encrypted from `transport`; nothing here knows a key.
//! 3. A route without a door in the table of `site.rs` is not served.
//! 4. A form counts only if it was sent from a page of this node; no page loads anything from elsewhere.
//! 5. A session is looked up at every request, and again at every update of a page that stays open.

#![allow(clippy::unused_async, reason = "handlers are async, whether they wait or not")]

mod assets;
mod cookies;
mod events;
mod failure;
mod fields;
mod health;
mod language;
mod layout;
mod metrics;
mod pages;
mod routes;
mod serve;
mod site;
mod streams;
mod words;

pub use health::rescue_routes;
pub use routes::routes;
pub use serve::serve;
pub use site::{DOORS, Door};
