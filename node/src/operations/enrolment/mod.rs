//! Enrolment: how a new node of a child unit comes into the tree with a one-time invitation, and how a lost
//! ledger key gets a successor.
//!
//! | file | holds |
//! |---|---|
//! | `token.rs` | the text that an operator hands over |
//! | `record.rs` | what is durable about invitations and certificates |
//! | `invitations.rs` | invitations in memory: open, used, expired |
//! | `granting.rs` | the parent's side: terms, grants of ledger keys |
//! | `error.rs` | errors and their codes |
//!
//! Invariants:
//! 1. An invitation is bound to one unit, works once and for hours; only the hash of its secret is kept.
//! 2. The same request with the same invitation gets the same grant again: an answer may be lost.
//! 3. A key is granted only to who holds it, and a second key only where the invitation says so.

mod error;
mod granting;
mod invitations;
mod record;
mod token;

pub use error::EnrolmentError;
pub use granting::{Granted, Terms};
pub use invitations::{Invitation, Invitations};
pub use record::{EnrolmentRecord, InvitationId};
pub use token::InvitationToken;
