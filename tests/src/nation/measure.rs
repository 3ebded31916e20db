//! What the system tells of a process and a folder.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::Path,
    process::{Command, Stdio},
};

/// Milliseconds of a tick of the processor's clock as Linux tells it.
const TICK_MS: u64 = 10;
/// Fields of `/proc/ID/stat` after the name, from 0: time in the program and in the system.
const TIMES: [usize; 2] = [11, 12];

/// Time of the processor that a process has taken, its ended threads included.
pub(super) fn processor_ms(process: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = text.rsplit(") ").next().unwrap().split(' ').collect();
    TIMES.map(|field| fields[field].parse::<u64>().unwrap()).iter().sum::<u64>() * TICK_MS
}

/// A line of `/proc/ID/status` in bytes.
pub(super) fn memory_bytes(process: u32, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1_024
}

/// The command of a process; empty where there is none.
pub(super) fn command_of(process: u32) -> String {
    let text = fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default();
    text.replace('\0', " ")
}

/// Whether a process is there and not just waiting to be buried.
pub(super) fn is_there(process: u32) -> bool {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = text.rsplit(") ").next().and_then(|fields| fields.chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

/// Kills a process, which may be gone already.
pub(super) fn kill(process: u32) {
    let _ = Command::new("kill").args(["-KILL", &process.to_string()]).stderr(Stdio::null()).status();
}

/// Bytes on the disk of all files below a folder.
pub(super) fn disk_bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = |path: &Path| path.metadata().map_or(0, |found| found.blocks() * 512);
    entries
        .map(|entry| entry.path())
        .map(|path| if path.is_dir() { disk_bytes(&path) } else { bytes(&path) })
        .sum()
}
