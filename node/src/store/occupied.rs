//! What a data folder takes up, and what its disk has left.

use super::{folder::INDEX, room};
use std::path::Path;

/// The disk of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disk {
    /// Bytes left for this process.
    pub free_bytes: u64,
    /// Bytes in all.
    pub size_bytes: u64,
}

/// What a data folder takes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occupied {
    /// Its disk; `None` where the system does not say.
    pub disk: Option<Disk>,
    /// Bytes of the files of the index.
    pub index_bytes: u64,
}

/// Looks at the sizes of a few files and asks the system about the disk.
pub fn occupied(data: &Path) -> Occupied {
    let disk = rustix::fs::statvfs(data).ok().map(|disk| Disk {
        free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
        size_bytes: disk.f_blocks.saturating_mul(disk.f_frsize),
    });
    Occupied { disk, index_bytes: room::folder_bytes(&data.join(INDEX)) }
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_disk_has_no_more_left_than_it_has_and_the_index_is_as_large_as_its_files() {
        let data = tempfile::tempdir().unwrap();
        fs::create_dir_all(data.path().join("index/blobs")).unwrap();
        fs::write(data.path().join("index/db"), [0; 1_000]).unwrap();
        fs::write(data.path().join("index/blobs/1"), [0; 24]).unwrap();
        fs::write(data.path().join("ledger"), [0; 5_000]).unwrap();
        let found = occupied(data.path());
        let disk = found.disk.unwrap();
        assert!(disk.size_bytes > 0 && disk.free_bytes <= disk.size_bytes, "{disk:?}");
        assert_eq!(found.index_bytes, 1_024);
        assert_eq!(occupied(&data.path().join("missing")), Occupied { disk: None, index_bytes: 0 });
    }
}
