//! The office of a node: its accounts, sessions and tokens as they stand, and every order that changes them.
//!
//! | file | holds |
//! |---|---|
//! | `signing_in.rs` | sign-ins and sign-outs, whom a shown session or token stands for |
//! | `managing.rs` | accounts and tokens of a subtree: lists, additions, changes |
//! | `refusals.rs` | refused sign-ins and denied calls: counted all, noted up to a bound |
//! | `error.rs` | errors and their stable codes |
//!
//! Invariants:
//! 1. An order's record is made, written and applied under one lock, in one group with its entry of the audit
//!    log; it is durable before it has an effect or an answer.
//! 2. An order that has begun ends, also if whoever gave it is gone: memory never lacks what is in the ledger.
//! 3. Whoever manages accounts does so for those of their own subtree, and gives no unit outside of it.
//! 4. No password and no secret of a token is in a record, an entry of the audit log, an error or a log line.

mod error;
mod managing;
mod refusals;
mod signing_in;

pub use error::OfficeError;
pub use managing::{AccountChange, MadeToken, Manager, Revoker};
pub use signing_in::SignedIn;

use super::{
    accounts::{AccountRecord, Accounts, Cost, Gate},
    actor::Actor,
    node::Node,
};
use crate::store::{AuditNote, OfficeRecord, Record, StoreError, Topic};
use danso_core::chain::Deed;
use refusals::Bounded;
use std::sync::{Arc, RwLock, RwLockReadGuard};

/// The accounts of a node and what guards them.
#[derive(Debug)]
pub(super) struct Office {
    accounts: RwLock<Accounts>,
    /// Held from the making of a record until it is applied.
    turn: tokio::sync::Mutex<()>,
    gate: Gate,
    sign_ins_refused: Bounded,
    calls_denied: Bounded,
}

impl Default for Office {
    fn default() -> Self {
        Self {
            accounts: RwLock::default(),
            turn: tokio::sync::Mutex::default(),
            gate: Gate::new(Cost::STANDARD),
            sign_ins_refused: Bounded::default(),
            calls_denied: Bounded::default(),
        }
    }
}

impl Office {
    fn accounts(&self) -> RwLockReadGuard<'_, Accounts> {
        self.accounts.read().expect("no holder of the accounts panics")
    }
}

/// What an order comes to: its records, its entry of the audit log, its answer.
struct Order<T> {
    records: Vec<AccountRecord>,
    note: AuditNote,
    answer: T,
}

impl<T> Order<T> {
    fn new(
        (by, at_ms): (&Actor, u64),
        deed: Deed,
        subject: String,
        record: AccountRecord,
        answer: T,
    ) -> Self {
        let note = AuditNote::text(&by.words(), deed, subject, at_ms);
        Self { records: vec![record], note, answer }
    }
}

impl Node {
    /// Reads all accounts, sessions and tokens from the ledger; to be called once, before anything is served.
    pub fn open_office(&self) -> Result<(), OfficeError> {
        let mut accounts = Accounts::default();
        for bytes in self.store.office(Topic::Accounts)? {
            accounts.apply(&AccountRecord::decode(&bytes)?);
        }
        *self.office.accounts.write().expect("no holder of the accounts panics") = accounts;
        Ok(())
    }

    /// Carries out an order: `make` checks it against the accounts as they stand. Durable on return.
    async fn office_order<T: Send + 'static>(
        self: &Arc<Self>,
        make: impl FnOnce(&Self, &Accounts, u64) -> Result<Order<T>, OfficeError> + Send + 'static,
    ) -> Result<T, OfficeError> {
        let node = Arc::clone(self);
        let done = tokio::spawn(async move {
            let _turn = node.office.turn.lock().await;
            let order = make(&node, &node.office.accounts(), node.now_ms())?;
            let office =
                |record: &AccountRecord| OfficeRecord { topic: Topic::Accounts, bytes: record.encode() };
            let mut records: Vec<_> =
                order.records.iter().map(|record| Record::Office(office(record)).into()).collect();
            records.push(Record::Note(order.note).into());
            node.store.write(records).await?;
            let mut accounts = node.office.accounts.write().expect("no holder of the accounts panics");
            order.records.iter().for_each(|record| accounts.apply(record));
            Ok(order.answer)
        });
        // Cut short only where the whole program ends.
        done.await.unwrap_or(Err(OfficeError::Store(StoreError::Stopped)))
    }
}
