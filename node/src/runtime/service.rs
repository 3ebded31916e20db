//! What the service manager (systemd) is told: how far the start has come, that the node serves, that its store
//! still answers, that it stops. Nothing happens where none asked (`NOTIFY_SOCKET` is not set).

use crate::operations::Node;
use sd_notify::NotifyState;
use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};
use tokio::time::MissedTickBehavior;

/// The share of the ledger that the start has read.
pub(super) fn catching_up(percent: u64) {
    tell(&[NotifyState::Status(&format!("catching up with the ledger: {percent} %"))]);
}

/// Says that the node is ready, then that its store answers, as often as the service manager asked for. Ends only
/// when it is aborted; while the store does not answer, nothing is said and the service manager starts the node anew.
pub(super) async fn serving(node: Arc<Node>, address: SocketAddr) {
    tell(&[NotifyState::Ready, NotifyState::Status(&format!("{} serves on {address}", node.unit()))]);
    // An empty order comes back once the writer has done everything before it. A refusal (a full disk) is an answer;
    // a store that stopped ends the process by itself.
    let Some(patience) = patience() else { return };
    keep_saying(patience, || async { drop(node.store.write(Vec::new()).await) }, alive).await;
}

/// Says that the node is up although its store is shut: it stays so until a person has mended it.
pub(super) async fn rescued(code: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(&format!("rescue mode: {code}, ask danso status"))]);
    let Some(patience) = patience() else { return };
    keep_saying(patience, || async {}, alive).await;
}

/// Says that the node stops.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// How long the service manager waits for a sign of life; `None` where it does not.
fn patience() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|patience| !patience.is_zero())
}

fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// Says it after every answer, twice within the patience of the service manager, as it advises.
async fn keep_saying<Answer: Future<Output = ()>>(
    patience: Duration,
    answered: impl Fn() -> Answer,
    say: impl Fn(),
) {
    let mut ticks = tokio::time::interval((patience / 2).max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        answered().await;
        say();
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use std::cell::Cell;
    use tokio::time::timeout;

    #[tokio::test(start_paused = true)]
    async fn a_store_that_does_not_answer_is_not_called_alive() {
        let (patience, asked, said) = (Duration::from_secs(10), Cell::new(0), Cell::new(0));
        let answered = || async {
            asked.set(asked.get() + 1);
            if asked.get() == 4 {
                std::future::pending::<()>().await;
            }
        };
        let hour = Duration::from_hours(1);
        timeout(hour, keep_saying(patience, answered, || said.set(said.get() + 1))).await.unwrap_err();
        assert_eq!((asked.get(), said.get()), (4, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_answers_is_called_alive_twice_within_the_patience() {
        let said = Cell::new(0);
        let saying = keep_saying(Duration::from_secs(10), || async {}, || said.set(said.get() + 1));
        timeout(Duration::from_millis(9_999), saying).await.unwrap_err();
        assert_eq!(said.get(), 2);
    }
}
