//! What the index takes up on the disk.

use super::{Store, room};

impl Store {
    /// Bytes of the files of the index. Looks at the sizes of a few files.
    pub fn index_bytes(&self) -> u64 {
        room::folder_bytes(self.inner.index.folder())
    }
}
