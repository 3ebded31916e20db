//! A data folder restored from a backup, and proved: rebuilt, verified, and compared with what the node signed.

use super::{error::RuntimeError, keys, start::store_options};
use crate::{
    host::files,
    operations::now_ms,
    store::{
        self, Store, StoreError,
        at_rest::State,
        backup::{BackupError, BackupSecret, Place},
    },
};
use danso_core::chain::{BackupManifest, Digest};
use danso_tier_config::NodeConfig;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Why nothing was restored. What was in the way is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreBackupError {
    /// The backup.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// Keys of the node, as at any start.
    #[error(transparent)]
    Start(#[from] RuntimeError),
    /// The restored folder cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is a data folder.
    #[error("{} exists; a backup is never restored over a data folder", path.display())]
    Target {
        /// Which.
        path: PathBuf,
    },
    /// There are keys.
    #[error("{} holds keys already; those in the backup are not written over them", path.display())]
    KeysExist {
        /// The key folder.
        path: PathBuf,
    },
    /// The backup was made without them.
    #[error("the backup holds no keys")]
    NoKeys,
    /// What came out is not what was signed.
    #[error("the restored folder has other {what} ({found}) than the node signed for ({signed})")]
    Differs {
        /// records, heads or tallies.
        what: &'static str,
        /// In the restored folder.
        found: String,
        /// In the list.
        signed: String,
    },
    /// The system refused.
    #[error("cannot {action} {}", path.display())]
    Folder {
        /// What was tried.
        action: &'static str,
        /// Which folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl RestoreBackupError {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Backup(error) => error.code(),
            Self::Start(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Target { .. } => "backup_target",
            Self::KeysExist { .. } => "backup_keys_exist",
            Self::NoKeys => "backup_no_keys",
            Self::Differs { .. } => "backup_differs",
            Self::Folder { .. } => "backup_unusable",
        }
    }
}

/// What was restored, each figure equal to what the node signed for.
#[derive(Debug, Clone)]
pub struct RestoredBackup {
    /// The list of the backup.
    pub manifest: BackupManifest,
    /// Batches whose signature, link, roots and deltas verified.
    pub batches: u64,
    /// Whether names can be read here.
    pub names: State,
    /// Files of the key folder that were restored.
    pub key_files: usize,
}

/// Which backup, and how it is opened.
pub struct Chosen<'a> {
    /// The folder of backups.
    pub place: &'a Place,
    /// Its number; `None` for the newest whole one.
    pub number: Option<u32>,
    /// What opens it.
    pub secret: &'a BackupSecret,
    /// Whether the keys in it are restored too.
    pub with_keys: bool,
}

/// Restores the data folder that a node's file names, which must not exist. On return it is in its place, durable, and
/// proved; before that nothing is. A restore that was cut short is begun anew.
///
/// A node with a parent records nothing in the folder before the parent was heard. `progress` is told (bytes done, bytes
/// in all) of each part of the work.
pub fn restore_backup(
    config: &NodeConfig,
    chosen: &Chosen<'_>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<RestoredBackup, RestoreBackupError> {
    let data = &config.data;
    if is_taken(data)? {
        return Err(RestoreBackupError::Target { path: data.clone() });
    }
    // The keys, too, get their place only at the end.
    let keys =
        if chosen.with_keys { config.keys.with_added_extension("restoring") } else { config.keys.clone() };
    let key_files = if chosen.with_keys { restore_keys(config, chosen, &keys)? } else { 0 };
    let trusted = keys::own_keys(&keys, config.unit).map_err(RuntimeError::from)?;
    let manifest = chosen.place.find(chosen.number, Some(&trusted))?;
    let restoring = data.with_added_extension("restoring");
    clear(&restoring)?;
    chosen.place.write_data(&manifest, chosen.secret, &restoring, progress)?;
    if config.parent.is_some() {
        store::mark_restored(&restoring, now_ms())?;
    }
    let new = NodeConfig { data: restoring.clone(), keys: keys.clone(), ..config.clone() };
    let names = rebuilt(&new, &manifest, progress)?;
    let batches = verified(&new, &manifest, progress)?;
    if chosen.with_keys {
        put_in_place(&keys, &config.keys)?;
    }
    put_in_place(&restoring, data)?;
    Ok(RestoredBackup { manifest, batches, names, key_files })
}

fn refused(action: &'static str, path: &Path) -> impl Fn(io::Error) -> RestoreBackupError + use<> {
    let path = path.to_path_buf();
    move |source| RestoreBackupError::Folder { action, path: path.clone(), source }
}

fn clear(folder: &Path) -> Result<(), RestoreBackupError> {
    if folder.exists() { fs::remove_dir_all(folder).map_err(refused("remove", folder)) } else { Ok(()) }
}

/// Gives a folder its name, durably. An empty one may be in the way: a service manager makes such.
fn put_in_place(from: &Path, to: &Path) -> Result<(), RestoreBackupError> {
    if to.exists() {
        fs::remove_dir(to).map_err(refused("remove", to))?;
    }
    files::rename(from, to).map_err(refused("move", from))
}

fn is_taken(folder: &Path) -> Result<bool, RestoreBackupError> {
    Ok(folder.exists() && fs::read_dir(folder).map_err(refused("read", folder))?.next().is_some())
}

fn restore_keys(config: &NodeConfig, chosen: &Chosen<'_>, to: &Path) -> Result<usize, RestoreBackupError> {
    if is_taken(&config.keys)? {
        return Err(RestoreBackupError::KeysExist { path: config.keys.clone() });
    }
    clear(to)?;
    let manifest = chosen.place.find(chosen.number, None)?;
    let files = chosen.place.open_keys(&manifest, chosen.secret)?.ok_or(RestoreBackupError::NoKeys)?;
    files.write(to)?;
    Ok(files.count())
}

/// Builds the index of the restored folder and compares what is counted.
fn rebuilt(
    config: &NodeConfig,
    manifest: &BackupManifest,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<State, RestoreBackupError> {
    let (store, _) = Store::open(store_options(config)?, progress)?;
    let names = store.at_rest();
    let (heads, tallies) = {
        let view = store.view();
        (view.heads_digest(view.chains.keys().copied()), Digest(view.tallies.digest()))
    };
    let runtime =
        tokio::runtime::Builder::new_current_thread().build().map_err(refused("start", &config.data))?;
    runtime.block_on(store.close());
    same("heads", heads, manifest.heads)?;
    same("tallies", tallies, manifest.tallies)?;
    Ok(names)
}

/// The full check of the restored folder. Gives how many batches verified.
fn verified(
    config: &NodeConfig,
    manifest: &BackupManifest,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<u64, RestoreBackupError> {
    let report = store::verify(&store_options(config)?, progress)?;
    same("heads", report.heads, manifest.heads)?;
    same("tallies", report.tallies, manifest.tallies)?;
    if let Some(difference) = report.differences.first() {
        let (found, signed) = (difference.clone(), "a recount of the ledger".to_owned());
        return Err(RestoreBackupError::Differs { what: "rows in its index", found, signed });
    }
    if report.records != manifest.records {
        let (found, signed) = (report.records.to_string(), manifest.records.to_string());
        return Err(RestoreBackupError::Differs { what: "records", found, signed });
    }
    Ok(report.batches)
}

fn same(what: &'static str, found: Digest, signed: Digest) -> Result<(), RestoreBackupError> {
    if found == signed {
        return Ok(());
    }
    Err(RestoreBackupError::Differs { what, found: found.to_string(), signed: signed.to_string() })
}
