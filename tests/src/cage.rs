//! A small old computer around a process: one core, and less memory than the machine has.
//!
//! The memory is that of a control group of its own below the one of this process (version 1 or 2); where none can be
//! made, only the data segment is limited, and [`Cage::limits`] says so.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// Files of a memory group: limit, processes, most that was used, how often the limit was met.
struct Names {
    limit: &'static str,
    peak: &'static str,
}

const VERSION_1: Names = Names { limit: "memory.limit_in_bytes", peak: "memory.max_usage_in_bytes" };
const VERSION_2: Names = Names { limit: "memory.max", peak: "memory.peak" };

struct Group {
    folder: PathBuf,
    names: Names,
}

/// The way to start programs on the small computer; its group goes with the value, after its processes.
pub struct Cage {
    group: Option<Group>,
    script: PathBuf,
    limits: String,
}

impl Cage {
    /// A computer with so much memory and one core, the core of that number; it runs `program`, under
    /// [`Cage::program`]. The script for it is written into `folder`.
    pub fn build(folder: &Path, program: &str, bytes: u64, core: usize) -> Self {
        let group = Group::make(bytes);
        let (enter, memory) = match &group {
            Some(group) => {
                let processes = group.folder.join("cgroup.procs");
                (format!("echo $$ > '{}' && exec", processes.display()), "memory group of")
            }
            None => {
                (format!("exec prlimit --data={bytes}"), "NO MEMORY GROUP CAN BE MADE HERE, data limit of")
            }
        };
        let limits = format!("{memory} {} MiB, one core", bytes >> 20);
        let script = folder.join("caged.sh");
        let text = format!("#!/bin/sh\n{enter} taskset -c {core} '{program}' \"$@\"\n");
        fs::write(&script, text).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(Command::new("taskset").arg("--version").output().is_ok(), "there is no taskset");
        Self { group, script, limits }
    }

    /// What takes the program's place on a command line.
    pub fn program(&self) -> &str {
        self.script.to_str().unwrap()
    }

    /// Which limits are in force.
    pub fn limits(&self) -> &str {
        &self.limits
    }

    /// The most memory that was ever used at once, cached files included, in bytes.
    pub fn peak_bytes(&self) -> Option<u64> {
        let group = self.group.as_ref()?;
        fs::read_to_string(group.folder.join(group.names.peak)).ok()?.trim().parse().ok()
    }
}

impl Drop for Cage {
    fn drop(&mut self) {
        if let Some(group) = &self.group {
            let _ = fs::remove_dir(&group.folder);
        }
    }
}

impl Group {
    fn make(bytes: u64) -> Option<Self> {
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
        let name = format!("danso-cage-{}", std::process::id());
        [(VERSION_1, "cgroup", "memory"), (VERSION_2, "cgroup2", "")].into_iter().find_map(
            |(names, kind, controller)| {
                let mount = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>()).find(|mount| {
                    mount[2] == kind
                        && mount[3].split(',').any(|one| controller.is_empty() || one == controller)
                })?;
                let below = own.lines().map(|line| line.splitn(3, ':').collect::<Vec<_>>());
                let below = below.into_iter().find(|line| line[1].split(',').any(|one| one == controller))?;
                let folder = PathBuf::from(format!("{}{}", mount[1], below[2])).join(&name);
                fs::create_dir(&folder).ok()?;
                let group = Self { folder, names };
                let limited = fs::write(group.folder.join(group.names.limit), bytes.to_string());
                if limited.is_err() {
                    let _ = fs::remove_dir(&group.folder);
                }
                limited.ok().map(|()| group)
            },
        )
    }
}
