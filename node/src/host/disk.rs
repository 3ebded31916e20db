//! A look at every step by which the ledger changes its folder, and at the room that the disk has left.

use danso_tier_config::limits::SEGMENT_BYTES;
use std::{fmt, fs::File, io, path::Path, sync::Arc};

/// A step of the ledger on the disk that can fail; its text completes "cannot ...".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Creating the ledger's folder.
    CreateFolder,
    /// Creating a segment file under its temporary name.
    Create,
    /// Reserving its blocks.
    Preallocate,
    /// Writing its header.
    WriteHeader,
    /// Making a whole file durable.
    SyncFile,
    /// Giving a file its name.
    Rename,
    /// Making names in the folder durable.
    SyncFolder,
    /// Opening a file.
    Open,
    /// Writing records, or zeros.
    Write,
    /// Making records durable.
    SyncData,
    /// Removing a file.
    Remove,
}

impl Step {
    /// Completes "cannot ...".
    pub const fn text(self) -> &'static str {
        match self {
            Self::CreateFolder => "create folder",
            Self::Create => "create",
            Self::Preallocate => "preallocate",
            Self::WriteHeader => "write header of",
            Self::SyncFile | Self::SyncData => "sync",
            Self::Rename => "rename",
            Self::SyncFolder => "sync folder",
            Self::Open => "open",
            Self::Write => "write",
            Self::Remove => "remove",
        }
    }
}

/// What a file system holds, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// What it has left for this process.
    pub left_bytes: u64,
    /// Its size.
    pub size_bytes: u64,
}

impl Room {
    /// That of the file system of a folder; `None` where the system does not tell.
    pub fn of(folder: &Path) -> Option<Self> {
        let disk = rustix::fs::statvfs(folder).ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
        Some(Self { left_bytes: bytes(disk.f_bavail), size_bytes: bytes(disk.f_blocks) })
    }
}

/// Looks at steps before they are taken, and may let them fail: a disk that is full or dying, or loses power.
pub trait Steps: Send + Sync {
    /// Before a step on a path. An error takes the step's place.
    fn before(&self, step: Step, path: &Path) -> io::Result<()>;

    /// Size of new segments of the ledger, in bytes: a disk of a few megabytes takes small ones.
    fn segment_bytes(&self) -> u64 {
        SEGMENT_BYTES
    }

    /// What the file system of a folder holds.
    fn room(&self, folder: &Path) -> Option<Room> {
        Room::of(folder)
    }

    /// Before bytes are written over those of an open file from an offset on: how many are written at once,
    /// at least one.
    fn writes(&self, path: &Path, file: &File, offset: u64, bytes: usize) -> usize;
}

/// Who looks at the steps; nobody by default.
#[derive(Clone, Default)]
pub struct DiskWatch(Option<Arc<dyn Steps>>);

impl DiskWatch {
    /// Lets somebody look.
    pub fn new(steps: Arc<dyn Steps>) -> Self {
        Self(Some(steps))
    }

    pub(crate) fn before(&self, step: Step, path: &Path) -> io::Result<()> {
        self.0.as_ref().map_or(Ok(()), |steps| steps.before(step, path))
    }

    pub(crate) fn segment_bytes(&self) -> u64 {
        self.0.as_ref().map_or(SEGMENT_BYTES, |steps| steps.segment_bytes())
    }

    pub(crate) fn room(&self, folder: &Path) -> Option<Room> {
        self.0.as_ref().map_or_else(|| Room::of(folder), |steps| steps.room(folder))
    }

    pub(crate) fn writes(&self, path: &Path, file: &File, offset: u64, bytes: usize) -> usize {
        self.0.as_ref().map_or(bytes, |steps| steps.writes(path, file, offset, bytes))
    }
}

impl fmt::Debug for DiskWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DiskWatch")
    }
}
