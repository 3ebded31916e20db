//! The data folder: FORMAT, lock and ballast. Another unit's or a newer folder is refused before a write.

use super::{
    StoreError,
    at_rest::{AtRestError, AtRestKey, State, Vault},
    room, written_by,
};
use crate::host::files;
use danso_tier_config::{UnitId, limits};
use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

/// Version of a data folder whose names are not encrypted.
const PLAIN_FORMAT: u32 = 1;
/// Version of a data folder that has a key at rest: without the file AT-REST it is not opened.
const SEALED_FORMAT: u32 = 2;
/// Name of the index in a data folder.
pub(super) const INDEX: &str = "index";

/// The note of a folder that was restored from a backup.
const RESTORED: &str = "RESTORED";

/// An opened and locked data folder.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Missing for a copy that is only looked at and has no lock of its own.
    lock: Option<File>,
    /// The version in FORMAT, 0 for a new folder.
    version: u32,
}

impl Drop for Folder {
    /// Unlocks by word: a process that is just being started may hold a copy of the file for a moment, and
    /// closing ours would leave the lock with it.
    fn drop(&mut self) {
        if let Some(Err(error)) = self.lock.as_ref().map(File::unlock) {
            tracing::warn!(%error, "the data folder's lock ends with the process");
        }
    }
}

fn fault(code: &'static str, problem: impl Into<String>, path: &Path) -> StoreError {
    StoreError::Folder { problem: problem.into(), path: path.to_path_buf(), code }
}

fn in_use(path: &Path) -> StoreError {
    fault("already_running", "another danso is running on", path)
}

pub(super) fn io(action: &str, path: &Path) -> impl Fn(std::io::Error) -> StoreError {
    let (action, path) = (action.to_owned(), path.to_path_buf());
    move |error| {
        let full = error.kind() == std::io::ErrorKind::StorageFull;
        fault(if full { "disk_full" } else { "folder_unusable" }, format!("cannot {action} ({error})"), &path)
    }
}

impl Folder {
    /// Checks FORMAT, takes the lock, makes what is missing. FORMAT is written last at creation.
    pub fn open(path: &Path, unit: UnitId) -> Result<Self, StoreError> {
        let format = path.join("FORMAT");
        let version = if format.exists() { check_format(path, unit)? } else { 0 };
        fs::create_dir_all(path).map_err(io("make the data folder", path))?;
        let lock_path = path.join("LOCK");
        let lock = File::options().create(true).truncate(false).write(true).open(&lock_path);
        let lock = lock.map_err(io("open the lock of the data folder", &lock_path))?;
        take(&lock, path)?;
        Ok(Self { path: path.to_path_buf(), lock: Some(lock), version })
    }

    /// A folder that exists, or a copy of one, to be looked at: nothing in it is made or written.
    ///
    /// Errors: `already_running` where a node has it, those of FORMAT.
    pub fn look(path: &Path, unit: UnitId) -> Result<Self, StoreError> {
        let version = check_format(path, unit)?;
        let lock = match File::open(path.join("LOCK")) {
            Ok(lock) => {
                take(&lock, path)?;
                Some(lock)
            }
            Err(_) => None,
        };
        Ok(Self { path: path.to_path_buf(), lock, version })
    }

    /// The keys as [`Folder::vault`] gives them; a folder without encryption stays so.
    pub fn vault_as_it_is(&self, key: Option<&AtRestKey>) -> Result<Vault, StoreError> {
        self.vault(key.filter(|_| self.path.join("AT-REST").exists()))
    }

    /// The keys under which names in this folder are encrypted. A folder that has had them is refused when they
    /// are lost: with new ones nothing in it could be read, and without any, names would be written in plain.
    pub fn vault(&self, key: Option<&AtRestKey>) -> Result<Vault, StoreError> {
        let file = self.path.join("AT-REST");
        if self.version >= SEALED_FORMAT && !file.exists() {
            return Err(AtRestError::Missing { path: file }.into());
        }
        Ok(Vault::of_folder(&self.path, key)?)
    }

    /// Writes FORMAT and the ballast once everything else of a new folder is in place, and notes who writes it.
    pub fn finish(&self, unit: UnitId, vault: &Vault) -> Result<(), StoreError> {
        room::keep_ballast(&self.path);
        written_by::note(&self.path);
        let format = self.path.join("FORMAT");
        let wanted = if vault.state() == State::Off { PLAIN_FORMAT } else { SEALED_FORMAT };
        if self.version >= wanted {
            return Ok(());
        }
        files::replace(&format, files::PUBLIC_MODE, |out| writeln!(out, "danso {wanted} {unit}"))
            .map_err(io("write", &format))
    }

    /// Gives up the ballast so that a node on a full disk can start; true where there was one.
    pub fn drop_ballast(&self) -> bool {
        room::drop_ballast(&self.path)
    }

    /// Gives up the ballast where the disk has less left than it holds: nothing needs to fail first.
    pub fn drop_ballast_if_full(&self) -> bool {
        room::left_bytes(&self.path) < limits::BALLAST_BYTES && self.drop_ballast()
    }

    /// The error of a folder whose index finds no space to be opened.
    pub fn full(&self, problem: &str) -> StoreError {
        fault("disk_full", format!("cannot open the index ({problem})"), &self.index())
    }

    pub fn ledger(&self) -> PathBuf {
        self.path.join("ledger")
    }

    pub fn index(&self) -> PathBuf {
        self.path.join(INDEX)
    }

    /// The error of a folder that something else has open.
    pub fn in_use(&self) -> StoreError {
        in_use(&self.path)
    }

    /// Notes that the index is being opened, or was found broken while it was used. Where the note is still there
    /// at the next start, somebody did not survive the index, and it is built anew.
    pub fn doubt_index(&self) {
        if let Err(error) = File::create(doubt(&self.index())) {
            tracing::warn!(%error, "cannot note that the index is being opened");
        }
    }

    /// Whether that was noted.
    pub fn index_is_doubted(&self) -> bool {
        doubt(&self.index()).exists()
    }

    /// The index was read whole, or is new.
    pub fn trust_index(&self) {
        let _ = fs::remove_file(doubt(&self.index()));
    }

    /// Where a verification builds its recount; it goes when the verification ends.
    pub fn scratch(&self) -> PathBuf {
        self.path.join("index.verify")
    }

    /// Moves a damaged index out of the way; the one set aside before is removed.
    pub fn set_index_aside(&self) -> Result<(), StoreError> {
        let (index, aside) = (self.index(), self.path.join("index.damaged"));
        if !index.exists() {
            return Ok(());
        }
        forget(&aside)?;
        fs::rename(&index, &aside).map_err(io("set aside", &index))?;
        // It can be had again from the ledger, and a new one needs as much: it is no reason not to start.
        if room::left_bytes(&self.path) < room::folder_bytes(&aside).saturating_mul(2) {
            tracing::warn!("there is no room to keep the index that was set aside");
            forget(&aside)?;
        }
        Ok(())
    }

    /// Removes what former versions left of an index whose rows named persons, once some of them were erased.
    pub fn forget_former_names(&self) -> Result<(), StoreError> {
        forget(&self.path.join("index.new"))?;
        forget_index_aside(&self.path)
    }
}

/// Removes the index that was set aside in a data folder.
pub(super) fn forget_index_aside(data: &Path) -> Result<(), StoreError> {
    forget(&data.join("index.damaged"))
}

/// Removes a folder if it is there.
pub(super) fn forget(folder: &Path) -> Result<(), StoreError> {
    if folder.exists() { fs::remove_dir_all(folder).map_err(io("remove", folder)) } else { Ok(()) }
}

/// The note that a folder was restored from a backup, made at this moment (Unix milliseconds): what came after the
/// backup is at the parent, and nothing is recorded before it was heard. Durable on return.
pub fn mark_restored(data: &Path, at_ms: u64) -> Result<(), StoreError> {
    let path = data.join(RESTORED);
    files::replace(&path, files::PUBLIC_MODE, |out| writeln!(out, "{at_ms}")).map_err(io("write", &path))
}

/// That note, if it is there; one that cannot be read counts as from the end of time.
pub(super) fn restored_at_ms(data: &Path) -> Option<u64> {
    let text = match fs::read_to_string(data.join(RESTORED)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        text => text.unwrap_or_default(),
    };
    Some(text.trim().parse().unwrap_or(u64::MAX))
}

/// The parent was heard, or there is none.
pub(super) fn forget_restored(data: &Path) {
    let _ = fs::remove_file(data.join(RESTORED));
}

/// The note about an index that is not to be trusted.
pub(super) fn doubt(index: &Path) -> PathBuf {
    index.with_extension("doubt")
}

fn take(lock: &File, path: &Path) -> Result<(), StoreError> {
    match lock.try_lock() {
        Ok(()) => Ok(()),
        Err(fs::TryLockError::WouldBlock) => Err(in_use(path)),
        Err(fs::TryLockError::Error(error)) => Err(io("lock the data folder", &path.join("LOCK"))(error)),
    }
}

fn check_format(data: &Path, unit: UnitId) -> Result<u32, StoreError> {
    let format = &data.join("FORMAT");
    let text = fs::read_to_string(format).map_err(io("read", format))?;
    let words: Vec<&str> = text.split_whitespace().collect();
    let [product, version, owner, ..] = words[..] else {
        return Err(fault("folder_not_danso", "not a danso data folder:", format));
    };
    let version =
        version.parse::<u32>().ok().filter(|version| product == "danso" && *version >= PLAIN_FORMAT);
    match version {
        None => Err(fault("folder_not_danso", "not a danso data folder:", format)),
        Some(version) if version > SEALED_FORMAT => {
            let problem = format!("format {version} is newer than this danso's {SEALED_FORMAT}:");
            Err(written_by::explained(data, fault("folder_newer_format", problem, format)))
        }
        Some(_) if owner != unit.to_string() => {
            Err(fault("folder_other_unit", format!("belongs to {owner}, not to {unit}:"), format))
        }
        Some(version) => Ok(version),
    }
}
