//! Records what a folder holds before every step, and gives all that a power cut may leave of it.
//!
//! The model: bytes of a file are safe when the file was synced after they were written, names when
//! the folder was synced after they changed. Of names that changed since, the changes up to any one
//! of them are there; of bytes, any.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::power_cut::{Dice, torn};
use crate::host::Step;

/// What a file holds, by its number in the file system.
type Contents = BTreeMap<u64, Vec<u8>>;
/// Which file has which name.
type Names = BTreeMap<PathBuf, u64>;

/// A folder at one moment. The files stay open, so that no number is given twice.
#[derive(Debug)]
struct Moment {
    names: Names,
    contents: Contents,
    open_files: Vec<File>,
}

impl Moment {
    fn of(folder: &Path) -> Self {
        let mut moment = Self { names: Names::new(), contents: Contents::new(), open_files: Vec::new() };
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let file = File::open(&path).unwrap();
            let number = file.metadata().unwrap().ino();
            moment.contents.insert(number, fs::read(&path).unwrap());
            moment.names.insert(path, number);
            moment.open_files.push(file);
        }
        moment
    }
}

/// Steps of a ledger and the folder before each.
#[derive(Debug)]
pub(in crate::store::ledger) struct Recorder {
    folder: PathBuf,
    steps: Vec<(Step, PathBuf)>,
    moments: Vec<Moment>,
}

impl Recorder {
    /// Begins with a folder of which everything is durable.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), steps: Vec::new(), moments: Vec::new() }
    }

    /// Notes a step that is about to be done.
    pub fn before(&mut self, step: Step, path: &Path) {
        self.steps.push((step, path.to_owned()));
        self.moments.push(Moment::of(&self.folder));
    }

    /// Ends the recording; the ledger may go on.
    pub fn finish(mut self) -> Recording {
        self.moments.push(Moment::of(&self.folder));
        Recording { steps: self.steps, moments: self.moments }
    }
}

/// A finished recording.
#[derive(Debug)]
pub(in crate::store::ledger) struct Recording {
    steps: Vec<(Step, PathBuf)>,
    moments: Vec<Moment>,
}

impl Recording {
    /// How many steps were done.
    pub fn steps(&self) -> usize {
        self.steps.len()
    }

    /// The steps in the order in which they were done.
    pub fn order(&self) -> Vec<Step> {
        self.steps.iter().map(|&(step, _)| step).collect()
    }

    /// Calls `check` with folders as a power cut after `done` steps may leave them: `tears` of them
    /// for each state of the names, besides the one that kept all and the one that lost all.
    pub fn power_cuts(&self, done: usize, tears: u64, mut check: impl FnMut(&Path)) {
        let mut synced = self.moments[0].contents.clone();
        let mut latest = synced.clone();
        let mut possible = vec![self.moments[0].names.clone()];
        for (index, (step, path)) in self.steps[..done].iter().enumerate() {
            let after = &self.moments[index + 1];
            latest.extend(after.contents.clone());
            match step {
                Step::Create => {
                    synced.insert(after.names[path], Vec::new());
                }
                Step::SyncFile | Step::SyncData => {
                    let number = after.names[path];
                    synced.insert(number, latest[&number].clone());
                }
                Step::SyncFolder => possible.clear(),
                _ => {}
            }
            if possible.last() != Some(&after.names) {
                possible.push(after.names.clone());
            }
        }
        for names in &possible {
            let dirty = names.values().any(|number| synced[number] != latest[number]);
            for variant in 0..if dirty { 2 + tears } else { 1 } {
                let folder = tempfile::tempdir().unwrap();
                let mut dice = Dice::new(variant);
                for (path, number) in names {
                    let (synced, latest) = (&synced[number], &latest[number]);
                    let content = match variant {
                        0 => latest.clone(),
                        1 => synced.clone(),
                        _ if synced == latest => latest.clone(),
                        _ => {
                            let mut before = synced.clone();
                            before.resize(latest.len(), 0);
                            torn(&before, latest, &mut dice)
                        }
                    };
                    fs::write(folder.path().join(path.file_name().unwrap()), content).unwrap();
                }
                check(folder.path());
            }
        }
    }
}
