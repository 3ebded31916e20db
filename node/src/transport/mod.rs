//! How a node is reached and reaches others: the only place that names tonic and rustls.
//!
//! | file | holds |
//! |---|---|
//! | `tls/` | mutual TLS: keys, listener, connector, identities, reasons |
//! | `authority/` | the throw-away authority that `danso keys` makes |
//! | `server.rs` | the server: all services on one listener |
//! | `rescue.rs` | the server of a node that cannot open its store |
//! | `health.rs` | whether the node may be used |
//! | `metering.rs` | how long calls take |
//! | `access.rs` | who may ask what |
//! | `accounts/` | sign-ins, accounts, tokens |
//! | `enrolment/` | invitations, certificates, revocation |
//! | `keeper.rs` | a running node's certificates: read again, renewed, believed, cut |
//! | `answers.rs` | what a parent says on a link |
//! | `introductions.rs` | keys on their way down a link |
//! | `replication/` | the parent's side of a link |
//! | `uplink/` | the child's side of a link |
//! | `recovery.rs` | chains given back to a child |
//! | `copies/` | backups and bundles: service and calls |
//! | `chains.rs` | chains that contradict themselves: service and calls |
//! | `erasure.rs` | orders of erasure and their confirmations on a link |
//! | `register.rs` | persons, requests and erasure: service and calls |
//! | `relay.rs` | receipts of the tiers above on their way down |
//! | `downward.rs` | releases and directory, served and pulled |
//! | `statistics.rs` | counts, units, heads, indicators |
//! | `intake.rs` | files of forms |
//! | `operating.rs` | what the node is, status, meters, releases |
//! | `pieces.rs` | answers in pieces, for a reader who may not read |
//! | `watch.rs` | how the units stand: one answer, or a stream of what changes |
//! | `keys.rs` | rotation of the ledger key: service and calls |
//! | `audit.rs` | the audit log: service and calls |
//! | `client.rs` | the typed client of the command line |
//!
//! Invariants:
//! 1. Every call has a certificate or a session or token behind it, checked before the service looks at the
//!    request. Guests may sign in, and ask for health and reflection, which tell nothing but the contract.
//! 2. What a service does is an operation; here is only who may ask and how it travels.

mod access;
mod accounts;
mod answers;
mod audit;
pub mod authority;
mod chains;
pub mod client;
pub mod copies;
mod downward;
pub mod enrolment;
mod erasure;
mod health;
mod intake;
mod introductions;
mod keeper;
mod keys;
mod metering;
mod operating;
mod pieces;
mod recovery;
mod register;
mod relay;
mod replication;
pub mod rescue;
mod server;
mod statistics;
pub mod tls;
pub mod uplink;
mod watch;

pub use keeper::Keeper;
pub use server::{ServerError, serve};
