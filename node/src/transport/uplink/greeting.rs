//! Hello and welcome: what each side has, and what follows from it.

use super::{Introduced, LinkError, Session, Uplink, message};
use crate::{
    operations::{
        Node,
        lag::{SOFTWARE, Told},
    },
    wire::link::{self, Malformed},
};
use danso_core::{
    chain::{BatchNumber, Digest, KeyRing},
    replication::{Carried, Spoken, agreed},
};
use danso_proto::v1::{
    self, ParentMessage, child_message::Message as FromChild, parent_message::Message as FromParent,
    replication_client::ReplicationClient,
};
use danso_tier_config::{Policy, UnitId, limits};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Streaming, transport::Channel};

impl Uplink {
    /// Opens the stream with a hello and waits for the welcome.
    pub(super) async fn greet(
        &mut self,
        channel: Channel,
    ) -> Result<(Session, Streaming<ParentMessage>, v1::Welcome), LinkError> {
        let mut client = ReplicationClient::new(channel)
            .max_decoding_message_size(limits::MESSAGE_BYTES_MAX)
            .max_encoding_message_size(limits::MESSAGE_BYTES_MAX);
        let (out, outgoing) = mpsc::channel(self.node.limits().window_batches as usize + 64);
        let (hello, introduced) = self.hello();
        out.send(message(FromChild::Hello(hello))).await.map_err(|_| LinkError::Closed)?;
        let mut inbound = client.link(ReceiverStream::new(outgoing)).await?.into_inner();
        let patience = Duration::from_millis(limits::HANDSHAKE_MS_MAX);
        let first = timeout(patience, inbound.message()).await.map_err(|_| LinkError::Silent)??;
        let Some(FromParent::Welcome(welcome)) = first.and_then(|first| first.message) else {
            return Err(Malformed("welcome").into());
        };
        // What the parent chose is checked like everything that comes from outside.
        let protocol = agreed(Spoken::only(welcome.protocol_version), Spoken::OURS)?;
        self.take_registrations(welcome.registrations.clone()).await?;
        let theirs: Policy = welcome.policy.parse().map_err(|_| Malformed("policy"))?;
        let policy = theirs.min(self.node.config.up().unwrap_or(Policy::Counts));
        let (carried, told) = (Carried::default(), Told::default());
        Ok((Session { client, out, protocol, policy, carried, introduced, told }, inbound, welcome))
    }

    fn hello(&mut self) -> (v1::Hello, Introduced) {
        let told = hello(&self.node);
        self.note_heads();
        told
    }

    pub(super) fn note_heads(&mut self) {
        for (origin, head) in chains_passed_on(&self.node) {
            self.outbox.held_here(origin, head);
        }
    }

    pub(super) async fn take_registrations(
        &self,
        registrations: Vec<v1::SignedStatement>,
    ) -> Result<(), LinkError> {
        let registrations = registrations.into_iter().map(link::signed).collect();
        self.node.register(registrations).await.map_err(|_| LinkError::Signature)
    }

    /// What follows from what the parent has: chains of which it knows more come back first.
    pub(super) async fn welcomed(
        &mut self,
        session: &mut Session,
        welcome: &v1::Welcome,
    ) -> Result<(), LinkError> {
        let heads = link::heads(&welcome.heads)?;
        self.window = welcome.window_batches.min(self.node.limits().window_batches);
        // A parent that had no room for the last batches is shown one before it gets a window full.
        let window = if self.cautious { 1 } else { self.window };
        let store = self.node.store.clone();
        let contradictions = self.outbox.welcomed(heads.clone(), window, |origin, number| {
            store.batch_row(origin, number).ok().flatten().map(|row| row.hash)
        });
        let own_held = contradictions.iter().any(|(origin, _)| *origin == self.node.unit());
        store.hold_own_chain(own_held);
        {
            let mut link = self.node.link.write().expect("no holder of the link panics");
            self.node.parent_heard();
            link.connected = true;
            link.error.clear();
            link.held = contradictions.iter().map(|(origin, code)| (*origin, (*code).to_owned())).collect();
        }
        let promised: BTreeMap<UnitId, (BatchNumber, Digest)> =
            heads.into_iter().map(|(origin, number, hash)| (origin, (number, hash))).collect();
        for (origin, _) in contradictions {
            let (number, hash) = promised[&origin];
            self.settle(session, origin, number, hash).await?;
        }
        self.note_names_missing(session.policy, welcome)
    }

    /// Batches whose names the parent asks for and this node may and can give.
    fn note_names_missing(&mut self, policy: Policy, welcome: &v1::Welcome) -> Result<(), LinkError> {
        if policy < Policy::Names || self.node.store.require_key().is_err() {
            return Ok(());
        }
        for (origin, first, last) in link::names_missing(&welcome.heads)? {
            self.outbox.names_asked(origin, first, last);
        }
        Ok(())
    }
}

/// What a node says first to its parent, and which keys it tells with it.
pub(in crate::transport) fn hello(node: &Node) -> (v1::Hello, Introduced) {
    let directory = node.directory();
    let at = directory.at(node.today());
    let view = node.store.view();
    let own = node.unit();
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
    let registrations: Vec<_> =
        signers.iter().filter_map(|unit| view.keys.get(unit)).flat_map(KeyRing::epochs).collect();
    let hello = v1::Hello {
        protocol_version: Spoken::OURS.max,
        protocol_version_min: Spoken::OURS.min,
        unit: own.to_string(),
        heads,
        registrations: registrations.into_iter().map(|key| link::signed_message(&key.signed)).collect(),
        software: SOFTWARE.to_owned(),
    };
    let keys_of = |unit: UnitId| view.keys.get(&unit).map_or(0, |ring| ring.epochs().len());
    let introduced = signers.into_iter().map(|unit| (unit, keys_of(unit))).collect();
    (hello, introduced)
}

/// The chains that go up from a node, with their heads.
pub(in crate::transport) fn chains_passed_on(node: &Node) -> Vec<(UnitId, BatchNumber)> {
    let (own, today, directory) = (node.unit(), node.today(), node.directory());
    // A unit that moved elsewhere leaves its chain here, and sends it up another way.
    let passed_on = |origin: UnitId| {
        let day = directory.valid_to(origin).map_or(today, |last| last.min(today));
        origin == own || directory.at(day).is_within(origin, own)
    };
    let view = node.store.view();
    let chains = view.chains.iter().filter(|(origin, _)| passed_on(**origin));
    chains.map(|(origin, chain)| (*origin, chain.head.number)).collect()
}
