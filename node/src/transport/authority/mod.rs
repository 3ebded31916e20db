//! A throw-away certificate authority: what `danso keys` uses for trials and tests, and what a tier uses
//! for its children until enrolment is built.
//!
//! | file | holds |
//! |---|---|
//! | `root.rs` | [`Authority`]: create, open, issue for nodes and people |
//! | `issued.rs` | [`Issued`]: certificate and key, and their way into a key folder; [`Validity`] |
//!
//! Invariants:
//! 1. An authority's folder is never overwritten: a second `create` is refused.
//! 2. A private key file has mode 0600 from its first byte.
//! 3. Every certificate names exactly one identity, has a random serial number and an end.
//! 4. An authority that is opened again signs exactly like the one that was created.

mod issued;
mod root;

#[cfg(test)]
mod tests;

pub use issued::{Issued, Validity};
pub use root::{Authority, AuthorityError};
