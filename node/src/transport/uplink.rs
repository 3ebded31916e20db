//! The child's side of a link: connects, says hello, sends what is missing, keeps receipts, pulls releases.

use super::{
    client::chain,
    downward,
    tls::{self, Keys},
};
use crate::{
    operations::{Node, Watermark, now_ms},
    store::Record,
    wire::{
        link::{self, Malformed},
        status::{CODE_KEY, code_of},
    },
};
use danso_core::{
    chain::{BatchNumber, Receipt, Signed},
    replication::{Answer, Outbox, backoff_ms},
};
use danso_proto::v1::{
    self, ChildMessage, ParentMessage, child_message::Message as FromChild,
    parent_message::Message as FromParent, replication_client::ReplicationClient,
};
use danso_tier_config::{Parent, Policy, UnitId, limits};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::{
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming, transport::Channel};

/// Why a connection to the parent ended.
#[derive(Debug, thiserror::Error)]
enum LinkError {
    #[error("{sentence}")]
    Connect { code: String, sentence: String },
    #[error("{}", .0.message())]
    Parent(Status),
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("the parent was silent for too long")]
    Silent,
    #[error("the parent closed the link")]
    Closed,
    #[error("what the parent signed does not verify")]
    Signature,
    #[error("a batch that should be here could not be read")]
    Unreadable,
    #[error("the parent cannot store anything now")]
    ParentStore(String),
    #[error("the parent held back some origins; asking again")]
    Held,
}

impl LinkError {
    fn code(&self) -> String {
        match self {
            Self::Connect { code, .. } | Self::ParentStore(code) => code.clone(),
            // A status that no node sent is a line that broke: the sources say how.
            Self::Parent(status) if status.metadata().contains_key(CODE_KEY) => code_of(status),
            Self::Parent(status) => tls::reason(status).code().to_owned(),
            Self::Malformed(_) => "message_malformed".to_owned(),
            Self::Silent => "stream_silent".to_owned(),
            Self::Closed => "stream_closed".to_owned(),
            Self::Signature => "parent_signature".to_owned(),
            Self::Unreadable => "batch_unreadable".to_owned(),
            Self::Held => "origin_held".to_owned(),
        }
    }
}

impl From<Status> for LinkError {
    fn from(status: Status) -> Self {
        Self::Parent(status)
    }
}

/// Keeps a link to the parent open until `stop` turns true: connect, serve, back off, again.
pub async fn run(node: Arc<Node>, parent: Parent, keys: PathBuf, mut stop: watch::Receiver<bool>) {
    let mut attempt = 0;
    while !*stop.borrow() {
        let mut uplink = Uplink { node: Arc::clone(&node), parent: parent.clone(), outbox: Outbox::new() };
        let ended = tokio::select! {
            ended = uplink.serve(&keys, &mut attempt) => ended,
            _ = stop.changed() => return,
        };
        let error = ended.err().unwrap_or(LinkError::Closed);
        let code = error.code();
        {
            let mut link = node.link.write().expect("no holder of the link panics");
            link.connected = false;
            link.error = format!("{code}: {error}");
        }
        let limits = &node.config.limits;
        let mut random = [0; 8];
        getrandom::fill(&mut random).expect("the system gives random bytes");
        let delay =
            backoff_ms(attempt, limits.backoff_first_ms, limits.backoff_max_ms, u64::from_le_bytes(random));
        attempt = attempt.saturating_add(1);
        tracing::warn!(parent = %parent.unit, code, %error, delay_ms = delay, "no link to the parent");
        tokio::select! {
            () = sleep(Duration::from_millis(delay)) => {}
            _ = stop.changed() => return,
        }
    }
}

struct Uplink {
    node: Arc<Node>,
    parent: Parent,
    outbox: Outbox,
}

/// The state of one connection.
struct Session {
    out: mpsc::Sender<ChildMessage>,
    policy: Policy,
    /// Units whose key the parent was told on this connection.
    introduced: BTreeSet<UnitId>,
}

impl Uplink {
    async fn serve(&mut self, keys: &std::path::Path, attempt: &mut u32) -> Result<(), LinkError> {
        let node = Arc::clone(&self.node);
        let channel = self.connect(keys).await?;
        let (mut session, mut inbound) = self.open(channel.clone()).await?;
        *attempt = 0;
        tracing::info!(parent = %self.parent.unit, policy = %session.policy, "linked to the parent");
        // In one task: when this one is stopped or its stream ends, nothing goes on pulling.
        tokio::select! {
            ended = self.exchange(&mut session, &mut inbound) => ended,
            () = downward::pull(Arc::clone(&node), channel) => Err(LinkError::Closed),
        }
    }

    async fn connect(&self, folder: &std::path::Path) -> Result<Channel, LinkError> {
        // Read anew for every connection, so that renewed certificates are used without a restart.
        let keys = Keys::read(folder, SystemTime::now()).map_err(|error| LinkError::Connect {
            code: error.code().to_owned(),
            sentence: error.to_string(),
        })?;
        tls::connect(&self.parent.address, self.parent.unit, keys.client())
            .await
            .map_err(|error| LinkError::Connect { code: error.code().to_owned(), sentence: chain(&error) })
    }

    async fn open(&mut self, channel: Channel) -> Result<(Session, Streaming<ParentMessage>), LinkError> {
        let mut client = ReplicationClient::new(channel)
            .max_decoding_message_size(limits::MESSAGE_BYTES_MAX)
            .max_encoding_message_size(limits::MESSAGE_BYTES_MAX);
        let (out, outgoing) = mpsc::channel(self.node.config.limits.window_batches as usize + 64);
        let (hello, introduced) = self.hello();
        out.send(message(FromChild::Hello(hello))).await.map_err(|_| LinkError::Closed)?;
        let mut inbound = client.link(ReceiverStream::new(outgoing)).await?.into_inner();
        let patience = Duration::from_millis(limits::HANDSHAKE_MS_MAX);
        let first = timeout(patience, inbound.message()).await.map_err(|_| LinkError::Silent)??;
        let Some(FromParent::Welcome(welcome)) = first.and_then(|first| first.message) else {
            return Err(Malformed("welcome").into());
        };
        let policy = self.welcomed(welcome).await?;
        Ok((Session { out, policy, introduced }, inbound))
    }

    fn hello(&mut self) -> (v1::Hello, BTreeSet<UnitId>) {
        let directory = self.node.directory();
        let at = directory.at(self.node.today());
        let view = self.node.store.view();
        let own = self.node.unit();
        let heads = view
            .chains
            .iter()
            .map(|(origin, chain)| link::head_message(*origin, &chain.head, chain.acknowledged))
            .collect();
        // Tiers between an origin and this node sign too: what they exclude of counts.
        let signers: BTreeSet<UnitId> = view
            .keys
            .keys()
            .filter(|unit| view.chains.contains_key(unit) || at.is_within(**unit, own))
            .copied()
            .collect();
        let registrations = signers.iter().filter_map(|unit| view.keys.get(unit));
        let hello = v1::Hello {
            protocol_version: limits::PROTOCOL_VERSION,
            protocol_version_min: limits::PROTOCOL_VERSION_MIN,
            unit: own.to_string(),
            heads,
            registrations: registrations.map(|key| link::signed_message(&key.signed)).collect(),
            software: concat!("danso ", env!("CARGO_PKG_VERSION")).to_owned(),
        };
        drop(view);
        self.note_heads();
        (hello, signers)
    }

    fn note_heads(&mut self) {
        let view = self.node.store.view();
        for (origin, chain) in &view.chains {
            self.outbox.held_here(*origin, chain.head.number);
        }
    }

    async fn take_registrations(&self, registrations: Vec<v1::SignedStatement>) -> Result<(), LinkError> {
        let registrations = registrations.into_iter().map(link::signed).collect();
        self.node.register(registrations).await.map_err(|_| LinkError::Signature)
    }

    async fn welcomed(&mut self, welcome: v1::Welcome) -> Result<Policy, LinkError> {
        self.take_registrations(welcome.registrations).await?;
        let heads = link::heads(&welcome.heads)?;
        let theirs: Policy = welcome.policy.parse().map_err(|_| Malformed("policy"))?;
        let ours = self.node.config.up().unwrap_or(Policy::Counts);
        let window = welcome.window_batches.min(self.node.config.limits.window_batches);
        let store = &self.node.store;
        let contradictions = self.outbox.welcomed(heads, window, |origin, number| {
            store.batch_row(origin, number).ok().flatten().map(|row| row.hash)
        });
        let mut held = BTreeMap::new();
        let own_held = contradictions.iter().any(|(origin, _)| *origin == self.node.unit());
        self.node.store.hold_own_chain(own_held);
        for (origin, code) in contradictions {
            tracing::error!(%origin, code, "the parent holds other batches than this node; nothing is sent for it");
            held.insert(origin, code.to_owned());
        }
        let mut link = self.node.link.write().expect("no holder of the link panics");
        link.connected = true;
        link.error.clear();
        link.held = held;
        Ok(theirs.min(ours))
    }

    async fn exchange(
        &mut self,
        session: &mut Session,
        inbound: &mut Streaming<ParentMessage>,
    ) -> Result<(), LinkError> {
        let mut changed = self.node.store.changed();
        // What became durable between the hello and this subscription shows in no later change.
        self.note_heads();
        let mut heartbeat = interval(Duration::from_millis(self.node.config.limits.heartbeat_ms));
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let silence = Duration::from_millis(limits::STREAM_SILENCE_MS_MAX);
        let mut heard = tokio::time::Instant::now();
        let again = heard + Duration::from_millis(limits::HELD_RETRY_MS);
        loop {
            self.send_what_is_due(session).await?;
            tokio::select! {
                next = inbound.message() => {
                    heard = tokio::time::Instant::now();
                    self.received(next?.ok_or(LinkError::Closed)?).await?;
                }
                _ = changed.changed() => self.note_heads(),
                _ = heartbeat.tick() => self.beat(session).await?,
                () = tokio::time::sleep_until(heard + silence) => return Err(LinkError::Silent),
                () = tokio::time::sleep_until(again), if self.outbox.holds_any() => return Err(LinkError::Held),
            }
        }
    }

    async fn send_what_is_due(&mut self, session: &mut Session) -> Result<(), LinkError> {
        while let Some((origin, number)) = self.outbox.next_batch() {
            let registrations = self.introductions(origin, &mut session.introduced);
            if !registrations.is_empty() {
                let new = FromChild::Registrations(v1::Registrations { registrations });
                session.out.send(message(new)).await.map_err(|_| LinkError::Closed)?;
            }
            let node = Arc::clone(&self.node);
            let policy = session.policy;
            let batch = tokio::task::spawn_blocking(move || node.batch_for(origin, number, policy)).await;
            let batch = batch.ok().and_then(Result::ok).flatten().ok_or(LinkError::Unreadable)?;
            let batch = FromChild::Batch(link::batch_message(batch));
            session.out.send(message(batch)).await.map_err(|_| LinkError::Closed)?;
        }
        self.node.link.write().expect("no holder of the link panics").unacknowledged = self.outbox.waiting();
        Ok(())
    }

    /// Keys that the parent needs for a batch of `origin` and was not told yet: the origin's and those of
    /// the tiers between it and this node.
    fn introductions(&self, origin: UnitId, introduced: &mut BTreeSet<UnitId>) -> Vec<v1::SignedStatement> {
        let own = self.node.unit();
        let directory = self.node.directory();
        let tiers = directory.at(self.node.today()).ancestors(origin);
        let view = self.node.store.view();
        std::iter::once(origin)
            .chain(tiers.into_iter().take_while(|tier| *tier != own))
            .filter_map(|unit| Some((unit, view.keys.get(&unit)?)))
            .filter(|(unit, _)| introduced.insert(*unit))
            .map(|(_, key)| link::signed_message(&key.signed))
            .collect()
    }

    async fn received(&mut self, received: ParentMessage) -> Result<(), LinkError> {
        match received.message {
            Some(FromParent::Receipt(receipt)) => self.receipt(link::signed(receipt)),
            Some(FromParent::Refusal(refusal)) => self.refused(&refusal),
            Some(FromParent::Heartbeat(_)) => Ok(()),
            Some(FromParent::Registrations(new)) => self.take_registrations(new.registrations).await,
            Some(FromParent::Welcome(_)) | None => Err(Malformed("message").into()),
        }
    }

    fn receipt(&mut self, signed: Signed) -> Result<(), LinkError> {
        let key = self.node.key_of(self.parent.unit).ok_or(LinkError::Signature)?;
        let receipt: Receipt = signed.verify(key).map_err(|_| LinkError::Signature)?;
        if receipt.parent != self.parent.unit {
            return Err(LinkError::Signature);
        }
        let held = self.node.store.batch_row(receipt.origin, receipt.number).ok().flatten();
        if held.is_none_or(|held| held.hash != receipt.hash) {
            // This node was restored from a backup, or the chains differ: that concerns this origin alone.
            tracing::error!(origin = %receipt.origin, number = receipt.number.0, "a receipt for a batch that is not held");
            let code = if held.is_none() { "parent_ahead" } else { "parent_diverges" };
            self.hold(receipt.origin, code);
            return Ok(());
        }
        if !receipt.quarantined.is_empty() {
            let (origin, count) = (receipt.origin, receipt.quarantined.len());
            tracing::warn!(%origin, count, number = receipt.number.0, "the parent does not count some changes");
        }
        self.outbox.answered(receipt.origin, Answer::Received(receipt.number));
        // Not awaited: a lost receipt is sent again at the next hello.
        let _ =
            self.node.store.stage(vec![Record::ParentReceipt(signed).into()], self.node.store.generation());
        Ok(())
    }

    /// Sends nothing more for an origin on this connection; a node whose own chain it is stops recording.
    fn hold(&mut self, origin: UnitId, code: &str) {
        if origin == self.node.unit() {
            self.node.store.hold_own_chain(true);
        }
        let refused = Answer::Refused { code: code.to_owned(), expected: BatchNumber(0) };
        self.outbox.answered(origin, refused);
        let mut link = self.node.link.write().expect("no holder of the link panics");
        link.held.insert(origin, code.to_owned());
    }

    fn refused(&mut self, refusal: &v1::Refusal) -> Result<(), LinkError> {
        let origin = link::unit(&refusal.origin, "origin of a refusal")?;
        let code = refusal.code.clone();
        tracing::error!(%origin, code, message = refusal.message, "the parent refused a batch");
        if matches!(code.as_str(), "disk_full" | "store_retry" | "store_stopped") {
            return Err(LinkError::ParentStore(code));
        }
        if code != "batch_gap" {
            let mut link = self.node.link.write().expect("no holder of the link panics");
            link.held.insert(origin, code.clone());
        }
        self.outbox.answered(origin, Answer::Refused { code, expected: BatchNumber(refusal.expected) });
        Ok(())
    }

    async fn beat(&mut self, session: &Session) -> Result<(), LinkError> {
        let marks: Vec<Watermark> = self.node.watermarks();
        let heartbeat = link::heartbeat_message(&marks, self.node.oldest_unsent_ms(), now_ms());
        session.out.send(message(FromChild::Heartbeat(heartbeat))).await.map_err(|_| LinkError::Closed)
    }
}

fn message(content: FromChild) -> ChildMessage {
    ChildMessage { message: Some(content) }
}
