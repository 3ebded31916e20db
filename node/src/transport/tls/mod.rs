//! TLS between nodes and people: who a certificate names and whether it is believed, the two rustls
//! configurations of a key folder, the accept loop under tonic's server and the connector under tonic's
//! channel.
//!
//! | file | holds |
//! |---|---|
//! | `identity.rs` | the node, person or authority that a certificate names, and its DNS form |
//! | `serial.rs` | serial numbers that tell the time of issue |
//! | `pem_files.rs` | bounded reading of PEM files, certificates as PEM |
//! | `certificates.rs` | certificates and keys in files, and their dates |
//! | `config.rs` | [`Keys`]: a key folder, checked, as server and client configuration |
//! | `error.rs` | [`TlsError`]: what can be wrong with a key folder |
//! | `trust.rs` | [`Trust`]: authorities for their own subtree only, nothing revoked; exchanged while running |
//! | `verifier.rs` | the check of the other side's certificates: roots, dates, identity, trust |
//! | `listener.rs` | [`incoming`]: accepted connections for tonic's server |
//! | `open.rs` | [`Connections`]: the open ones, counted, checked again and cut |
//! | `connection.rs` | [`TlsConnection`] and the [`Peer`] that services find in a request |
//! | `silence.rs` | connections that bring nothing any more |
//! | `calls.rs` | [`CallsLayer`]: which connections are used, and by how many calls |
//! | `connector.rs` | [`channel`] and [`connect`]: a tonic channel to one named unit |
//! | `guest.rs` | [`guest_client`]: for those who have a token in the place of a certificate |
//! | `pinned.rs` | [`connect_pinned`]: the same for those who know only the root's fingerprint |
//! | `web.rs` | [`web_incoming`]: accepted connections of browsers |
//! | `cause.rs` | [`Cause`]: why a connection fails, with stable codes |
//! | `reason.rs` | [`reason`]: a failed connection in plain words with a stable code |
//!
//! Invariants:
//! 1. TLS 1.3 only, no resumption: every connection checks every presented certificate anew, so an expired
//!    one, a changed root or a revocation takes effect at the next connection, and at
//!    [`Connections::recheck`] on the open ones.
//! 2. A certificate names exactly one node, person or authority; a second name below `.danso` makes it
//!    useless. An authority's never connects.
//! 3. A client trusts the unit it asked for, never the address it dialled.
//! 4. Every certificate presented between a leaf and its root is that of an authority whose unit holds the
//!    unit below it, on both sides of a connection; the root itself may follow.
//! 5. Whoever has no certificate is a guest, who keeps a connection only if a call is vouched for.
//! 6. Nothing that a stranger does stops the accept loop or holds a place for longer than
//!    `HANDSHAKE_MS_MAX` and `REFUSED_LINGER_MS`, or as a guest `GUEST_MS_MAX`; open connections are
//!    bounded in all, by address and by holder.
//! 7. Every refusal has a [`Cause`] with a stable code, at the side that refuses and, as far as TLS has
//!    alerts, at the refused one; a refusal for number closes the connection and is told in the log once.

mod calls;
mod cause;
mod certificates;
mod config;
mod connection;
mod connector;
mod error;
mod guest;
mod identity;
mod listener;
mod open;
pub(crate) mod pem_files;
mod pinned;
mod reason;
mod serial;
mod silence;
mod trust;
mod verifier;
mod web;

#[cfg(test)]
mod tests;

pub use crate::operations::accounts::Role;
pub use calls::CallsLayer;
pub use cause::Cause;
pub use certificates::require_unexpired;
pub use config::{AUTHORITY_FILE, CERTIFICATE_FILE, KEY_FILE, Keys};
pub use connection::{Peer, TlsConnection};
pub use connector::{ConnectError, channel, connect, connect_over};
pub use error::TlsError;
pub use guest::guest_client;
pub(crate) use identity::is_identity_name;
pub use identity::{Identity, IdentityError, server_name};
pub use listener::{Bounds, incoming, incoming_with};
pub use open::Connections;
pub use pinned::{Fingerprint, connect_pinned, fingerprint};
pub use reason::{Reason, code_of_end, reason};
pub use serial::{Serial, issued_at_ms, serial_of};
pub(crate) use serial::{serial_at, serial_time_ms};
pub use trust::{Grounds, Trust, TrustFault};
pub use web::{WebPlace, WebSecrets, web_incoming};
