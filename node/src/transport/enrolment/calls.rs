//! Calls of the command line to the authority of a node.

use crate::transport::client::{ClientError, NodeClient};
use danso_proto::v1::{
    InviteAnswer, InviteRequest, IssuePersonAnswer, IssuePersonRequest, ListRevocationsAnswer,
    ListRevocationsRequest, RevokeAnswer, RevokeRequest, authorities_client::AuthoritiesClient,
};

impl NodeClient {
    /// Makes an invitation for a child's node.
    pub async fn invite(&self, request: InviteRequest) -> Result<InviteAnswer, ClientError> {
        Ok(AuthoritiesClient::new(self.channel.clone()).invite(request).await?.into_inner())
    }

    /// Revokes a node or certificate.
    pub async fn revoke(&self, request: RevokeRequest) -> Result<RevokeAnswer, ClientError> {
        Ok(AuthoritiesClient::new(self.channel.clone()).revoke(request).await?.into_inner())
    }

    /// What is revoked.
    pub async fn revocations(&self) -> Result<ListRevocationsAnswer, ClientError> {
        let asked = ListRevocationsRequest {};
        Ok(AuthoritiesClient::new(self.channel.clone()).list_revocations(asked).await?.into_inner())
    }

    /// A certificate for a person, whose key stays with the caller.
    pub async fn issue_person(&self, request: IssuePersonRequest) -> Result<IssuePersonAnswer, ClientError> {
        Ok(AuthoritiesClient::new(self.channel.clone()).issue_person(request).await?.into_inner())
    }
}
