//! An open link, from the child's hello to its end.

use super::{
    errors::{malformed, silent, stopping, unreadable},
    welcome::take_registrations,
};
use crate::{
    operations::{Accepted, Node, meters},
    transport::{
        answers::{Out, answer, unread},
        erasure,
        introductions::Introductions,
        relay,
        tls::Peer,
    },
    wire::{lag, link, status::status},
};
use danso_core::{
    chain::{AuditHead, Batch, Signed, origin_of},
    replication::Carried,
};
use danso_proto::v1::{
    self, ChildMessage, child_message::Message as FromChild, parent_message::Message as FromParent,
};
use danso_tier_config::{UnitId, limits};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, timeout},
};
use tonic::{Code, Status, Streaming};

/// A child's link as its parent serves it.
pub(super) struct ParentLink {
    pub node: Arc<Node>,
    pub child: UnitId,
    pub peer: Peer,
    pub out: Out,
    /// What it was told of keys.
    pub told: Arc<Introductions>,
    /// How far it has come with the receipts of the tiers above.
    pub relayed: Arc<Mutex<relay::Told>>,
    /// What the child knows of orders of erasure.
    pub erasures: erasure::Told,
    pub stop: watch::Receiver<bool>,
}

impl ParentLink {
    /// Serves the link until it ends, or the node stops.
    pub async fn run(self, mut inbound: Streaming<ChildMessage>, window: usize) -> Result<(), Status> {
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

    /// Tells the child the keys that it does not know yet.
    pub(super) async fn introduce(&self) -> Result<(), Status> {
        self.told.send(&self.out).await
    }

    pub(super) async fn take_registrations(
        &self,
        registrations: Vec<v1::SignedStatement>,
    ) -> Result<(), Status> {
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
            self.out.say_now(FromParent::Heartbeat(self.word(AuditHead::default(), false)));
            if since.elapsed() >= Duration::from_millis(silence) {
                let heard = self.peer.bytes_heard();
                if heard - bytes < limits::MESSAGE_ON_ITS_WAY_BYTES {
                    return Err(silent());
                }
                (since, bytes) = (Instant::now(), heard);
            }
        }
    }

    /// A heartbeat for the child, which has come so far with its audit log, or misses what is known of it here.
    fn word(&self, audit: AuditHead, cut: bool) -> v1::Heartbeat {
        let anchor = self.node.hear_audit(self.child, audit, cut);
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
        let origin = origin_of(&batch.header.bytes).ok();
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
        self.send(FromParent::Heartbeat(self.word(audit, heartbeat.audit_cut))).await
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

    pub(super) async fn send(&self, content: FromParent) -> Result<(), Status> {
        self.out.say(content).await
    }
}
