//! `danso rebuild --from-parent`: a new data folder from what the parent holds, and from what the old one has
//! and nobody else. The old one is set aside and never deleted.
//!
//! The new folder grows beside the old one and takes its place at the end, by two renames. A rebuild that was
//! cut short begins again: what it left was never sent or acknowledged to anybody.

use super::{
    conflicts,
    keys::{self, LedgerKeyError},
    start::{RuntimeError, read_directory, settle_key, store_options},
};
use crate::{
    host::files,
    operations::{
        Actor, Node, RecordError, RegisterError,
        recovery::{Again, Carried, Former},
    },
    store::{Store, StoreError, at_rest::State},
    transport::uplink::{Came, RestoreError, Restored, restore},
};
use danso_core::chain::{Deed, Digest, Receipt};
use danso_tier_config::{Date, NodeConfig, Policy};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Why nothing was rebuilt. The old folder is where it was.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The top has nobody above it.
    #[error("this node has no parent: nothing above it holds its chains")]
    NoParent,
    /// As at any start.
    #[error(transparent)]
    Start(#[from] RuntimeError),
    /// One of both folders.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A change could not be recorded again.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The parent could not be asked.
    #[error("the parent could not be asked: {0}")]
    Parent(#[from] RestoreError),
    /// The own chain did not come back.
    #[error("the own chain did not come back from the parent because of {code}")]
    OwnChain {
        /// Code of the reason.
        code: String,
    },
    /// The system refused.
    #[error("cannot {action} {}", path.display())]
    Folder {
        /// What was tried.
        action: &'static str,
        /// Which folder or file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl RebuildError {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub fn code(&self) -> String {
        let code = match self {
            Self::NoParent => "rebuild_no_parent",
            Self::Start(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Record(error) => error.code(),
            Self::Parent(error) => &error.code,
            Self::OwnChain { code } => code,
            Self::Folder { .. } => "rebuild_folder",
        };
        code.to_owned()
    }
}

impl From<LedgerKeyError> for RebuildError {
    fn from(error: LedgerKeyError) -> Self {
        Self::Start(error.into())
    }
}

impl From<RegisterError> for RebuildError {
    fn from(error: RegisterError) -> Self {
        Self::Start(error.into())
    }
}

/// What was rebuilt.
pub struct Rebuilt {
    /// Every chain that the parent holds of the subtree, with the receipt that proves its head.
    pub chains: Vec<Came>,
    /// What may pass the boundary to the parent.
    pub policy: Policy,
    /// Persons in the register of the new folder who have no name there.
    pub nameless: bool,
    /// What went over from the old folder.
    pub carried: Carried,
    /// What was recorded again, and what was not.
    pub again: Again,
    /// Where the changes are listed that were not.
    pub conflicts: Option<PathBuf>,
    /// Where the old folder is now.
    pub set_aside: Option<PathBuf>,
    /// Code of the reason why nothing could be read from the old folder.
    pub unreadable: Option<String>,
    /// Digest over all tallies of the new folder.
    pub tallies: Digest,
}

impl Rebuilt {
    /// The moment at which the parent signed for a chain's head, Unix milliseconds.
    pub fn signed_at_ms(came: &Came) -> Option<u64> {
        let receipt = came.receipt.as_ref()?;
        receipt.decode_trusted::<Receipt>().ok().map(|receipt| receipt.accepted_at_ms)
    }
}

/// Rebuilds the data folder of a node that is not running. On return the new folder is in the place of the old
/// one, durable, and what is not in it is listed.
///
/// `progress` is told (chains fetched, chains in all).
pub async fn rebuild_from_parent(
    config: NodeConfig,
    progress: &mut (dyn FnMut(usize, usize) + Send),
) -> Result<Rebuilt, RebuildError> {
    let parent = config.parent.clone().ok_or(RebuildError::NoParent)?;
    let key_folder = config.keys.clone();
    let signing = keys::read(&config.keys, config.unit)?;
    let bootstrap = read_directory(&config)?;
    let place = Place::prepare(&config.data)?;
    let (former, unreadable) = open_former(&config)?;

    let new_config = NodeConfig { data: place.rebuilding.clone(), ..config.clone() };
    let (store, _) = Store::open(store_options(&new_config)?, &mut |_, _| ())?;
    // Nothing is sealed in the new folder before it is in its place.
    store.hold_own_chain(true);
    let registrations = signing.registrations.clone();
    let node = Arc::new(Node::new(new_config, store, signing, bootstrap));
    let filled = async {
        node.register(registrations).await?;
        let mut carried = node.carry_words(former.as_deref()).await?;
        settle_key(&node)?;
        let restored = restore(&node, &parent, &key_folder, former.as_ref(), progress).await?;
        let own = restored.chains.iter().find(|came| came.origin == node.unit());
        if let Some(code) = own.and_then(|own| own.left.clone()) {
            return Err(RebuildError::OwnChain { code });
        }
        let (worker, old) = (Arc::clone(&node), former.clone());
        let again = tokio::task::spawn_blocking(move || fill(&worker, old.as_deref(), &mut carried));
        let (again, carried) = again.await.expect("filling a folder does not panic")?;
        Ok((restored, carried, again))
    };
    let filled: Result<(Restored, Carried, Again), RebuildError> = filled.await;
    let finished = match filled {
        Ok(filled) => finish(&node, &place, filled, unreadable).await,
        Err(error) => Err(error),
    };
    node.store.close().await;
    if let Some(former) = former {
        former.close().await;
    }
    let mut rebuilt = finished?;
    rebuilt.set_aside = place.swap(node.today())?;
    Ok(rebuilt)
}

/// Puts a rebuilt folder in the place of the old one where the rebuild was cut short before its last step; anything
/// else stays as it is. Called before a data folder is opened: a new one would be made beside the rebuilt one.
pub(super) fn finish_swap(data: &Path) -> Result<(), RebuildError> {
    if Place::of(data).finish_swap()? {
        tracing::warn!(folder = %data.display(), "finished a rebuild that was cut short at its last step");
    }
    Ok(())
}

/// The old folder, if there is one that can be read; else the code of the reason.
fn open_former(config: &NodeConfig) -> Result<(Option<Arc<Former>>, Option<String>), RebuildError> {
    if !config.data.join("FORMAT").exists() {
        return Ok((None, None));
    }
    match Store::open(store_options(config)?, &mut |_, _| ()) {
        Ok((store, _)) if store.at_rest() == State::Locked => Err(StoreError::Locked.into()),
        Ok((store, _)) => Ok((Some(Arc::new(Former::new(store))), None)),
        Err(error) if is_damage(error.code()) => Ok((None, Some(error.code().to_owned()))),
        Err(error) => Err(error.into()),
    }
}

/// Whether a folder is beyond reading; anything else (in use, another unit's, a newer format) is no reason to
/// put another one in its place.
fn is_damage(code: &str) -> bool {
    let damages = [
        "ledger_damaged",
        "ledger_missing_segment",
        "ledger_beyond_end",
        "ledger_io",
        "index_failed",
        "at_rest_damaged",
        "at_rest_missing",
    ];
    damages.contains(&code)
}

fn fill(
    node: &Node,
    former: Option<&Former>,
    carried: &mut Carried,
) -> Result<(Again, Carried), RebuildError> {
    let Some(former) = former else { return Ok((Again::default(), carried.clone())) };
    node.carry_batches(former, carried)?;
    let again = if node.records() { node.record_again(&Actor::local(), former)? } else { Again::default() };
    Ok((again, carried.clone()))
}

async fn finish(
    node: &Node,
    place: &Place,
    (restored, carried, again): (Restored, Carried, Again),
    unreadable: Option<String>,
) -> Result<Rebuilt, RebuildError> {
    let conflicts = if again.conflicts.is_empty() {
        None
    } else {
        let path = free(&place.data, &format!("conflicts-{}", node.today()), ".csv");
        let folder = |source| RebuildError::Folder { action: "write", path: path.clone(), source };
        conflicts::write(&path, &again.conflicts).map_err(folder)?;
        Some(path)
    };
    let text = format!(
        "rebuilt: {} chains from the parent, {} own batches and {} of others from the old folder, {} changes \
         recorded again, {} not",
        restored.chains.len(),
        carried.own,
        carried.below,
        again.recorded,
        again.conflicts.len()
    );
    node.note(&Actor::local(), Deed::ChainResolved, text).await?;
    let view = node.store.view();
    let tallies = Digest(view.tallies.digest());
    drop(view);
    let nameless = node.store.has_nameless_persons()?;
    let Restored { policy, chains } = restored;
    let set_aside = None;
    Ok(Rebuilt { chains, policy, nameless, carried, again, conflicts, set_aside, unreadable, tallies })
}

/// The data folder and its neighbours.
struct Place {
    data: PathBuf,
    /// Where the new one grows.
    rebuilding: PathBuf,
    /// The new one when it is whole and not yet in its place.
    rebuilt: PathBuf,
}

impl Place {
    fn of(data: &Path) -> Self {
        Self {
            data: data.to_path_buf(),
            rebuilding: beside(data, "rebuilding"),
            rebuilt: beside(data, "rebuilt"),
        }
    }

    /// Finishes a swap that was cut short, and clears away what an earlier rebuild left unfinished.
    fn prepare(data: &Path) -> Result<Self, RebuildError> {
        let place = Self::of(data);
        place.finish_swap()?;
        for left in [&place.rebuilding, &place.rebuilt] {
            if left.exists() {
                let folder = |source| RebuildError::Folder { action: "remove", path: left.clone(), source };
                fs::remove_dir_all(left).map_err(folder)?;
            }
        }
        Ok(place)
    }

    /// Does the last rename of a swap that was cut short before it. A folder without FORMAT is no data folder: a
    /// service manager may have made it anew.
    fn finish_swap(&self) -> Result<bool, RebuildError> {
        let whole = |folder: &Path| folder.join("FORMAT").exists();
        if whole(&self.data) || !whole(&self.rebuilt) {
            return Ok(false);
        }
        if self.data.exists() && fs::remove_dir(&self.data).is_err() {
            rename(&self.data, &free(&self.data, "not-begun", ""))?;
        }
        rename(&self.rebuilt, &self.data)?;
        Ok(true)
    }

    /// Puts the new folder in the place of the old one and gives where that is now.
    fn swap(&self, today: Date) -> Result<Option<PathBuf>, RebuildError> {
        rename(&self.rebuilding, &self.rebuilt)?;
        let aside = if self.data.exists() {
            let aside = free(&self.data, &format!("before-{today}"), "");
            rename(&self.data, &aside)?;
            Some(aside)
        } else {
            None
        };
        rename(&self.rebuilt, &self.data)?;
        Ok(aside)
    }
}

/// A path beside another, its name with an ending.
fn beside(path: &Path, ending: &str) -> PathBuf {
    path.with_added_extension(ending)
}

/// Such a path that nothing has yet.
fn free(path: &Path, ending: &str, suffix: &str) -> PathBuf {
    let first = beside(path, &format!("{ending}{suffix}"));
    let more = (2..).map(|number| beside(path, &format!("{ending}-{number}{suffix}")));
    std::iter::once(first).chain(more).find(|path| !path.exists()).expect("there are more numbers than files")
}

/// Renames, durably.
fn rename(from: &Path, to: &Path) -> Result<(), RebuildError> {
    let folder = |source| RebuildError::Folder { action: "move", path: from.to_path_buf(), source };
    files::rename(from, to).map_err(folder)
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn nothing_is_overwritten_by_what_is_set_aside() {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("data");
        let today: Date = "2026-11-22".parse().unwrap();
        let make = |name: &str| {
            fs::create_dir(root.path().join(name)).unwrap();
            fs::write(root.path().join(name).join("what"), name).unwrap();
        };
        make("data");
        make("data.before-2026-11-22");
        make("data.rebuilding");
        let place = Place::of(&data);
        let aside = place.swap(today).unwrap().unwrap();
        assert_eq!(aside.file_name().unwrap(), "data.before-2026-11-22-2");
        assert_eq!(fs::read_to_string(aside.join("what")).unwrap(), "data");
        assert_eq!(fs::read_to_string(data.join("what")).unwrap(), "data.rebuilding");
        let kept = fs::read_to_string(root.path().join("data.before-2026-11-22/what")).unwrap();
        assert_eq!(kept, "data.before-2026-11-22");
    }

    #[test]
    fn a_swap_that_was_cut_short_is_finished_and_other_leftovers_go() {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("data");
        for name in ["data.rebuilt", "data.rebuilding"] {
            fs::create_dir(root.path().join(name)).unwrap();
            fs::write(root.path().join(name).join("what"), name).unwrap();
        }
        fs::write(root.path().join("data.rebuilt/FORMAT"), "").unwrap();
        Place::prepare(&data).unwrap();
        assert_eq!(fs::read_to_string(data.join("what")).unwrap(), "data.rebuilt");
        let names: Vec<_> =
            fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["data"]);
    }

    #[test]
    fn a_start_finishes_a_swap_beside_an_empty_folder_and_touches_no_whole_one() {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("data");
        let rebuilt = root.path().join("data.rebuilt");
        fs::create_dir(&data).unwrap();
        fs::create_dir(&rebuilt).unwrap();
        // Not whole itself: nothing to put anywhere.
        finish_swap(&data).unwrap();
        assert!(data.exists() && rebuilt.exists());
        fs::write(rebuilt.join("FORMAT"), "new").unwrap();
        finish_swap(&data).unwrap();
        assert_eq!(fs::read_to_string(data.join("FORMAT")).unwrap(), "new");
        assert!(!rebuilt.exists());
        // A start that came before this one left a beginning of a folder.
        fs::rename(&data, &rebuilt).unwrap();
        fs::create_dir(&data).unwrap();
        fs::write(data.join("LOCK"), "").unwrap();
        finish_swap(&data).unwrap();
        assert_eq!(fs::read_to_string(data.join("FORMAT")).unwrap(), "new");
        assert!(root.path().join("data.not-begun/LOCK").exists());
        // The old folder is still in its place: the rebuild was cut short earlier and is to be begun again.
        fs::create_dir(&rebuilt).unwrap();
        fs::write(rebuilt.join("FORMAT"), "newer").unwrap();
        finish_swap(&data).unwrap();
        assert_eq!(fs::read_to_string(data.join("FORMAT")).unwrap(), "new");
        assert!(rebuilt.exists());
    }

    #[test]
    fn a_folder_in_use_or_of_another_unit_is_no_damage() {
        for code in ["already_running", "folder_other_unit", "folder_newer_format", "ledger_newer_format"] {
            assert!(!is_damage(code), "{code}");
        }
        assert!(is_damage("ledger_damaged"));
    }
}
