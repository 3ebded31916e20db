//! Room on the disk: how much is left, and the ballast that is kept for a start without any.

use crate::host::Room;
use danso_tier_config::limits;
use std::{
    fs::{self, File},
    path::Path,
};

/// Bytes that the disk of a folder has left for this process. Unknown counts as enough: the write itself will tell.
pub(super) fn left_bytes(folder: &Path) -> u64 {
    Room::of(folder).map_or(u64::MAX, |room| room.left_bytes)
}

/// Bytes of all files below a folder; what cannot be read counts as nothing.
pub(super) fn folder_bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = |entry: fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => folder_bytes(&entry.path()),
        found => found.map_or(0, |found| found.len()),
    };
    entries.map(bytes).sum()
}

/// Makes the ballast where it is missing or too small, of what is left where that is less: nothing else of a node can
/// use so little, and the next start on a full disk needs it again.
pub(super) fn keep_ballast(data: &Path) {
    let ballast = data.join(BALLAST);
    if ballast_bytes(data) >= limits::BALLAST_BYTES {
        return;
    }
    let fill = |bytes| -> std::io::Result<()> {
        let file = File::create(&ballast)?;
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes)?;
        Ok(())
    };
    let filled = [1, 2, 4, 8].into_iter().any(|part| fill(limits::BALLAST_BYTES / part).is_ok());
    if !filled {
        let _ = fs::remove_file(&ballast);
        tracing::warn!("cannot keep a ballast file, the disk is full");
    }
}

/// Size of the ballast.
pub(super) fn ballast_bytes(data: &Path) -> u64 {
    fs::metadata(data.join(BALLAST)).map_or(0, |metadata| metadata.len())
}

/// Gives the ballast up; true where there was one.
pub(super) fn drop_ballast(data: &Path) -> bool {
    fs::remove_file(data.join(BALLAST)).is_ok()
}

/// Name of the ballast in a data folder.
const BALLAST: &str = "BALLAST";
