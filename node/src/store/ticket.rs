//! The answer to staged records.

use super::{StoreError, orders::Orders, writer::Order};
use tokio::sync::oneshot::{self, error::TryRecvError};

/// Tells the writer that somebody waits for what was ordered; one without a thread has answered already.
#[derive(Debug)]
pub(super) struct Nudge(pub Option<Orders>);

impl Nudge {
    fn give(&self) {
        if let Some(orders) = &self.0 {
            orders.send(Order::Wanted);
        }
    }
}

/// Resolves when the staged records are durable and applied, or were not written at all. They are written with what is
/// staged after them until somebody waits, at the latest after `limits::COMMIT_GATHER_MS`.
#[derive(Debug)]
pub struct Ticket {
    answer: oneshot::Receiver<Result<(), StoreError>>,
    nudge: Nudge,
}

impl Ticket {
    pub(super) fn new(answer: oneshot::Receiver<Result<(), StoreError>>, nudge: Nudge) -> Self {
        Self { answer, nudge }
    }

    /// Waits. After `Ok` the records survive every crash; after an error none of them was acknowledged.
    pub async fn durable(mut self) -> Result<(), StoreError> {
        match self.answered() {
            Some(answer) => answer,
            None => self.answer.await.unwrap_or(Err(StoreError::Stopped)),
        }
    }

    /// The same for code off the async threads, or where the writer has no thread and has answered already.
    pub fn blocking_durable(mut self) -> Result<(), StoreError> {
        match self.answered() {
            Some(answer) => answer,
            None => self.answer.blocking_recv().unwrap_or(Err(StoreError::Stopped)),
        }
    }

    /// The answer; the writer hears that somebody waits where there is none yet.
    fn answered(&mut self) -> Option<Result<(), StoreError>> {
        match self.answer.try_recv() {
            Ok(answer) => Some(answer),
            Err(TryRecvError::Closed) => Some(Err(StoreError::Stopped)),
            Err(TryRecvError::Empty) => {
                self.nudge.give();
                None
            }
        }
    }
}
