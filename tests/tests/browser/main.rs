//! The pages of real nodes: asked over plain HTTP and TLS, and seen in a real browser without a window.
//!
//! | file | proves |
//! |---|---|
//! | `scene.rs` | a tree with accounts of every role, for the others |
//! | `http.rs` | a small client that says exactly what it is told |
//! | `doors.rs` | who may see what: every route, every role, every scope |
//! | `orders.rs` | sign-in, sign-out, forms from elsewhere, accounts |
//! | `answers.rs` | headers, limits, health, failures, assets, names nowhere |
//! | `counts.rs` | counts on their page, each with how complete it is |
//! | `streams.rs` | pages kept up to date, and when that ends |
//! | `encrypted.rs` | pages over TLS |
//! | `chromium.rs` | the browser, driven from here |
//! | `seen.rs` | every page in the browser: languages, dark and light, a phone, the keyboard, live updates |
//!
//! Without Chromium and its driver the tests of `seen.rs` say so and pass; `.ci/run` installs both.

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod answers;
mod chromium;
mod counts;
mod doors;
mod encrypted;
mod http;
mod orders;
mod scene;
mod seen;
mod streams;
