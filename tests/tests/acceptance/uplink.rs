//! What a child sends to a parent that answers slowly: a parent in the test's hands, over real TLS.

use danso_node::transport::tls::{Bounds, Keys, incoming};
use danso_proto::v1::{
    ChildMessage, ParentMessage, RecoverRequest, RecoveredBatch, Welcome,
    child_message::Message as FromChild,
    parent_message::Message as FromParent,
    replication_server::{Replication, ReplicationServer},
};
use danso_tests::{Recorder, Tree, unit};
use danso_tier_config::{UnitId, limits};
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::{
    net::TcpListener,
    sync::{Notify, mpsc, watch},
    time::timeout,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming, transport::Server};

/// Welcomes a child when it is told to, and passes on the batches that come.
struct SlowParent {
    welcome: Welcome,
    greeted: Arc<Notify>,
    go: Arc<Notify>,
    batches: mpsc::Sender<danso_proto::v1::Batch>,
}

#[tonic::async_trait]
impl Replication for SlowParent {
    type LinkStream = ReceiverStream<Result<ParentMessage, Status>>;
    type RecoverStream = ReceiverStream<Result<RecoveredBatch, Status>>;

    async fn recover(&self, _: Request<RecoverRequest>) -> Result<Response<Self::RecoverStream>, Status> {
        Err(Status::unimplemented("a parent of an earlier version"))
    }

    async fn link(
        &self,
        request: Request<Streaming<ChildMessage>>,
    ) -> Result<Response<Self::LinkStream>, Status> {
        let mut inbound = request.into_inner();
        let (out, stream) = mpsc::channel(4);
        let (greeted, go) = (Arc::clone(&self.greeted), Arc::clone(&self.go));
        let (welcome, batches) = (self.welcome.clone(), self.batches.clone());
        tokio::spawn(async move {
            inbound.message().await.unwrap().expect("a hello");
            greeted.notify_one();
            go.notified().await;
            out.send(Ok(ParentMessage { message: Some(FromParent::Welcome(welcome)) })).await.unwrap();
            while let Ok(Some(message)) = inbound.message().await {
                if let Some(FromChild::Batch(batch)) = message.message {
                    batches.send(batch).await.unwrap();
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}

/// Serves the slow parent at the address of `parent` until the test ends.
async fn serve(tree: &Tree, parent: UnitId, service: SlowParent) {
    let listener = TcpListener::bind(tree.address(parent)).await.unwrap();
    let keys = Keys::read(&tree.keys(parent), SystemTime::now()).unwrap();
    let configs = watch::channel(keys.server()).1;
    let connections = incoming(Box::new(listener), configs, Bounds::default());
    tokio::spawn(
        Server::builder().add_service(ReplicationServer::new(service)).serve_with_incoming(connections),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_recorded_while_the_link_opens_is_sent_without_waiting_for_more() {
    let mut tree = Tree::four();
    let (parent, child) = (unit("001"), unit("00001"));
    let welcome = Welcome {
        protocol_version: limits::PROTOCOL_VERSION,
        unit: parent.to_string(),
        heads: Vec::new(),
        policy: "names".to_owned(),
        window_batches: 4,
        // Nothing new to write down: no later change wakes the child.
        registrations: Vec::new(),
    };
    let (greeted, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (batches, mut sent) = mpsc::channel(4);
    let service = SlowParent { welcome, greeted: Arc::clone(&greeted), go: Arc::clone(&go), batches };
    serve(&tree, parent, service).await;
    let node = tree.start(child).await;
    greeted.notified().await;
    let mut changed = node.store.changed();
    Recorder::new(node).household("2026-01-01").await;
    changed.changed().await.unwrap();
    assert_eq!(tree.head(child, child), 1);
    go.notify_one();
    let batch = timeout(Duration::from_secs(20), sent.recv()).await.expect("the batch is sent").unwrap();
    let held = tree.node(child).store.batch(child, danso_core::chain::BatchNumber(1)).unwrap().unwrap();
    assert_eq!(batch.header.unwrap().statement, held.batch.header.bytes);
    tree.stop_all().await;
}
