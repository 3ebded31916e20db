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
