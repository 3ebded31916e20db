//! A child's stream to its parent, spoken message by message.

use super::PATIENCE;
use crate::Tree;
use danso_core::chain::{Batch, Signed};
use danso_node::{
    runtime::keys,
    transport::tls::{Keys, connect},
    wire::link::{batch_message, signed_message},
};
use danso_proto::v1::{
    self, ChildMessage, ParentMessage, child_message::Message as FromChild,
    parent_message::Message as FromParent, replication_client::ReplicationClient,
};
use danso_tier_config::{UnitId, limits};
use std::time::SystemTime;
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming, transport::Channel};

/// A channel to the node of `to` with the certificate of `holder`.
pub async fn channel(tree: &Tree, holder: UnitId, to: UnitId) -> Channel {
    let keys = Keys::read(&tree.keys(holder), SystemTime::now()).unwrap();
    connect(&tree.address(to).to_string(), to, keys.client()).await.unwrap()
}

/// The authority's registration of a unit's ledger key.
pub fn registration(tree: &Tree, unit: UnitId) -> v1::SignedStatement {
    signed_message(&keys::read(&tree.keys(unit), unit).unwrap().registrations[0])
}

/// A hello of `child` that names no heads and brings the keys of `origins`.
pub fn hello(tree: &Tree, child: UnitId, origins: &[UnitId]) -> v1::Hello {
    v1::Hello {
        protocol_version: limits::PROTOCOL_VERSION,
        protocol_version_min: limits::PROTOCOL_VERSION_MIN,
        unit: child.to_string(),
        heads: Vec::new(),
        registrations: origins.iter().map(|origin| registration(tree, *origin)).collect(),
        software: "forged".to_owned(),
    }
}

fn message(content: FromChild) -> ChildMessage {
    ChildMessage { message: Some(content) }
}

/// A child's stream to its parent, spoken message by message.
pub struct ChildLink {
    out: mpsc::Sender<ChildMessage>,
    inbound: Streaming<ParentMessage>,
}

impl ChildLink {
    /// Opens a stream with any first message.
    pub async fn begin(channel: Channel, first: ChildMessage) -> Result<Self, Status> {
        let (out, outgoing) = mpsc::channel(64);
        out.send(first).await.unwrap();
        let mut client = ReplicationClient::new(channel);
        let inbound = client.link(ReceiverStream::new(outgoing)).await?.into_inner();
        Ok(Self { out, inbound })
    }

    /// Opens a stream with a hello; the parent's answer is still to be read.
    pub async fn greet(
        tree: &Tree,
        holder: UnitId,
        parent: UnitId,
        hello: v1::Hello,
    ) -> Result<Self, Status> {
        Self::begin(channel(tree, holder, parent).await, message(FromChild::Hello(hello))).await
    }

    /// Opens a stream as `child` and is welcomed.
    pub async fn open(tree: &Tree, child: UnitId, parent: UnitId, origins: &[UnitId]) -> (Self, v1::Welcome) {
        let mut link = Self::greet(tree, child, parent, hello(tree, child, origins)).await.unwrap();
        let welcome = link.welcome().await;
        (link, welcome)
    }

    pub async fn welcome(&mut self) -> v1::Welcome {
        match self.next().await {
            Ok(Some(FromParent::Welcome(welcome))) => welcome,
            other => panic!("no welcome: {other:?}"),
        }
    }

    pub async fn send(&self, content: FromChild) {
        self.out.send(message(content)).await.unwrap();
    }

    /// The same over a link that may have ended.
    pub async fn send_if_open(&self, content: FromChild) {
        let _ = self.out.send(message(content)).await;
    }

    pub async fn send_batch(&self, batch: &Batch) {
        self.send(FromChild::Batch(batch_message(batch.clone()))).await;
    }

    /// The next message; `None` when the parent closed the stream in good order.
    pub async fn next(&mut self) -> Result<Option<FromParent>, Status> {
        let next = timeout(PATIENCE, self.inbound.message()).await.expect("the parent says nothing");
        Ok(next?.map(|message| message.message.expect("a message with content")))
    }

    /// The next answer about a batch; keys, relayed receipts and heartbeats come in between.
    async fn answer(&mut self) -> Result<Option<FromParent>, Status> {
        loop {
            match self.next().await {
                Ok(Some(
                    FromParent::Registrations(_)
                    | FromParent::Relayed(_)
                    | FromParent::Erasures(_)
                    | FromParent::Heartbeat(_),
                )) => {}
                other => return other,
            }
        }
    }

    /// The next answer, which is a receipt.
    pub async fn receipt(&mut self) -> Signed {
        match self.answer().await {
            Ok(Some(FromParent::Receipt(receipt))) => danso_node::wire::link::signed(receipt),
            other => panic!("no receipt: {other:?}"),
        }
    }

    /// The next answer, which is a refusal.
    pub async fn refusal(&mut self) -> v1::Refusal {
        match self.answer().await {
            Ok(Some(FromParent::Refusal(refusal))) => refusal,
            other => panic!("no refusal: {other:?}"),
        }
    }

    /// The status with which the parent ends the stream; a heartbeat that comes before it is answered with one.
    pub async fn end(&mut self) -> Status {
        let ending = async {
            loop {
                match self.next().await {
                    Ok(Some(FromParent::Heartbeat(_))) => {
                        self.send_if_open(FromChild::Heartbeat(v1::Heartbeat::default())).await;
                    }
                    Err(status) => return status,
                    Ok(other) => panic!("the stream goes on: {other:?}"),
                }
            }
        };
        timeout(PATIENCE, ending).await.expect("the stream goes on")
    }
}
