//! The calls of the command line for what leaves a node in files.

use crate::{
    store::backup::Held,
    transport::client::{ClientError, NodeClient},
    wire::{
        copies::{held_message, piece_message},
        link,
    },
};
use danso_core::chain::{BackupPiece, Signed};
use danso_proto::v1::{
    BackupAnswer, BackupBegin, BackupPieces, BackupRequest, BundleChunk, ExportBundleAnswer,
    ExportBundleRequest, ImportBundleAnswer, SignedStatement, backup_answer, backup_request,
    copies_client::CopiesClient, export_bundle_answer, import_bundle_answer,
};
use danso_tier_config::limits;
use tokio::sync::mpsc;
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::Streaming;

/// A backup under way, as the caller sees it.
pub struct Backup {
    asked: mpsc::Sender<BackupRequest>,
    answers: Streaming<BackupAnswer>,
}

impl Backup {
    /// What the node sends next; `None` at its end.
    pub async fn next(&mut self) -> Result<Option<backup_answer::Message>, ClientError> {
        Ok(self.answers.message().await?.and_then(|answer| answer.message))
    }

    /// Tells the node the pieces, which are all durable now, to be signed for.
    pub async fn pieces(&self, pieces: &[BackupPiece]) -> Result<(), ClientError> {
        let pieces = BackupPieces { pieces: pieces.iter().map(piece_message).collect() };
        let message = BackupRequest { message: Some(backup_request::Message::Pieces(pieces)) };
        // A node that has gone says so in what it answered.
        let _ = self.asked.send(message).await;
        Ok(())
    }

    /// The list as the node signed it.
    pub fn manifest(message: SignedStatement) -> Signed {
        link::signed(message)
    }
}

/// A bundle that is being taken, as the caller sees it.
pub struct BundleImport(Streaming<ImportBundleAnswer>);

impl BundleImport {
    /// What the node sends next; `None` at its end.
    pub async fn next(&mut self) -> Result<Option<import_bundle_answer::Message>, ClientError> {
        Ok(self.0.message().await?.and_then(|answer| answer.message))
    }
}

/// A bundle that is being made, as the caller sees it.
pub struct BundleExport(Streaming<ExportBundleAnswer>);

impl BundleExport {
    /// What the node sends next; `None` at its end.
    pub async fn next(&mut self) -> Result<Option<export_bundle_answer::Message>, ClientError> {
        Ok(self.0.message().await?.and_then(|answer| answer.message))
    }
}

impl NodeClient {
    fn copies(&self) -> CopiesClient<crate::transport::client::Channel> {
        CopiesClient::new(self.channel.clone())
            .max_decoding_message_size(limits::MESSAGE_BYTES_MAX)
            .max_encoding_message_size(limits::MESSAGE_BYTES_MAX)
    }

    /// Begins a backup with this number, sealed to this key, of what is not held.
    pub async fn backup(
        &self,
        number: u32,
        sealed_to: [u8; 32],
        held: &[Held],
    ) -> Result<Backup, ClientError> {
        let (asked, requests) = mpsc::channel(2);
        let held = held.iter().map(held_message).collect();
        let begin = BackupBegin { sealed_to: sealed_to.to_vec().into(), number, held };
        let begin = BackupRequest { message: Some(backup_request::Message::Begin(begin)) };
        let _ = asked.send(begin).await;
        let answers = self.copies().backup(ReceiverStream::new(requests)).await?.into_inner();
        Ok(Backup { asked, answers })
    }

    /// Makes a bundle.
    pub async fn export_bundle(&self, request: ExportBundleRequest) -> Result<BundleExport, ClientError> {
        Ok(BundleExport(self.copies().export_bundle(request).await?.into_inner()))
    }

    /// Takes a bundle, in chunks as they are read. What was taken before a fault stays taken.
    pub async fn import_bundle(
        &self,
        chunks: impl Stream<Item = BundleChunk> + Send + 'static,
    ) -> Result<BundleImport, ClientError> {
        Ok(BundleImport(self.copies().import_bundle(chunks).await?.into_inner()))
    }
}
