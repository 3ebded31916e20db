//! Where blocking work is done.

/// Where blocking work is done, and the store's writer runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Threads {
    /// On threads of their own, beside the async ones.
    #[default]
    Own,
    /// At once, by whoever asks: with one thread the order of all that happens is always the same.
    None,
}

impl Threads {
    /// Does blocking work and gives its result. A panic in it goes on in the caller.
    pub async fn run<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> T {
        match self {
            Self::None => work(),
            Self::Own => match tokio::task::spawn_blocking(work).await {
                Ok(done) => done,
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    // Only when the runtime ends; then nobody waits for the result any more.
                    Err(_) => std::future::pending().await,
                },
            },
        }
    }
}
