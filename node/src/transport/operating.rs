//! The service for those who run a node: what it is, how the units stand, its meters, releases.

use super::{
    access,
    watch::{self, Watchers, Watching},
};
use crate::{
    operations::{
        Node,
        accounts::Right,
        lag::{OwnReport, SOFTWARE},
        meters::Meter,
    },
    wire::status::{of_release, status},
};
use danso_proto::v1::{
    MeterRow, MetersAnswer, MetersRequest, NodeInfoAnswer, NodeInfoRequest, PublishReleaseAnswer,
    PublishReleaseRequest, ReplicationStatusAnswer, ReplicationStatusRequest, operations_server::Operations,
};
use danso_tier_config::Month;
use std::sync::Arc;
use tonic::{Code, Request, Response, Status};

/// The operations service of a node.
pub(super) struct OperationsService {
    pub node: Arc<Node>,
    /// Those who watch the units.
    pub watchers: Watchers,
}

#[tonic::async_trait]
impl Operations for OperationsService {
    async fn node_info(&self, request: Request<NodeInfoRequest>) -> Result<Response<NodeInfoAnswer>, Status> {
        let known = access::known(&self.node, &request)?;
        let node = &self.node;
        // Totals of the whole node are for those who see all of it.
        let whole = [Right::ReadCounts, Right::ReadStatus]
            .into_iter()
            .any(|right| known.scope(node, right).is_ok_and(|scope| scope == node.unit()));
        let total = |number: u64| if whole { number } else { 0 };
        let directory = node.directory();
        let directory_version = node.directory_version();
        let release_number = node.release_number();
        let parent_anchor = node.parent_anchor();
        let own = if whole { node.own_report() } else { OwnReport::default() };
        let view = node.store.view();
        Ok(Response::new(NodeInfoAnswer {
            unit: node.unit().to_string(),
            name: directory.name(node.unit()).unwrap_or_default().to_owned(),
            tier: node.config.tier.to_string(),
            parent: node.config.parent.as_ref().map(|parent| parent.unit.to_string()).unwrap_or_default(),
            software: SOFTWARE.to_owned(),
            started_at_ms: node.started_at_ms,
            ledger_position: total(view.position.0),
            last_sequence: total(view.recording.sequence),
            unsealed: total(view.unsealed.len() as u64),
            persons: total(view.recording.persons),
            directory_version,
            release_number,
            at_rest: node.store.at_rest().to_string(),
            audit_number: total(view.audit.number),
            audit_parent_number: parent_anchor.head.number,
            audit_cut: parent_anchor.cut,
            rescue: None,
            disk_free_bytes: own.disk.map(|disk| disk.free_bytes),
            disk_size_bytes: own.disk.map_or(0, |disk| disk.size_bytes),
            certificate_until_ms: node.certificate_until_ms(),
            certificate_days: own.certificate_days,
        }))
    }

    async fn replication_status(
        &self,
        request: Request<ReplicationStatusRequest>,
    ) -> Result<Response<ReplicationStatusAnswer>, Status> {
        watch::status(&self.node, &request).await.map(Response::new)
    }

    type WatchReplicationStream = Watching;

    async fn watch_replication(
        &self,
        request: Request<ReplicationStatusRequest>,
    ) -> Result<Response<Watching>, Status> {
        watch::watch(&self.node, &self.watchers, request).await.map(Response::new)
    }

    async fn meters(&self, request: Request<MetersRequest>) -> Result<Response<MetersAnswer>, Status> {
        let caller = access::may(&self.node, &request, Right::ReadStatus)?;
        if caller.scope != self.node.unit() {
            let message = format!("what {} counts of itself is for those of {0} or above", self.node.unit());
            let answer = status(Code::PermissionDenied, "not_allowed", message);
            return Err(access::refused(&self.node, Some(&caller.actor), "Meters", answer));
        }
        let row = |(meter, value, count): (Meter, String, u64)| MeterRow {
            name: meter.name.to_owned(),
            label: meter.labels.first().copied().unwrap_or_default().to_owned(),
            value,
            count,
        };
        let counters = self.node.blocking(|node| node.counters()).await;
        let meters = counters.into_iter().map(row).collect();
        Ok(Response::new(MetersAnswer { meters }))
    }

    async fn publish_release(
        &self,
        request: Request<PublishReleaseRequest>,
    ) -> Result<Response<PublishReleaseAnswer>, Status> {
        access::may(&self.node, &request, Right::Operate)?;
        let month: Month = request.into_inner().month.parse().map_err(|_| {
            status(Code::InvalidArgument, "query_not_understood", "the month must be YYYY-MM")
        })?;
        let release = self.node.publish_release(month).await.map_err(|error| of_release(&error))?;
        let rows = release.rows.len() as u64;
        Ok(Response::new(PublishReleaseAnswer { number: release.number, revision: release.revision, rows }))
    }
}
