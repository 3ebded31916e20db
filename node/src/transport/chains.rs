//! The service for chains that contradict themselves, and its calls.

use super::{
    access::{self, Caller},
    client::{ClientError, NodeClient},
};
use crate::{
    operations::{Node, accounts::Right, recovery::ChainError},
    wire::{
        chains,
        status::{of_store, status},
    },
};
use danso_proto::v1::{
    InspectAnswer, InspectRequest, ResolveAnswer, ResolveRequest, chains_client::ChainsClient,
    chains_server::Chains,
};
use danso_tier_config::{UnitId, limits};
use std::sync::Arc;
use tonic::{Code, Request, Response, Status};

/// The service for the chains of a node.
pub(super) struct ChainsService {
    pub node: Arc<Node>,
}

impl ChainsService {
    /// The unit named, within what the caller sees. One that has ended is found by its id.
    fn unit(&self, name: &str, caller: &Caller) -> Result<UnitId, Status> {
        let node = &self.node;
        let (directory, today) = (node.directory(), node.today());
        let ended = name
            .parse::<UnitId>()
            .ok()
            .filter(|unit| directory.valid_to(*unit).is_some_and(|last| last < today));
        let on = ended.and_then(|unit| directory.valid_to(unit)).unwrap_or(today);
        let found = node.resolve_within(&directory, &[name.to_owned()], on, caller.scope);
        let found = found.map_err(|error| access::unanswered(node, caller, &error))?;
        found.first().copied().ok_or_else(|| status(Code::NotFound, "unknown_unit", "no such unit"))
    }
}

#[tonic::async_trait]
impl Chains for ChainsService {
    async fn inspect(&self, request: Request<InspectRequest>) -> Result<Response<InspectAnswer>, Status> {
        let caller = access::may(&self.node, &request, Right::ReadStatus)?;
        let name = request.into_inner().unit;
        let unit = if name.is_empty() { None } else { Some(self.unit(&name, &caller)?) };
        let found = self.node.blocking(move |node| node.inspect_chains(caller.scope, unit)).await;
        let found = found.map_err(|error| of_store(&error))?;
        let directory = self.node.directory();
        let chains = found.into_iter().map(|chain| {
            let name = directory.name(chain.origin).unwrap_or_default().to_owned();
            chains::inspected(chain, name)
        });
        Ok(Response::new(InspectAnswer { chains: chains.collect() }))
    }

    async fn resolve(&self, request: Request<ResolveRequest>) -> Result<Response<ResolveAnswer>, Status> {
        let caller = access::may(&self.node, &request, Right::Operate)?;
        let ResolveRequest { unit, reason } = request.into_inner();
        let origin = self.unit(&unit, &caller)?;
        let resolved = self.node.resolve_chain(origin, &reason, &caller.actor).await;
        let (held_code, head) = resolved.map_err(|error| match &error {
            ChainError::Store(error) => of_store(error),
            ChainError::NotHeld { .. } => status(Code::FailedPrecondition, error.code(), error.to_string()),
            ChainError::Reason { .. } => status(Code::InvalidArgument, error.code(), error.to_string()),
        })?;
        let head = head.as_ref().map(chains::version);
        Ok(Response::new(ResolveAnswer { origin: origin.to_string(), head, held_code }))
    }
}

impl NodeClient {
    /// What contradicts the chains of a node.
    pub async fn inspect_chains(&self, request: InspectRequest) -> Result<InspectAnswer, ClientError> {
        let client = ChainsClient::new(self.channel.clone());
        let mut client = client.max_decoding_message_size(limits::MESSAGE_BYTES_MAX);
        Ok(client.inspect(request).await?.into_inner())
    }

    /// Goes on with a held chain as the node holds it.
    pub async fn resolve_chain(&self, request: ResolveRequest) -> Result<ResolveAnswer, ClientError> {
        let mut client = ChainsClient::new(self.channel.clone());
        Ok(client.resolve(request).await?.into_inner())
    }
}
