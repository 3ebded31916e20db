//! The ledger on its way into a backup: a plan, the parts that are new, then the signature under the list of pieces.

use super::Answers;
use crate::{
    operations::{Actor, Node},
    store::{
        StoreError,
        backup::{BackupError, Held, Source, digest_of},
        ledger::Part,
    },
    wire::{
        copies::{held, of_backup, pieces},
        link::{self, Malformed},
        status::{of_store, status},
    },
};
use danso_core::chain::{Deed, Signed};
use danso_proto::v1::{
    BackupAnswer, BackupBegin, BackupCopied, BackupPart, BackupPlan, BackupRequest, BackupSigned,
    backup_answer::Message as Answer, backup_request::Message as Asked,
};
use danso_tier_config::limits;
use prost::bytes::Bytes;
use std::{sync::Arc, time::Duration};
use tokio::{sync::OwnedMutexGuard, time::timeout};
use tonic::{Code, Status, Streaming};

const SILENCE: Duration = Duration::from_millis(limits::BACKUP_SILENCE_MS_MAX);

/// A backup that is being taken.
pub struct Taking {
    pub node: Arc<Node>,
    pub actor: Actor,
    pub answers: Answers<BackupAnswer>,
    pub turn: OwnedMutexGuard<()>,
}

fn malformed(error: &Malformed) -> Status {
    status(Code::InvalidArgument, "message_malformed", error.to_string())
}

impl Taking {
    /// Runs to its end and tells the caller of a failure.
    pub async fn run(self, mut asked: Streaming<BackupRequest>) {
        if let Err(error) = self.take(&mut asked).await {
            tracing::warn!(error = error.message(), "a backup was not finished");
            let _ = timeout(SILENCE, self.answers.send(Err(error))).await;
        }
        drop(self.turn);
    }

    async fn take(&self, asked: &mut Streaming<BackupRequest>) -> Result<(), Status> {
        let Some(Asked::Begin(begin)) = self.hear(asked).await? else {
            return Err(malformed(&Malformed("beginning of a backup")));
        };
        let BackupBegin { sealed_to, number, held: told } = begin;
        let sealed_to: [u8; 32] =
            sealed_to.as_ref().try_into().map_err(|_| malformed(&Malformed("key of a backup")))?;
        let told = held(&told).map_err(|error| malformed(&error))?;
        let text =
            format!("a backup, number {number}, up to change {}", self.node.store.view().recording.sequence);
        self.node.note(&self.actor, Deed::PersonalSent, text).await.map_err(|error| of_store(&error))?;
        let mut source = self.node.store.backup().await.map_err(|error| told_of(&error))?;
        let parts = source.parts();
        let last = parts.last().map_or(0, |part| part.number.0);
        self.say(Answer::Plan(BackupPlan {
            unit: self.node.unit().to_string(),
            position: source.position().0,
            ledger_bytes: parts.iter().map(|part| part.bytes).sum(),
            folder: source.folder().to_vec().into(),
        }))
        .await?;
        for part in parts {
            let held = told.iter().find(|held| held.segment == part.number.0).copied();
            source = self.part(source, part, held).await?;
        }
        self.say(Answer::Copied(BackupCopied { segments: last })).await?;
        let Some(Asked::Pieces(named)) = self.hear(asked).await? else {
            return Err(malformed(&Malformed("list of pieces")));
        };
        let pieces = pieces(named.pieces).map_err(|error| malformed(&error))?;
        let manifest = source.manifest(number, sealed_to, self.node.now_ms(), pieces);
        let manifest = manifest.map_err(|error| told_of(&error))?;
        let key = self.node.signing.key();
        let signed = Signed::sign(&manifest, &key);
        let key = key.public().to_bytes().to_vec().into();
        self.say(Answer::Signed(BackupSigned { manifest: Some(link::signed_message(&signed)), key })).await
    }

    /// Sends what the caller does not hold of a part.
    async fn part(&self, mut source: Source, part: Part, held: Option<Held>) -> Result<Source, Status> {
        let copied = self.node.blocking(move |_| {
            let bytes = Bytes::from(source.copy(part)?);
            let same = |held: &Held| {
                let before = usize::try_from(held.bytes).ok().and_then(|end| bytes.get(..end));
                before.is_some_and(|before| digest_of(before) == held.hash)
            };
            let from = held.filter(same).map_or(0, |held| held.bytes as usize);
            Ok::<_, BackupError>((source, bytes, from))
        });
        let (source, mut bytes, from) = copied.await.map_err(|error| told_of(&error))?;
        let (mut rest, mut offset) = (bytes.split_off(from), from as u64);
        while !rest.is_empty() {
            let data = rest.split_to(rest.len().min(limits::BACKUP_CHUNK_BYTES));
            let length = data.len() as u64;
            self.say(Answer::Part(BackupPart { segment: part.number.0, offset, data })).await?;
            offset += length;
        }
        Ok(source)
    }

    async fn hear(&self, asked: &mut Streaming<BackupRequest>) -> Result<Option<Asked>, Status> {
        let silent =
            |_| status(Code::DeadlineExceeded, "stream_silent", "the stream was silent for too long");
        let next = timeout(SILENCE, asked.message()).await.map_err(silent)??;
        Ok(next.and_then(|next| next.message))
    }

    async fn say(&self, content: Answer) -> Result<(), Status> {
        match timeout(SILENCE, self.answers.send(Ok(BackupAnswer { message: Some(content) }))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(status(Code::Cancelled, "stream_closed", "the caller has gone")),
            Err(_) => Err(status(
                Code::DeadlineExceeded,
                "stream_unread",
                "the caller has read nothing for too long",
            )),
        }
    }
}

fn told_of(error: &BackupError) -> Status {
    if let BackupError::Store(error @ StoreError::Ledger { .. }) = error {
        tracing::error!(code = error.code(), %error, "the ledger cannot be copied into a backup");
    }
    of_backup(error)
}
