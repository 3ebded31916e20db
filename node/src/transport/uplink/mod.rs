//! The child's side of a link: connects, says hello, sends what is missing, keeps receipts, pulls releases.
//!
//! | file | holds |
//! |---|---|
//! | `greeting.rs` | hello and welcome: what each side has, and what follows from it |
//! | `sending.rs` | batches, keys, names and heartbeats on their way up |
//! | `answers.rs` | receipts and refusals |
//! | `recover.rs` | chains fetched back from the parent |
//! | `restore.rs` | everything fetched into a new data folder, for `danso rebuild --from-parent` |
//! | `error.rs` | why a connection ended |
//!
//! Invariants:
//! 1. Nothing is sent before the welcome said what the parent has.
//! 2. What concerns one origin holds that origin alone; what concerns the line ends the connection.
//! 3. Own changes are sealed and recorded only while the parent is not known to hold others.

mod answers;
mod error;
mod greeting;
mod recover;
mod restore;
mod sending;

pub(super) use greeting::{chains_passed_on, hello};
pub use restore::{Came, RestoreError, Restored, restore};

use super::{Keeper, client::chain, downward, erasure, tls};
use crate::{
    operations::{Node, lag::Told, meters},
    wire::protocol::known_to_parents_since,
};
use danso_core::{
    chain::BatchNumber,
    replication::{Carried, Outbox, backoff_ms},
};
use danso_proto::v1::{
    ChildMessage, ParentMessage, child_message::Message as FromChild, replication_client::ReplicationClient,
};
use danso_tier_config::{Date, Parent, Policy, UnitId, limits};
use error::LinkError;
use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    time::{Interval, MissedTickBehavior, interval, sleep, timeout},
};
use tonic::{Streaming, transport::Channel};

/// Keeps a link to the parent open until `stop` turns true: connect, serve, back off, again.
pub async fn run(node: Arc<Node>, parent: Parent, keeper: Arc<Keeper>, mut stop: watch::Receiver<bool>) {
    let mut attempt = 0;
    let mut cautious = false;
    let mut relink = keeper.relink();
    while !*stop.borrow() {
        let mut uplink = Uplink::new(Arc::clone(&node), parent.clone());
        uplink.cautious = cautious;
        let before = attempt;
        let ended = tokio::select! {
            ended = uplink.serve(&keeper, &mut attempt) => ended,
            // Changed keys or trust: the parent's certificate is checked by them at the next connection.
            _ = relink.changed() => {
                attempt = 0;
                Err(LinkError::Relink)
            }
            _ = stop.changed() => return,
        };
        let error = ended.err().unwrap_or(LinkError::Closed);
        let code = error.code();
        node.meters.count(meters::LINKS_BROKEN, &code);
        {
            let mut link = node.link.write().expect("no holder of the link panics");
            link.connected = false;
            link.error = format!("{code}: {error}");
        }
        cautious = uplink.cautious;
        if let LinkError::ParentStore(_) = error {
            // A welcome alone is no progress: a parent without room is asked less and less often.
            attempt = if cautious { before } else { 0 };
            cautious = true;
        }
        let limits = node.limits();
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
    /// When the oldest change was recorded of each batch that was sent and has no receipt, Unix milliseconds.
    sent: BTreeMap<(UnitId, BatchNumber), u64>,
    /// What was said of orders of erasure.
    erasures: erasure::Saying,
    /// The last day on which it was noted that names go up this link.
    names_noted: Option<Date>,
    /// Batches that may be on their way, as agreed at the welcome.
    window: u32,
    /// The parent had no room at the end of the last link, and has taken nothing since.
    cautious: bool,
}

/// Units and how many of their keys were told.
pub(in crate::transport) type Introduced = BTreeSet<(UnitId, usize)>;

/// The state of one connection.
struct Session {
    client: ReplicationClient<Channel>,
    out: mpsc::Sender<ChildMessage>,
    /// The version that both sides speak.
    protocol: u32,
    policy: Policy,
    /// The headers that went over this stream.
    carried: Carried,
    /// Units whose keys the parent was told on this connection, with how many.
    introduced: Introduced,
    /// What the parent was told of units on this connection.
    told: Told,
}

impl Session {
    /// Hands a message on once there is room for it. What the parent's version does not know is not sent.
    async fn say(&self, content: FromChild) -> Result<(), LinkError> {
        if known_to_parents_since(&content) > self.protocol {
            return Ok(());
        }
        self.out.send(message(content)).await.map_err(|_| LinkError::Closed)
    }
}

impl Uplink {
    fn new(node: Arc<Node>, parent: Parent) -> Self {
        let (outbox, erasures) = (Outbox::new(), erasure::Saying::default());
        Self {
            node,
            parent,
            outbox,
            sent: BTreeMap::new(),
            erasures,
            names_noted: None,
            window: 1,
            cautious: false,
        }
    }

    async fn serve(&mut self, keeper: &Keeper, attempt: &mut u32) -> Result<(), LinkError> {
        let node = Arc::clone(&self.node);
        let channel = self.connect(keeper).await?;
        let (mut session, mut inbound, welcome) = self.greet(channel.clone()).await?;
        let ended = async {
            self.welcomed(&mut session, &welcome).await?;
            *attempt = 0;
            tracing::info!(parent = %self.parent.unit, policy = %session.policy, "linked to the parent");
            // In one task: when this one is stopped or its stream ends, nothing goes on pulling.
            tokio::select! {
                ended = self.exchange(&mut session, &mut inbound) => ended,
                () = downward::pull(Arc::clone(&node), channel) => Err(LinkError::Closed),
            }
        };
        match ended.await {
            Err(LinkError::Closed) => Err(self.last_word(&mut inbound).await),
            ended => ended,
        }
    }

    async fn connect(&self, keeper: &Keeper) -> Result<Channel, LinkError> {
        // Read anew for every connection, so that renewed certificates are used without a restart.
        let keys = keeper.keys().map_err(|error| LinkError::Connect {
            code: error.code().to_owned(),
            sentence: error.to_string(),
        })?;
        tls::connect_over(
            self.node.host.network.clone(),
            &self.parent.address,
            self.parent.unit,
            keys.client(),
        )
        .await
        .map_err(|error| LinkError::Connect { code: error.code().to_owned(), sentence: chain(&error) })
    }

    /// Why the parent has ended the stream: that it listens no more is known before its last words are read.
    async fn last_word(&mut self, inbound: &mut Streaming<ParentMessage>) -> LinkError {
        let end = async {
            loop {
                self.received(inbound.message().await?.ok_or(LinkError::Closed)?).await?;
            }
        };
        match timeout(Duration::from_millis(limits::LAST_WORD_MS_MAX), end).await {
            Ok(Err::<Infallible, _>(ended)) => ended,
            Err(_) => LinkError::Closed,
        }
    }

    /// The beat of heartbeats, by the limits in force.
    fn heartbeats(&self) -> Interval {
        let mut heartbeat = interval(Duration::from_millis(self.node.limits().heartbeat_ms));
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeat
    }

    async fn exchange(
        &mut self,
        session: &mut Session,
        inbound: &mut Streaming<ParentMessage>,
    ) -> Result<(), LinkError> {
        let mut changed = self.node.store.changed();
        // What became durable between the hello and this subscription shows in no later change.
        self.note_heads();
        let mut limits = self.node.limits_changed();
        let mut heartbeat = self.heartbeats();
        let silence = Duration::from_millis(limits::STREAM_SILENCE_MS_MAX);
        let mut heard = tokio::time::Instant::now();
        let again = heard + Duration::from_millis(limits::HELD_RETRY_MS);
        loop {
            self.send_what_is_due(session).await?;
            tokio::select! {
                // What has come is taken before it is found to be silent.
                biased;
                next = inbound.message() => {
                    heard = tokio::time::Instant::now();
                    self.node.parent_heard();
                    self.received(next?.ok_or(LinkError::Closed)?).await?;
                }
                _ = changed.changed() => self.note_heads(),
                _ = limits.changed() => heartbeat = self.heartbeats(),
                _ = heartbeat.tick() => self.beat(session).await?,
                () = tokio::time::sleep_until(heard + silence) => return Err(LinkError::Silent),
                () = tokio::time::sleep_until(again), if self.outbox.holds_any() => return Err(LinkError::Held),
            }
        }
    }
}

fn message(content: FromChild) -> ChildMessage {
    ChildMessage { message: Some(content) }
}
