//! The next backup of a folder: what is held already and good, what comes, the list; then what is no longer needed goes.

use super::{
    BackupError, BackupKey,
    pieces::{PieceWriter, remove},
    place::{Place, sync_folder},
};
use danso_core::chain::{BackupManifest, BackupPiece, BackupSegment, Digest, PieceHolds, PublicKey, Signed};
use danso_tier_config::limits;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

/// What a folder holds of a segment: the node sends what lies behind it, or all where its own bytes differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Number of the segment.
    pub segment: u32,
    /// Bytes from its beginning on.
    pub bytes: u64,
    /// SHA-256 of these bytes.
    pub hash: Digest,
}

/// A segment's pieces in an earlier backup, each found whole.
type Good = (BackupSegment, Vec<BackupPiece>);

/// A backup that is being written.
pub struct Next<'a> {
    place: &'a Place,
    number: u32,
    public: [u8; 32],
    held: BTreeMap<u32, Good>,
    written: BTreeMap<u32, Vec<BackupPiece>>,
    beside: Vec<BackupPiece>,
    writing: Option<(PieceWriter, Open)>,
    /// Pieces of earlier backups that are missing or damaged.
    pub faults: Vec<BackupError>,
}

/// Which part of which segment is being written.
#[derive(Debug, Clone, Copy)]
struct Open {
    segment: u32,
    from: u64,
    bytes: u64,
}

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Backups.
    pub backups: usize,
    /// Pieces that no backup needs any more.
    pub pieces: usize,
}

impl<'a> Next<'a> {
    /// Begins the next backup: clears away what a backup that was cut short left, and looks through the pieces of the
    /// latest one. With `whole` nothing is taken over from it. The place was opened to write.
    pub fn begin(
        place: &'a Place,
        key: &BackupKey,
        trusted: Option<&[PublicKey]>,
        whole: bool,
    ) -> Result<Self, BackupError> {
        assert!(place.is_locked(), "a backup is written by whoever holds the lock");
        clear(place)?;
        let mut listed = place.listed(trusted)?;
        let number = listed.last().map_or(1, |last| last.number + 1);
        let latest = listed.iter().rposition(|found| found.manifest.is_ok());
        let latest = latest.and_then(|latest| listed.swap_remove(latest).manifest.ok());
        let (mut held, mut faults) = (BTreeMap::new(), Vec::new());
        if let Some(latest) = latest.filter(|latest| !whole && latest.sealed_to == key.public) {
            held = good_segments(place, &latest, &mut faults);
        }
        let (written, beside) = (BTreeMap::new(), Vec::new());
        Ok(Self { place, number, public: key.public, held, written, beside, writing: None, faults })
    }

    /// Number of the backup.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// What is held already.
    pub fn held(&self) -> Vec<Held> {
        let held =
            |(segment, _): &Good| Held { segment: segment.number, bytes: segment.bytes, hash: segment.hash };
        self.held.values().map(held).collect()
    }

    /// Takes the files of the data folder or of the key folder, as packed.
    pub fn beside(&mut self, holds: PieceHolds, bytes: &[u8]) -> Result<(), BackupError> {
        let what = if holds == PieceHolds::Keys { "keys" } else { "folder" };
        let mut writer =
            PieceWriter::begin(self.place, format!("{:06}-{what}.piece", self.number), self.public)?;
        writer.write(bytes)?;
        self.beside.push(writer.finish(holds)?);
        Ok(())
    }

    /// Takes bytes of the ledger: of a segment from its beginning on, or from where what is held ends.
    pub fn part(&mut self, segment: u32, offset: u64, bytes: &[u8]) -> Result<(), BackupError> {
        let follows = self.writing.as_ref().is_some_and(|(_, open)| open.segment == segment);
        if !follows {
            self.close()?;
            match self.held.get(&segment) {
                Some((held, _)) if held.bytes == offset && offset > 0 => {}
                _ if offset == 0 => drop(self.held.remove(&segment)),
                _ => return Err(BackupError::Answer("a part that follows on nothing")),
            }
            let name = format!("{:06}-{segment:08}-{offset}.piece", self.number);
            let writer = PieceWriter::begin(self.place, name, self.public)?;
            self.writing = Some((writer, Open { segment, from: offset, bytes: 0 }));
        }
        let Some((writer, open)) = &mut self.writing else { unreachable!("a piece was begun above") };
        if open.from + open.bytes != offset || offset + bytes.len() as u64 > limits::SEGMENT_FILE_BYTES_MAX {
            return Err(BackupError::Answer("a part that does not follow"));
        }
        writer.write(bytes)?;
        open.bytes += bytes.len() as u64;
        Ok(())
    }

    fn close(&mut self) -> Result<(), BackupError> {
        let Some((writer, open)) = self.writing.take() else { return Ok(()) };
        let Open { segment, from, bytes } = open;
        let piece = writer.finish(PieceHolds::Ledger { segment, from, bytes })?;
        self.written.entry(segment).or_default().push(piece);
        Ok(())
    }

    /// The pieces of the backup, once all came: those of the segments up to `last`, old and new. All are durable.
    pub fn pieces(&mut self, last: u32) -> Result<Vec<BackupPiece>, BackupError> {
        self.close()?;
        sync_folder(&self.place.pieces())?;
        let mut pieces = self.beside.clone();
        for segment in 1..=last {
            let held = self.held.get(&segment).map(|(_, pieces)| pieces.clone()).unwrap_or_default();
            let written = self.written.get(&segment).cloned().unwrap_or_default();
            if held.is_empty() && written.is_empty() {
                return Err(BackupError::Answer("no byte of a segment"));
            }
            pieces.extend(held.into_iter().chain(written));
        }
        Ok(pieces)
    }

    /// Bytes written by this backup, sealed.
    pub fn written_bytes(&self) -> u64 {
        self.written.values().flatten().chain(&self.beside).map(|piece| piece.bytes).sum()
    }

    /// Puts the signed list in place, which must be that of these pieces: from here on the backup is there.
    ///
    /// Errors: [`BackupError::Signature`] where the list is not signed with `under`.
    pub fn finish(self, signed: &Signed, under: PublicKey) -> Result<BackupManifest, BackupError> {
        let (number, unit) = (self.number, self.place.unit());
        let path = self.place.manifest_file(number);
        let manifest: BackupManifest =
            signed.verify(under).map_err(|_| BackupError::Signature { path, unit })?;
        if manifest.number != number || manifest.unit != unit || manifest.sealed_to != self.public {
            return Err(BackupError::Answer("the list of another backup"));
        }
        self.place.write_manifest(number, signed, under)?;
        Ok(manifest)
    }
}

impl Place {
    /// Removes all but the newest `keep` whole backups, lists first, and then every piece that no list names.
    pub fn prune(&self, keep: usize, trusted: Option<&[PublicKey]>) -> Result<Pruned, BackupError> {
        assert!(self.is_locked(), "a backup is removed by whoever holds the lock");
        let listed = self.listed(trusted)?;
        let whole: Vec<u32> =
            listed.iter().filter(|found| found.manifest.is_ok()).map(|found| found.number).collect();
        let Some(oldest) = whole.iter().rev().nth(keep.max(1) - 1) else { return Ok(Pruned::default()) };
        let old: Vec<u32> =
            listed.iter().map(|found| found.number).filter(|number| number < oldest).collect();
        for number in &old {
            remove(&self.manifest_file(*number))?;
        }
        sync_folder(&self.manifests())?;
        Ok(Pruned { backups: old.len(), pieces: clear(self)? })
    }
}

/// Removes what is in no list. Where a list cannot be read nobody knows what it names, and pieces stay.
fn clear(place: &Place) -> Result<usize, BackupError> {
    let mut named = BTreeSet::new();
    let mut readable = true;
    for found in place.listed(None)? {
        match found.manifest {
            Ok(manifest) => named.extend(manifest.pieces.into_iter().map(|piece| piece.name)),
            Err(_) => readable = false,
        }
    }
    let mut removed = 0;
    for folder in [place.pieces(), place.manifests()] {
        for entry in fs::read_dir(&folder).map_err(BackupError::io("read", &folder))? {
            let path = entry.map_err(BackupError::io("read", &folder))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let is = |ending: &str| path.extension().is_some_and(|found| found == ending);
            let unneeded = readable && is("piece") && !named.contains(&name);
            if unneeded || is("new") {
                remove(&path)?;
                removed += usize::from(unneeded);
            }
        }
    }
    Ok(removed)
}

/// The segments of a backup all of whose pieces are whole, and not too many.
fn good_segments(
    place: &Place,
    latest: &BackupManifest,
    faults: &mut Vec<BackupError>,
) -> BTreeMap<u32, Good> {
    let mut pieces: BTreeMap<u32, Vec<BackupPiece>> = BTreeMap::new();
    let mut spoilt = BTreeSet::new();
    for piece in &latest.pieces {
        let checked = place.check_piece(piece);
        let good = checked.is_ok();
        faults.extend(checked.err());
        if let PieceHolds::Ledger { segment, .. } = piece.holds {
            pieces.entry(segment).or_default().push(piece.clone());
            if !good {
                spoilt.insert(segment);
            }
        }
    }
    let mut held = BTreeMap::new();
    for segment in &latest.segments {
        let found = pieces.remove(&segment.number).unwrap_or_default();
        let few = found.len() < limits::BACKUP_PIECES_PER_SEGMENT_MAX;
        if few && !found.is_empty() && !spoilt.contains(&segment.number) {
            held.insert(segment.number, (*segment, found));
        }
    }
    held
}
