//! A data folder written from a backup, and the files of a key folder packed and unpacked.

use super::{
    super::ledger::{Position, SegmentNumber, check_segment, segment_file},
    BackupError, BackupSecret, digest_of,
    place::Place,
    source::FolderFiles,
};
use crate::host::files;
use danso_core::chain::{BackupManifest, BackupPiece, BackupSegment, PieceHolds};
use danso_tier_config::limits;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::{Read, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};
use zeroize::{Zeroize as _, Zeroizing};

/// Takes a segment that came out of a backup.
pub(super) type Show<'a> = dyn FnMut(&BackupSegment, &[u8]) -> Result<(), BackupError> + 'a;

impl Place {
    /// Writes ledger, FORMAT and AT-REST of a backup into a new folder, durably; FORMAT last. What comes out of the
    /// pieces is what the node signed for, or nothing is.
    ///
    /// Errors: those of pieces; `ledger_damaged` where the node itself copied something else than whole records.
    pub fn write_data(
        &self,
        manifest: &BackupManifest,
        secret: &BackupSecret,
        to: &Path,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), BackupError> {
        let ledger = to.join("ledger");
        fs::create_dir_all(&ledger).map_err(BackupError::io("make", &ledger))?;
        self.open_segments(manifest, secret, progress, &mut |segment, bytes| {
            write(&ledger.join(segment_file(SegmentNumber(segment.number))), bytes, files::PUBLIC_MODE)
        })?;
        let folder = self.open_folder(manifest, secret)?;
        if let Some(at_rest) = &folder.at_rest {
            write(&to.join("AT-REST"), at_rest, files::PRIVATE_MODE)?;
        }
        write(&to.join("FORMAT"), &folder.format, files::PUBLIC_MODE)
    }

    /// Opens the segments of a backup one after the other, each checked against the list, record by record, and that it
    /// follows on the one before.
    pub(super) fn open_segments(
        &self,
        manifest: &BackupManifest,
        secret: &BackupSecret,
        progress: &mut dyn FnMut(u64, u64),
        show: &mut Show<'_>,
    ) -> Result<u64, BackupError> {
        let total = manifest.segments.iter().map(|segment| segment.bytes).sum();
        let (mut done, mut records, mut expected) = (0, 0, Position::START);
        for (number, segment) in (1..).zip(&manifest.segments) {
            let bytes = self.open_segment(manifest, segment, secret)?;
            let (first, checked) = check_segment(SegmentNumber(segment.number), &bytes)?;
            if segment.number != number || first != expected {
                return Err(BackupError::Manifest { path: self.manifest_file(manifest.number) });
            }
            expected = Position(first.0 + segment.bytes);
            records += checked.records;
            show(segment, &bytes)?;
            done += segment.bytes;
            progress(done, total);
        }
        if records != manifest.records || expected.0 != manifest.position {
            return Err(BackupError::Manifest { path: self.manifest_file(manifest.number) });
        }
        Ok(records)
    }

    fn open_segment(
        &self,
        manifest: &BackupManifest,
        segment: &BackupSegment,
        secret: &BackupSecret,
    ) -> Result<Vec<u8>, BackupError> {
        let mut bytes = Vec::new();
        for piece in &manifest.pieces {
            let PieceHolds::Ledger { segment: of, from, bytes: length } = piece.holds else { continue };
            if of != segment.number {
                continue;
            }
            if from != bytes.len() as u64 || from.saturating_add(length) > limits::SEGMENT_FILE_BYTES_MAX {
                return Err(BackupError::Manifest { path: self.manifest_file(manifest.number) });
            }
            bytes.extend_from_slice(&self.open_piece(piece, secret, length)?);
        }
        if bytes.len() as u64 != segment.bytes || digest_of(&bytes) != segment.hash {
            let path = self.manifest_file(manifest.number);
            let because =
                format!("what its pieces hold of segment {} is not what was signed", segment.number);
            return Err(BackupError::PieceDamaged { path, because });
        }
        Ok(bytes)
    }

    pub(super) fn open_folder(
        &self,
        manifest: &BackupManifest,
        secret: &BackupSecret,
    ) -> Result<FolderFiles, BackupError> {
        let none = || BackupError::Manifest { path: self.manifest_file(manifest.number) };
        let piece = beside(manifest, PieceHolds::Folder).ok_or_else(none)?;
        let plain = self.open_piece(piece, secret, limits::BACKUP_FILE_BYTES_MAX as u64)?;
        if digest_of(&plain) != manifest.folder {
            return Err(none());
        }
        postcard::from_bytes(&plain).map_err(|_| none())
    }

    /// The files of the key folder, where they are in the backup.
    pub fn open_keys(
        &self,
        manifest: &BackupManifest,
        secret: &BackupSecret,
    ) -> Result<Option<KeyFiles>, BackupError> {
        let Some(piece) = beside(manifest, PieceHolds::Keys) else { return Ok(None) };
        let bytes_max = (limits::BACKUP_KEY_FILES_MAX * limits::KEY_FILE_BYTES_MAX) as u64;
        let plain = self.open_piece(piece, secret, bytes_max)?;
        let none = || BackupError::Manifest { path: self.manifest_file(manifest.number) };
        let files: KeyFiles = postcard::from_bytes(&plain).map_err(|_| none())?;
        Ok(Some(files))
    }
}

fn beside(manifest: &BackupManifest, holds: PieceHolds) -> Option<&BackupPiece> {
    manifest.pieces.iter().find(|piece| piece.holds == holds)
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), BackupError> {
    files::create(path, mode, |out| out.write_all(bytes)).map_err(BackupError::io("write", path))
}

/// The files of a key folder: name, mode, content.
#[derive(Serialize, Deserialize)]
pub struct KeyFiles(Vec<(String, u32, Vec<u8>)>);

impl Drop for KeyFiles {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(|(_, _, bytes)| bytes.zeroize());
    }
}

impl KeyFiles {
    /// Reads the plain files of a key folder.
    pub fn read(folder: &Path) -> Result<Self, BackupError> {
        let refused = BackupError::io("read", folder);
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).map_err(&refused)? {
            let entry = entry.map_err(&refused)?;
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|_| entry.path().is_file()) else { continue };
            let file = File::open(entry.path()).map_err(&refused)?;
            let mode = file.metadata().map_err(&refused)?.permissions().mode() & 0o777;
            let mut bytes = Vec::new();
            file.take(limits::KEY_FILE_BYTES_MAX as u64).read_to_end(&mut bytes).map_err(&refused)?;
            files.push((name.to_owned(), mode, bytes));
        }
        files.truncate(limits::BACKUP_KEY_FILES_MAX);
        Ok(Self(files))
    }

    /// As bytes of a piece.
    pub fn pack(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(postcard::to_stdvec(self).expect("plain data encodes into memory"))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Writes them into a folder that has none of them, durably.
    pub fn write(&self, folder: &Path) -> Result<(), BackupError> {
        fs::create_dir_all(folder).map_err(BackupError::io("make", folder))?;
        let strict = fs::Permissions::from_mode(0o700);
        fs::set_permissions(folder, strict).map_err(BackupError::io("close", folder))?;
        for (name, mode, bytes) in &self.0 {
            // A name with a path in it is none that was read from a folder.
            let plain = Path::new(name).file_name().is_some_and(|last| last == name.as_str());
            if plain {
                write(&folder.join(name), bytes, *mode)?;
            }
        }
        Ok(())
    }
}
