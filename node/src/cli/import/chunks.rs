//! A file on its way to a node, piece by piece: a thread reads ahead a little, memory does not grow with the file.

use crate::cli::failure::Failure;
use danso_proto::v1::{ImportChunk, ImportForm};
use danso_tier_config::{Date, limits};
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;

/// Chunks read and not sent yet.
const AHEAD: usize = 4;

/// A file that is open, with its size where it has one.
pub(super) struct Source {
    path: PathBuf,
    file: File,
    bytes: u64,
}

/// What a reading thread gives.
pub(super) struct Reading {
    /// The file; it does not end where reading failed.
    pub chunks: ReceiverStream<ImportChunk>,
    /// Why reading failed; an error once the file was read to its end.
    pub failed: oneshot::Receiver<Broken>,
    /// How far it has come.
    pub lines: Lines,
}

/// Why a file was not read to its end. It holds the way of the chunks open: a file that seems to end would be
/// taken for whole.
pub(super) struct Broken {
    failure: Failure,
    _chunks: mpsc::Sender<ImportChunk>,
}

impl Broken {
    /// The failure itself.
    pub fn failure(self) -> Failure {
        self.failure
    }
}

/// Lines and bytes read so far, and the bytes of the file.
#[derive(Clone, Default)]
pub(super) struct Lines(Arc<(AtomicU64, AtomicU64)>, u64);

impl Lines {
    fn count(&self, piece: &[u8]) {
        let lines = piece.split(|byte| *byte == b'\n').count() - 1;
        self.0.0.fetch_add(lines as u64, Ordering::Relaxed);
        self.0.1.fetch_add(piece.len() as u64, Ordering::Relaxed);
    }

    /// About how many lines the whole file has, by those that were read.
    pub fn expected(&self) -> u64 {
        let (lines, bytes) = (self.0.0.load(Ordering::Relaxed), self.0.1.load(Ordering::Relaxed));
        let scaled = u128::from(lines) * u128::from(self.1.max(bytes)) / u128::from(bytes.max(1));
        u64::try_from(scaled).unwrap_or(u64::MAX)
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::told("file_unreadable", format!("cannot read {}: {error}", path.display()))
}

fn too_large(path: &Path) -> Failure {
    let max = limits::IMPORT_BYTES_MAX;
    Failure::told(
        "file_too_large",
        format!("{} is larger than {max} bytes, the most that is read", path.display()),
    )
}

impl Source {
    /// Opens a file of at most `IMPORT_BYTES_MAX` bytes; a pipe has no size yet.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| unreadable(path, &error);
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(unreadable(path, &io::ErrorKind::IsADirectory.into()));
        }
        let bytes = if metadata.is_file() { metadata.len() } else { 0 };
        if bytes > limits::IMPORT_BYTES_MAX as u64 {
            return Err(too_large(path));
        }
        Ok(Self { path: path.to_owned(), file, bytes })
    }

    /// The same for a file that will be read twice.
    pub fn open_again(path: &Path) -> Result<Self, Failure> {
        if path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir()) {
            let sentence = format!("{} is read twice with --all-or-nothing: give a file", path.display());
            return Err(Failure::told("file_unreadable", sentence));
        }
        Self::open(path)
    }

    /// Starts to read. Must be called within an async runtime.
    pub fn read(self, form: ImportForm, as_of: Option<Date>, check_only: bool) -> Reading {
        let (chunks, stream) = mpsc::channel(AHEAD);
        let (broken, failed) = oneshot::channel();
        let lines = Lines(Arc::default(), self.bytes);
        let first = ImportChunk {
            form: form.into(),
            as_of: as_of.map(|day| day.to_string()).unwrap_or_default(),
            total_bytes: self.bytes,
            check_only,
            ..ImportChunk::default()
        };
        let counted = lines.clone();
        tokio::task::spawn_blocking(move || {
            if let Err(failure) = send(self, first, &counted, &chunks) {
                let _ = broken.send(Broken { failure, _chunks: chunks });
            }
        });
        Reading { chunks: ReceiverStream::new(stream), failed, lines }
    }
}

/// Sends the file; ends early without a failure where nobody takes it any more.
fn send(
    mut source: Source,
    first: ImportChunk,
    lines: &Lines,
    chunks: &mpsc::Sender<ImportChunk>,
) -> Result<(), Failure> {
    let mut sent = chunks.blocking_send(first);
    let mut total = 0;
    while sent.is_ok() {
        let mut piece = Vec::with_capacity(limits::IMPORT_CHUNK_BYTES);
        let read = (&mut source.file).take(limits::IMPORT_CHUNK_BYTES as u64).read_to_end(&mut piece);
        total += read.map_err(|error| unreadable(&source.path, &error))?;
        if piece.is_empty() {
            break;
        }
        if total > limits::IMPORT_BYTES_MAX {
            return Err(too_large(&source.path));
        }
        lines.count(&piece);
        sent = chunks.blocking_send(ImportChunk { data: piece.into(), ..ImportChunk::default() });
    }
    Ok(())
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use tokio_stream::StreamExt;

    fn code<T>(outcome: Result<T, Failure>) -> String {
        match outcome.err() {
            Some(Failure::Told { code, .. }) => code,
            other => panic!("{other:?}"),
        }
    }

    async fn whole(path: &Path) -> (Vec<ImportChunk>, u64) {
        let day = Some("2026-01-01".parse().unwrap());
        let reading = Source::open(path).unwrap().read(ImportForm::Events, day, false);
        let chunks = reading.chunks.collect().await;
        assert!(reading.failed.await.is_err());
        (chunks, reading.lines.expected())
    }

    #[tokio::test]
    async fn a_file_comes_in_chunks_of_which_the_first_says_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a0.csv");
        for bytes in [0, 1, limits::IMPORT_CHUNK_BYTES, 2 * limits::IMPORT_CHUNK_BYTES + 7] {
            let content: Vec<u8> = (0..bytes).map(|at| if at % 10 == 9 { b'\n' } else { b'x' }).collect();
            std::fs::write(&path, &content).unwrap();
            let (chunks, lines) = whole(&path).await;
            assert_eq!((chunks[0].form(), chunks[0].as_of.as_str()), (ImportForm::Events, "2026-01-01"));
            assert_eq!(chunks[0].total_bytes, bytes as u64);
            let joined: Vec<u8> = chunks.iter().flat_map(|chunk| chunk.data.to_vec()).collect();
            assert_eq!((joined, lines), (content, bytes as u64 / 10));
        }
    }

    #[tokio::test]
    async fn what_cannot_be_read_or_is_too_large_is_told_and_never_looks_whole() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(code(Source::open(folder.path())), "file_unreadable");
        assert_eq!(code(Source::open(&folder.path().join("nowhere.csv"))), "file_unreadable");
        let path = folder.path().join("huge.csv");
        File::create(&path).unwrap().set_len(limits::IMPORT_BYTES_MAX as u64 + 1).unwrap();
        assert_eq!(code(Source::open(&path)), "file_too_large");
        // A source without end that says nothing of its size.
        let endless = Source { path: path.clone(), file: File::open("/dev/zero").unwrap(), bytes: 0 };
        let mut reading = endless.read(ImportForm::Register, None, false);
        let mut taken = 0;
        let broken = loop {
            tokio::select! {
                chunk = reading.chunks.next() => taken += chunk.expect("the chunks do not end").data.len(),
                broken = &mut reading.failed => break broken.unwrap(),
            }
        };
        assert!(taken <= limits::IMPORT_BYTES_MAX);
        assert_eq!(code(Err::<(), _>(broken.failure())), "file_too_large");
    }
}
