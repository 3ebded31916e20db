//! What can be checked of a backup: its list and the sums of its pieces without any key; what is in them with it.

use super::{BackupError, BackupSecret, place::Place};
use danso_core::chain::BackupManifest;
use std::collections::BTreeMap;

/// How deep a check goes.
#[derive(Clone, Copy)]
pub enum Depth<'a> {
    /// Every piece is there, with its length and sum.
    Sums,
    /// Every piece opens to what the node signed for, and each record in it is whole.
    Opened(&'a BackupSecret),
}

/// What a check found.
#[derive(Debug)]
pub struct CheckedBackup {
    /// Sealed bytes of all pieces.
    pub bytes: u64,
    /// What is wrong; empty for a good backup.
    pub faults: Vec<BackupError>,
}

impl Place {
    /// Checks one backup. `seen` remembers sums that were checked already: backups share their pieces.
    pub fn check(
        &self,
        manifest: &BackupManifest,
        depth: Depth<'_>,
        seen: &mut BTreeMap<String, bool>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> CheckedBackup {
        let bytes = manifest.pieces.iter().map(|piece| piece.bytes).sum();
        let (mut faults, mut done) = (Vec::new(), 0);
        for piece in &manifest.pieces {
            done += piece.bytes;
            if seen.get(&piece.name) == Some(&true) {
                continue;
            }
            let checked = self.check_piece(piece);
            seen.insert(piece.name.clone(), checked.is_ok());
            faults.extend(checked.err());
            progress(done, bytes);
        }
        if let Depth::Opened(secret) = depth
            && faults.is_empty()
        {
            let opened = self
                .open_segments(manifest, secret, progress, &mut |_, _| Ok(()))
                .and_then(|_| self.open_folder(manifest, secret))
                .and_then(|_| self.open_keys(manifest, secret));
            faults.extend(opened.err());
        }
        CheckedBackup { bytes, faults }
    }
}
