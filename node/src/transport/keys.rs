//! The service for the keys of a running node, and its calls.

use super::{
    access,
    client::{ClientError, NodeClient},
};
use crate::{
    operations::{Node, RotateError, accounts::Right},
    wire::status::{of_store, status},
};
use danso_proto::v1::{RotateKeyAnswer, RotateKeyRequest, keys_client::KeysClient, keys_server::Keys};
use std::sync::Arc;
use tonic::{Code, Request, Response, Status};

/// The service for the keys of a node.
pub(super) struct KeysService {
    pub node: Arc<Node>,
}

#[tonic::async_trait]
impl Keys for KeysService {
    async fn rotate_key(
        &self,
        request: Request<RotateKeyRequest>,
    ) -> Result<Response<RotateKeyAnswer>, Status> {
        let caller = access::may(&self.node, &request, Right::Operate)?;
        // In a task of its own: a caller who goes away does not stop it between its steps.
        let node = Arc::clone(&self.node);
        let rotated = tokio::spawn(async move { node.rotate_key(&caller.actor).await }).await;
        let rotated = rotated.expect("a rotation does not panic").map_err(|error| match &error {
            RotateError::Store(error) => of_store(error),
            RotateError::TooMany => status(Code::FailedPrecondition, error.code(), error.to_string()),
            RotateError::Folder(_) => status(Code::Internal, error.code(), error.to_string()),
        })?;
        Ok(Response::new(RotateKeyAnswer {
            former_key: rotated.former.to_string(),
            key: rotated.key.to_string(),
            after_number: rotated.after.0,
        }))
    }
}

impl NodeClient {
    /// Puts a new ledger key in the place of the node's.
    pub async fn rotate_key(&self) -> Result<RotateKeyAnswer, ClientError> {
        let mut client = KeysClient::new(self.channel.clone());
        Ok(client.rotate_key(RotateKeyRequest {}).await?.into_inner())
    }
}
