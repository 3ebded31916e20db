//! The data folder and its neighbours, and how one takes the place of the other.

use super::RebuildError;
use crate::host::files;
use danso_tier_config::Date;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Puts a rebuilt folder in the place of the old one where the rebuild was cut short before its last step; anything
/// else stays as it is. Called before a data folder is opened: a new one would be made beside the rebuilt one.
pub(in crate::runtime) fn finish_swap(data: &Path) -> Result<(), RebuildError> {
    if Place::of(data).finish_swap()? {
        tracing::warn!(folder = %data.display(), "finished a rebuild that was cut short at its last step");
    }
    Ok(())
}

/// The data folder and its neighbours.
pub(super) struct Place {
    pub data: PathBuf,
    /// Where the new one grows.
    pub rebuilding: PathBuf,
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
    pub fn prepare(data: &Path) -> Result<Self, RebuildError> {
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
    pub fn swap(&self, today: Date) -> Result<Option<PathBuf>, RebuildError> {
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
pub(super) fn free(path: &Path, ending: &str, suffix: &str) -> PathBuf {
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
}
