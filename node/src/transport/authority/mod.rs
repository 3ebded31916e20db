//! Certificate authorities: a root, and the authorities of units below it. A root alone, which issues to
//! anyone, is what `danso keys` uses for trials and tests; in a country each tier's node issues for its
//! children.
//!
//! | file | holds |
//! |---|---|
//! | `root.rs` | [`Authority`]: a root made or opened, a unit's authority opened; [`write_issuer`] |
//! | `sign.rs` | what it issues: nodes, people, authorities, with a key made here or from a request |
//! | `request.rs` | [`request`]: a key and the proof of its possession, and the check of that proof |
//! | `issued.rs` | [`Issued`]: certificate and key, and their way into a key folder; [`Validity`] |
//! | `error.rs` | [`AuthorityError`]: what can be wrong, with stable codes |
//!
//! Invariants:
//! 1. A root's folder is never overwritten: a second `create` is refused.
//! 2. A private key file has mode 0600 from its first byte.
//! 3. Every certificate names exactly one identity, has a serial number that is random and tells the time
//!    of issue, and ends no later than its authority.
//! 4. An authority that is opened again signs exactly like the one that was created.
//! 5. A certificate from a request takes nothing of it but the key, whose possession it proves.
//! 6. An authority of a unit has a path length below its own authority's. That its unit lies within is
//!    checked by [`Trust`](super::tls::Trust) on every connection, not here.

mod error;
mod issued;
mod request;
mod root;
mod sign;

#[cfg(test)]
mod tests;

pub use crate::transport::tls::{Serial, issued_at_ms, serial_of};
pub use error::AuthorityError;
pub use issued::{Issued, Validity};
pub use request::{key_of_request, request, request_with};
pub use root::{Authority, ISSUER_FILE, ISSUER_KEY_FILE, write_issuer};
