//! The pages, one file each: what an operation answers, as HTML.
//!
//! | file | shows |
//! |---|---|
//! | `sign_in.rs` | the sign-in, the sign-out, the choice of a language |
//! | `overview.rs` | the node at one look |
//! | `units.rs` | all units of the subtree in a table |
//! | `choice.rs` | what of the units a visitor chose to see |
//! | `unit.rs` | one unit: its way up, its receipts, what is refused and not counted |
//! | `counts/` | population counts and how complete they are |
//! | `pyramid.rs` | the age pyramid, drawn and as a table |
//! | `alerts.rs` | what is wrong, and what to do |
//! | `cases.rs` | changes that are stored and not counted |
//! | `accounts.rs` | accounts of the subtree, for those who manage them |
//! | `own_account.rs` | the visitor's own account |
//! | `runbooks.rs` | the page of each code |
//! | `standing.rs` | how a unit stands, in one word; findings |
//! | `charts.rs` | bars and lines |
//!
//! Invariants:
//! 1. No page names a person; accounts are named by their account name alone.
//! 2. Every page works without the script; the script only renews its parts.

pub(super) mod accounts;
pub(super) mod alerts;
pub(super) mod cases;
mod charts;
mod choice;
pub(super) mod counts;
pub(super) mod overview;
pub(super) mod own_account;
mod pyramid;
pub(super) mod runbooks;
pub(super) mod sign_in;
mod standing;
pub(super) mod unit;
pub(super) mod units;

pub(super) use choice::Choice;
