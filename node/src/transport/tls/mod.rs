//! Mutual TLS between nodes and people: who a certificate names, the two rustls configurations of a
//! key folder, the accept loop under tonic's server and the connector under tonic's channel.
//!
//! | file | holds |
//! |---|---|
//! | `identity.rs` | the node or person that a certificate names, and its DNS form |
//! | `files.rs` | bounded reading of PEM files, atomic writing with a file mode |
//! | `config.rs` | [`Keys`]: a key folder, checked, as server and client configuration |
//! | `error.rs` | [`TlsError`]: what can be wrong with a key folder |
//! | `verifier.rs` | the check of a client's certificate, identity included |
//! | `listener.rs` | [`incoming`]: accepted, authenticated connections for tonic's server |
//! | `connection.rs` | [`TlsConnection`] and the [`Peer`] that services find in a request |
//! | `connector.rs` | [`channel`] and [`connect`]: a tonic channel to one named unit |
//! | `cause.rs` | [`Cause`]: why a connection fails, with stable codes |
//! | `reason.rs` | [`reason`]: a failed connection in plain words with a stable code |
//!
//! Invariants:
//! 1. TLS 1.3 only, both sides with a certificate, no resumption: every connection checks both
//!    certificates anew, so an expired one or a changed authority takes effect at the next connection.
//! 2. A certificate names exactly one node or person; a second name below `.danso` makes it useless.
//! 3. A client trusts the unit it asked for, never the address it dialled.
//! 4. Nothing that a stranger does stops the accept loop or holds a place for longer than
//!    `HANDSHAKE_MS_MAX` and `REFUSED_LINGER_MS`; open connections are bounded by `CONNECTIONS_MAX`.
//! 5. Every refusal has a [`Cause`] with a stable code, at the side that refuses and at the refused one.

mod cause;
mod config;
mod connection;
mod connector;
mod error;
pub(crate) mod files;
mod identity;
mod listener;
mod reason;
mod verifier;

#[cfg(test)]
mod tests;

pub use cause::Cause;
pub use config::{AUTHORITY_FILE, CERTIFICATE_FILE, KEY_FILE, Keys};
pub use connection::{Peer, TlsConnection};
pub use connector::{ConnectError, channel, connect};
pub use error::TlsError;
pub(crate) use identity::is_identity_name;
pub use identity::{Identity, IdentityError, Role, server_name};
pub use listener::{Bounds, incoming};
pub use reason::{Reason, reason};
