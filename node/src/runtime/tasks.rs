//! What runs beside the server.

use crate::operations::{Node, ReleaseError};
use danso_tier_config::limits;
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// At the top: publishes the release of each month some days after its end.
/// Nothing is published before anything was reported.
pub(super) async fn close_months(node: Arc<Node>, mut stop: watch::Receiver<bool>) {
    let mut tick = tokio::time::interval(Duration::from_millis(limits::CLOSE_MONTH_CHECK_MS));
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            _ = stop.changed() => return,
        }
        let days = i32::try_from(node.config.limits.release_after_days).unwrap_or(i32::MAX);
        let month = node.today().plus_days(-days).month().plus(-1);
        let reported = !node.store.view().chains.is_empty();
        let published = node.latest_of(month);
        if !reported || !matches!(published, Ok(None)) {
            continue;
        }
        match node.publish_release(month).await {
            Ok(release) => {
                tracing::info!(%month, number = release.number, "published the release of a closed month");
            }
            Err(ReleaseError::Unchanged { .. }) => {}
            Err(error) => tracing::error!(code = error.code(), %error, "a closed month was not published"),
        }
    }
}

/// Takes a sample of how every unit stands, once in every interval of [`limits::LAG_SAMPLE_MS`] of the clock; not
/// before the units below have had time to link up.
pub(super) async fn sample_lag(node: Arc<Node>, mut stop: watch::Receiver<bool>) {
    let pause = Duration::from_millis(limits::LAG_SETTLE_MS);
    let mut sampled = None;
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.changed() => return,
        }
        let hour = node.now_ms() / limits::LAG_SAMPLE_MS;
        if sampled.replace(hour) == Some(hour) {
            continue;
        }
        if let Err(error) = node.sample_lag().await {
            tracing::warn!(code = error.code(), %error, "how the units stand was not kept this hour");
        }
    }
}
