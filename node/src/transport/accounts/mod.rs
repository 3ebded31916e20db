//! Accounts over the wire: people sign in without a certificate, operators manage accounts and tokens.
//!
//! | file | holds |
//! |---|---|
//! | `service.rs` | the accounts service of a node |
//! | `calls.rs` | the typed client's calls to it |
//!
//! Invariants:
//! 1. A password is taken out of its message at once, into memory that is wiped; no message that holds one, or
//!    a token, shows it by `Debug`.
//! 2. A guest's connection is vouched for after a sign-in or a good token, never before.

mod calls;
mod service;

pub(super) use service::AccountsService;
