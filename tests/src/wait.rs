//! Waiting for a condition, never for a time.

use std::time::{Duration, Instant};

/// How long a condition may take on a loaded machine before the test fails.
const PATIENCE: Duration = Duration::from_mins(1);
/// Pause between two looks at a condition.
const PAUSE: Duration = Duration::from_millis(5);

/// Waits until `condition` holds; panics with `what` if it never does.
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let since = Instant::now();
    while !condition() {
        assert!(since.elapsed() < PATIENCE, "waited in vain: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Tries until an attempt gives something; panics with `what` if none does.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut attempt: impl FnMut() -> F) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = attempt().await {
            return found;
        }
        assert!(since.elapsed() < PATIENCE, "waited in vain: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Lets a moment pass in which others go on, so that what follows falls anywhere into their work.
/// Nothing may depend on its length.
pub async fn moment(length: Duration) {
    tokio::time::sleep(length).await;
}
