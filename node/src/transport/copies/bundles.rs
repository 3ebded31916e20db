//! Bundles: one direction of a link, carried in a file. Here is what both ways share: who made it, for whom, signed.

use super::{
    Answers, down,
    stream::{self, In, Kind, Out, SILENCE, decode},
    up,
};
use crate::{
    operations::{Actor, Node, meters},
    store::envelope::ReceiverKey,
    wire::{
        link,
        status::{code_of, status},
    },
};
use danso_core::chain::{BundleOpening, Deed, Signed, Way};
use danso_proto::v1::{
    BundleChunk, BundleSummary, ExportBundleAnswer, ExportBundleRequest, ImportBundleAnswer, SignedStatement,
    export_bundle_answer::Message as Exported, import_bundle_answer::Message as Imported,
};
use danso_tier_config::UnitId;
use std::sync::Arc;
use tokio::{sync::OwnedMutexGuard, time::timeout};
use tonic::{Code, Status, Streaming};

/// A bundle that is being made.
pub struct Making {
    pub node: Arc<Node>,
    pub actor: Actor,
    pub answers: Answers<ExportBundleAnswer>,
    pub turn: OwnedMutexGuard<()>,
}

impl Making {
    /// Runs to its end and tells the caller of a failure.
    pub async fn run(self, asked: ExportBundleRequest) {
        let made = self.make(asked).await;
        let answer = made.map(|summary| ExportBundleAnswer { message: Some(Exported::Summary(summary)) });
        let _ = timeout(SILENCE, self.answers.send(answer)).await;
        drop(self.turn);
    }

    async fn make(&self, asked: ExportBundleRequest) -> Result<BundleSummary, Status> {
        let wrap = |data| ExportBundleAnswer { message: Some(Exported::Data(data)) };
        if asked.child.is_empty() {
            return up::make(&self.node, &self.actor, asked.all, (&self.answers, wrap)).await;
        }
        let unknown = || status(Code::NotFound, "unknown_unit", "no such unit");
        let child: UnitId = asked.child.parse().map_err(|_| unknown())?;
        require_child(&self.node, child)?;
        down::make(&self.node, &self.actor, child, &down::Asked::nothing(), (&self.answers, wrap)).await
    }
}

/// A bundle that comes in.
pub struct Taking {
    pub node: Arc<Node>,
    pub actor: Actor,
    pub answers: Answers<ImportBundleAnswer>,
    pub turn: OwnedMutexGuard<()>,
}

impl Taking {
    /// Runs to its end and tells the caller of a failure.
    pub async fn run(self, source: Streaming<BundleChunk>) {
        let taken = self.take(source).await;
        if let Err(error) = &taken {
            let code = code_of(error);
            self.node.meters.count(meters::BATCHES_REFUSED, &code);
            tracing::warn!(code, error = error.message(), "a bundle was not taken whole");
        }
        let answer = taken.map(|summary| ImportBundleAnswer { message: Some(Imported::Summary(summary)) });
        let _ = timeout(SILENCE, self.answers.send(answer)).await;
        drop(self.turn);
    }

    async fn take(&self, source: Streaming<BundleChunk>) -> Result<BundleSummary, Status> {
        let key = ReceiverKey::from_bytes(self.node.signing.key().agreement());
        let mut bundle = In::new(&key, source);
        let missing = || stream::damaged("its opening is missing");
        let Some((Kind::Opening, bytes)) = bundle.next().await? else { return Err(missing()) };
        let signed = link::signed(decode::<SignedStatement>(bytes)?);
        // What it says is believed once its signature is verified, for which its keys must be known.
        let claimed: BundleOpening = signed.decode_trusted().map_err(|_| missing())?;
        if claimed.receiver != self.node.unit() || bundle.drawn() != Some(claimed.seal) {
            return Err(status(
                Code::PermissionDenied,
                "bundle_signature",
                "the bundle was made for another node",
            ));
        }
        let opening = Opening { signed, claimed };
        match opening.claimed.way {
            Way::Up => {
                let wrap = |data| ImportBundleAnswer { message: Some(Imported::Data(data)) };
                let tell = |batches| ImportBundleAnswer { message: Some(Imported::Batches(batches)) };
                let (summary, asked) =
                    up::take(&self.node, &opening, &mut bundle, (&self.answers, tell)).await?;
                let child = opening.claimed.sender;
                self.note(&summary).await?;
                let back = down::make(&self.node, &self.actor, child, &asked, (&self.answers, wrap)).await?;
                Ok(BundleSummary { receipts: back.receipts, ..summary })
            }
            Way::Down => {
                let summary = down::take(&self.node, &opening, &mut bundle).await?;
                self.note(&summary).await?;
                Ok(summary)
            }
        }
    }

    async fn note(&self, summary: &BundleSummary) -> Result<(), Status> {
        let text = format!("a bundle from {} taken, {} chains", summary.sender, summary.chains.len());
        let noted = self.node.note(&self.actor, Deed::ConfigurationChanged, text).await;
        noted.map_err(|error| crate::wire::status::of_store(&error))
    }
}

/// The opening of a bundle that came in.
pub struct Opening {
    signed: Signed,
    /// What it says, before [`Opening::verify`] unproven.
    pub claimed: BundleOpening,
}

impl Opening {
    /// Whether the sender signed it with the ledger key in force.
    pub fn verify(&self, node: &Node) -> Result<(), Status> {
        let sender = self.claimed.sender;
        let wrong = || {
            let text = format!("the bundle is not signed with the ledger key of {sender}");
            status(Code::PermissionDenied, "bundle_signature", text)
        };
        let key = node.key_of(sender).ok_or_else(wrong)?;
        self.signed.verify::<BundleOpening>(key).map(drop).map_err(|_| wrong())
    }

    /// What was taken, so far nothing.
    pub fn summary(&self) -> BundleSummary {
        BundleSummary {
            sender: self.claimed.sender.to_string(),
            receiver: self.claimed.receiver.to_string(),
            way: if self.claimed.way == Way::Up { "up" } else { "down" }.to_owned(),
            made_at_ms: self.claimed.made_at_ms,
            ..BundleSummary::default()
        }
    }
}

/// Begins a bundle with its signed opening. Gives a summary to be filled.
///
/// Errors: `bundle_no_key` where the receiver's ledger key is not known here.
pub async fn open<'a, T>(
    node: &Node,
    (receiver, way): (UnitId, Way),
    (answers, wrap): (&'a Answers<T>, fn(prost::bytes::Bytes) -> T),
) -> Result<(Out<'a, T>, BundleSummary), Status> {
    let unknown = || {
        let text = format!("the ledger key of {receiver} is not known here yet");
        status(Code::FailedPrecondition, "bundle_no_key", text)
    };
    let key = node.key_of(receiver).ok_or_else(unknown)?;
    let mut out = Out::new(key.agreement(), answers, wrap);
    let (sender, made_at_ms) = (node.unit(), node.now_ms());
    let opening = BundleOpening { sender, receiver, way, seal: out.drawn(), made_at_ms };
    let signed = Signed::sign(&opening, &node.signing.key());
    out.put(Kind::Opening, &link::signed_message(&signed)).await?;
    let summary = Opening { signed, claimed: opening }.summary();
    Ok((out, summary))
}

/// Only the node of a child sends bundles here and gets some from here.
pub fn require_child(node: &Node, child: UnitId) -> Result<(), Status> {
    let (own, today) = (node.unit(), node.today());
    if danso_core::replication::may_speak_for(&node.directory(), today, own, child, child) {
        return Ok(());
    }
    let text = format!("{child} is no child of {own}");
    Err(status(Code::PermissionDenied, "bundle_sender", text))
}
