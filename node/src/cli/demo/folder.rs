//! The folder that the demo works in.

use crate::cli::failure::Failure;
use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

/// A folder that was empty; a temporary one is removed with the value.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    /// A new folder among the system's temporary ones.
    pub fn temporary() -> Result<Self, Failure> {
        let mut mark = [0; 8];
        getrandom::fill(&mut mark).expect("the system gives random bytes");
        let name = format!("danso-demo-{:016x}", u64::from_le_bytes(mark));
        let path = std::env::temp_dir().join(name);
        Self::create(&path, false)?;
        Ok(Self { path, temporary: true })
    }

    /// A named folder, made where it is missing; one that holds anything is refused.
    pub fn named(path: &Path) -> Result<Self, Failure> {
        let path = std::path::absolute(path).map_err(|error| unusable(path, &error))?;
        Self::create(&path, true)?;
        let mut entries = fs::read_dir(&path).map_err(|error| unusable(&path, &error))?;
        if entries.next().is_some() {
            let sentence = format!("{} is not empty, the demo needs a folder of its own", path.display());
            return Err(Failure::told("demo_folder", sentence));
        }
        Ok(Self { path, temporary: false })
    }

    fn create(path: &Path, also_above: bool) -> Result<(), Failure> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(also_above).mode(0o700).create(path).map_err(|error| unusable(path, &error))
    }

    /// Where it is, from the root on.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it goes with the value.
    pub fn is_temporary(&self) -> bool {
        self.temporary
    }
}

fn unusable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::told("demo_folder", format!("cannot use {}: {error}", path.display()))
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary {
            // What cannot be removed stays among the temporary files, which the system clears.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn a_temporary_folder_goes_and_a_named_one_stays() {
        let temporary = Folder::temporary().unwrap();
        let path = temporary.path().to_owned();
        let named = Folder::named(&path.join("inside/it")).unwrap();
        let inside = named.path().to_owned();
        drop(named);
        assert!(inside.is_dir());
        drop(temporary);
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_that_holds_anything_is_refused() {
        let temporary = Folder::temporary().unwrap();
        fs::write(temporary.path().join("x"), "y").unwrap();
        let refused = Folder::named(temporary.path()).unwrap_err();
        assert!(matches!(refused, Failure::Told { code, .. } if code == "demo_folder"));
        assert!(temporary.path().join("x").exists());
    }
}
