//! A disk that fills up, fails, and loses what was not synced when the power goes.

use danso_node::host::{Room, Step, Steps};
use danso_tests::Dice;
use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Mutex,
};

/// What stays whole when a write is torn by a power cut, in bytes.
const SECTOR_BYTES: usize = 512;

/// Small segments, so that a schedule meets their ends.
const SEGMENT_BYTES: u64 = 65_536;

/// The disk of one node.
#[derive(Default)]
pub struct Disk(Mutex<State>);

#[derive(Default)]
struct State {
    /// Writes not synced yet, with what they wrote over.
    pending: Vec<Write>,
    /// Steps until the power goes.
    cut_after: Option<u64>,
    dead: bool,
    full: bool,
    /// The next sync fails.
    sync_fails: bool,
}

struct Write {
    path: PathBuf,
    offset: u64,
    before: Vec<u8>,
}

impl Disk {
    /// The power goes `steps` steps from now.
    pub fn cut_after(&self, steps: u64) {
        self.0.lock().unwrap().cut_after = Some(steps);
    }

    /// Whether the power went.
    pub fn is_dead(&self) -> bool {
        self.0.lock().unwrap().dead
    }

    /// Whether nothing more fits on it.
    pub fn fill(&self, full: bool) {
        self.0.lock().unwrap().full = full;
    }

    /// The next sync fails, once.
    pub fn fail_sync(&self) {
        self.0.lock().unwrap().sync_fails = true;
    }

    /// The power is back: of what was not synced, any part may be there.
    pub fn power_up(&self, dice: &mut Dice) {
        let mut state = self.0.lock().unwrap();
        for write in state.pending.drain(..).rev() {
            let kept = match dice.below(3) {
                0 => continue,
                1 => 0,
                _ => (dice.below(write.before.len() as u64 + 1) as usize) / SECTOR_BYTES * SECTOR_BYTES,
            };
            if let Ok(file) = OpenOptions::new().write(true).open(&write.path) {
                file.write_all_at(&write.before[kept..], write.offset + kept as u64).unwrap();
            }
        }
        (state.cut_after, state.dead, state.sync_fails) = (None, false, false);
    }

    /// The program was killed and the computer goes on: everything written is there.
    pub fn killed(&self) {
        let mut state = self.0.lock().unwrap();
        state.pending.clear();
        (state.cut_after, state.dead, state.sync_fails) = (None, false, false);
    }
}

impl Steps for Disk {
    fn before(&self, step: Step, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        if let Some(left) = state.cut_after {
            state.dead |= left == 0;
            state.cut_after = left.checked_sub(1);
        }
        if state.dead {
            return Err(io::Error::other("the power is gone"));
        }
        if state.full && matches!(step, Step::Write | Step::Preallocate | Step::Create | Step::WriteHeader) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        if matches!(step, Step::SyncData | Step::SyncFile) {
            if std::mem::take(&mut state.sync_fails) {
                return Err(io::Error::other("the disk does not answer"));
            }
            state.pending.retain(|write| write.path != path);
        }
        Ok(())
    }

    fn segment_bytes(&self) -> u64 {
        SEGMENT_BYTES
    }

    /// A disk is full or not; what the computer under the simulation has left is no part of it.
    fn room(&self, _: &Path) -> Option<Room> {
        None
    }

    fn writes(&self, path: &Path, file: &File, offset: u64, bytes: usize) -> usize {
        let mut before = vec![0; bytes];
        let mut read = 0;
        while let Ok(more @ 1..) = file.read_at(&mut before[read..], offset + read as u64) {
            read += more;
        }
        self.0.lock().unwrap().pending.push(Write { path: path.to_owned(), offset, before });
        bytes
    }
}
