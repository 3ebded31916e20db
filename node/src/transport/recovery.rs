//! The parent's side of a recovery: a child gets back what is held of its subtree, with the receipts.

use super::access;
use crate::{
    operations::{Actor, Node, grantor_of},
    wire::{
        link,
        status::{of_store, status},
    },
};
use danso_core::{
    chain::{BatchNumber, Deed, KeyRing},
    replication::may_speak_for,
};
use danso_proto::v1::{RecoverRequest, RecoveredBatch, SignedStatement};
use danso_tier_config::{Policy, UnitId, limits};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status};

/// Batches on their way to a child.
pub(super) type Returning = ReceiverStream<Result<RecoveredBatch, Status>>;

/// Streams the batches of an origin after a number, as far as the boundary's policy lets them pass, until the node
/// stops.
pub(super) fn give_back(
    node: &Arc<Node>,
    turns: &Turns,
    stop: watch::Receiver<bool>,
    request: Request<RecoverRequest>,
) -> Result<Response<Returning>, Status> {
    let child = access::child(node, &request)?;
    let RecoverRequest { origin, after_number } = request.into_inner();
    let origin = link::unit(&origin, "origin")
        .map_err(|error| status(Code::InvalidArgument, "message_malformed", error.to_string()))?;
    if !may_speak_for(&node.directory(), node.today(), node.unit(), child, origin) {
        let message = format!("{origin} does not lie within {child}");
        let answer = status(Code::PermissionDenied, "not_allowed", message);
        return Err(access::refused(node, Some(&Actor::node(child)), "Recover", answer));
    }
    tracing::warn!(%child, %origin, after = after_number, "a child fetches a chain back");
    let number = turns.begin(child);
    let (out, stream) = mpsc::channel(limits::RECOVER_WINDOW_BATCHES);
    let cut = out.clone();
    let sending = send_all(Arc::clone(node), turns.clone(), (child, number), (origin, after_number), out);
    tokio::spawn(until_stopped(sending, stop, cut));
    Ok(Response::new(ReceiverStream::new(stream)))
}

/// One stream a child: a newer one ends those before it.
#[derive(Debug, Clone, Default)]
pub(super) struct Turns(Arc<Mutex<BTreeMap<UnitId, u64>>>);

impl Turns {
    fn begin(&self, child: UnitId) -> u64 {
        let mut turns = self.0.lock().expect("no holder of the turns panics");
        let number = turns.entry(child).or_default();
        *number += 1;
        *number
    }

    fn holds(&self, child: UnitId, number: u64) -> bool {
        self.0.lock().expect("no holder of the turns panics").get(&child) == Some(&number)
    }
}

/// What is on its way is cut off as by a broken line: the child fetches the rest when the node is back.
async fn until_stopped(
    sending: impl Future<Output = ()>,
    mut stop: watch::Receiver<bool>,
    cut: mpsc::Sender<Result<RecoveredBatch, Status>>,
) {
    tokio::select! {
        () = sending => {}
        _ = stop.wait_for(|stop| *stop) => drop(cut.try_send(Err(Status::unavailable("the node stops")))),
    }
}

async fn send_all(
    node: Arc<Node>,
    turns: Turns,
    (child, turn): (UnitId, u64),
    (origin, after): (UnitId, u64),
    out: mpsc::Sender<Result<RecoveredBatch, Status>>,
) {
    let silence = Duration::from_millis(limits::STREAM_SILENCE_MS_MAX);
    let mut number = BatchNumber(after.saturating_add(1));
    let mut registrations = keys_towards(&node, child, origin);
    let words = format!("batches of {origin} from {number} given back to {child}");
    if let Err(error) = node.note(&Actor::node(child), Deed::PersonalSent, words).await {
        let _ = out.send(Err(of_store(&error))).await;
        return;
    }
    while turns.holds(child, turn) {
        let next = match node.blocking(move |node| one(node, child, origin, number)).await {
            Ok(None) => return,
            Ok(Some(batch)) => {
                Ok(RecoveredBatch { registrations: std::mem::take(&mut registrations), ..batch })
            }
            Err(status) => Err(status),
        };
        let failed = next.is_err();
        // A child that went away, or reads no more, gets no more.
        if !matches!(timeout(silence, out.send(next)).await, Ok(Ok(()))) || failed {
            return;
        }
        number = number.next();
    }
}

fn one(
    node: &Node,
    child: UnitId,
    origin: UnitId,
    number: BatchNumber,
) -> Result<Option<RecoveredBatch>, Status> {
    let failed = |error: &crate::operations::AcceptError| {
        tracing::error!(%origin, number = number.0, code = error.code(), %error, "a batch cannot be given back");
        status(Code::Internal, "batch_unreadable", "a batch that should be here could not be read")
    };
    let Some(held) = node.store.batch(origin, number).map_err(|error| of_store(&error))? else {
        return Ok(None);
    };
    let Some(receipt) = held.receipt else { return Ok(None) };
    // Without its names a register would come back that names nobody, though the names are here.
    if held.veiled && node.policy_from(child) == Policy::Names {
        let message = "the key at rest of the parent is missing: names cannot be given back";
        return Err(status(Code::FailedPrecondition, "at_rest_locked", message));
    }
    let batch = node.batch_for(origin, number, node.policy_from(child)).map_err(|error| failed(&error))?;
    let batch = batch.map(link::batch_message);
    Ok(Some(RecoveredBatch {
        batch,
        receipt: Some(link::signed_message(&receipt)),
        registrations: Vec::new(),
    }))
}

/// The keys of an origin and of the tiers between it and the child, the child's own included.
fn keys_towards(node: &Node, child: UnitId, origin: UnitId) -> Vec<SignedStatement> {
    let directory = node.directory();
    let today = node.today();
    let day = directory.valid_to(origin).map_or(today, |last| last.min(today));
    let above = directory.at(day).ancestors(origin);
    let own = node.unit();
    let view = node.store.view();
    let mut units: Vec<UnitId> = vec![child, origin];
    units.extend(above.into_iter().take_while(|tier| *tier != own));
    // And of those who granted them, which may stand elsewhere: the origin may have come from there.
    let mut next = 0;
    while let Some(unit) = units.get(next).copied() {
        let epochs = view.keys.get(&unit).into_iter().flat_map(KeyRing::epochs);
        let grantors: Vec<UnitId> = epochs.filter_map(|epoch| grantor_of(&epoch.signed)).collect();
        let new = grantors.into_iter().filter(|grantor| *grantor != own && !units.contains(grantor));
        units.extend(new.collect::<std::collections::BTreeSet<_>>());
        next += 1;
    }
    units
        .into_iter()
        .filter_map(|unit| view.keys.get(&unit))
        .flat_map(KeyRing::epochs)
        .map(|epoch| link::signed_message(&epoch.signed))
        .collect()
}
