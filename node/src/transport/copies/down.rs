//! A bundle for a child: what a parent says on a link, receipts first, and what flows down.

use super::{
    Answers,
    bundles::{Opening, open},
    stream::{self, In, Kind, Out, decode},
};
use crate::{
    operations::{Actor, Node, TakenReceipt},
    transport::{
        downward::{newer_statements, take_statement},
        erasure,
        introductions::Introductions,
        relay,
        replication::{known_heads, late_receipts},
    },
    wire::{
        link,
        status::{of_register, of_release, of_store, status},
    },
};
use danso_core::{
    chain::{Deed, Signed, Way},
    replication::Spoken,
};
use danso_proto::v1::{
    self, BundleChain, BundleSummary, DirectoryRequest, ParentMessage, SignedStatement,
    parent_message::Message as FromParent,
};
use danso_tier_config::UnitId;
use prost::bytes::Bytes;
use std::{collections::BTreeMap, sync::Arc};
use tonic::{Code, Status};

/// What a child's bundle asks for in return.
pub struct Asked {
    /// Up to where the child holds receipts, by chain; `None` where no bundle of it was taken.
    acknowledged: Option<BTreeMap<String, u64>>,
    /// What it has of directory and revocations.
    pub directory: Option<DirectoryRequest>,
    /// The last release that it has.
    pub releases_after: Option<u64>,
    /// Answers to its orders of erasure.
    pub erasures: Vec<v1::ErasuresDown>,
}

impl Asked {
    /// No bundle was taken: the child gets what every child can use.
    pub fn nothing() -> Self {
        Self { acknowledged: None, directory: None, releases_after: None, erasures: Vec::new() }
    }

    /// What follows from the heads in a child's hello.
    pub fn of(heads: &[v1::Head]) -> Self {
        let acknowledged = heads.iter().map(|head| (head.origin.clone(), head.acknowledged_number));
        Self { acknowledged: Some(acknowledged.collect()), ..Self::nothing() }
    }
}

/// Makes a bundle for a child: keys, receipts, words of the tiers above, directory, revocations, releases.
///
/// Errors: `bundle_no_key`.
pub async fn make<T>(
    node: &Arc<Node>,
    actor: &Actor,
    child: UnitId,
    asked: &Asked,
    (answers, wrap): (&Answers<T>, fn(Bytes) -> T),
) -> Result<BundleSummary, Status> {
    let (mut out, mut summary) = open(node, (child, Way::Down), (answers, wrap)).await?;
    let text = format!("a bundle for {child}: receipts");
    node.note(actor, Deed::PersonalSent, text).await.map_err(|error| of_store(&error))?;
    let known = known_heads(node, child);
    let registrations = Introductions::new(Arc::clone(node)).due().await;
    let heads = known.iter().map(|(origin, head)| link::head_message(*origin, head, head.number));
    let welcome = v1::Welcome {
        protocol_version: Spoken::OURS.max,
        unit: node.unit().to_string(),
        heads: heads.collect(),
        policy: node.policy_from(child).to_string(),
        window_batches: node.limits().window_batches,
        registrations,
    };
    put(&mut out, FromParent::Welcome(welcome)).await?;
    let (acknowledged, reach) = if let Some(acknowledged) = &asked.acknowledged {
        (acknowledged.clone(), u64::MAX)
    } else {
        let nothing = known.keys().map(|origin| (origin.to_string(), 0)).collect();
        (nothing, u64::from(node.limits().window_batches))
    };
    let receipts = node.blocking(move |node| late_receipts(node, &known, &acknowledged, reach)).await;
    summary.receipts = receipts.len() as u64;
    for receipt in receipts {
        put(&mut out, FromParent::Receipt(link::signed_message(&receipt))).await?;
    }
    let relayed = node.blocking(move |node| relay::Told::default().due(node, child)).await;
    for relayed in relayed {
        put(&mut out, FromParent::Relayed(relayed)).await?;
    }
    for erasures in &asked.erasures {
        put(&mut out, FromParent::Erasures(erasures.clone())).await?;
    }
    summary.statements = statements(node, &mut out, asked).await?;
    out.finish().await?;
    Ok(summary)
}

/// What flows down: directory and revocations that are newer than the child's, releases after its last.
async fn statements<T>(node: &Node, out: &mut Out<'_, T>, asked: &Asked) -> Result<u64, Status> {
    let newer = newer_statements(node, &asked.directory.clone().unwrap_or_default());
    let mut count = newer.len() as u64;
    for statement in newer {
        out.put(Kind::Statement, &link::signed_message(&statement)).await?;
    }
    let last = node.release_number();
    for number in asked.releases_after.map_or(last + 1, |after| after.saturating_add(1))..=last {
        if out.is_full() {
            break;
        }
        let missing = || status(Code::Internal, "release_missing", "a release that should be here is not");
        let release = node.store.release(number).map_err(|error| of_store(&error))?.ok_or_else(missing)?;
        out.put(Kind::Release, &link::signed_message(&release)).await?;
        count += 1;
    }
    Ok(count)
}

async fn put<T>(out: &mut Out<'_, T>, content: FromParent) -> Result<(), Status> {
    out.put(Kind::Parent, &ParentMessage { message: Some(content) }).await
}

/// Takes the parent's bundle as its side of a link would be taken. On return everything taken is durable.
///
/// Errors: those of the bundle; `bundle_sender`, `bundle_signature` before anything is taken.
pub async fn take(node: &Arc<Node>, opening: &Opening, bundle: &mut In<'_>) -> Result<BundleSummary, Status> {
    let parent = opening.claimed.sender;
    if node.config.parent.as_ref().map(|parent| parent.unit) != Some(parent) {
        let text = format!("{parent} is not the parent of {}", node.unit());
        return Err(status(Code::PermissionDenied, "bundle_sender", text));
    }
    let Some((Kind::Parent, bytes)) = bundle.next().await? else {
        return Err(stream::damaged("its welcome is missing"));
    };
    let Some(FromParent::Welcome(welcome)) = decode::<ParentMessage>(bytes)?.message else {
        return Err(stream::damaged("its welcome is missing"));
    };
    register(node, welcome.registrations).await?;
    opening.verify(node)?;
    let mut taken =
        Down { node, parent, saying: erasure::Saying::default(), summary: opening.summary(), new: 0 };
    let heads = link::heads(&welcome.heads).map_err(|error| stream::damaged(&error.to_string()))?;
    while let Some((kind, bytes)) = bundle.next().await? {
        match kind {
            Kind::Parent => taken.message(decode(bytes)?).await?,
            Kind::Statement => taken.statement(link::signed(decode::<SignedStatement>(bytes)?)).await?,
            Kind::Release => taken.release(link::signed(decode::<SignedStatement>(bytes)?)).await?,
            _ => return Err(stream::damaged("it holds a message of the other way")),
        }
    }
    taken.lift_hold(&heads, opening.claimed.made_at_ms);
    let mut summary = taken.summary;
    summary.repeated = taken.new == 0 && summary.chains.iter().all(|chain| chain.code.is_empty());
    Ok(summary)
}

async fn register(node: &Node, registrations: Vec<SignedStatement>) -> Result<(), Status> {
    let registrations = registrations.into_iter().map(link::signed).collect();
    node.register(registrations).await.map_err(|error| of_register(&error))
}

/// What a parent's bundle brings.
struct Down<'a> {
    node: &'a Arc<Node>,
    parent: UnitId,
    saying: erasure::Saying,
    summary: BundleSummary,
    new: u64,
}

impl Down<'_> {
    async fn message(&mut self, message: ParentMessage) -> Result<(), Status> {
        match message.message {
            Some(FromParent::Receipt(receipt)) => self.receipt(link::signed(receipt)).await,
            Some(FromParent::Registrations(new)) => register(self.node, new.registrations).await,
            Some(FromParent::Relayed(relayed)) => {
                relay::take(self.node, relayed).await;
                Ok(())
            }
            Some(FromParent::Erasures(erasures)) => {
                let taken = self.saying.received(self.node, erasures).await;
                taken.map_err(|error| stream::damaged(&error.to_string()))
            }
            Some(FromParent::Heartbeat(_)) => Ok(()),
            Some(FromParent::Welcome(_) | FromParent::Refusal(_)) | None => {
                Err(stream::damaged("it holds a message that does not belong there"))
            }
        }
    }

    async fn receipt(&mut self, signed: Signed) -> Result<(), Status> {
        let parent = self.parent;
        let taken = self.node.blocking(move |node| node.take_receipt(parent, signed)).await;
        let forged = |_| {
            let text = format!("a receipt in the bundle is not signed by {parent}");
            status(Code::PermissionDenied, "parent_signature", text)
        };
        self.summary.receipts += 1;
        match taken.map_err(forged)? {
            TakenReceipt::Kept { origin, number, new, ticket } => {
                ticket.durable().await.map_err(|error| of_store(&error))?;
                self.new += u64::from(new);
                let chain = self.chain(origin);
                chain.taken += u64::from(new);
                chain.acknowledged_number = chain.acknowledged_number.max(number.0);
            }
            TakenReceipt::Contradicts { origin, code } => {
                if origin == self.node.unit() {
                    self.node.store.hold_own_chain(true);
                }
                let mut link = self.node.link.write().expect("no holder of the link panics");
                link.held.entry(origin).or_insert_with(|| code.to_owned());
                drop(link);
                let chain = self.chain(origin);
                code.clone_into(&mut chain.code);
                "the parent has signed for a batch that is not held here".clone_into(&mut chain.message);
            }
        }
        Ok(())
    }

    fn chain(&mut self, origin: UnitId) -> &mut BundleChain {
        let origin = origin.to_string();
        let place = self.summary.chains.iter().position(|chain| chain.origin == origin);
        let place = place.unwrap_or_else(|| {
            self.summary.chains.push(BundleChain { origin, ..BundleChain::default() });
            self.summary.chains.len() - 1
        });
        &mut self.summary.chains[place]
    }

    async fn statement(&mut self, signed: Signed) -> Result<(), Status> {
        let before = self.node.news();
        let taken = take_statement(self.node, signed).await;
        taken.map_err(|error| status(Code::InvalidArgument, &error.code(), error.to_string()))?;
        self.count(before);
        Ok(())
    }

    async fn release(&mut self, signed: Signed) -> Result<(), Status> {
        let before = self.node.news();
        self.node.take_release(signed).await.map_err(|error| of_release(&error))?;
        self.count(before);
        Ok(())
    }

    fn count(&mut self, before: u64) {
        let new = u64::from(self.node.news() != before);
        self.summary.statements += new;
        self.new += new;
    }

    /// A node that was restored from a backup records again when the parent, asked after that, has nothing of its chain
    /// that is not here.
    fn lift_hold(
        &self,
        heads: &[(UnitId, danso_core::chain::BatchNumber, danso_core::chain::Digest)],
        made_at_ms: u64,
    ) {
        let own = self.node.unit();
        let Some(restored_at_ms) = self.node.store.restored_at_ms() else { return };
        let held_here = |(origin, number, hash): &(UnitId, _, _)| {
            let row = self.node.store.batch_row(*origin, *number).ok().flatten();
            row.is_some_and(|row| row.hash == *hash)
        };
        let theirs = heads.iter().find(|(origin, ..)| *origin == own);
        let contradicted =
            self.summary.chains.iter().any(|chain| chain.origin == own.to_string() && !chain.code.is_empty());
        if made_at_ms > restored_at_ms && !contradicted && theirs.is_none_or(held_here) {
            self.node.store.hold_own_chain(false);
        }
    }
}
