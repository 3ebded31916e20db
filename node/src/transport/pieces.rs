//! Answers in pieces, made off the async threads for a reader who may not read.

use danso_tier_config::limits;
use std::time::Duration;
use tokio::{runtime::Handle, sync::mpsc, time::timeout};
use tonic::Status;

/// Hands the next piece on. False where the reader is gone, or has read nothing for as long as a stream may be silent:
/// nobody holds a thread, or the turn of others, by not reading. Blocks; called within a Tokio runtime.
pub(super) fn hand_on<T>(pieces: &mpsc::Sender<Result<T, Status>>, piece: Result<T, Status>) -> bool {
    let patience = Duration::from_millis(limits::STREAM_SILENCE_MS_MAX);
    let sent = Handle::current().block_on(timeout(patience, pieces.send(piece)));
    matches!(sent, Ok(Ok(())))
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    /// Time passes as fast as the one who waits can be asked.
    #[tokio::test(start_paused = true)]
    async fn a_reader_who_does_not_read_is_waited_for_within_a_bound() {
        let (pieces, mut read) = mpsc::channel(1);
        let sending = tokio::task::spawn_blocking(move || [1, 2, 3].map(|piece| hand_on(&pieces, Ok(piece))));
        while !sending.is_finished() {
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(sending.await.unwrap(), [true, false, false]);
        assert_eq!(read.recv().await.unwrap().unwrap(), 1);
        assert!(read.recv().await.is_none());
    }
}
