//! What leaves a node in files: the service, and its calls. Whoever calls writes the files.
//!
//! | file | holds |
//! |---|---|
//! | `backup.rs` | the ledger on its way into a backup |
//! | `bundles.rs` | bundles: which way they go, and what both ways share |
//! | `up.rs` | a bundle for the parent: made, and taken |
//! | `down.rs` | a bundle for a child: made, and taken |
//! | `stream.rs` | sealed messages as a stream of bytes, both ways |
//! | `calls.rs` | the calls of the command line |

mod backup;
mod bundles;
mod calls;
mod down;
mod stream;
mod up;

pub use calls::{Backup, BundleExport, BundleImport};

use super::access;
use crate::{
    operations::{Node, accounts::Right},
    wire::status::status,
};
use danso_proto::v1::{
    BackupAnswer, BackupRequest, BundleChunk, ExportBundleAnswer, ExportBundleRequest, ImportBundleAnswer,
    copies_server::Copies,
};
use std::sync::Arc;
use tokio::sync::{Mutex, OwnedMutexGuard, mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status, Streaming};

/// The service for what leaves a node in files.
pub(super) struct CopiesService {
    node: Arc<Node>,
    /// One backup at a time: each reads the whole ledger.
    backing_up: Arc<Mutex<()>>,
    /// One bundle at a time.
    bundling: Arc<Mutex<()>>,
    /// Turns true when the node stops.
    stop: watch::Receiver<bool>,
}

impl CopiesService {
    /// The service of a node that stops when `stop` turns true.
    pub fn new(node: Arc<Node>, stop: watch::Receiver<bool>) -> Self {
        Self { node, backing_up: Arc::default(), bundling: Arc::default(), stop }
    }
}

/// Messages on their way to the caller.
type Answers<T> = mpsc::Sender<Result<T, Status>>;

/// Messages that wait for the caller to read them.
const WAITING: usize = 4;

fn turn(of: &Arc<Mutex<()>>, code: &'static str, message: &str) -> Result<OwnedMutexGuard<()>, Status> {
    Arc::clone(of).try_lock_owned().map_err(|_| status(Code::FailedPrecondition, code, message))
}

#[tonic::async_trait]
impl Copies for CopiesService {
    type BackupStream = ReceiverStream<Result<BackupAnswer, Status>>;
    type ExportBundleStream = ReceiverStream<Result<ExportBundleAnswer, Status>>;
    type ImportBundleStream = ReceiverStream<Result<ImportBundleAnswer, Status>>;

    async fn backup(
        &self,
        request: Request<Streaming<BackupRequest>>,
    ) -> Result<Response<Self::BackupStream>, Status> {
        let actor = access::may(&self.node, &request, Right::Operate)?.actor;
        let turn = turn(&self.backing_up, "backup_running", "another backup of this node is being taken")?;
        let (answers, stream) = mpsc::channel(WAITING);
        let taking = backup::Taking { node: Arc::clone(&self.node), actor, answers, turn };
        tokio::spawn(until(self.stop.clone(), taking.run(request.into_inner())));
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn export_bundle(
        &self,
        request: Request<ExportBundleRequest>,
    ) -> Result<Response<Self::ExportBundleStream>, Status> {
        let actor = access::may(&self.node, &request, Right::Operate)?.actor;
        let turn = turn(&self.bundling, "bundle_running", "another bundle is being made or taken here")?;
        let (answers, stream) = mpsc::channel(WAITING);
        let making = bundles::Making { node: Arc::clone(&self.node), actor, answers, turn };
        tokio::spawn(until(self.stop.clone(), making.run(request.into_inner())));
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn import_bundle(
        &self,
        request: Request<Streaming<BundleChunk>>,
    ) -> Result<Response<Self::ImportBundleStream>, Status> {
        let actor = access::may(&self.node, &request, Right::Operate)?.actor;
        let turn = turn(&self.bundling, "bundle_running", "another bundle is being made or taken here")?;
        let (answers, stream) = mpsc::channel(WAITING);
        let taking = bundles::Taking { node: Arc::clone(&self.node), actor, answers, turn };
        tokio::spawn(until(self.stop.clone(), taking.run(request.into_inner())));
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}

/// Does some work unless the node stops before it is done.
async fn until(mut stop: watch::Receiver<bool>, work: impl Future<Output = ()>) {
    tokio::select! {
        () = work => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}
