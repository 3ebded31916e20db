//! What flows down: a node pulls signed releases and the directory from its parent and serves the same
//! bytes to those below.

use super::access;
use crate::{
    operations::{Node, ReleaseError, RevocationError, accounts::Right},
    wire::{
        link,
        status::{code_of, of_store, status},
    },
};
use danso_core::chain::{Revocations, Signed, Statement as _};
use danso_proto::v1::{
    DirectoryRequest, ReleasesRequest, RevocationsVersion, SignedStatement, downward_client::DownwardClient,
    downward_server::Downward,
};
use danso_tier_config::{UnitId, limits};
use std::{pin::Pin, sync::Arc, time::Duration};
use tokio_stream::Stream;
use tonic::{Code, Request, Response, Status, transport::Channel};

/// The downward service of a node.
pub(super) struct DownwardService {
    pub node: Arc<Node>,
}

type Statements = Pin<Box<dyn Stream<Item = Result<SignedStatement, Status>> + Send>>;

#[tonic::async_trait]
impl Downward for DownwardService {
    type ReleasesStream = Statements;
    type DirectoryStream = Statements;

    async fn releases(&self, request: Request<ReleasesRequest>) -> Result<Response<Statements>, Status> {
        access::may(&self.node, &request, Right::ReadCounts)?;
        let after = request.into_inner().after_number;
        let node = Arc::clone(&self.node);
        let numbers = after.saturating_add(1)..=self.node.release_number();
        let statements = tokio_stream::iter(numbers).map(move |number| {
            let missing =
                || status(Code::Internal, "release_missing", "a release that should be here is not");
            let signed = node.store.release(number).map_err(|error| of_store(&error))?.ok_or_else(missing)?;
            Ok(link::signed_message(&signed))
        });
        Ok(Response::new(Box::pin(statements)))
    }

    async fn directory(&self, request: Request<DirectoryRequest>) -> Result<Response<Statements>, Status> {
        access::may(&self.node, &request, Right::ReadCounts)?;
        let newer = newer_statements(&self.node, &request.into_inner());
        let statements = newer.into_iter().map(|signed| Ok(link::signed_message(&signed)));
        Ok(Response::new(Box::pin(tokio_stream::iter(statements))))
    }
}

use tokio_stream::StreamExt as _;

/// The directory and the lists of revocations that are newer here than what is asked with.
pub(super) fn newer_statements(node: &Node, asked: &DirectoryRequest) -> Vec<Signed> {
    let have = asked.have_version;
    let known = |issuer: UnitId| {
        let told = asked.have_revocations.iter().find(|told| told.issuer == issuer.to_string());
        told.map_or(0, |told| told.version)
    };
    let view = node.store.view();
    let directory = view.directory.as_ref().filter(|held| held.version > have).map(|held| &held.signed);
    let revoked = view.revocations.iter().filter(|(issuer, held)| held.list.version > known(**issuer));
    directory.into_iter().chain(revoked.map(|(_, held)| &held.signed)).cloned().collect()
}

/// What a node has of the directory and the lists of revocations.
pub(super) fn statements_held(node: &Node) -> DirectoryRequest {
    let have = |(issuer, version): (UnitId, u64)| RevocationsVersion { issuer: issuer.to_string(), version };
    let have_revocations = node.revocation_versions().into_iter().map(have).collect();
    DirectoryRequest { have_version: node.directory_version(), have_revocations }
}

/// Why nothing could be pulled.
#[derive(Debug, thiserror::Error)]
pub(super) enum PullError {
    #[error("{}", .0.message())]
    Parent(#[from] Status),
    #[error(transparent)]
    Release(#[from] ReleaseError),
    #[error(transparent)]
    Revocations(#[from] RevocationError),
}

impl PullError {
    pub fn code(&self) -> String {
        match self {
            Self::Parent(status) => code_of(status),
            Self::Release(error) => error.code().to_owned(),
            Self::Revocations(error) => error.code().to_owned(),
        }
    }
}

/// Pulls the directory and new releases, now and then again, for as long as the link stands.
pub(super) async fn pull(node: Arc<Node>, channel: Channel) {
    let mut client = DownwardClient::new(channel).max_decoding_message_size(limits::MESSAGE_BYTES_MAX);
    let mut changed = node.limits_changed();
    let mut news = node.news_from_above();
    loop {
        // After a failure it is tried again soon: the key of the top may be on its way down.
        let limits = node.limits();
        let pause_ms = match pull_once(&node, &mut client).await {
            Ok(()) => limits.pull_interval_ms,
            Err(error) => {
                let code = error.code();
                tracing::warn!(code, %error, "releases or directory could not be pulled from the parent");
                limits.heartbeat_ms.min(limits.pull_interval_ms)
            }
        };
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(pause_ms)) => {}
            _ = news.changed() => {}
            _ = changed.changed() => {}
        }
    }
}

/// Pulls once; what fails comes later.
pub(super) async fn pull_now(node: &Node, channel: Channel) {
    let mut client = DownwardClient::new(channel).max_decoding_message_size(limits::MESSAGE_BYTES_MAX);
    if let Err(error) = pull_once(node, &mut client).await {
        tracing::warn!(code = error.code(), %error, "releases or directory could not be pulled from the parent");
    }
}

async fn pull_once(node: &Node, client: &mut DownwardClient<Channel>) -> Result<(), PullError> {
    let asked = statements_held(node);
    let mut versions = client.directory(asked).await?.into_inner();
    while let Some(statement) = versions.message().await? {
        take_statement(node, link::signed(statement)).await?;
    }
    let after_number = node.release_number();
    let mut releases = client.releases(ReleasesRequest { after_number }).await?.into_inner();
    while let Some(statement) = releases.message().await? {
        node.take_release(link::signed(statement)).await?;
        tracing::info!(number = node.release_number(), "took a release from the parent");
    }
    Ok(())
}

/// Takes a directory or a list of revocations that came from above.
pub(super) async fn take_statement(node: &Node, signed: Signed) -> Result<(), PullError> {
    if !signed.bytes.starts_with(&Revocations::MAGIC) {
        node.take_directory(signed).await?;
        tracing::info!(version = node.directory_version(), "took a new unit directory from the parent");
        return Ok(());
    }
    match node.take_revocations(signed).await {
        Ok(()) => tracing::warn!("took a new list of revocations from the parent"),
        // Of a unit that no longer stands above, say; what else flows down does not wait for it.
        Err(error @ RevocationError::NotSigned(_)) => {
            tracing::warn!(code = error.code(), %error, "a list of revocations was not taken");
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
