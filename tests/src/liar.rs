//! A node in the middle of a tree played by the test with that node's real keys: it speaks the parent's side
//! to the nodes below it and, with [`ChildLink`](crate::forge::ChildLink), the child's side to the node above.

use crate::Tree;
use danso_core::{
    chain::{Batch, BatchNumber, Digest, Head, Header, LedgerKey, Receipt, Signed},
    replication::Carried,
};
use danso_node::{
    runtime::keys,
    transport::tls::{Bounds, CallsLayer, Connections, Keys, incoming_with},
    wire::link,
};
use danso_proto::v1::{
    self, ChildMessage, ParentMessage,
    child_message::Message as FromChild,
    parent_message::Message as FromParent,
    replication_server::{Replication, ReplicationServer},
};
use danso_tier_config::{UnitId, limits};
use std::time::{Duration, SystemTime};
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
    time::timeout,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming, transport::Server};

/// How long a child may take on a loaded machine before the test fails.
const PATIENCE: Duration = Duration::from_mins(1);

/// A parent that says what the test says.
pub struct Liar {
    pub unit: UnitId,
    pub key: LedgerKey,
    /// The words for the keys of this unit, as its key folder holds them.
    registrations: Vec<v1::SignedStatement>,
    lines: mpsc::Receiver<Line>,
}

/// The link of one child, message by message.
pub struct Line {
    pub hello: v1::Hello,
    inbound: Streaming<ChildMessage>,
    carried: Carried,
    out: mpsc::Sender<Result<ParentMessage, Status>>,
}

struct Service(mpsc::Sender<Line>);

#[tonic::async_trait]
impl Replication for Service {
    type LinkStream = ReceiverStream<Result<ParentMessage, Status>>;
    type RecoverStream = tokio_stream::Empty<Result<v1::RecoveredBatch, Status>>;

    async fn link(
        &self,
        request: Request<Streaming<ChildMessage>>,
    ) -> Result<Response<Self::LinkStream>, Status> {
        let mut inbound = request.into_inner();
        let (out, stream) = mpsc::channel(64);
        let lines = self.0.clone();
        tokio::spawn(async move {
            let first = inbound.message().await.ok().flatten().and_then(|first| first.message);
            if let Some(FromChild::Hello(hello)) = first {
                let _ = lines.send(Line { hello, inbound, carried: Carried::default(), out }).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn recover(&self, _: Request<v1::RecoverRequest>) -> Result<Response<Self::RecoverStream>, Status> {
        Ok(Response::new(tokio_stream::empty()))
    }
}

/// A receipt as a parent would sign it, without verdicts.
pub fn receipt_of(parent: UnitId, origin: UnitId, number: u64, hash: Digest, key: &LedgerKey) -> Signed {
    let (number, accepted_at_ms) = (BatchNumber(number), danso_node::operations::now_ms());
    Signed::sign(&Receipt { parent, origin, number, hash, quarantined: Vec::new(), accepted_at_ms }, key)
}

impl Liar {
    /// Listens at the address of `unit` in place of its node, until the test ends.
    pub async fn serve(tree: &Tree, unit: UnitId) -> Self {
        let listener = TcpListener::bind(tree.address(unit)).await.unwrap();
        let folder = Keys::read(&tree.keys(unit), SystemTime::now()).unwrap();
        let configs = watch::channel(folder.server()).1;
        let connections = Connections::default();
        let calls = CallsLayer::new(connections.clone());
        let incoming = incoming_with(Box::new(listener), configs, Bounds::default(), connections);
        let (sender, lines) = mpsc::channel(16);
        let service = ReplicationServer::new(Service(sender))
            .max_decoding_message_size(limits::MESSAGE_BYTES_MAX)
            .max_encoding_message_size(limits::MESSAGE_BYTES_MAX);
        let server = Server::builder().layer(calls).add_service(service);
        tokio::spawn(server.serve_with_incoming(incoming));
        let registrations = keys::read(&tree.keys(unit), unit).unwrap().registrations;
        let registrations = registrations.iter().map(link::signed_message).collect();
        Self { unit, key: tree.ledger_key(unit), registrations, lines }
    }

    /// The next link that a child opens; it waits for its welcome.
    pub async fn line(&mut self) -> Line {
        timeout(PATIENCE, self.lines.recv()).await.expect("a child opens its link").unwrap()
    }

    /// A welcome that names these heads and brings the keys of this unit and of `above`.
    pub fn welcome(&self, tree: &Tree, above: &[UnitId], heads: Vec<v1::Head>) -> v1::Welcome {
        let more = above.iter().map(|unit| crate::forge::registration(tree, *unit));
        v1::Welcome {
            protocol_version: limits::PROTOCOL_VERSION,
            unit: self.unit.to_string(),
            heads,
            policy: "names".to_owned(),
            window_batches: 16,
            registrations: more.chain(self.registrations.iter().cloned()).collect(),
        }
    }

    /// This node's receipt for a batch, without verdicts.
    pub fn receipt(&self, batch: &Batch) -> Signed {
        let header: Header = batch.header.decode_trusted().unwrap();
        receipt_of(self.unit, header.origin, header.number.0, batch.hash(), &self.key)
    }
}

impl Line {
    pub async fn send(&self, content: FromParent) {
        self.out.send(Ok(ParentMessage { message: Some(content) })).await.unwrap();
    }

    pub async fn welcome(&self, welcome: v1::Welcome) {
        self.send(FromParent::Welcome(welcome)).await;
    }

    pub async fn receipt(&self, receipt: &Signed) {
        self.send(FromParent::Receipt(link::signed_message(receipt))).await;
    }

    /// Passes receipts on as those of the tiers above.
    pub async fn relay(&self, receipts: &[Signed]) {
        let receipts = receipts.iter().map(link::signed_message).collect();
        self.send(FromParent::Relayed(v1::Relayed { receipts })).await;
    }

    /// Ends the link with a status.
    pub async fn fail(&self, status: Status) {
        let _ = self.out.send(Err(status)).await;
    }

    /// What the child says next; `None` once it has hung up.
    pub async fn next(&mut self) -> Option<FromChild> {
        let next = timeout(PATIENCE, self.inbound.message()).await.expect("the child says something");
        next.ok().flatten().map(|message| message.message.unwrap())
    }

    /// The next batch that the child sends; what it says between is passed over.
    pub async fn batch(&mut self) -> Batch {
        loop {
            match self.next().await.expect("the child is there") {
                FromChild::Batch(batch) => return link::carried_batch(batch, &mut self.carried).unwrap(),
                FromChild::Hello(_) => panic!("a second hello"),
                _ => {}
            }
        }
    }

    /// Waits until the child has hung up.
    pub async fn hung_up(&mut self) {
        while self.next().await.is_some() {}
    }
}

/// A head as a welcome names it.
pub fn head(origin: UnitId, number: u64, hash: Digest) -> v1::Head {
    let head = Head { number: BatchNumber(number), hash, ..Head::default() };
    link::head_message(origin, &head, BatchNumber(0))
}
