//! Receipts of the tiers above on their way down a link: passed on by the parent, taken by the child.

use crate::{
    operations::{Node, meters::RELAYS_REFUSED},
    wire::link,
};
use danso_core::chain::Signed;
use danso_proto::v1;
use danso_tier_config::{UnitId, limits};
use std::{mem, sync::Arc};

/// How far one child's link has come with the relayed receipts.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Place after which receipts are new; `None` while nothing was sent.
    after: Option<u64>,
}

impl Told {
    /// The messages that are due for a child: at first all, with this node's own receipts for its chains (a
    /// child that was started anew knows none), later what is new. Blocks at first.
    pub(super) fn due(&mut self, node: &Node, child: UnitId) -> Vec<v1::Relayed> {
        let mut receipts = if self.after.is_none() { node.receipts_for(child) } else { Vec::new() };
        let (relayed, place) = node.relayed_after(child, self.after.unwrap_or(0));
        self.after = Some(place);
        receipts.extend(relayed);
        messages(receipts)
    }
}

/// Receipts in messages of bounded size.
fn messages(receipts: Vec<Signed>) -> Vec<v1::Relayed> {
    let mut messages = Vec::new();
    let (mut gathered, mut bytes) = (Vec::new(), 0);
    for receipt in receipts {
        bytes += receipt.bytes.len() + receipt.signature.len();
        gathered.push(link::signed_message(&receipt));
        if bytes >= limits::RELAYED_BYTES {
            messages.push(v1::Relayed { receipts: mem::take(&mut gathered) });
            bytes = 0;
        }
    }
    if !gathered.is_empty() {
        messages.push(v1::Relayed { receipts: gathered });
    }
    messages
}

/// The child's side: verifies what the parent passed on. What does not verify is counted and passed over: a
/// key that was changed just now is told a moment later, and the line must not end for it.
pub(super) async fn take(node: &Arc<Node>, relayed: v1::Relayed) {
    let taken = node.blocking(move |node| {
        for receipt in relayed.receipts.into_iter().map(link::signed) {
            if let Err(fault) = node.take_relayed(receipt) {
                node.meters.count(RELAYS_REFUSED, fault.code());
                tracing::warn!(code = fault.code(), %fault, "a relayed receipt is passed over");
            }
        }
    });
    taken.await;
}

/// Looks whether the tiers above confirm the own chain, off the async threads; nobody waits for it.
pub(super) fn watch(node: &Arc<Node>) {
    let node = Arc::clone(node);
    tokio::spawn(async move { node.blocking(|node| node.watch_confirmations()).await });
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn receipts_are_sent_in_messages_that_a_link_takes() {
        let receipt = |bytes| Signed { bytes: vec![0; bytes], signature: vec![0; 64] };
        let sizes = [limits::SIGNED_BYTES_MAX, 10, limits::RELAYED_BYTES - 200, limits::SIGNED_BYTES_MAX, 1];
        let sent = messages(sizes.map(receipt).to_vec());
        assert_eq!(sent.iter().map(|message| message.receipts.len()).collect::<Vec<_>>(), [1, 3, 1]);
        for message in sent {
            assert!(prost::Message::encoded_len(&message) < limits::MESSAGE_BYTES_MAX);
        }
        assert!(messages(Vec::new()).is_empty());
    }
}
