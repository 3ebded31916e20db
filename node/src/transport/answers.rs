//! What a parent says on a link: within bounds of time, for a child that reads nothing would hold it for ever.

use super::introductions::Introductions;
use crate::{
    operations::{Accepted, Node},
    wire::{link, protocol::known_to_children_since, status::status},
};
use danso_core::chain::{BatchNumber, Receipt, Signed};
use danso_proto::v1::{ParentMessage, parent_message::Message as FromParent};
use danso_tier_config::{UnitId, limits};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{sync::mpsc, time::timeout};
use tonic::{Code, Status};

/// The way to the child.
#[derive(Clone)]
pub struct Out {
    sender: mpsc::Sender<Result<ParentMessage, Status>>,
    /// The version that is spoken on this link; 0 before it is agreed.
    version: Arc<AtomicU32>,
}

impl Out {
    /// A way on which nothing but the welcome may be said before [`Out::speak`].
    pub fn new(sender: mpsc::Sender<Result<ParentMessage, Status>>) -> Self {
        Self { sender, version: Arc::default() }
    }

    /// From now on a version is spoken: what it does not know is not sent.
    pub fn speak(&self, version: u32) {
        self.version.store(version, Ordering::Release);
    }

    fn knows(&self, content: &FromParent) -> bool {
        known_to_children_since(content) <= self.version.load(Ordering::Acquire)
    }

    /// Hands a message on once there is room for it. Errors: `stream_unread` where the child made none within
    /// [`limits::STREAM_SILENCE_MS_MAX`], `stream_closed` where it has gone.
    pub async fn say(&self, content: FromParent) -> Result<(), Status> {
        if !self.knows(&content) {
            return Ok(());
        }
        let silence = Duration::from_millis(limits::STREAM_SILENCE_MS_MAX);
        match timeout(silence, self.sender.send(Ok(message(content)))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(status(Code::Cancelled, "stream_closed", "the child has gone")),
            Err(_) => Err(unread()),
        }
    }

    /// Hands a message on if there is room for it now.
    pub fn say_now(&self, content: FromParent) {
        if self.knows(&content) {
            let _ = self.sender.try_send(Ok(message(content)));
        }
    }

    /// Ends the stream with a status, which a child that reads nothing does not get.
    pub fn end(&self, ended: Status) {
        let _ = self.sender.try_send(Err(ended));
    }

    async fn receipt(&self, receipt: &Signed) -> Result<(), Status> {
        self.say(FromParent::Receipt(link::signed_message(receipt))).await
    }
}

/// The end of a link whose child reads nothing.
pub fn unread() -> Status {
    status(Code::DeadlineExceeded, "stream_unread", "the child has read nothing for too long")
}

fn message(content: FromParent) -> ParentMessage {
    ParentMessage { message: Some(content) }
}

/// Waits for each accepted batch to be durable and answers. What has gathered meanwhile is answered with
/// one receipt an origin (receipts are cumulative), but every verdict of quarantine is sent.
pub async fn answer(
    node: Arc<Node>,
    told: Arc<Introductions>,
    mut waiting: mpsc::Receiver<Accepted>,
    out: Out,
) {
    while let Some(first) = waiting.recv().await {
        let mut group = vec![first];
        while let Ok(more) = waiting.try_recv() {
            group.push(more);
        }
        let mut last: BTreeMap<UnitId, (BatchNumber, Signed)> = BTreeMap::new();
        for accepted in group {
            let (origin, number) = (accepted.origin, accepted.number);
            match accepted.receipt(&node).await {
                Ok(receipt) => {
                    // The latest receipt of an origin stands for all before it, except their verdicts; a
                    // repeat may come after it and is the earlier one all the same.
                    let (earlier, latest) = match last.remove(&origin) {
                        None => (None, (number, receipt)),
                        Some(known) if known.0 > number => (Some(receipt), known),
                        Some((_, known)) => (Some(known), (number, receipt)),
                    };
                    last.insert(origin, latest);
                    if let Some(earlier) = earlier.filter(has_verdicts)
                        && (told.send(&out).await.is_err() || out.receipt(&earlier).await.is_err())
                    {
                        return;
                    }
                }
                Err(error) => {
                    let refusal = link::refusal_message(Some(origin), number.0, &error);
                    if out.say(FromParent::Refusal(refusal)).await.is_err() {
                        return;
                    }
                }
            }
        }
        if told.send(&out).await.is_err() {
            return;
        }
        for (_, receipt) in last.values() {
            if out.receipt(receipt).await.is_err() {
                return;
            }
        }
    }
}

/// Whether a receipt names changes that are not counted.
pub fn has_verdicts(receipt: &Signed) -> bool {
    receipt.decode_trusted::<Receipt>().is_ok_and(|receipt| !receipt.quarantined.is_empty())
}
