//! The gRPC server of a node: all services on one TLS listener, health and reflection among them.

use super::{
    accounts::AccountsService,
    audit::AuditService,
    chains::ChainsService,
    copies::CopiesService,
    downward::DownwardService,
    enrolment::{AuthoritiesService, EnrolmentService},
    health::HealthService,
    intake::IntakeService,
    keeper::Keeper,
    keys::KeysService,
    metering::MeteringLayer,
    operating::OperationsService,
    recovery::Turns,
    register::RegisterService,
    replication::ReplicationService,
    statistics::StatisticsService,
    tls::{Bounds, CallsLayer, incoming_with},
    watch::Watchers,
};
use crate::host::Listener;
use crate::operations::{Node, meters::CONNECTIONS_REFUSED};
use danso_proto::v1::{
    accounts_server::AccountsServer, audit_server::AuditServer, authorities_server::AuthoritiesServer,
    chains_server::ChainsServer, copies_server::CopiesServer, downward_server::DownwardServer,
    enrolment_server::EnrolmentServer, intake_server::IntakeServer, keys_server::KeysServer,
    operations_server::OperationsServer, register_server::RegisterServer,
    replication_server::ReplicationServer, statistics_server::StatisticsServer,
};
use danso_tier_config::limits;
use std::{future::Future, sync::Arc, time::Duration};
use tokio::sync::watch;
use tonic::transport::Server;

/// Why the server cannot run.
#[derive(Debug, thiserror::Error)]
#[error("the gRPC server failed")]
pub struct ServerError(#[from] tonic::transport::Error);

/// Serves a node until `stop` resolves, then lets open calls end.
pub async fn serve(
    node: Arc<Node>,
    listener: Box<dyn Listener>,
    keeper: &Keeper,
    stop: impl Future<Output = ()>,
) -> Result<(), ServerError> {
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(danso_proto::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
    let reflection_v1 = reflection.build_v1().expect("the descriptors are compiled into the program");
    let reflection_alpha = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(danso_proto::FILE_DESCRIPTOR_SET)
        .build_v1alpha()
        .expect("the descriptors are compiled into the program");
    let max = limits::MESSAGE_BYTES_MAX;
    let (stopping, stopped) = watch::channel(false);
    let stop = async move {
        stop.await;
        stopping.send_replace(true);
    };
    let meters = Arc::clone(&node.meters);
    keeper.connections.count_refusals(move |code| meters.count(CONNECTIONS_REFUSED, code));
    Server::builder()
        .layer(CallsLayer::new(keeper.connections.clone()))
        .layer(MeteringLayer(Arc::clone(&node.meters)))
        .timeout(Duration::from_millis(limits::CALL_MS_MAX))
        .max_concurrent_streams(Some(limits::STREAMS_MAX))
        .http2_keepalive_interval(Some(Duration::from_millis(limits::KEEPALIVE_MS)))
        .http2_keepalive_timeout(Some(Duration::from_millis(limits::KEEPALIVE_ANSWER_MS_MAX)))
        .add_service(HealthService::of(&node))
        .add_service(reflection_v1)
        .add_service(reflection_alpha)
        .add_service(
            ReplicationServer::new(ReplicationService {
                node: Arc::clone(&node),
                stop: stopped.clone(),
                returning: Turns::default(),
            })
            .max_decoding_message_size(max),
        )
        .add_service(
            AccountsServer::new(AccountsService { node: Arc::clone(&node) })
                .max_decoding_message_size(limits::ACCOUNTS_MESSAGE_BYTES_MAX),
        )
        .add_service(KeysServer::new(KeysService { node: Arc::clone(&node) }))
        .add_service(ChainsServer::new(ChainsService { node: Arc::clone(&node) }))
        .add_service(
            CopiesServer::new(CopiesService::new(Arc::clone(&node), stopped.clone()))
                .max_decoding_message_size(max),
        )
        .add_service(AuditServer::new(AuditService { node: Arc::clone(&node) }))
        .add_service(RegisterServer::new(RegisterService { node: Arc::clone(&node) }))
        .add_service(EnrolmentServer::new(EnrolmentService { node: Arc::clone(&node) }))
        .add_service(AuthoritiesServer::new(AuthoritiesService { node: Arc::clone(&node) }))
        .add_service(DownwardServer::new(DownwardService { node: Arc::clone(&node) }))
        .add_service(StatisticsServer::new(StatisticsService { node: Arc::clone(&node) }))
        .add_service(
            IntakeServer::new(IntakeService { node: Arc::clone(&node) }).max_decoding_message_size(max),
        )
        .add_service(OperationsServer::new(OperationsService { node, watchers: Watchers::new(stopped) }))
        .serve_with_incoming_shutdown(
            incoming_with(listener, keeper.configs(), Bounds::default(), keeper.connections.clone()),
            stop,
        )
        .await?;
    Ok(())
}
