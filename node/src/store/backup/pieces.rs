//! Pieces: sealed files, written once, read whole or for their sum alone.

use super::{
    super::envelope::{EnvelopeError, Purpose, Sealer, Unsealer},
    BackupError, BackupSecret,
    key::name_of,
    place::Place,
};
use danso_core::chain::{BackupPiece, Digest, PieceHolds};
use danso_tier_config::limits;
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File},
    io::{ErrorKind, Read, Write},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// A piece that is being written.
pub(super) struct PieceWriter {
    name: String,
    path: PathBuf,
    file: File,
    sealer: Sealer,
    sum: Sha256,
    bytes: u64,
    out: Vec<u8>,
}

impl PieceWriter {
    /// Begins a piece under its temporary name.
    pub fn begin(place: &Place, name: String, public: [u8; 32]) -> Result<Self, BackupError> {
        let path = place.pieces().join(&name);
        let temporary = path.with_added_extension("new");
        let file = File::create(&temporary).map_err(BackupError::io("write", &temporary))?;
        let mut out = Vec::new();
        let sealer = Sealer::new(Purpose::Backup, public, &mut out);
        Ok(Self { name, path, file, sealer, sum: Sha256::new(), bytes: 0, out })
    }

    /// Takes plain bytes.
    pub fn write(&mut self, plain: &[u8]) -> Result<(), BackupError> {
        self.sealer.write(plain, &mut self.out);
        self.flush()
    }

    fn flush(&mut self) -> Result<(), BackupError> {
        self.file.write_all(&self.out).map_err(BackupError::io("write", &self.path))?;
        self.sum.update(&self.out);
        self.bytes += self.out.len() as u64;
        self.out.clear();
        Ok(())
    }

    /// Gives the piece its name. Its bytes are durable on return, its name with the next sync of the folder.
    pub fn finish(self, holds: PieceHolds) -> Result<BackupPiece, BackupError> {
        let Self { name, path, mut file, sealer, mut sum, mut bytes, mut out } = self;
        sealer.finish(&mut out);
        let write = BackupError::io("write", &path);
        file.write_all(&out).and_then(|()| file.sync_all()).map_err(&write)?;
        sum.update(&out);
        bytes += out.len() as u64;
        fs::rename(path.with_added_extension("new"), &path).map_err(&write)?;
        Ok(BackupPiece { name, bytes, hash: Digest(sum.finalize().into()), holds })
    }
}

impl Place {
    /// Whether a piece is there with the length and sum that the list says; reads all of it.
    pub(super) fn check_piece(&self, piece: &BackupPiece) -> Result<(), BackupError> {
        self.read_piece(piece, |_| Ok(()))
    }

    /// The plain content of a piece of at most `bytes_max` bytes, its sum checked too.
    pub(super) fn open_piece(
        &self,
        piece: &BackupPiece,
        secret: &BackupSecret,
        bytes_max: u64,
    ) -> Result<Zeroizing<Vec<u8>>, BackupError> {
        let path = self.pieces().join(&piece.name);
        let mut plain = Zeroizing::new(Vec::new());
        let mut unsealer = Unsealer::new(Purpose::Backup, &secret.0);
        let told = |error: EnvelopeError| match error {
            EnvelopeError::OtherReceiver { named } => {
                BackupError::WrongKey { given: secret.name(), expected: name_of(&named) }
            }
            other => BackupError::piece(&path, &other),
        };
        self.read_piece(piece, |sealed| {
            unsealer.push(sealed, &mut plain).map_err(&told)?;
            if plain.len() as u64 > bytes_max {
                let because = "it opens to more than the list says".to_owned();
                return Err(BackupError::PieceDamaged { path: path.clone(), because });
            }
            Ok(())
        })?;
        unsealer.finish().map_err(&told)?;
        Ok(plain)
    }

    fn read_piece(
        &self,
        piece: &BackupPiece,
        mut show: impl FnMut(&[u8]) -> Result<(), BackupError>,
    ) -> Result<(), BackupError> {
        let path = self.pieces().join(&piece.name);
        let damaged =
            |because: &str| BackupError::PieceDamaged { path: path.clone(), because: because.to_owned() };
        let mut file = match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(BackupError::PieceMissing { path });
            }
            file => file.map_err(BackupError::io("read", &path))?,
        };
        let length = file.metadata().map_err(BackupError::io("read", &path))?.len();
        if length != piece.bytes {
            return Err(damaged(&format!("it has {length} bytes, the list says {}", piece.bytes)));
        }
        let mut sum = Sha256::new();
        let mut buffer = vec![0; limits::BACKUP_CHUNK_BYTES];
        let mut faulty = Ok(());
        loop {
            let count = match file.read(&mut buffer) {
                Ok(0) => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                read => read.map_err(BackupError::io("read", &path))?,
            };
            sum.update(&buffer[..count]);
            // The sum says more than where the opening stumbles.
            faulty = faulty.and_then(|()| show(&buffer[..count]));
        }
        if Digest(sum.finalize().into()) != piece.hash && !matches!(faulty, Err(BackupError::WrongKey { .. }))
        {
            return Err(damaged("its check sum differs from the one in the list"));
        }
        faulty
    }
}

/// Removes a file that may be gone already.
pub(super) fn remove(path: &Path) -> Result<(), BackupError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(BackupError::io("remove", path)(error)),
        _ => Ok(()),
    }
}
