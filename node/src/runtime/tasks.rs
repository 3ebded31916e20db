//! What runs beside the server.

use crate::{
    operations::{Node, ReleaseError},
    store::{ChainRow, at_rest::State},
};
use danso_tier_config::limits;
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, time::MissedTickBehavior};

/// At the top: publishes the release of each month some days after its end.
pub(super) async fn close_months(node: Arc<Node>, mut stop: watch::Receiver<bool>) {
    let mut tick = tokio::time::interval(Duration::from_millis(limits::CLOSE_MONTH_CHECK_MS));
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            _ = stop.changed() => return,
        }
        let Ok(Some(month)) = node.month_to_close() else { continue };
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

/// Looks at the room on the disk now and then.
pub(super) async fn watch_room(node: Arc<Node>, mut stop: watch::Receiver<bool>) {
    let mut tick = tokio::time::interval(Duration::from_millis(limits::DISK_CHECK_MS));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            _ = stop.changed() => return,
        }
        node.blocking(|node| node.look_at_room()).await;
    }
}

/// Waits until the parent has signed for every own change, as long as the link holds and within a bound: a computer
/// that is switched off in the evening leaves nothing behind that its parent could have had.
pub(super) async fn last_words(node: &Node) {
    let all = async {
        while owes_the_parent(node) {
            tokio::time::sleep(Duration::from_millis(limits::STOP_SEND_POLL_MS)).await;
        }
    };
    if tokio::time::timeout(Duration::from_millis(limits::STOP_SEND_MS), all).await.is_err() {
        tracing::info!("the parent has not signed for the last changes; they are sent after the next start");
    }
}

/// Whether own changes are still to be had by the parent, and can be.
fn owes_the_parent(node: &Node) -> bool {
    let own = node.unit();
    let open = {
        let link = node.link.read().expect("no holder of the link panics");
        link.connected && !link.held.contains_key(&own)
    };
    let store = &node.store;
    if !open
        || store.own_chain_held()
        || store.at_rest() == State::Locked
        || store.failure().borrow().is_some()
    {
        return false;
    }
    let view = store.view();
    let behind = view.chains.get(&own).is_some_and(ChainRow::awaits_receipt);
    behind || !view.unsealed.is_empty()
}

/// Drops names by the policy of the node's file, in steps with pauses between them.
pub(super) async fn keep_retention(node: Arc<Node>, mut stop: watch::Receiver<bool>) {
    loop {
        let pause_ms = match node.compact_names().await {
            Ok(compacted) if compacted.more => limits::RETENTION_PAUSE_MS,
            Ok(_) => limits::RETENTION_CHECK_MS,
            Err(error) => {
                tracing::warn!(code = error.code(), %error, "old names were not dropped, it is tried again");
                limits::RETENTION_CHECK_MS
            }
        };
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(pause_ms)) => {}
            _ = stop.changed() => return,
        }
    }
}
