//! The parent's side of a link: hello, batches in, receipts and refusals out.
//!
//! | file | holds |
//! |---|---|
//! | `serving.rs` | an open link, from the child's hello to its end |
//! | `welcome.rs` | the answer to a hello: what is held here, and what the child missed |
//! | `errors.rs` | how a link ends that cannot go on |

mod errors;
mod serving;
mod welcome;

pub(super) use welcome::{known_heads, late_receipts, take_registrations};

use super::{access, answers::Out, erasure, introductions::Introductions, recovery, tls};
use crate::{
    operations::{Node, meters},
    wire::status::code_of,
};
use danso_proto::v1::{self, ChildMessage, ParentMessage, replication_server::Replication};
use errors::NODE_STOPPING;
use serving::ParentLink;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

/// The replication service of a node.
pub(super) struct ReplicationService {
    pub node: Arc<Node>,
    /// Turns true when the node stops: links have no end of their own that could be waited for.
    pub stop: watch::Receiver<bool>,
    /// Streams of chains given back.
    pub returning: recovery::Turns,
}

#[tonic::async_trait]
impl Replication for ReplicationService {
    type LinkStream = ReceiverStream<Result<ParentMessage, Status>>;
    type RecoverStream = recovery::Returning;

    async fn recover(
        &self,
        request: Request<v1::RecoverRequest>,
    ) -> Result<Response<Self::RecoverStream>, Status> {
        recovery::give_back(&self.node, &self.returning, self.stop.clone(), request)
    }

    async fn link(
        &self,
        request: Request<Streaming<ChildMessage>>,
    ) -> Result<Response<Self::LinkStream>, Status> {
        let child = access::child(&self.node, &request)?;
        let peer = access::peer(&request)?;
        let inbound = request.into_inner();
        let window = self.node.limits().window_batches as usize;
        let (out, stream) = mpsc::channel(window + 16);
        let stop = self.stop.clone();
        let told = Arc::new(Introductions::new(Arc::clone(&self.node)));
        let link = ParentLink {
            node: Arc::clone(&self.node),
            child,
            peer,
            out: Out::new(out),
            told,
            relayed: Arc::default(),
            erasures: erasure::Told::default(),
            stop,
        };
        tokio::spawn(async move {
            let out = link.out.clone();
            let child = link.child;
            tracing::info!(%child, "a child opened its link");
            let (node, meters) = (Arc::clone(&link.node), Arc::clone(&link.node.meters));
            let ended = link.run(inbound, window).await;
            match ended {
                Ok(()) => tracing::info!(%child, "a child closed its link"),
                Err(error) if code_of(&error) == NODE_STOPPING => {
                    tracing::info!(%child, "a child was told that this node stops");
                    out.end(error);
                }
                Err(error) => {
                    meters.count(meters::LINKS_BROKEN, &code_of(&error));
                    node.line_ended(child, &tls::code_of_end(&error));
                    tracing::warn!(%child, error = error.message(), "a child's link ended");
                    out.end(error);
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}
