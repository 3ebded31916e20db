//! How a node is reached and reaches others: the only place that names tonic and rustls.
//!
//! | file | holds |
//! |---|---|
//! | `tls/` | mutual TLS: keys, listener, connector, identities, reasons |
//! | `authority/` | the throw-away authority that `danso keys` makes |
//! | `server.rs` | the server: all services on one listener |
//! | `access.rs` | who may ask what |
//! | `replication.rs` | the parent's side of a link |
//! | `uplink.rs` | the child's side of a link |
//! | `downward.rs` | releases and directory, served and pulled |
//! | `statistics.rs` | counts, units, heads, indicators |
//! | `people.rs` | imports, status, releases |
//! | `client.rs` | the typed client of the command line |
//!
//! Invariants:
//! 1. Every call has a certificate behind it, checked before the service looks at the request.
//! 2. What a service does is an operation; here is only who may ask and how it travels.

mod access;
pub mod authority;
pub mod client;
mod downward;
mod people;
mod replication;
mod server;
mod statistics;
pub mod tls;
pub mod uplink;

pub use server::{ServerError, serve};
