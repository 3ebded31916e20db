//! Where the key at rest of a node is found (in the file that the node's file names, or in its key folder), and
//! how a new one takes its place.

use super::{error::RuntimeError, start::store_options};
use crate::{
    host::files,
    operations::{Actor, now_ms},
    store::{
        self, AuditNote, Record, Store, StoreError,
        at_rest::{AtRestError, AtRestKey, require_outside},
    },
};
use danso_core::chain::Deed;
use danso_tier_config::NodeConfig;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Name of the key's file where the node's file names none.
const KEY_FILE: &str = "at-rest.key";

/// The file in which the key is looked for.
pub(super) fn key_file(config: &NodeConfig) -> PathBuf {
    config.at_rest.clone().unwrap_or_else(|| config.keys.join(KEY_FILE))
}

/// The key of a node; a new data folder gets a new one, unless the node's file says where it is.
///
/// `None` where the file of a folder that is there already is missing: the node then runs without names. A new folder
/// is never begun without the key that the node's file names: what names persons would lie in it as it is.
pub(super) fn key_for(config: &NodeConfig) -> Result<Option<AtRestKey>, AtRestError> {
    let path = key_file(config);
    // A data folder that cannot be made is the store's to name.
    if config.data.is_dir() || path.starts_with(&config.data) {
        require_outside(&config.data, &path)?;
    }
    if path.exists() {
        return AtRestKey::read(&path).map(Some);
    }
    let new_folder = !config.data.join("FORMAT").exists() && !config.data.join("AT-REST").exists();
    match (new_folder, &config.at_rest) {
        (false, _) => Ok(None),
        (true, None) => AtRestKey::generate(&path).map(Some),
        (true, Some(_)) => AtRestKey::read(&path).map(Some),
    }
}

/// What a rewrapping did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrapped {
    /// Where the key lies that opens the data folder from now on.
    pub key: PathBuf,
    /// Where the former key was put aside; `None` where it stayed in its place, or was not there.
    pub former: Option<PathBuf>,
    /// Whether the node's file must name the new key before the node starts.
    pub setting_needed: bool,
}

/// Wraps the data key of a stopped node under a new key at rest, and notes it in the audit log first.
///
/// With `new_key` that file becomes the key (made where there is none) and the former one stays where it is.
/// Without it the new key takes the former one's place, which is renamed aside, never removed: copies of the
/// data folder from before still need it. After a crash at any place a repeat completes the work.
///
/// Errors: `already_running`, `at_rest_missing`, `at_rest_wrong_key`, those of key files and of the store.
pub async fn rewrap(
    config: &NodeConfig,
    new_key: Option<&Path>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Rewrapped, RuntimeError> {
    let current = key_file(config);
    let key = new_key.map_or_else(|| beside(&current, "next"), Path::to_path_buf);
    require_outside(&config.data, &key)?;
    let wrapped = config.data.join("AT-REST");
    if !wrapped.exists() {
        return Err(AtRestError::Missing { path: wrapped }.into());
    }
    let new = if key.exists() { AtRestKey::read(&key)? } else { AtRestKey::generate(&key)? };
    match store::rewrap(&config.data, config.unit, None, &new) {
        // An earlier attempt came that far.
        Ok(_) => {}
        Err(StoreError::AtRest(AtRestError::WrongKey { .. })) => {
            let old = AtRestKey::read(&current)?;
            note(config, &old, &new, progress).await?;
            store::rewrap(&config.data, config.unit, Some(&old), &new)?;
        }
        Err(error) => return Err(error.into()),
    }
    if new_key.is_some() {
        let setting_needed = key != current;
        return Ok(Rewrapped { key, former: None, setting_needed });
    }
    let former = put_in_place(&key, &current)?;
    Ok(Rewrapped { key: current, former, setting_needed: false })
}

/// The entry goes first: a change that was not noted must not happen.
async fn note(
    config: &NodeConfig,
    old: &AtRestKey,
    new: &AtRestKey,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), RuntimeError> {
    let (store, _) = Store::open(store_options(config)?, progress)?;
    let text = format!("key at rest {} replaced by {}", old.name(), new.name());
    let note = AuditNote::text(&Actor::local().words(), Deed::KeyChanged, text, now_ms());
    let written = store.write(vec![Record::Note(note).into()]).await;
    store.close().await;
    Ok(written?)
}

fn put_in_place(new: &Path, current: &Path) -> Result<Option<PathBuf>, AtRestError> {
    let refused = |path: &Path| {
        let path = path.to_path_buf();
        move |source| AtRestError::KeyFile { action: "rename", path, source: Arc::new(source) }
    };
    let mut former = None;
    if current.exists() {
        let aside = beside(current, &format!("old-{}", AtRestKey::read(current)?.name()));
        fs::rename(current, &aside).map_err(refused(current))?;
        former = Some(aside);
    }
    files::rename(new, current).map_err(refused(new))?;
    Ok(former)
}

/// The path with a further ending.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{ending}"));
    name.into()
}
