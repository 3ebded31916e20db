//! A disk of a few megabytes, really mounted, to be filled.

use crate::skipped;
use danso_node::host::Room;
use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

/// A file system in memory; unmounted with the value.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`, with a word on stderr, where nothing may be mounted.
    pub fn mounted(at: &Path, megabytes: u64) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let size = format!("size={megabytes}m");
        let output = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at).output();
        if !output.is_ok_and(|output| output.status.success()) {
            skipped("a small disk", "this system lets no test mount one");
            return None;
        }
        Some(Self(at.to_owned()))
    }

    /// Takes all space that is left.
    pub fn fill(&self) {
        let mut file = self.filler();
        for piece in [1 << 20, 4_096, 1] {
            while file.write_all(&vec![1; piece]).is_ok() {}
        }
    }

    /// Takes space until so much of it is left.
    pub fn fill_but(&self, megabytes: u64) {
        let mut file = self.filler();
        while Room::of(&self.0).unwrap().left_bytes > megabytes << 20 {
            file.write_all(&vec![1; 1 << 18]).unwrap();
        }
    }

    fn filler(&self) -> File {
        File::options().create(true).append(true).open(self.0.join("filler")).unwrap()
    }

    /// Gives it back.
    pub fn free(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
