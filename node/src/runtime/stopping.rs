//! The end of a node: the signals that ask for it, and the one grace that everything open gets.

use super::error::RuntimeError;
use danso_tier_config::limits;
use std::{future::Future, time::Duration};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinHandle,
};

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// SIGTERM, SIGINT: end.
    End,
    /// SIGHUP: read files and keys again.
    Reload,
}

/// The signals of the system that a node obeys.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

/// SIGHUP from here on: it would end a process that does not listen to it. Those that end it anyway may do so until
/// it serves, since nothing is lost then.
pub(super) fn hang_ups() -> Result<Signal, RuntimeError> {
    signal(SignalKind::hangup()).map_err(RuntimeError::Signal)
}

impl Signals {
    /// All of them, with those that have been waiting since [`hang_ups`].
    pub fn listen(hang_up: Signal) -> Result<Self, RuntimeError> {
        let listen = |kind| signal(kind).map_err(RuntimeError::Signal);
        let (interrupt, terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
        Ok(Self { interrupt, terminate, hang_up })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> Word {
        tokio::select! {
            _ = self.interrupt.recv() => Word::End,
            _ = self.terminate.recv() => Word::End,
            _ = self.hang_up.recv() => Word::Reload,
        }
    }

    /// Waits for one that ends the process.
    pub async fn end(&mut self) {
        while self.next().await != Word::End {}
    }
}

/// Gives what was told to end its grace, but not beyond a second signal. False where it had not ended by then, and
/// is left as it is.
pub(super) async fn drained(ending: impl Future<Output = bool>, signals: &mut Signals) -> bool {
    tracing::info!("stopping: open calls end, nothing new is taken; a second signal leaves at once");
    tokio::select! {
        drained = ending => {
            if !drained {
                tracing::warn!(grace_ms = limits::STOP_GRACE_MS, "the grace is over: what was open is cut off");
            }
            drained
        }
        () = signals.end() => {
            tracing::warn!("a second signal: leaving at once");
            false
        }
    }
}

/// Waits for an end within the grace of a stop; false where it did not come.
pub(super) async fn within_grace(ending: impl Future<Output = ()>) -> bool {
    tokio::time::timeout(Duration::from_millis(limits::STOP_GRACE_MS), ending).await.is_ok()
}

/// Waits for tasks to end. May be given up and asked again.
pub(super) async fn ended(tasks: &mut Vec<JoinHandle<()>>) {
    while let Some(task) = tasks.last_mut() {
        let _ = task.await;
        tasks.pop();
    }
}

/// Cuts off what has not ended.
pub(super) fn cut_off(tasks: &[JoinHandle<()>]) {
    tasks.iter().for_each(JoinHandle::abort);
}
