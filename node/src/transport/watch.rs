//! How the units stand: one answer, or a stream that begins with everything and goes on with what changes.

use super::access::{self, Caller};
use crate::{
    operations::{
        Node,
        accounts::Right,
        lag::{Shown, UnitStanding},
    },
    wire::{confirmations, lag, status::status as refusal},
};
use danso_proto::v1::{ReplicationStatusAnswer, ReplicationStatusRequest, UnitStatus};
use danso_tier_config::{UnitId, limits};
use std::{sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Status};

/// Answers on their way to somebody who watches.
pub(super) type Watching = ReceiverStream<Result<ReplicationStatusAnswer, Status>>;

/// Answers that may wait for a slow reader; more are not made before these are read.
const QUEUED_MAX: usize = 2;

/// Those who watch, and the end of the node for them.
pub(super) struct Watchers {
    turns: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
}

impl Watchers {
    /// Nobody yet; `stop` turns true when the node stops.
    pub fn new(stop: watch::Receiver<bool>) -> Self {
        Self { turns: Arc::new(Semaphore::new(limits::WATCHERS_MAX)), stop }
    }
}

/// How the units stand that the caller sees.
pub(super) async fn status(
    node: &Arc<Node>,
    request: &Request<ReplicationStatusRequest>,
) -> Result<ReplicationStatusAnswer, Status> {
    let below = seen(node, request)?;
    Ok(node.blocking(move |node| whole(node, below).0).await)
}

/// The topmost unit that is asked for and that the caller sees.
fn seen(node: &Node, request: &Request<ReplicationStatusRequest>) -> Result<UnitId, Status> {
    let caller = access::may(node, request, Right::ReadStatus)?;
    below(node, &caller, &request.get_ref().below)
}

/// The unit asked for, or the topmost one that the caller sees.
fn below(node: &Node, caller: &Caller, name: &str) -> Result<UnitId, Status> {
    if name.is_empty() {
        return Ok(caller.scope);
    }
    let names = [name.to_owned()];
    let found = node.resolve_within(&node.directory(), &names, node.today(), caller.scope);
    let found = found.map_err(|error| access::unanswered(node, caller, &error))?;
    Ok(found.first().copied().unwrap_or(caller.scope))
}

/// Everything at or below a unit, and the standings in it. Blocks.
fn whole(node: &Node, below: UnitId) -> (ReplicationStatusAnswer, Vec<UnitStanding>) {
    let all = below == node.unit();
    let found = confirmations::found(node, node.now_ms());
    let (directory, children) = (node.directory(), node.linked_children());
    let at = directory.at(node.today());
    let (heads, ..) = node.heads((!all).then_some(below));
    let link = node.link.read().expect("no holder of the link panics").clone();
    let units = heads.into_iter().map(|head| {
        let via = children.iter().find(|(child, _)| at.is_within(head.origin, **child));
        UnitStatus {
            unit: head.origin.to_string(),
            name: directory.name(head.origin).unwrap_or_default().to_owned(),
            number: head.chain.head.number.0,
            acknowledged_number: head.chain.acknowledged.0,
            watermark_ms: head.watermark_ms,
            last_contact_ms: head.last_contact_ms,
            connected: via.is_some() || head.origin == node.unit(),
            held_code: head.chain.held.or_else(|| link.held.get(&head.origin).cloned()).unwrap_or_default(),
            quarantined: head.chain.quarantined,
            names_missing_from: head.chain.nameless.0.0,
            names_missing_to: head.chain.nameless.1.0,
            confirmation_code: found.codes.get(&head.origin).cloned().unwrap_or_default(),
        }
    });
    let units = units.collect();
    let standings = node.standings((!all).then_some(below));
    let answer = ReplicationStatusAnswer {
        units,
        standings: standings.iter().map(lag::standing_message).collect(),
        confirmations: found.own,
        ..of_node(node)
    };
    (answer, standings)
}

/// What an answer says beside the units.
fn of_node(node: &Node) -> ReplicationStatusAnswer {
    let link = node.link.read().expect("no holder of the link panics").clone();
    ReplicationStatusAnswer {
        parent_connected: link.connected,
        parent_error: link.error,
        unacknowledged_batches: node.unacknowledged(),
        now_ms: node.now_ms(),
        children: confirmations::children(node, &node.directory()),
        ..ReplicationStatusAnswer::default()
    }
}

/// Streams what [`status`] answers, then what changes, to those who may.
///
/// Errors: as [`status`], and `watchers_full`.
pub(super) async fn watch(
    node: &Arc<Node>,
    watchers: &Watchers,
    request: Request<ReplicationStatusRequest>,
) -> Result<Watching, Status> {
    let below = seen(node, &request)?;
    let Ok(turn) = Arc::clone(&watchers.turns).try_acquire_owned() else {
        let message = "too many watch the units of this node, ask again later";
        return Err(refusal(Code::ResourceExhausted, "watchers_full", message));
    };
    let (first, shown) = node
        .blocking(move |node| {
            let (first, standings) = whole(node, below);
            let shown = Shown::new(standings, first.now_ms);
            (first, shown)
        })
        .await;
    let (out, stream) = mpsc::channel(QUEUED_MAX);
    let watcher = Watcher { node: Arc::clone(node), request, out, _turn: turn };
    tokio::spawn(watcher.run(first, shown, watchers.stop.clone()));
    Ok(ReceiverStream::new(stream))
}

struct Watcher {
    node: Arc<Node>,
    /// Who asks is looked at again each time: a session ends, an account is disabled.
    request: Request<ReplicationStatusRequest>,
    out: mpsc::Sender<Result<ReplicationStatusAnswer, Status>>,
    _turn: OwnedSemaphorePermit,
}

impl Watcher {
    async fn run(self, first: ReplicationStatusAnswer, mut shown: Shown, mut stop: watch::Receiver<bool>) {
        let mut going_on = self.say(Ok(first)).await;
        let mut quiet_ms = 0;
        while going_on {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(limits::WATCH_MS)) => {}
                () = self.out.closed() => return,
                _ = stop.wait_for(|stop| *stop) => return,
            }
            let below = match seen(&self.node, &self.request) {
                Ok(below) => below,
                Err(denied) => {
                    self.say(Err(denied)).await;
                    return;
                }
            };
            let next;
            (shown, next) = self.node.blocking(move |node| changed(node, below, shown)).await;
            quiet_ms += limits::WATCH_MS;
            if !next.standings.is_empty() || !next.gone.is_empty() || quiet_ms >= limits::WATCH_WORD_MS {
                quiet_ms = 0;
                going_on = self.say(Ok(next)).await;
            }
        }
    }

    /// Hands an answer on; false where nobody takes it any more.
    async fn say(&self, answer: Result<ReplicationStatusAnswer, Status>) -> bool {
        let silence = Duration::from_millis(limits::STREAM_SILENCE_MS_MAX);
        matches!(tokio::time::timeout(silence, self.out.send(answer)).await, Ok(Ok(())))
    }
}

/// What has changed at or below a unit since it was shown. Blocks.
fn changed(node: &Node, below: UnitId, mut shown: Shown) -> (Shown, ReplicationStatusAnswer) {
    let directory = node.directory();
    let at = directory.at(node.today());
    let all = node.standings_lately();
    let (news, gone) = shown.news(all.iter().filter(|found| at.is_within(found.unit, below)), node.now_ms());
    let answer = ReplicationStatusAnswer {
        standings: news.iter().map(lag::standing_message).collect(),
        gone: gone.iter().map(ToString::to_string).collect(),
        partial: true,
        ..of_node(node)
    };
    (shown, answer)
}
