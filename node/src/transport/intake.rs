//! Files of forms that are sent to a node and recorded or tried there.

use super::{access, pieces::hand_on};
use crate::{
    operations::{
        ImportDesk, Node,
        accounts::Right,
        forms::{self, Counts, Fault, Summary},
    },
    wire::status::{of_store, status},
};
use danso_proto::v1::{
    ImportChunk, ImportFault, ImportForm, ImportProgress, ImportSummary, intake_server::Intake,
};
use danso_tier_config::{Date, limits};
use prost::bytes::{Buf as _, Bytes};
use std::{
    io::{self, Read},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status, Streaming};

/// The import service of a node.
pub(super) struct IntakeService {
    pub node: Arc<Node>,
}

type Progress = mpsc::Sender<Result<ImportProgress, Status>>;

/// Longest silence of a file under way: the import that runs keeps all others out.
const SILENCE: Duration = Duration::from_millis(limits::STREAM_SILENCE_MS_MAX);

fn silent() -> Status {
    status(Code::DeadlineExceeded, "stream_silent", "the stream was silent for too long")
}

fn bad(code: &str, message: &str) -> Status {
    status(Code::InvalidArgument, code, message)
}

#[tonic::async_trait]
impl Intake for IntakeService {
    type ImportStream = ReceiverStream<Result<ImportProgress, Status>>;

    async fn import(
        &self,
        request: Request<Streaming<ImportChunk>>,
    ) -> Result<Response<Self::ImportStream>, Status> {
        let actor = access::may(&self.node, &request, Right::Import)?.actor;
        if !self.node.records() {
            let message = "this node's tier records no changes";
            return Err(status(Code::FailedPrecondition, "not_recording", message));
        }
        let mut chunks = request.into_inner();
        let first = timeout(SILENCE, chunks.message()).await.map_err(|_| silent())??;
        let first = first.ok_or_else(|| bad("import_empty", "no file was sent"))?;
        let form = ImportForm::try_from(first.form).unwrap_or(ImportForm::Unspecified);
        if form == ImportForm::Unspecified {
            return Err(bad("import_form", "the first chunk must name the form: register or events"));
        }
        let bytes_max =
            if first.check_only { limits::IMPORT_CHECKED_BYTES_MAX } else { limits::IMPORT_BYTES_MAX };
        if first.total_bytes > bytes_max as u64 {
            return Err(bad("import_too_large", "the file is too large, split it"));
        }
        let check_only = first.check_only;
        let as_of = match first.as_of.as_str() {
            "" => self.node.today(),
            text => text.parse().map_err(|_| bad("import_as_of", "the as-of date must be YYYY-MM-DD"))?,
        };
        // One import at a time: two could open the same household twice.
        let Ok(importing) = Arc::clone(&self.node.importing).try_lock_owned() else {
            let message = "another import is running on this node, wait for its end";
            return Err(status(Code::FailedPrecondition, "import_running", message));
        };
        let (bytes, source) = mpsc::channel(16);
        let (progress, stream) = mpsc::channel(64);
        tokio::spawn(feed(chunks, first, bytes, bytes_max));
        let node = Arc::clone(&self.node);
        tokio::task::spawn_blocking(move || {
            let desk =
                if check_only { ImportDesk::trial(&node, actor) } else { ImportDesk::new(&node, actor) };
            run_import(&node, desk, form, as_of, ChunkReader::new(source), &progress);
            drop(importing);
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}

/// Passes the file's bytes on as they come; an error, or an end before the size that was told, ends the import as
/// a broken file.
async fn feed(
    mut chunks: Streaming<ImportChunk>,
    first: ImportChunk,
    bytes: mpsc::Sender<io::Result<Bytes>>,
    bytes_max: usize,
) {
    let (mut total, told) = (first.data.len(), first.total_bytes);
    if bytes.send(Ok(first.data)).await.is_err() {
        return;
    }
    loop {
        let next = match timeout(SILENCE, chunks.message()).await.unwrap_or_else(|_| Err(silent())) {
            Ok(Some(chunk)) => {
                total += chunk.data.len();
                if total > bytes_max {
                    Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file is too large"))
                } else {
                    Ok(chunk.data)
                }
            }
            Ok(None) if told > 0 && told != total as u64 => {
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file has another size than was told"))
            }
            Ok(None) => return,
            Err(_) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection broke")),
        };
        let failed = next.is_err();
        if bytes.send(next).await.is_err() || failed {
            return;
        }
    }
}

struct ChunkReader {
    source: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
}

impl ChunkReader {
    fn new(source: mpsc::Receiver<io::Result<Bytes>>) -> Self {
        Self { source, current: Bytes::new() }
    }
}

impl Read for ChunkReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.source.blocking_recv() {
                Some(next) => self.current = next?,
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.current.len());
        self.current.split_to(count).copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}

fn run_import(
    node: &Node,
    mut desk: ImportDesk<'_>,
    form: ImportForm,
    as_of: Date,
    source: ChunkReader,
    progress: &Progress,
) {
    let mut tell = |counts: &Counts| {
        if counts.rows.is_multiple_of(limits::IMPORT_PROGRESS_ROWS) {
            // One that finds no room is passed over: the next says more.
            let _ = progress.try_send(Ok(ImportProgress { rows_done: counts.rows, ..Default::default() }));
        }
    };
    let summary = match form {
        ImportForm::Events => {
            forms::event_rows(source).map(|rows| forms::import_events(&mut desk, rows, &mut tell))
        }
        _ => {
            forms::register_rows(source).map(|rows| forms::import_register(&mut desk, as_of, rows, &mut tell))
        }
    };
    let finished = desk.finish();
    let outcome = match (summary, finished) {
        (_, Err(error)) => Err(of_store(&error)),
        (Err(faults), Ok(())) => {
            let counts = Counts { refused: 0, ..Counts::default() };
            Ok(Summary { counts, faults, ..Summary::default() })
        }
        (Ok(summary), Ok(())) => Ok(summary),
    };
    match outcome {
        Ok(summary) => report(node, &summary, progress),
        Err(error) => {
            hand_on(progress, Err(error));
        }
    }
}

fn report(node: &Node, summary: &Summary, progress: &Progress) {
    let rows_done = summary.counts.rows;
    for faults in summary.faults.chunks(limits::IMPORT_FAULTS_A_MESSAGE) {
        let faults = faults.iter().map(fault_message).collect();
        if !hand_on(progress, Ok(ImportProgress { rows_done, faults, ..Default::default() })) {
            return;
        }
    }
    let counts = &summary.counts;
    let summary = ImportSummary {
        rows: counts.rows,
        recorded: counts.recorded,
        already_known: counts.already_known,
        refused: counts.refused,
        last_sequence: node.store.view().recording.sequence,
        faults_unlisted: summary.faults_unlisted,
    };
    let last =
        ImportProgress { rows_done, rows_total: rows_done, faults: Vec::new(), summary: Some(summary) };
    hand_on(progress, Ok(last));
}

fn fault_message(fault: &Fault) -> ImportFault {
    ImportFault {
        line: fault.line,
        column: fault.column.map(|column| column.name.to_owned()).unwrap_or_default(),
        value: fault.value.clone(),
        code: fault.code().to_owned(),
        reason_vi: fault.vietnamese(),
        reason_en: fault.english(),
    }
}
