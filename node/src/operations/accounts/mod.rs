//! Accounts: who may sign in, with which password, and the sessions and API tokens that stand for them.
//!
//! No lock, file or clock is owned here. What lasts goes through [`AccountRecord`]s: a method of [`Accounts`]
//! checks an order and makes the record, the caller writes it to the ledger, and [`Accounts::apply`] folds it in.
//!
//! | file | holds |
//! |---|---|
//! | `roles.rs` | the five roles and what each may do |
//! | `names.rs` | names of accounts and programs |
//! | `record.rs` | what is durable: one ledger record for every event |
//! | `password.rs` | passwords as typed, and which are too weak |
//! | `phc.rs` | password hashes and their costs as PHC text |
//! | `hashing.rs` | argon2id, a few at a time |
//! | `attempts.rs` | failed sign-ins and the delays that follow |
//! | `gate.rs` | one sign-in from name and password to a verified account |
//! | `tokens.rs` | ids, secrets and hashes of sessions and API tokens |
//! | `state.rs` | the accounts held in memory: the fold of the records |
//! | `orders.rs` | checks an order and makes its record |
//! | `callers.rs` | whom a shown token stands for; lists |
//! | `error.rs` | errors and their stable codes |
//!
//! Invariants:
//! 1. A record is made, written and applied under one lock, and applied only when it is durable.
//! 2. Folding a record again changes nothing; folding a whole history again ends in the same state.
//! 3. Passwords and token secrets are never stored, and never shown by `Debug`; a token is shown once.
//! 4. Unknown name and wrong password cost the same time, count the same and get the same answer.
//! 5. What an account may do is looked up at every use: a change of role, a removal or a lock acts at once.
//! 6. Everything remembered is bounded: accounts, sessions of each, tokens, failed attempts.

mod attempts;
mod callers;
mod error;
mod gate;
mod hashing;
mod names;
mod orders;
mod password;
mod phc;
mod record;
mod roles;
mod state;
#[cfg(test)]
mod tests;
mod tokens;

pub use attempts::Attempts;
pub use callers::{AccountLine, Caller, PassLine};
pub use error::AccountError;
pub use gate::{Gate, Verified};
pub use hashing::Hasher;
pub use names::AccountName;
pub use password::{NewPassword, Password, Weakness};
pub use phc::{Cost, PasswordHash};
pub use record::{AccountRecord, Holder};
pub use roles::{Right, Role};
pub use state::{Accounts, Credentials, PassKind};
pub use tokens::{ShownToken, TokenHash, TokenId, TokenSecret};
