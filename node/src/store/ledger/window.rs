//! Bytes that are read ahead, for whoever goes on from there.

use super::error::LedgerError;

/// Bytes of a file that were read at once. Where they lie is said in the user's own count: offsets or positions.
#[derive(Debug)]
pub(super) struct Window {
    bytes: Vec<u8>,
    first: u64,
    ahead_bytes: usize,
}

impl Window {
    /// Holds nothing yet; reads `ahead_bytes` at once where so many lie there.
    pub fn new(ahead_bytes: usize) -> Self {
        Self { bytes: Vec::new(), first: 0, ahead_bytes }
    }

    /// Forgets what it holds.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// The `count` bytes at `at`, where `rest` bytes lie, at least `count`. Where they are not here, `read` fills a
    /// piece that begins at `at`; after its error nothing is held.
    pub fn get(
        &mut self,
        at: u64,
        count: usize,
        rest: u64,
        read: impl FnOnce(&mut [u8]) -> Result<(), LedgerError>,
    ) -> Result<&[u8], LedgerError> {
        let held = self.first..=self.first + self.bytes.len() as u64;
        if !(held.contains(&at) && held.contains(&(at + count as u64))) {
            self.first = at;
            self.bytes.resize(rest.min(count.max(self.ahead_bytes) as u64) as usize, 0);
            read(&mut self.bytes).inspect_err(|_| self.bytes.clear())?;
        }
        let start = (at - self.first) as usize;
        Ok(&self.bytes[start..start + count])
    }
}
