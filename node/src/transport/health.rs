//! The health of a node by gRPC: of all its services and of the whole, and always the truth that HTTP tells, too.

use crate::operations::{Health, Node};
use danso_proto::v1;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status, server::NamedService};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse,
    health_check_response::ServingStatus,
    health_server::{self, HealthServer},
};

/// Changes of the health that wait for a watcher who reads slowly.
const CHANGES_WAITING_MAX: usize = 4;

/// Names that may be asked for besides the whole, which has none.
const SERVICES: &[&str] = &[
    v1::accounts_server::SERVICE_NAME,
    v1::audit_server::SERVICE_NAME,
    v1::authorities_server::SERVICE_NAME,
    v1::chains_server::SERVICE_NAME,
    v1::copies_server::SERVICE_NAME,
    v1::downward_server::SERVICE_NAME,
    v1::enrolment_server::SERVICE_NAME,
    v1::intake_server::SERVICE_NAME,
    v1::keys_server::SERVICE_NAME,
    v1::operations_server::SERVICE_NAME,
    v1::register_server::SERVICE_NAME,
    v1::replication_server::SERVICE_NAME,
    v1::statistics_server::SERVICE_NAME,
];

/// Whose health it is.
#[derive(Clone)]
enum Of {
    /// A node's.
    Node(Arc<Node>),
    /// That of a node that cannot open its store, until this turns true.
    Rescue(watch::Receiver<bool>),
}

impl Of {
    fn now(&self) -> Health {
        match self {
            Self::Node(node) => node.health(),
            Self::Rescue(stopped) if *stopped.borrow() => Health::Stopping,
            Self::Rescue(_) => Health::Rescue,
        }
    }

    async fn other_than(&mut self, known: Health) -> Health {
        match self {
            Self::Node(node) => node.health_other_than(known).await,
            Self::Rescue(stopped) => {
                // Nobody who could say otherwise is left: it has stopped.
                let _ = stopped.wait_for(|stopped| *stopped).await;
                Health::Stopping
            }
        }
    }
}

/// The health service.
pub(super) struct HealthService(Of);

impl HealthService {
    /// That of a node.
    pub fn of(node: &Arc<Node>) -> HealthServer<Self> {
        HealthServer::new(Self(Of::Node(Arc::clone(node))))
    }

    /// That of a node in rescue mode, until `stopped` turns true.
    pub fn in_rescue(stopped: watch::Receiver<bool>) -> HealthServer<Self> {
        HealthServer::new(Self(Of::Rescue(stopped)))
    }
}

fn is_served(service: &str) -> bool {
    let itself = <HealthServer<HealthService> as NamedService>::NAME;
    service.is_empty() || service == itself || SERVICES.contains(&service)
}

fn answer(health: Health) -> HealthCheckResponse {
    let status = if health.is_ready() { ServingStatus::Serving } else { ServingStatus::NotServing };
    HealthCheckResponse { status: status.into() }
}

#[tonic::async_trait]
impl health_server::Health for HealthService {
    type WatchStream = ReceiverStream<Result<HealthCheckResponse, Status>>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        if is_served(&request.into_inner().service) {
            Ok(Response::new(answer(self.0.now())))
        } else {
            Err(Status::new(Code::NotFound, "no such service is served here"))
        }
    }

    /// Tells every change, and ends when the node stops: it would hold the node for ever.
    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let served = is_served(&request.into_inner().service);
        let (told, watching) = mpsc::channel(CHANGES_WAITING_MAX);
        let mut of = self.0.clone();
        tokio::spawn(async move {
            let mut health = of.now();
            loop {
                let unknown = HealthCheckResponse { status: ServingStatus::ServiceUnknown.into() };
                let word = if served { answer(health) } else { unknown };
                let ends = matches!(health, Health::Stopping | Health::Failed);
                if told.send(Ok(word)).await.is_err() || ends {
                    return;
                }
                tokio::select! {
                    next = of.other_than(health) => health = next,
                    () = told.closed() => return,
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(watching)))
    }
}
