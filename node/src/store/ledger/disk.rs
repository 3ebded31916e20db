//! Every call to the file system that changes a ledger, in the order that survives a power cut.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use super::error::LedgerError;
use super::position::{Position, SegmentNumber};
use super::segment::{self, Segment};
use crate::host::{DiskWatch, Step};
use danso_tier_config::limits;

static ZEROS: [u8; 65_536] = [0; 65_536];

/// The folder of one ledger.
#[derive(Debug)]
pub(super) struct Disk {
    folder: PathBuf,
    watch: DiskWatch,
}

impl Disk {
    /// A folder whose steps are looked at.
    pub fn new(folder: &Path, watch: DiskWatch) -> Self {
        Self { folder: folder.to_owned(), watch }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Creates the folder if it is not there, durably.
    pub fn create_folder(&self) -> Result<(), LedgerError> {
        if self.folder.is_dir() {
            return Ok(());
        }
        self.run(Step::CreateFolder, &self.folder, || fs::create_dir_all(&self.folder))?;
        match self.folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            Some(parent) => self.run(Step::SyncFolder, parent, || File::open(parent)?.sync_all()),
            None => Ok(()),
        }
    }

    /// Makes a segment under its temporary name: preallocated, header written, synced. A failure
    /// leaves nothing behind that counts.
    pub fn prepare(
        &self,
        number: SegmentNumber,
        first: Position,
        bytes: u64,
    ) -> Result<Segment, LedgerError> {
        let file = self.make_file(number, bytes, |file, path| {
            self.run(Step::WriteHeader, path, || file.write_all_at(&segment::header(number, first), 0))
        })?;
        Ok(Segment { number, first, bytes, file: Arc::new(file) })
    }

    /// Makes a file with this content under the temporary name of a segment that exists, synced. A
    /// failure leaves nothing behind that counts.
    pub fn prepare_copy(&self, number: SegmentNumber, content: &[u8]) -> Result<(), LedgerError> {
        let write_content = |file: &File, path: &Path| {
            self.write_to(file, path, 0, content, &mut 0)?;
            give_back_zeros(file, content);
            Ok(())
        };
        self.make_file(number, content.len() as u64, write_content).map(drop)
    }

    fn make_file(
        &self,
        number: SegmentNumber,
        bytes: u64,
        write_content: impl FnOnce(&File, &Path) -> Result<(), LedgerError>,
    ) -> Result<File, LedgerError> {
        let path = self.folder.join(segment::temporary_name(number));
        let make = || {
            let file = self.run(Step::Create, &path, || {
                OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)
            })?;
            self.run(Step::Preallocate, &path, || preallocate(&file, bytes))?;
            write_content(&file, &path)?;
            self.run(Step::SyncFile, &path, || file.sync_all())?;
            Ok(file)
        };
        make().inspect_err(|_| self.discard(number))
    }

    /// Gives a prepared segment its name, durably. A failed rename leaves nothing behind that counts.
    pub fn publish(&self, number: SegmentNumber) -> Result<(), LedgerError> {
        self.rename(number)?;
        self.sync_folder()
    }

    /// Gives a prepared file the name of its segment, from which a file that had it goes; durable
    /// after [`Disk::sync_folder`]. A failure changes nothing and leaves nothing behind that counts.
    pub fn rename(&self, number: SegmentNumber) -> Result<(), LedgerError> {
        let path = self.folder.join(segment::file_name(number));
        let temporary = self.folder.join(segment::temporary_name(number));
        self.run(Step::Rename, &path, || fs::rename(&temporary, &path)).inspect_err(|_| self.discard(number))
    }

    /// Frees the space of a prepared segment; if that fails too, the next start removes it.
    pub fn discard(&self, number: SegmentNumber) {
        let _ = self.remove_temporary(number);
    }

    /// Removes a file that was being made.
    pub fn remove_temporary(&self, number: SegmentNumber) -> Result<(), LedgerError> {
        let path = self.folder.join(segment::temporary_name(number));
        self.run(Step::Remove, &path, || fs::remove_file(&path))
    }

    /// Removes a segment; durable after [`Disk::sync_folder`].
    pub fn remove(&self, number: SegmentNumber) -> Result<(), LedgerError> {
        let path = self.folder.join(segment::file_name(number));
        self.run(Step::Remove, &path, || fs::remove_file(&path))
    }

    /// Makes names in the folder durable.
    pub fn sync_folder(&self) -> Result<(), LedgerError> {
        let synced = self.run(Step::SyncFolder, &self.folder, || File::open(&self.folder)?.sync_all());
        synced.map_err(LedgerError::never_disk_full)
    }

    /// Opens an existing segment file for reading and writing.
    pub fn open(&self, number: SegmentNumber) -> Result<File, LedgerError> {
        let path = self.folder.join(segment::file_name(number));
        self.run(Step::Open, &path, || OpenOptions::new().read(true).write(true).open(&path))
    }

    /// Writes `bytes` at `offset`; raises `touched` to the end of what was written.
    pub fn write(
        &self,
        segment: &Segment,
        offset: u64,
        bytes: &[u8],
        touched: &mut u64,
    ) -> Result<(), LedgerError> {
        let path = self.folder.join(segment::file_name(segment.number));
        self.write_to(&segment.file, &path, offset, bytes, touched)
    }

    fn write_to(
        &self,
        file: &File,
        path: &Path,
        offset: u64,
        bytes: &[u8],
        touched: &mut u64,
    ) -> Result<(), LedgerError> {
        let mut written = 0;
        while written < bytes.len() {
            let at = offset + written as u64;
            let rest = &bytes[written..];
            let rest = &rest[..self.watch.writes(path, file, at, rest.len())];
            written += self.run(Step::Write, path, || match file.write_at(rest, at) {
                Ok(0) => Err(io::ErrorKind::WriteZero.into()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
                answer => answer,
            })?;
            *touched = (*touched).max(offset + written as u64);
        }
        Ok(())
    }

    /// Writes zeros from `from` to `to`, so that nothing there can be taken for a record.
    pub fn zero(&self, segment: &Segment, from: u64, to: u64) -> Result<(), LedgerError> {
        let mut at = from;
        while at < to {
            let bytes = (to - at).min(ZEROS.len() as u64);
            self.write(segment, at, &ZEROS[..bytes as usize], &mut 0)?;
            at += bytes;
        }
        Ok(())
    }

    /// Makes the records of a segment durable. Never answers [`LedgerError::DiskFull`]: after a
    /// failed sync nobody knows what is on the disk.
    pub fn sync(&self, segment: &Segment) -> Result<(), LedgerError> {
        let path = self.folder.join(segment::file_name(segment.number));
        self.run(Step::SyncData, &path, || segment.file.sync_data()).map_err(LedgerError::never_disk_full)
    }

    fn run<T>(
        &self,
        step: Step,
        path: &Path,
        call: impl FnOnce() -> io::Result<T>,
    ) -> Result<T, LedgerError> {
        let done = self.watch.before(step, path).and_then(|()| call());
        done.map_err(|source| LedgerError::from_io(step.text(), path, source))
    }
}

/// Writes zeros where there are zeros, so that the blocks count as written. Nothing reads differently after it, and no
/// failure counts: one of the disk shows at the records.
pub(super) fn occupy(segment: &Segment, from: u64, to: u64) {
    let mut at = from;
    while at < to {
        let bytes = (to - at).min(ZEROS.len() as u64);
        if segment.file.write_all_at(&ZEROS[..bytes as usize], at).is_err() {
            return;
        }
        at += bytes;
    }
}

/// Gives the blocks of a closed segment back that hold nothing but zeros: what was scrubbed needs no space. A file
/// system that cannot keeps them.
fn give_back_zeros(file: &File, content: &[u8]) {
    let hole = limits::LEDGER_HOLE_BYTES;
    let mut start = None;
    for (place, block) in content.chunks_exact(hole).chain([&[1][..]]).enumerate() {
        let at = (place * hole) as u64;
        let zeros = block.iter().all(|byte| *byte == 0);
        match (zeros, start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                let _ =
                    fallocate(file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, from, at - from);
                start = None;
            }
            _ => {}
        }
    }
}

/// Reserves the blocks of a file; where the file system cannot, only its length is set.
fn preallocate(file: &File, bytes: u64) -> io::Result<()> {
    loop {
        match fallocate(file, FallocateFlags::empty(), 0, bytes) {
            Err(Errno::INTR) => {}
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => return file.set_len(bytes),
            answer => return answer.map_err(io::Error::from),
        }
    }
}
