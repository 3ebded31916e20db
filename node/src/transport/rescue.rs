//! The server of a node that cannot open its store: health says so, the node's own people are told why and what
//! mends it, and every other call is refused with the code.

use super::{
    health::HealthService,
    keeper::Keeper,
    server::ServerError,
    tls::{Bounds, CallsLayer, Identity, Peer, incoming_with},
    watch::Watching,
};
use crate::{host::Listener, operations::accounts::Right, wire::status::status};
use danso_proto::v1::{
    MetersAnswer, MetersRequest, NodeInfoAnswer, NodeInfoRequest, PublishReleaseAnswer,
    PublishReleaseRequest, ReplicationStatusAnswer, ReplicationStatusRequest,
    operations_server::{Operations, OperationsServer},
};
use danso_tier_config::{UnitId, limits};
use std::{
    future::{self, Ready},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::watch;
use tonic::{Code, Request, Response, Status, codegen::http, transport::Server};
use tower::{Layer, Service};

/// What is answered while the store is not open.
#[derive(Debug)]
pub struct Advice {
    /// The node's unit.
    pub unit: UnitId,
    /// The answer to those who run the node; it names paths and the command that mends.
    pub answer: NodeInfoAnswer,
    /// Stable code of the error that keeps the store shut.
    pub code: &'static str,
}

impl Advice {
    /// For everybody else: poorer, without places and commands.
    fn refusal(&self) -> Status {
        let sentence = format!(
            "the node of {} cannot open its store and serves nothing until it is mended / \
             nút đang ở chế độ cứu hộ, chờ sửa",
            self.unit
        );
        status(Code::Unavailable, self.code, sentence)
    }
}

/// Serves the advice until `stopped` turns true, then lets open calls end, however long they take. Nothing is read from
/// the data folder and nothing is written to it.
pub async fn serve(
    advice: Advice,
    listener: Box<dyn Listener>,
    keeper: &Keeper,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), ServerError> {
    let advice = Arc::new(advice);
    let health = HealthService::in_rescue(stopped.clone());
    Server::builder()
        .layer(CallsLayer::new(keeper.connections.clone()))
        .layer(RefusingLayer(Arc::clone(&advice)))
        .timeout(Duration::from_millis(limits::CALL_MS_MAX))
        .max_concurrent_streams(Some(limits::STREAMS_MAX))
        .http2_keepalive_interval(Some(Duration::from_millis(limits::KEEPALIVE_MS)))
        .http2_keepalive_timeout(Some(Duration::from_millis(limits::KEEPALIVE_ANSWER_MS_MAX)))
        .add_service(health)
        .add_service(OperationsServer::new(AdviceService(advice)))
        .serve_with_incoming_shutdown(
            incoming_with(listener, keeper.configs(), Bounds::default(), keeper.connections.clone()),
            async move { drop(stopped.wait_for(|stopped| *stopped).await) },
        )
        .await?;
    Ok(())
}

/// Who may hear the whole advice: the node itself, and people who see the status of its own unit. Revocations lie
/// in the store, so a revoked certificate of such a person is believed until it expires.
fn runs_the_node<T>(advice: &Advice, request: &Request<T>) -> bool {
    match request.extensions().get::<Peer>().map(|peer| peer.identity) {
        Some(Identity::Node(unit)) => unit == advice.unit,
        Some(Identity::Person { role, unit }) => unit == advice.unit && role.may(Right::ReadStatus),
        _ => false,
    }
}

struct AdviceService(Arc<Advice>);

#[tonic::async_trait]
impl Operations for AdviceService {
    async fn node_info(&self, request: Request<NodeInfoRequest>) -> Result<Response<NodeInfoAnswer>, Status> {
        if runs_the_node(&self.0, &request) {
            Ok(Response::new(self.0.answer.clone()))
        } else {
            Err(self.0.refusal())
        }
    }

    async fn replication_status(
        &self,
        _: Request<ReplicationStatusRequest>,
    ) -> Result<Response<ReplicationStatusAnswer>, Status> {
        Err(self.0.refusal())
    }

    type WatchReplicationStream = Watching;

    async fn watch_replication(
        &self,
        _: Request<ReplicationStatusRequest>,
    ) -> Result<Response<Watching>, Status> {
        Err(self.0.refusal())
    }

    async fn meters(&self, _: Request<MetersRequest>) -> Result<Response<MetersAnswer>, Status> {
        Err(self.0.refusal())
    }

    async fn publish_release(
        &self,
        _: Request<PublishReleaseRequest>,
    ) -> Result<Response<PublishReleaseAnswer>, Status> {
        Err(self.0.refusal())
    }
}

/// Refuses every call but health and the question for the advice, also to services that are not here.
#[derive(Debug, Clone)]
struct RefusingLayer(Arc<Advice>);

impl<S> Layer<S> for RefusingLayer {
    type Service = Refusing<S>;

    fn layer(&self, inner: S) -> Refusing<S> {
        Refusing { inner, advice: Arc::clone(&self.0) }
    }
}

#[derive(Debug, Clone)]
struct Refusing<S> {
    inner: S,
    advice: Arc<Advice>,
}

/// Paths that are served.
const SERVED: &[&str] = &["/grpc.health.v1.Health/", "/danso.v1.Operations/NodeInfo"];

impl<S, Q, B> Service<http::Request<Q>> for Refusing<S>
where
    S: Service<http::Request<Q>, Response = http::Response<B>>,
    B: Default,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = futures_util::future::Either<S::Future, Ready<Result<Self::Response, Self::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Q>) -> Self::Future {
        use futures_util::future::Either;
        if SERVED.iter().any(|path| request.uri().path().starts_with(path)) {
            return Either::Left(self.inner.call(request));
        }
        let known = request.extensions().get::<Peer>().is_some_and(|peer| peer.identity != Identity::Guest);
        let refusal = if known {
            self.advice.refusal()
        } else {
            status(Code::Unauthenticated, "not_authenticated", "no certificate was shown")
        };
        Either::Right(future::ready(Ok(refusal.into_http())))
    }
}
