//! The parent's side of a link: hello, batches in, receipts and refusals out.

use super::{
    access,
    answers::{Out, answer, has_verdicts, unread},
    erasure,
    introductions::Introductions,
    recovery, relay,
    tls::{self, Peer},
};
use crate::{
    operations::{Accepted, Actor, Node, meters},
    wire::{
        lag,
        link::{self, Malformed},
        status::{code_of, of_register, status},
    },
};
use danso_core::{
    chain::{AuditHead, Batch, BatchNumber, Head, Signed, key_subject},
    replication::{Carried, Spoken, agreed, may_speak_for},
};
use danso_proto::v1::{
    self, ChildMessage, ParentMessage, child_message::Message as FromChild,
    parent_message::Message as FromParent, replication_server::Replication,
};
use danso_tier_config::{UnitId, limits};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, timeout},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status, Streaming};

/// The replication service of a node.
pub(super) struct ReplicationService {
    pub node: Arc<Node>,
    /// Turns true when the node stops: links have no end of their own that could be waited for.
    pub stop: watch::Receiver<bool>,
    /// Streams of chains given back.
    pub returning: recovery::Turns,
}

fn malformed(error: &Malformed) -> Status {
    status(Code::InvalidArgument, "message_malformed", error.to_string())
}

fn silent() -> Status {
    status(Code::DeadlineExceeded, "stream_silent", "the stream was silent for too long")
}

/// What a child is told whose parent stops.
const NODE_STOPPING: &str = "node_stopping";

fn stopping() -> Status {
    let message =
        "máy cấp trên đang dừng, sẽ tự nối lại / the parent is being stopped; the link comes back by itself";
    status(Code::Unavailable, NODE_STOPPING, message)
}

/// The status of a stream whose next message cannot be read: too long, or no message at all.
fn unreadable(error: Status) -> Status {
    match error.code() {
        Code::OutOfRange => {
            let message = format!("a message exceeds {} bytes", limits::MESSAGE_BYTES_MAX);
            status(Code::OutOfRange, "message_too_large", message)
        }
        // What tonic says of bytes that are no frame or no message of the contract.
        Code::Internal => status(Code::InvalidArgument, "message_malformed", "a message is not decodable"),
        _ => error,
    }
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

struct ParentLink {
    node: Arc<Node>,
    child: UnitId,
    peer: Peer,
    out: Out,
    /// What it was told of keys.
    told: Arc<Introductions>,
    /// How far it has come with the receipts of the tiers above.
    relayed: Arc<Mutex<relay::Told>>,
    /// What the child knows of orders of erasure.
    erasures: erasure::Told,
    stop: watch::Receiver<bool>,
}

impl ParentLink {
    async fn run(self, mut inbound: Streaming<ChildMessage>, window: usize) -> Result<(), Status> {
        let hello_ms = Duration::from_millis(limits::HANDSHAKE_MS_MAX);
        let first = timeout(hello_ms, inbound.message()).await.map_err(|_| silent())?.map_err(unreadable)?;
        let Some(FromChild::Hello(hello)) = first.and_then(|first| first.message) else {
            return Err(status(
                Code::FailedPrecondition,
                "hello_missing",
                "the first message must be a hello",
            ));
        };
        self.welcome(hello).await?;
        // From here on this is the child's link, and an older one of it ends.
        let number = self.node.link_opened(self.child);
        self.node.let_in(self.child);
        let (accepted, waiting) = mpsc::channel(window);
        let answers =
            tokio::spawn(answer(Arc::clone(&self.node), Arc::clone(&self.told), waiting, self.out.clone()));
        let ended = self.serve(&mut inbound, &accepted, number).await;
        self.node.link_closed(self.child, number);
        drop(accepted);
        let _ = answers.await;
        ended
    }

    async fn welcome(&self, hello: v1::Hello) -> Result<(), Status> {
        let child = Spoken { min: hello.protocol_version_min, max: hello.protocol_version };
        let protocol_version = agreed(Spoken::OURS, child).map_err(|none| {
            self.node.turn_away(self.child, "protocol_version", none.to_string());
            status(Code::FailedPrecondition, "protocol_version", none.to_string())
        })?;
        self.out.speak(protocol_version);
        if hello.unit != self.child.to_string() {
            let message = format!("the certificate names {}, the hello another unit", self.child);
            let answer = status(Code::PermissionDenied, "not_allowed", message);
            return Err(access::refused(&self.node, Some(&Actor::node(self.child)), "Link", answer));
        }
        link::heads(&hello.heads).map_err(|error| malformed(&error))?;
        self.take_registrations(hello.registrations).await?;
        let known = known_heads(&self.node, self.child);
        let registrations = self.told.due().await;
        let nothing = BatchNumber(0);
        let origins = known.keys().copied().collect();
        let missing = self.node.blocking(move |node| node.names_missing(origins)).await;
        let welcome = v1::Welcome {
            protocol_version,
            unit: self.node.unit().to_string(),
            heads: known
                .iter()
                .map(|(origin, head)| {
                    let (first, last) = missing.get(origin).copied().unwrap_or_default();
                    v1::Head {
                        names_missing_from: first.0,
                        names_missing_to: last.0,
                        ..link::head_message(*origin, head, nothing)
                    }
                })
                .collect(),
            policy: self.node.policy_from(self.child).to_string(),
            window_batches: self.node.limits().window_batches,
            registrations,
        };
        self.send(FromParent::Welcome(welcome)).await?;
        let acknowledged: BTreeMap<String, u64> =
            hello.heads.into_iter().map(|head| (head.origin, head.acknowledged_number)).collect();
        let reach = u64::from(self.node.limits().window_batches);
        let late = self.node.blocking(move |node| late_receipts(node, &known, &acknowledged, reach)).await;
        self.introduce().await?;
        for receipt in late {
            self.send(FromParent::Receipt(link::signed_message(&receipt))).await?;
        }
        Ok(())
    }

    /// Tells the child the keys that it does not know yet.
    async fn introduce(&self) -> Result<(), Status> {
        self.told.send(&self.out).await
    }

    async fn take_registrations(&self, registrations: Vec<v1::SignedStatement>) -> Result<(), Status> {
        take_registrations(&self.node, self.child, registrations).await
    }

    async fn serve(
        &self,
        inbound: &mut Streaming<ChildMessage>,
        accepted: &mpsc::Sender<Accepted>,
        number: u64,
    ) -> Result<(), Status> {
        let (mut stop, mut carried) = (self.stop.clone(), Carried::default());
        loop {
            let next = tokio::select! {
                next = self.hear(inbound) => next?,
                _ = stop.wait_for(|stop| *stop) => return Err(stopping()),
            };
            let Some(next) = next else {
                return Ok(());
            };
            if !self.node.link_used(self.child, number) {
                return Err(status(Code::Aborted, "link_replaced", "the child opened a newer link"));
            }
            match next.message {
                Some(FromChild::Batch(message)) => {
                    let batch =
                        link::carried_batch(message, &mut carried).map_err(|error| malformed(&error))?;
                    self.batch(batch, accepted).await?;
                }
                Some(FromChild::Heartbeat(heartbeat)) => self.heartbeat(&heartbeat).await?,
                Some(FromChild::Registrations(new)) => self.take_registrations(new.registrations).await?,
                Some(FromChild::Erasures(erasures)) => self.erasures(erasures).await?,
                Some(FromChild::Diverged(header)) => self.diverged(link::signed(header)).await,
                Some(FromChild::Hello(_)) | None => {
                    return Err(status(
                        Code::FailedPrecondition,
                        "hello_repeated",
                        "one hello opens a stream",
                    ));
                }
            }
        }
    }

    /// The child's next message. A large one on a slow line takes minutes; the child, whose heartbeats wait
    /// behind it, is told meanwhile that somebody is there.
    async fn hear(&self, inbound: &mut Streaming<ChildMessage>) -> Result<Option<ChildMessage>, Status> {
        let (word, silence) = (limits::WORD_MS, limits::STREAM_SILENCE_MS_MAX);
        let (mut since, mut bytes) = (Instant::now(), self.peer.bytes_heard());
        loop {
            if let Ok(next) = timeout(Duration::from_millis(word), inbound.message()).await {
                return next.map_err(unreadable);
            }
            // If there is no room for it, the child has enough to read.
            self.out.say_now(FromParent::Heartbeat(self.word(AuditHead::default())));
            if since.elapsed() >= Duration::from_millis(silence) {
                let heard = self.peer.bytes_heard();
                if heard - bytes < limits::MESSAGE_ON_ITS_WAY_BYTES {
                    return Err(silent());
                }
                (since, bytes) = (Instant::now(), heard);
            }
        }
    }

    /// A heartbeat for the child, which has come so far with its audit log.
    fn word(&self, audit: AuditHead) -> v1::Heartbeat {
        let anchor = self.node.hear_audit(self.child, audit);
        let heartbeat = link::with_audit(link::heartbeat_message(&[], 0, self.node.now_ms()), anchor);
        v1::Heartbeat { news: self.node.news(), ..heartbeat }
    }

    async fn erasures(&self, message: v1::ErasuresUp) -> Result<(), Status> {
        let answer = self.erasures.received(&self.node, self.child, message).await;
        match answer.map_err(|error| malformed(&error))? {
            Some(answer) => self.send(FromParent::Erasures(answer)).await,
            None => Ok(()),
        }
    }

    async fn batch(&self, batch: Batch, accepted: &mpsc::Sender<Accepted>) -> Result<(), Status> {
        let origin = danso_core::chain::origin_of(&batch.header.bytes).ok();
        let child = self.child;
        // As many checks at once as there are cores; the others wait their turn.
        let turn = self.node.checking.acquire().await.expect("the turns are never closed");
        let outcome = self.node.blocking(move |node| node.accept(child, batch)).await;
        // Not held while answering: a child that reads nothing would keep the turns of all others.
        drop(turn);
        match outcome {
            Ok(on_its_way) => {
                // Nobody answers any more where the child reads no answers.
                accepted.send(on_its_way).await.map_err(|_| unread())
            }
            Err(error) => {
                self.node.meters.count(meters::BATCHES_REFUSED, error.code());
                self.node.batch_refused(self.child, origin, error.code());
                tracing::warn!(child = %self.child, code = error.code(), %error, "a batch was refused");
                self.send(FromParent::Refusal(link::refusal_message(origin, 0, &error))).await
            }
        }
    }

    /// The child found out itself that it went another way; what it shows is kept for those who must decide.
    async fn diverged(&self, header: Signed) {
        let child = self.child;
        if let Err(error) = self.node.blocking(move |node| node.hear_divergence(child, header)).await {
            tracing::warn!(%child, code = error.code(), %error, "a divergence that was told is passed over");
        }
    }

    async fn heartbeat(&self, heartbeat: &v1::Heartbeat) -> Result<(), Status> {
        let marks = link::watermarks(heartbeat).map_err(|error| malformed(&error))?;
        let directory = self.node.directory();
        let at = directory.at(self.node.today());
        self.node.hear(marks.into_iter().filter(|mark| at.is_within(mark.origin, self.child)));
        let reports =
            lag::reports(&heartbeat.reports, self.node.now_ms()).map_err(|error| malformed(&error))?;
        self.node.hear_reports(self.child, reports);
        let audit = link::audit_head(heartbeat).map_err(|error| malformed(&error))?;
        self.introduce().await?;
        self.node.hear_clock(self.child, heartbeat.sent_at_ms);
        self.relay().await?;
        if let Some(due) = self.erasures.due(&self.node, self.child).await {
            self.send(FromParent::Erasures(due)).await?;
        }
        self.send(FromParent::Heartbeat(self.word(audit))).await
    }

    /// Passes on what the tiers above have signed for the child's chains since the last time.
    async fn relay(&self) -> Result<(), Status> {
        let (child, relayed) = (self.child, Arc::clone(&self.relayed));
        let due = self.node.blocking(move |node| {
            let mut relayed = relayed.lock().expect("no holder of the place panics");
            relayed.due(node, child)
        });
        for relayed in due.await {
            self.send(FromParent::Relayed(relayed)).await?;
        }
        Ok(())
    }

    async fn send(&self, content: FromParent) -> Result<(), Status> {
        self.out.say(content).await
    }
}

/// What a node holds of a child's subtree, also of origins that the child's hello does not name: one whose folder was
/// lost names nothing.
pub(super) fn known_heads(node: &Node, child: UnitId) -> BTreeMap<UnitId, Head> {
    let directory = node.directory();
    let (today, parent) = (node.today(), node.unit());
    let view = node.store.view();
    let held = view.chains.iter().filter(|(_, chain)| chain.head.number.0 > 0);
    held.filter(|(origin, _)| may_speak_for(&directory, today, parent, child, **origin))
        .map(|(origin, chain)| (*origin, chain.head))
        .collect()
}

/// Takes the keys that a child brings of its own subtree; others are passed over.
pub(super) async fn take_registrations(
    node: &Node,
    child: UnitId,
    registrations: Vec<v1::SignedStatement>,
) -> Result<(), Status> {
    if registrations.len() > limits::HELLO_ORIGINS_MAX {
        return Err(malformed(&Malformed("list of registrations")));
    }
    let directory = node.directory();
    let (today, parent) = (node.today(), node.unit());
    let within = |signed: &Signed| {
        key_subject(signed).map_or(true, |unit| may_speak_for(&directory, today, parent, child, unit))
    };
    let registrations = registrations.into_iter().map(link::signed).filter(within).collect();
    node.register(registrations).await.map_err(|error| of_register(&error))
}

/// Receipts that a child never got: of each origin the latest, and those before it that carry verdicts, as
/// far back as `reach` batches.
pub(super) fn late_receipts(
    node: &Node,
    known: &BTreeMap<UnitId, Head>,
    acknowledged: &BTreeMap<String, u64>,
    reach: u64,
) -> Vec<Signed> {
    let mut receipts = Vec::new();
    for (origin, head) in known {
        let Some(acknowledged) = acknowledged.get(&origin.to_string()) else {
            continue;
        };
        let first = acknowledged.saturating_add(1).max(head.number.0.saturating_sub(reach));
        for number in first..=head.number.0 {
            let held = node.store.batch(*origin, BatchNumber(number)).ok().flatten();
            let receipt = held.and_then(|held| held.receipt);
            receipts.extend(receipt.filter(|receipt| number == head.number.0 || has_verdicts(receipt)));
        }
    }
    receipts
}
