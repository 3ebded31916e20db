//! The answer to staged records.

use super::seat::Seat;
use crate::store::StoreError;
use tokio::sync::oneshot::{self, error::TryRecvError};

/// Where the writer answers.
pub(super) type Answer = oneshot::Receiver<Result<(), StoreError>>;

/// Resolves when the staged records are durable and applied, or were not written at all. They are written with what is
/// staged after them until somebody waits, at the latest after `limits::COMMIT_GATHER_MS`.
#[derive(Debug)]
pub struct Ticket {
    answer: Answer,
    /// The writer's; not there where it has answered already.
    seat: Option<Seat>,
}

impl Ticket {
    pub(super) fn new(answer: Answer, seat: Option<Seat>) -> Self {
        Self { answer, seat }
    }

    /// Waits. After `Ok` the records survive every crash; after an error none of them was acknowledged.
    pub async fn durable(mut self) -> Result<(), StoreError> {
        if let Some(answer) = self.answered() {
            return answer;
        }
        if let Some(seat) = &self.seat {
            seat.ring();
        }
        self.answer.await.unwrap_or(Err(StoreError::Stopped))
    }

    /// The same for code off the async threads, or where the writer has no thread and has answered already. Where the
    /// writer has nothing to do it is done here.
    pub fn blocking_durable(mut self) -> Result<(), StoreError> {
        if let Some(answer) = self.answered() {
            return answer;
        }
        if let Some(seat) = &self.seat
            && !seat.help()
        {
            seat.ring();
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
