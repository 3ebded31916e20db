//! The folder of backups: its files, its lock, its lists.

use super::{BackupError, BackupKey};
use crate::host::files;
use danso_core::chain::{BackupManifest, PublicKey, SIGNATURE_BYTES, Signed};
use danso_tier_config::{UnitId, limits};
use std::{
    fs::{self, File, TryLockError},
    io::{ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

const PRODUCT: &str = "danso-backup";
const VERSION: u32 = 1;
const KEY_BYTES: usize = 32;

/// A folder of backups of one unit.
pub struct Place {
    path: PathBuf,
    unit: UnitId,
    /// Held while something is written.
    lock: Option<File>,
}

/// A backup as its list says.
#[derive(Debug)]
pub struct Listed {
    /// Its number.
    pub number: u32,
    /// The list, verified with the key that stands beside it; else why not.
    pub manifest: Result<BackupManifest, BackupError>,
    /// The key that signed.
    pub signer: Option<PublicKey>,
}

impl Place {
    /// Opens a folder to write backups of `unit` into it; makes it where it is missing or empty. One writer at a time.
    ///
    /// Errors: [`BackupError::NotBackup`], [`BackupError::OtherUnit`], [`BackupError::Newer`], [`BackupError::Busy`].
    pub fn to_write(path: &Path, unit: UnitId, key: &BackupKey) -> Result<Self, BackupError> {
        if path.join("FORMAT").exists() {
            check_format(path, Some(unit))?;
        } else {
            begin(path)?;
        }
        let lock_path = path.join("LOCK");
        let lock = File::options().create(true).truncate(false).write(true).open(&lock_path);
        let lock = lock.map_err(BackupError::io("open", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BackupError::Busy { path: path.to_path_buf() }),
            // Sticks with a foreign file system may know no locks: two commands at once are unlikely there.
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(BackupError::io("lock", &lock_path)(error)),
        }
        let place = Self { path: path.to_path_buf(), unit, lock: Some(lock) };
        for folder in [place.manifests(), place.pieces()] {
            fs::create_dir_all(&folder).map_err(BackupError::io("make", &folder))?;
        }
        place.keep_key(key)?;
        if !path.join("FORMAT").exists() {
            replace(&path.join("FORMAT"), format!("{PRODUCT} {VERSION} {unit}\n").as_bytes())?;
        }
        Ok(place)
    }

    /// Lays the key beside the backups. One that lies there under its passphrase stays when only its public half comes.
    fn keep_key(&self, key: &BackupKey) -> Result<(), BackupError> {
        let beside = BackupKey::read(&self.key_file()).ok();
        let says_more = |beside: BackupKey| beside.public == key.public && beside.asks_passphrase();
        if !key.asks_passphrase() && beside.is_some_and(says_more) {
            return Ok(());
        }
        replace(&self.key_file(), key.to_lie_beside().as_bytes())
    }

    /// Opens a folder to read; `unit` is whose backups they must be, if that is known.
    pub fn to_read(path: &Path, unit: Option<UnitId>) -> Result<Self, BackupError> {
        let unit = check_format(path, unit)?;
        Ok(Self { path: path.to_path_buf(), unit, lock: None })
    }

    /// Whose backups these are.
    pub fn unit(&self) -> UnitId {
        self.unit
    }

    /// Where they are.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file of the key that lies beside the backups.
    pub fn key_file(&self) -> PathBuf {
        self.path.join("KEY")
    }

    pub(super) fn manifests(&self) -> PathBuf {
        self.path.join("manifests")
    }

    pub(super) fn pieces(&self) -> PathBuf {
        self.path.join("pieces")
    }

    pub(super) fn manifest_file(&self, number: u32) -> PathBuf {
        self.manifests().join(format!("{number:06}.manifest"))
    }

    pub(super) fn is_locked(&self) -> bool {
        self.lock.is_some()
    }

    /// All backups, the oldest first. With `trusted` a list counts only under one of these keys.
    pub fn listed(&self, trusted: Option<&[PublicKey]>) -> Result<Vec<Listed>, BackupError> {
        let folder = self.manifests();
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&folder).map_err(BackupError::io("read", &folder))? {
            let name = entry.map_err(BackupError::io("read", &folder))?.file_name();
            let digits = name.to_str().and_then(|name| name.strip_suffix(".manifest"));
            numbers.extend(digits.and_then(|digits| digits.parse::<u32>().ok()).filter(|number| *number > 0));
        }
        numbers.sort_unstable();
        Ok(numbers.into_iter().map(|number| self.read(number, trusted)).collect())
    }

    /// The newest backup whose list is whole, or the one with this number.
    ///
    /// Errors: [`BackupError::None`]; what is wrong with the list that was asked for.
    pub fn find(
        &self,
        number: Option<u32>,
        trusted: Option<&[PublicKey]>,
    ) -> Result<BackupManifest, BackupError> {
        let mut listed = self.listed(trusted)?;
        let none = BackupError::None { path: self.path.clone() };
        match number {
            Some(number) => {
                let place = listed.iter().position(|found| found.number == number);
                place.map_or(Err(none), |place| listed.swap_remove(place).manifest)
            }
            None => match listed.iter().rposition(|found| found.manifest.is_ok()) {
                Some(place) => listed.swap_remove(place).manifest,
                // Rather than that there is none: what is wrong with the one that is there.
                None => listed.pop().map_or(Err(none), |last| last.manifest),
            },
        }
    }

    fn read(&self, number: u32, trusted: Option<&[PublicKey]>) -> Listed {
        let path = self.manifest_file(number);
        match read_manifest(&path, self.unit, number) {
            Ok((_, signer)) if trusted.is_some_and(|trusted| !trusted.contains(&signer)) => {
                let error = BackupError::Signature { path, unit: self.unit };
                Listed { number, manifest: Err(error), signer: Some(signer) }
            }
            Ok((manifest, signer)) => Listed { number, manifest: Ok(manifest), signer: Some(signer) },
            Err(error) => Listed { number, manifest: Err(error), signer: None },
        }
    }

    /// Writes a list under its name, durably: from here on the backup is there.
    pub(super) fn write_manifest(
        &self,
        number: u32,
        signed: &Signed,
        under: PublicKey,
    ) -> Result<(), BackupError> {
        let bytes = [&signed.signature, &under.to_bytes()[..], &signed.bytes].concat();
        replace(&self.manifest_file(number), &bytes)
    }
}

/// The list in the bytes of its file, and the key under which it verifies: the one that stands beside it.
pub fn decode_manifest(bytes: &[u8]) -> Option<(BackupManifest, PublicKey)> {
    let (signature, rest) = bytes.split_at_checked(SIGNATURE_BYTES)?;
    let (key, statement) = rest.split_first_chunk::<KEY_BYTES>()?;
    let under = PublicKey::from_bytes(key).ok()?;
    let signed = Signed { bytes: statement.to_vec(), signature: signature.to_vec() };
    let manifest: BackupManifest = signed.verify(under).ok()?;
    manifest.pieces.iter().all(|piece| is_piece_name(&piece.name)).then_some((manifest, under))
}

fn read_manifest(path: &Path, unit: UnitId, number: u32) -> Result<(BackupManifest, PublicKey), BackupError> {
    let bytes = read_bounded(path)?;
    let found = decode_manifest(&bytes).filter(|(manifest, _)| manifest.number == number);
    let (manifest, signer) = found.ok_or_else(|| BackupError::Manifest { path: path.to_path_buf() })?;
    if manifest.unit != unit {
        let found = manifest.unit.to_string();
        return Err(BackupError::OtherUnit { path: path.to_path_buf(), found, unit });
    }
    Ok((manifest, signer))
}

/// Whether a name is one that pieces have, and leads nowhere else.
fn is_piece_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase() || byte == b'-';
    let stem = name.strip_suffix(".piece").unwrap_or_default();
    !stem.is_empty() && name.len() <= limits::BACKUP_NAME_BYTES_MAX && stem.bytes().all(plain)
}

fn read_bounded(path: &Path) -> Result<Vec<u8>, BackupError> {
    let read = BackupError::io("read", path);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(&read)?;
    file.take(limits::BACKUP_FILE_BYTES_MAX as u64).read_to_end(&mut bytes).map_err(&read)?;
    Ok(bytes)
}

/// Puts a file in place, durably; no moment shows half of it.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), BackupError> {
    files::replace(path, files::PUBLIC_MODE, |out| out.write_all(bytes))
        .map_err(BackupError::io("write", path))
}

/// Makes names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> Result<(), BackupError> {
    files::sync_folder(folder).map_err(BackupError::io("sync", folder))
}

/// Makes a folder for backups, or takes one that is empty or was begun and not finished.
fn begin(path: &Path) -> Result<(), BackupError> {
    fs::create_dir_all(path).map_err(BackupError::io("make", path))?;
    for entry in fs::read_dir(path).map_err(BackupError::io("read", path))? {
        let name = entry.map_err(BackupError::io("read", path))?.file_name();
        let ours = ["LOCK", "KEY", "KEY.new", "FORMAT.new", "manifests", "pieces", "lost+found"];
        if !ours.iter().any(|ours| name == *ours) {
            return Err(BackupError::NotBackup { path: path.to_path_buf() });
        }
    }
    Ok(())
}

fn check_format(path: &Path, unit: Option<UnitId>) -> Result<UnitId, BackupError> {
    let file = path.join("FORMAT");
    let none = || BackupError::NotBackup { path: path.to_path_buf() };
    if !file.exists() {
        return Err(none());
    }
    let bytes = read_bounded(&file)?;
    let text = String::from_utf8_lossy(&bytes);
    let words: Vec<&str> = text.split_whitespace().collect();
    let [PRODUCT, version, owner] = words[..] else { return Err(none()) };
    let found: u32 = version.parse().map_err(|_| none())?;
    if found != VERSION {
        return Err(BackupError::Newer { path: file, found });
    }
    let owner_unit: UnitId = owner.parse().map_err(|_| none())?;
    match unit {
        Some(unit) if unit != owner_unit => {
            Err(BackupError::OtherUnit { path: path.to_path_buf(), found: owner.to_owned(), unit })
        }
        _ => Ok(owner_unit),
    }
}
