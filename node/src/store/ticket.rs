//! The answer to staged records.

use super::{StoreError, orders::Orders, seat::Seat};
use std::fmt;
use tokio::sync::oneshot::{self, error::TryRecvError};

/// The way to the writer of somebody who waits.
pub(super) struct Nudge {
    pub orders: Orders,
    pub seat: Seat,
}

impl fmt::Debug for Nudge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nudge")
    }
}

/// Resolves when the staged records are durable and applied, or were not written at all. They are written with what is
/// staged after them until somebody waits, at the latest after `limits::COMMIT_GATHER_MS`.
#[derive(Debug)]
pub struct Ticket {
    answer: oneshot::Receiver<Result<(), StoreError>>,
    /// Not there where the writer has answered already.
    nudge: Option<Nudge>,
}

impl Ticket {
    pub(super) fn new(answer: oneshot::Receiver<Result<(), StoreError>>, nudge: Option<Nudge>) -> Self {
        Self { answer, nudge }
    }

    /// Waits. After `Ok` the records survive every crash; after an error none of them was acknowledged.
    pub async fn durable(mut self) -> Result<(), StoreError> {
        if let Some(answer) = self.answered() {
            return answer;
        }
        if let Some(nudge) = &self.nudge {
            nudge.orders.ring();
        }
        self.answer.await.unwrap_or(Err(StoreError::Stopped))
    }

    /// The same for code off the async threads, or where the writer has no thread and has answered already. Where the
    /// writer has nothing to do it is done here.
    pub fn blocking_durable(mut self) -> Result<(), StoreError> {
        if let Some(answer) = self.answered() {
            return answer;
        }
        if let Some(nudge) = &self.nudge
            && !nudge.seat.help()
        {
            nudge.orders.ring();
        }
        self.answer.blocking_recv().unwrap_or(Err(StoreError::Stopped))
    }

    /// The answer, if it is there.
    fn answered(&mut self) -> Option<Result<(), StoreError>> {
        match self.answer.try_recv() {
            Ok(answer) => Some(answer),
            Err(TryRecvError::Closed) => Some(Err(StoreError::Stopped)),
            Err(TryRecvError::Empty) => None,
        }
    }
}
