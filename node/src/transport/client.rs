//! A client of one node, for the command and for tests: typed calls whose errors carry stable codes.

use super::{
    access::TOKEN_KEY,
    tls::{Keys, connect, guest_client, reason},
};
use crate::wire::status::CODE_KEY;
use danso_proto::v1::{
    CountAnswer, CountRequest, HeadsAnswer, HeadsRequest, ImportChunk, ImportForm, ImportProgress,
    ImportSummary, IndicatorsAnswer, IndicatorsRequest, ListUnitsAnswer, ListUnitsRequest, MetersAnswer,
    MetersRequest, NodeInfoAnswer, NodeInfoRequest, PublishReleaseAnswer, PublishReleaseRequest,
    ReplicationStatusAnswer, ReplicationStatusRequest, intake_client::IntakeClient,
    operations_client::OperationsClient, statistics_client::StatisticsClient,
};
use danso_tier_config::{Date, UnitId, limits};
use prost::bytes::Bytes;
use std::{error::Error, path::Path, sync::Arc, time::SystemTime};
use tokio_stream::Stream;
use tonic::{
    Request, Status, Streaming,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport,
};

/// Longest sentence of another node that is repeated, in characters.
const SENTENCE_CHARS_MAX: usize = 500;

/// A call that brought no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ClientError {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub code: String,
    /// What happened: lower case, one line, no full stop.
    pub message: String,
}

impl ClientError {
    pub(super) fn new(code: impl Into<String>, message: &str) -> Self {
        let plain = message.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
        Self { code: code.into(), message: plain.take(SENTENCE_CHARS_MAX).collect() }
    }
}

impl From<Status> for ClientError {
    fn from(status: Status) -> Self {
        let code = status.metadata().get(CODE_KEY).and_then(|code| code.to_str().ok());
        // A code becomes the name of a page, so only what looks like one is believed.
        let plain = |code: &&str| {
            !code.is_empty() && code.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        };
        if let Some(code) = code.filter(plain) {
            return Self::new(code, status.message());
        }
        let reason = reason(&status);
        Self::new(reason.code(), &reason.sentence)
    }
}

/// A file of a form on its way to a node.
#[derive(Clone)]
pub struct ImportFile {
    /// Which form.
    pub form: ImportForm,
    /// The day the register is as of; `None` means today.
    pub as_of: Option<Date>,
    /// The whole file.
    pub content: Bytes,
}

impl ImportFile {
    /// The file in chunks of `IMPORT_CHUNK_BYTES`, at least one; the first says what the file is.
    fn chunks(self) -> Vec<ImportChunk> {
        let (total, step) = (self.content.len(), limits::IMPORT_CHUNK_BYTES);
        let starts = (0..total.max(1)).step_by(step);
        let mut chunks: Vec<ImportChunk> = starts
            .map(|from| ImportChunk {
                data: self.content.slice(from..total.min(from + step)),
                ..ImportChunk::default()
            })
            .collect();
        let first = chunks.first_mut().expect("a file has at least one chunk");
        first.form = self.form.into();
        first.total_bytes = total as u64;
        first.as_of = self.as_of.map(|day| day.to_string()).unwrap_or_default();
        chunks
    }
}

/// The way to a node: every call shows the session or token, if there is one.
pub(super) type Channel = InterceptedService<transport::Channel, Bearer>;

/// A session or token as calls show it; its `Debug` does not.
#[derive(Debug, Clone, Default)]
pub(super) struct Bearer(Option<MetadataValue<Ascii>>);

impl Bearer {
    fn of(token: &str) -> Result<Self, ClientError> {
        let value = MetadataValue::try_from(format!("Bearer {token}"));
        // The text is not repeated: it may be a good token with a slip in it.
        let mut value =
            value.map_err(|_| ClientError::new("token_unknown", "this is no session or token"))?;
        value.set_sensitive(true);
        Ok(Self(Some(value)))
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert(TOKEN_KEY, token.clone());
        }
        Ok(request)
    }
}

/// An open channel to the node of one unit. Cheap to clone; calls may run side by side.
#[derive(Debug, Clone)]
pub struct NodeClient {
    pub(super) channel: Channel,
    line: transport::Channel,
}

impl NodeClient {
    /// Connects to the node of `unit` at `address` (`host:port`) as the holder of a key folder.
    ///
    /// Errors: the codes of [`TlsError`](super::tls::TlsError) for the folder, of
    /// [`ConnectError`](super::tls::ConnectError) for the way there.
    pub async fn connect(address: &str, unit: UnitId, key_folder: &Path) -> Result<Self, ClientError> {
        let keys = Keys::read(key_folder, SystemTime::now())
            .map_err(|error| ClientError::new(error.code(), &chain(&error)))?;
        Self::open(address, unit, keys.client(), Bearer::default()).await
    }

    /// Connects without a certificate, trusting the roots of a file, and shows a session or token with every
    /// call. Without one, signing in is all that can be done.
    ///
    /// Errors: as [`NodeClient::connect`], and `token_unknown` for a text that can be none.
    pub async fn connect_with_token(
        address: &str,
        unit: UnitId,
        authority_file: &Path,
        token: Option<&str>,
    ) -> Result<Self, ClientError> {
        let bearer = token.map_or_else(|| Ok(Bearer::default()), Bearer::of)?;
        let config = guest_client(authority_file, SystemTime::now())
            .map_err(|error| ClientError::new(error.code(), &chain(&error)))?;
        Self::open(address, unit, config, bearer).await
    }

    /// The same node over the same connection, with another session or token.
    pub fn with_token(&self, token: &str) -> Result<Self, ClientError> {
        let Self { line, .. } = self;
        Ok(Self::over(line.clone(), Bearer::of(token)?))
    }

    async fn open(
        address: &str,
        unit: UnitId,
        config: Arc<rustls::ClientConfig>,
        bearer: Bearer,
    ) -> Result<Self, ClientError> {
        let line = connect(address, unit, config).await;
        let line = line.map_err(|error| ClientError::new(error.code(), &chain(&error)))?;
        Ok(Self::over(line, bearer))
    }

    fn over(line: transport::Channel, bearer: Bearer) -> Self {
        Self { channel: InterceptedService::new(line.clone(), bearer), line }
    }

    fn statistics(&self) -> StatisticsClient<Channel> {
        StatisticsClient::new(self.channel.clone())
            .max_decoding_message_size(limits::MESSAGE_BYTES_MAX)
            .max_encoding_message_size(limits::MESSAGE_BYTES_MAX)
    }

    fn operations(&self) -> OperationsClient<Channel> {
        OperationsClient::new(self.channel.clone())
            .max_decoding_message_size(limits::MESSAGE_BYTES_MAX)
            .max_encoding_message_size(limits::MESSAGE_BYTES_MAX)
    }

    /// Counts.
    pub async fn count(&self, request: CountRequest) -> Result<CountAnswer, ClientError> {
        Ok(self.statistics().count(request).await?.into_inner())
    }

    /// Lists units.
    pub async fn list_units(&self, request: ListUnitsRequest) -> Result<ListUnitsAnswer, ClientError> {
        Ok(self.statistics().list_units(request).await?.into_inner())
    }

    /// How far each chain has come at the node.
    pub async fn heads(&self, request: HeadsRequest) -> Result<HeadsAnswer, ClientError> {
        Ok(self.statistics().heads(request).await?.into_inner())
    }

    /// Published indicators.
    pub async fn indicators(&self, request: IndicatorsRequest) -> Result<IndicatorsAnswer, ClientError> {
        Ok(self.statistics().indicators(request).await?.into_inner())
    }

    /// Who the node is and how far it has come.
    pub async fn node_info(&self) -> Result<NodeInfoAnswer, ClientError> {
        Ok(self.operations().node_info(NodeInfoRequest {}).await?.into_inner())
    }

    /// How the units below and the link upward stand.
    pub async fn replication_status(&self) -> Result<ReplicationStatusAnswer, ClientError> {
        self.replication_status_below("").await
    }

    /// The same of the units at or below one, by id or code; empty for all.
    pub async fn replication_status_below(
        &self,
        below: &str,
    ) -> Result<ReplicationStatusAnswer, ClientError> {
        let request = ReplicationStatusRequest { below: below.to_owned() };
        Ok(self.operations().replication_status(request).await?.into_inner())
    }

    /// Watches the units at or below one: first everything comes, then what changes.
    pub async fn watch_replication(&self, below: &str) -> Result<ReplicationWatch, ClientError> {
        let request = ReplicationStatusRequest { below: below.to_owned() };
        Ok(ReplicationWatch(self.operations().watch_replication(request).await?.into_inner()))
    }

    /// What the node counts of itself.
    pub async fn meters(&self) -> Result<MetersAnswer, ClientError> {
        Ok(self.operations().meters(MetersRequest {}).await?.into_inner())
    }

    /// Closes a month and publishes its indicators; the top tier alone does.
    pub async fn publish_release(
        &self,
        request: PublishReleaseRequest,
    ) -> Result<PublishReleaseAnswer, ClientError> {
        Ok(self.operations().publish_release(request).await?.into_inner())
    }

    /// Sends a file and waits until all its rows are recorded or refused; `on_progress` hears every message.
    ///
    /// After `Ok` what the summary calls recorded is durable. A repeat of the same file adds nothing.
    /// Errors: `import_unfinished` if the answers end without a summary.
    pub async fn import(
        &self,
        file: ImportFile,
        on_progress: &mut (dyn FnMut(ImportProgress) + Send),
    ) -> Result<ImportSummary, ClientError> {
        self.import_chunks(tokio_stream::iter(file.chunks()), on_progress).await
    }

    /// As [`NodeClient::import`], with the file in chunks as they are read; the first says what it is. When this
    /// future is dropped, the node takes the file as broken off.
    pub async fn import_chunks(
        &self,
        chunks: impl Stream<Item = ImportChunk> + Send + 'static,
        on_progress: &mut (dyn FnMut(ImportProgress) + Send),
    ) -> Result<ImportSummary, ClientError> {
        let mut client = IntakeClient::new(self.channel.clone())
            .max_decoding_message_size(limits::MESSAGE_BYTES_MAX)
            .max_encoding_message_size(limits::MESSAGE_BYTES_MAX);
        let mut answers = client.import(chunks).await?.into_inner();
        let mut summary = None;
        while let Some(mut progress) = answers.message().await? {
            summary = progress.summary.take().or(summary);
            on_progress(progress);
        }
        summary.ok_or_else(|| {
            ClientError::new("import_unfinished", "the node ended the import without a summary")
        })
    }
}

/// Answers of a node whose units are watched.
#[derive(Debug)]
pub struct ReplicationWatch(Streaming<ReplicationStatusAnswer>);

impl ReplicationWatch {
    /// Waits for the next answer; `None` once the node has ended the stream.
    pub async fn next(&mut self) -> Result<Option<ReplicationStatusAnswer>, ClientError> {
        Ok(self.0.message().await?)
    }
}

/// An error and its sources on one line.
pub(super) fn chain(error: &dyn Error) -> String {
    let sources = std::iter::successors(error.source(), |error| (*error).source());
    sources.fold(error.to_string(), |line, source| format!("{line}: {source}"))
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn a_status_with_a_code_keeps_its_plain_sentence() {
        let mut status = Status::not_found("no unit 99999 on 2026-11-21\nHEADER");
        status.metadata_mut().insert(CODE_KEY, "unknown_unit".parse().unwrap());
        let error = ClientError::from(status);
        assert_eq!(error.code, "unknown_unit");
        assert_eq!(error.message, "no unit 99999 on 2026-11-21 HEADER");
    }

    #[test]
    fn a_status_without_a_believable_code_is_explained_by_its_cause() {
        let mut status = Status::permission_denied("not below this unit");
        let expected = ClientError {
            code: "net_answered".to_owned(),
            message: "the other side answered PermissionDenied: not below this unit".to_owned(),
        };
        assert_eq!(ClientError::from(status.clone()), expected);
        status.metadata_mut().insert(CODE_KEY, "../../etc".parse().unwrap());
        assert_eq!(ClientError::from(status), expected);
    }

    #[test]
    fn a_file_is_cut_into_chunks_that_join_again() {
        for bytes in [0, 1, limits::IMPORT_CHUNK_BYTES, limits::IMPORT_CHUNK_BYTES + 1] {
            let content: Vec<u8> = (0..bytes).map(|at| at as u8).collect();
            let as_of = Some("2026-01-01".parse().unwrap());
            let file = ImportFile { form: ImportForm::Register, as_of, content: content.clone().into() };
            let chunks = file.chunks();
            assert_eq!(chunks.len(), bytes.div_ceil(limits::IMPORT_CHUNK_BYTES).max(1));
            assert_eq!((chunks[0].form(), chunks[0].total_bytes), (ImportForm::Register, bytes as u64));
            assert_eq!(chunks[0].as_of, "2026-01-01");
            assert!(chunks[1..].iter().all(|chunk| chunk.form == 0 && chunk.as_of.is_empty()));
            let joined: Vec<u8> = chunks.iter().flat_map(|chunk| chunk.data.to_vec()).collect();
            assert_eq!(joined, content);
        }
    }
}
