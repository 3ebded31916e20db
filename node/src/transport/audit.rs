//! The service for the audit log, and its calls.

use super::{
    access,
    client::{Channel, ClientError, NodeClient},
    pieces::hand_on,
};
use crate::{
    operations::{Actor, AuditError, AuditQuestion, Node, accounts::Right},
    store::StoreError,
    wire::status::{of_store, status},
};
use danso_core::chain::{self, Deed, Signed};
use danso_proto::v1::{
    AuditAnchor, AuditEntry, AuditPage, LiftAnchorAnswer, LiftAnchorRequest, ListAnchorsAnswer,
    ListAnchorsRequest, ShowAuditRequest, VerifyAuditAnswer, VerifyAuditRequest, audit_client::AuditClient,
    audit_server::Audit,
};
use danso_tier_config::limits;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status};

/// The service for the audit log of a node.
pub(super) struct AuditService {
    pub node: Arc<Node>,
}

type Pages = mpsc::Sender<Result<AuditPage, Status>>;

impl AuditService {
    /// Whoever may read the log: it is the whole node's, so one bound to a part of it may not.
    fn reader<T>(&self, request: &Request<T>) -> Result<Actor, Status> {
        let caller = access::may(&self.node, request, Right::ReadAudit)?;
        if caller.scope != self.node.unit() {
            let message =
                format!("an auditor of {} does not read the log of {}", caller.scope, self.node.unit());
            let answer = status(Code::PermissionDenied, "not_allowed", message);
            return Err(access::refused(&self.node, Some(&caller.actor), "ReadAudit", answer));
        }
        Ok(caller.actor)
    }
}

#[tonic::async_trait]
impl Audit for AuditService {
    type ShowAuditStream = ReceiverStream<Result<AuditPage, Status>>;

    async fn show_audit(
        &self,
        request: Request<ShowAuditRequest>,
    ) -> Result<Response<Self::ShowAuditStream>, Status> {
        let actor = self.reader(&request)?;
        let ShowAuditRequest { from, last, deed } = request.into_inner();
        let deed = match deed.as_str() {
            "" => None,
            word => Some(Deed::from_word(word).ok_or_else(|| {
                let message = format!("no deed is called {:?}", word.chars().take(40).collect::<String>());
                status(Code::InvalidArgument, "query_not_understood", message)
            })?),
        };
        if last > limits::AUDIT_LAST_MAX {
            let message = format!("at most the last {} entries can be asked for", limits::AUDIT_LAST_MAX);
            return Err(status(Code::InvalidArgument, "query_not_understood", message));
        }
        let question = AuditQuestion { from, last, deed };
        let (first, end) = self.node.open_audit(&actor, question).await.map_err(|error| of_store(&error))?;
        let (pages, stream) = mpsc::channel(4);
        let node = Arc::clone(&self.node);
        tokio::task::spawn_blocking(move || {
            let sent = match question.last {
                0 => forward(&node, first, end, deed, &pages),
                count => backward(&node, first, end, deed, count, &pages),
            };
            if let Err(error) = sent {
                hand_on(&pages, Err(of_store(&error)));
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn verify_audit(
        &self,
        request: Request<VerifyAuditRequest>,
    ) -> Result<Response<VerifyAuditAnswer>, Status> {
        let actor = self.reader(&request)?;
        let end = self.node.store.view().audit.number;
        let noted = self.node.note(&actor, Deed::AuditRead, format!("verification of entries 1-{end}")).await;
        noted.map_err(|error| of_store(&error))?;
        let report =
            self.node.blocking(|node| node.verify_audit()).await.map_err(|error| of_store(&error))?;
        let parent = self.node.parent_anchor();
        Ok(Response::new(VerifyAuditAnswer {
            number: report.head.number,
            hash: report.head.hash.0.to_vec().into(),
            broken_at: report.broken.unwrap_or_default(),
            parent_known: parent.known,
            parent_number: parent.head.number,
            cut: parent.cut,
        }))
    }

    async fn list_anchors(
        &self,
        request: Request<ListAnchorsRequest>,
    ) -> Result<Response<ListAnchorsAnswer>, Status> {
        self.reader(&request)?;
        let anchors = self.node.child_anchors().into_iter().map(|anchor| AuditAnchor {
            unit: anchor.child.to_string(),
            number: anchor.head.number,
            hash: anchor.head.hash.0.to_vec().into(),
            cut: anchor.cut,
        });
        Ok(Response::new(ListAnchorsAnswer { anchors: anchors.collect() }))
    }

    async fn lift_anchor(
        &self,
        request: Request<LiftAnchorRequest>,
    ) -> Result<Response<LiftAnchorAnswer>, Status> {
        let actor = access::may(&self.node, &request, Right::Operate)?.actor;
        let LiftAnchorRequest { unit, reason } = request.into_inner();
        let unit = unit.parse().map_err(|_| {
            status(Code::InvalidArgument, "query_not_understood", "the unit must be CODE@YYYY-MM-DD")
        })?;
        let lifted = self.node.lift_anchor(unit, &reason, &actor).await;
        lifted.map_err(|error| match &error {
            AuditError::Store(error) => of_store(error),
            AuditError::NoAnchor { .. } => status(Code::NotFound, error.code(), error.to_string()),
            AuditError::Reason { .. } => status(Code::InvalidArgument, error.code(), error.to_string()),
        })?;
        Ok(Response::new(LiftAnchorAnswer {}))
    }
}

fn message((entry, signed): (chain::AuditEntry, Signed)) -> AuditEntry {
    AuditEntry {
        number: entry.number,
        at_ms: entry.at_ms,
        actor: entry.actor,
        deed: entry.deed.as_str().to_owned(),
        subject: entry.subject,
        key: entry.key.to_string(),
        statement: signed.bytes.into(),
        signature: signed.signature.into(),
    }
}

fn wanted(deed: Option<Deed>, entry: &chain::AuditEntry) -> bool {
    deed.is_none_or(|deed| entry.deed == deed)
}

/// Sends entries page by page; a reader that is gone ends it.
fn forward(node: &Node, first: u64, end: u64, deed: Option<Deed>, pages: &Pages) -> Result<(), StoreError> {
    let step = limits::AUDIT_PAGE_ENTRIES as u64;
    let mut from = first;
    while from <= end {
        let page = node.audit_page(from, end.min(from + step - 1))?;
        let entries = page.into_iter().filter(|(entry, _)| wanted(deed, entry)).map(message).collect();
        if !hand_on(pages, Ok(AuditPage { entries })) {
            return Ok(());
        }
        from += step;
    }
    Ok(())
}

/// Looks for the last `count` entries from the end backwards, then sends them in order.
fn backward(
    node: &Node,
    first: u64,
    end: u64,
    deed: Option<Deed>,
    count: u64,
    pages: &Pages,
) -> Result<(), StoreError> {
    let step = limits::AUDIT_PAGE_ENTRIES as u64;
    let (mut to, mut found) = (end, Vec::new());
    while to >= first && (found.len() as u64) < count {
        let page = node.audit_page(first.max(to.saturating_sub(step - 1)), to)?;
        found.extend(page.into_iter().rev().filter(|(entry, _)| wanted(deed, entry)).map(message));
        to = to.saturating_sub(step);
    }
    found.truncate(usize::try_from(count).unwrap_or(usize::MAX));
    found.reverse();
    for entries in found.chunks(limits::AUDIT_PAGE_ENTRIES) {
        if !hand_on(pages, Ok(AuditPage { entries: entries.to_vec() })) {
            break;
        }
    }
    Ok(())
}

impl NodeClient {
    fn audit(&self) -> AuditClient<Channel> {
        AuditClient::new(self.channel.clone()).max_decoding_message_size(limits::MESSAGE_BYTES_MAX)
    }

    /// Entries of the node's audit log, page by page as they come.
    pub async fn show_audit(
        &self,
        request: ShowAuditRequest,
        on_entry: &mut (dyn FnMut(AuditEntry) + Send),
    ) -> Result<(), ClientError> {
        let mut pages = self.audit().show_audit(request).await?.into_inner();
        while let Some(page) = pages.message().await? {
            page.entries.into_iter().for_each(&mut *on_entry);
        }
        Ok(())
    }

    /// Has the node walk along its audit log.
    pub async fn verify_audit(&self) -> Result<VerifyAuditAnswer, ClientError> {
        Ok(self.audit().verify_audit(VerifyAuditRequest {}).await?.into_inner())
    }

    /// How far the children's audit logs had come.
    pub async fn list_anchors(&self) -> Result<ListAnchorsAnswer, ClientError> {
        Ok(self.audit().list_anchors(ListAnchorsRequest {}).await?.into_inner())
    }

    /// Gives up the anchor of a child.
    pub async fn lift_anchor(&self, request: LiftAnchorRequest) -> Result<(), ClientError> {
        self.audit().lift_anchor(request).await?;
        Ok(())
    }
}
