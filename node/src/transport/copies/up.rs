//! A bundle for the parent: what a child says on a link, and the same acceptance of it.

use super::{
    Answers,
    bundles::{Opening, open, require_child},
    down::Asked,
    stream::{self, In, Kind, Out, decode, say},
};
use crate::{
    operations::{AcceptError, Accepted, Actor, Node, meters},
    transport::{
        downward::statements_held,
        erasure,
        replication::take_registrations,
        uplink::{chains_passed_on, hello},
    },
    wire::{
        link,
        status::{of_store, refusal_sentence, status},
    },
};
use danso_core::{
    chain::{BatchNumber, Deed, Revoked, Way, origin_of},
    replication::{Spoken, agreed},
};
use danso_proto::v1::{
    self, BundleChain, BundleSummary, ChildMessage, ReleasesRequest, child_message::Message as FromChild,
};
use danso_tier_config::{Policy, UnitId, limits};
use prost::bytes::Bytes;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};
use tonic::{Code, Status};

/// Makes a bundle of every batch that the parent has not signed for, or with `all` of every batch held.
///
/// Errors: `bundle_no_parent`, `bundle_no_key`.
pub async fn make<T>(
    node: &Arc<Node>,
    actor: &Actor,
    all: bool,
    (answers, wrap): (&Answers<T>, fn(Bytes) -> T),
) -> Result<BundleSummary, Status> {
    let topmost = || status(Code::FailedPrecondition, "bundle_no_parent", "this node has no parent");
    let parent = node.config.parent.as_ref().ok_or_else(topmost)?.unit;
    let (mut out, mut summary) = open(node, (parent, Way::Up), (answers, wrap)).await?;
    // Watermarks from before the batches are read: they must not promise what is not in the bundle.
    let heartbeat = link::heartbeat_message(&node.watermarks(), node.oldest_unsent_ms(), 0);
    let heads = chains_passed_on(node);
    let (hello, _) = hello(node);
    let acknowledged: BTreeMap<String, u64> =
        hello.heads.iter().map(|head| (head.origin.clone(), head.acknowledged_number)).collect();
    put(&mut out, FromChild::Hello(hello)).await?;
    out.put(Kind::DirectoryAsked, &statements_held(node)).await?;
    out.put(Kind::ReleasesAsked, &ReleasesRequest { after_number: node.release_number() }).await?;
    let mut saying = erasure::Saying::default();
    while let Some((registrations, erasures)) = saying.due(node, parent) {
        if !registrations.is_empty() {
            put(&mut out, FromChild::Registrations(v1::Registrations { registrations })).await?;
        }
        put(&mut out, FromChild::Erasures(erasures)).await?;
    }
    let policy = node.config.up().unwrap_or(Policy::Counts);
    let text = format!("a bundle for {parent}, policy {policy}");
    node.note(actor, Deed::PersonalSent, text).await.map_err(|error| of_store(&error))?;
    for (origin, head) in heads {
        let known = acknowledged.get(&origin.to_string()).copied().filter(|_| !all).unwrap_or(0);
        let mut chain =
            BundleChain { origin: origin.to_string(), acknowledged_number: known, ..Default::default() };
        for number in known + 1..=head.0 {
            if out.is_full() {
                summary.more = true;
                break;
            }
            batch(node, &mut out, (origin, BatchNumber(number)), policy).await?;
            chain.first_number = known + 1;
            chain.last_number = number;
        }
        summary.chains.extend((chain.last_number > 0).then_some(chain));
    }
    put(&mut out, FromChild::Heartbeat(heartbeat)).await?;
    out.finish().await?;
    Ok(summary)
}

async fn batch<T>(
    node: &Arc<Node>,
    out: &mut Out<'_, T>,
    (origin, number): (UnitId, BatchNumber),
    policy: Policy,
) -> Result<(), Status> {
    let batch = node.blocking(move |node| node.batch_for(origin, number, policy)).await;
    let unreadable = || status(Code::Internal, "batch_unreadable", format!("batch {number} of {origin}"));
    let batch = batch.ok().flatten().ok_or_else(unreadable)?;
    put(out, FromChild::Batch(link::batch_message(batch))).await
}

async fn put<T>(out: &mut Out<'_, T>, content: FromChild) -> Result<(), Status> {
    out.put(Kind::Child, &ChildMessage { message: Some(content) }).await
}

/// Takes a child's bundle as its link would: the same checks, the same order, the same answers. Gives what was done,
/// and what the child asks for in return. On return everything taken is durable.
///
/// Errors: those of the bundle; `bundle_sender`, `bundle_revoked`, `bundle_signature` before anything is taken; those of
/// a store that takes nothing more. A batch that is refused stops its own chain alone.
pub async fn take<T>(
    node: &Arc<Node>,
    opening: &Opening,
    bundle: &mut In<'_>,
    (answers, tell): (&Answers<T>, fn(u64) -> T),
) -> Result<(BundleSummary, Asked), Status> {
    let child = opening.claimed.sender;
    require_child(node, child)?;
    let Some(FromChild::Hello(hello)) = next_of_child(bundle).await? else {
        return Err(stream::damaged("its hello is missing"));
    };
    let theirs = Spoken { min: hello.protocol_version_min, max: hello.protocol_version };
    if agreed(Spoken::OURS, theirs).is_err() {
        let text = "the bundle speaks another version of the protocol";
        return Err(status(Code::FailedPrecondition, "protocol_version", text));
    }
    // Keys prove themselves; the one in force may have come with this bundle.
    take_registrations(node, child, hello.registrations).await?;
    opening.verify(node)?;
    require_unrevoked(node, child)?;
    link::heads(&hello.heads).map_err(|error| stream::damaged(&error.to_string()))?;
    let mut intake = Intake::new(node, child);
    let mut asked = Asked::of(&hello.heads);
    let mut batches = 0;
    while let Some((kind, bytes)) = bundle.next().await? {
        match kind {
            Kind::DirectoryAsked => asked.directory = Some(decode(bytes)?),
            Kind::ReleasesAsked => {
                let request: ReleasesRequest = decode(bytes)?;
                asked.releases_after = Some(request.after_number);
            }
            Kind::Child => {
                let message: ChildMessage = decode(bytes)?;
                if let Some(FromChild::Batch(batch)) = message.message {
                    intake.batch(batch).await?;
                    batches += 1;
                    if batches % u64::from(node.limits().window_batches) == 0 {
                        say(answers, tell(batches)).await?;
                    }
                } else if let Some(message) = message.message {
                    intake.other(message, &mut asked).await?;
                }
            }
            _ => return Err(stream::damaged("it holds a message of the other way")),
        }
    }
    let mut summary = opening.summary();
    summary.chains = intake.finish().await?;
    summary.repeated = summary.chains.iter().all(|chain| chain.taken == 0 && chain.code.is_empty());
    Ok((summary, asked))
}

async fn next_of_child(bundle: &mut In<'_>) -> Result<Option<FromChild>, Status> {
    match bundle.next().await? {
        Some((Kind::Child, bytes)) => Ok(decode::<ChildMessage>(bytes)?.message),
        _ => Ok(None),
    }
}

/// A node that was revoked sends nothing more until somebody above has vouched for its key again.
fn require_unrevoked(node: &Node, child: UnitId) -> Result<(), Status> {
    let ring = node.ring_of(child);
    let vouched = ring.current().and_then(|epoch| ring.vouched_at_ms(epoch.key.id())).unwrap_or(0);
    let revoked = node.revocations().into_iter().any(|entry| match entry.what {
        Revoked::Node { unit, issued_until_ms, .. } => unit == child && vouched <= issued_until_ms,
        Revoked::Certificate { .. } => false,
    });
    if revoked {
        let text = format!("the node of {child} is revoked");
        return Err(status(Code::PermissionDenied, "bundle_revoked", text));
    }
    Ok(())
}

/// What a bundle brings, on its way to being durable.
struct Intake<'a> {
    node: &'a Arc<Node>,
    child: UnitId,
    erasures: erasure::Told,
    chains: BTreeMap<UnitId, BundleChain>,
    waiting: VecDeque<Accepted>,
}

impl<'a> Intake<'a> {
    fn new(node: &'a Arc<Node>, child: UnitId) -> Self {
        let (erasures, chains) = (erasure::Told::default(), BTreeMap::new());
        Self { node, child, erasures, chains, waiting: VecDeque::new() }
    }

    async fn batch(&mut self, message: v1::Batch) -> Result<(), Status> {
        let batch = link::batch(message).map_err(|error| stream::damaged(&error.to_string()))?;
        let origin = origin_of(&batch.header.bytes).map_err(|error| stream::damaged(&error.to_string()))?;
        // A refusal stops the chain that it is about, and no other.
        if self.chains.get(&origin).is_some_and(|chain| !chain.code.is_empty()) {
            return Ok(());
        }
        if self.chains.len() >= limits::HELLO_ORIGINS_MAX {
            return Err(stream::damaged("it holds more chains than there are units"));
        }
        let before = self.node.head_of(origin).number;
        let new = || BundleChain {
            origin: origin.to_string(),
            acknowledged_number: before.0,
            ..Default::default()
        };
        self.chains.entry(origin).or_insert_with(new);
        let turn = self.node.checking.acquire().await.expect("the turns are never closed");
        let child = self.child;
        let outcome = self.node.blocking(move |node| node.accept(child, batch)).await;
        drop(turn);
        match outcome {
            Ok(accepted) => {
                let chain = self.chains.get_mut(&origin).expect("it was put in above");
                let number = accepted.number.0;
                chain.first_number = if chain.first_number == 0 { number } else { chain.first_number };
                chain.last_number = chain.last_number.max(number);
                chain.taken += u64::from(number > chain.acknowledged_number);
                chain.acknowledged_number = chain.acknowledged_number.max(number);
                self.waiting.push_back(accepted);
                if self.waiting.len() >= self.node.limits().window_batches as usize {
                    self.settle().await?;
                }
                Ok(())
            }
            Err(error) => self.refused(origin, &error),
        }
    }

    fn refused(&mut self, origin: UnitId, error: &AcceptError) -> Result<(), Status> {
        self.node.meters.count(meters::BATCHES_REFUSED, error.code());
        tracing::warn!(child = %self.child, %origin, code = error.code(), %error, "a batch in a bundle was refused");
        if let AcceptError::Store(error) = error {
            return Err(of_store(error));
        }
        let chain = self.chains.get_mut(&origin).expect("it was put in before");
        error.code().clone_into(&mut chain.code);
        chain.message = refusal_sentence(error);
        Ok(())
    }

    /// Waits until the oldest of what was accepted is durable.
    async fn settle(&mut self) -> Result<(), Status> {
        let Some(accepted) = self.waiting.pop_front() else { return Ok(()) };
        let origin = accepted.origin;
        match accepted.receipt(self.node).await {
            Ok(_) => Ok(()),
            Err(error) => self.refused(origin, &error),
        }
    }

    async fn other(&mut self, message: FromChild, asked: &mut Asked) -> Result<(), Status> {
        match message {
            FromChild::Registrations(new) => {
                take_registrations(self.node, self.child, new.registrations).await
            }
            FromChild::Heartbeat(heartbeat) => {
                let marks =
                    link::watermarks(&heartbeat).map_err(|error| stream::damaged(&error.to_string()))?;
                let directory = self.node.directory();
                let at = directory.at(self.node.today());
                self.node.hear(marks.into_iter().filter(|mark| at.is_within(mark.origin, self.child)));
                Ok(())
            }
            FromChild::Erasures(erasures) => {
                let answer = self.erasures.received(self.node, self.child, erasures).await;
                asked.erasures.extend(answer.map_err(|error| stream::damaged(&error.to_string()))?);
                Ok(())
            }
            FromChild::Diverged(_) => Ok(()),
            FromChild::Hello(_) | FromChild::Batch(_) => Err(stream::damaged("it holds a second hello")),
        }
    }

    async fn finish(mut self) -> Result<Vec<BundleChain>, Status> {
        while !self.waiting.is_empty() {
            self.settle().await?;
        }
        Ok(self.chains.into_values().collect())
    }
}
