//! The nodes as processes of their own.

use super::layout::Site;
use crate::cli::{failure::Failure, output, sheet::plain};
use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, SeekFrom},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Bytes of a log's end that are looked at when its node ends.
const TAIL_BYTES: u64 = 4_096;
/// Lines of it that are shown.
const TAIL_LINES: usize = 12;

/// All running nodes; killed with the value, whatever the reason. A node loses nothing by that.
#[derive(Debug, Default)]
pub(super) struct Processes {
    running: Vec<Running>,
}

#[derive(Debug)]
struct Running {
    name: String,
    log: PathBuf,
    child: Child,
}

impl Processes {
    /// Starts the nodes, the top first.
    pub fn start(sites: &[Site]) -> Result<Self, Failure> {
        let mut processes = Self::default();
        for site in sites {
            processes.running.push(spawn(site)?);
        }
        Ok(processes)
    }

    /// Kills the node at a place and starts it again with its file as it is now.
    pub fn restart(&mut self, at: usize, site: &Site) -> Result<(), Failure> {
        end(&mut self.running[at].child);
        self.running[at] = spawn(site)?;
        Ok(())
    }

    /// An error if a node has ended; the end of its log is shown before.
    pub fn check(&mut self) -> Result<(), Failure> {
        for running in &mut self.running {
            if let Ok(Some(status)) = running.child.try_wait() {
                output::note(tail(&running.log).unwrap_or_default());
                let sentence = format!("the node of {} ended: {status}; its log ends as above", running.name);
                return Err(Failure::told("demo_node_ended", sentence));
            }
        }
        Ok(())
    }

    /// Lets the nodes run on without this process and gives their process ids.
    pub fn leave(mut self) -> Vec<u32> {
        std::mem::take(&mut self.running).into_iter().map(|running| running.child.id()).collect()
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.running.iter_mut().for_each(|running| end(&mut running.child));
    }
}

fn end(child: &mut Child) {
    // A child that cannot be killed has ended already.
    let _ = child.kill();
    let _ = child.wait();
}

/// Starts `danso run` in a process group of its own: a signal from the terminal reaches the demo alone,
/// which ends the nodes or leaves them.
fn spawn(site: &Site) -> Result<Running, Failure> {
    let start = || -> std::io::Result<Child> {
        let log = OpenOptions::new().create(true).append(true).open(site.log())?;
        Command::new(std::env::current_exe()?)
            .args(["run", "--config"])
            .arg(site.node_file())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0)
            .spawn()
    };
    let name = site.unit.name.clone();
    match start() {
        Ok(child) => Ok(Running { name, log: site.log(), child }),
        Err(error) => {
            Err(Failure::told("demo_node_start", format!("cannot start the node of {name}: {error}")))
        }
    }
}

fn tail(log: &Path) -> std::io::Result<String> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.len().saturating_sub(TAIL_LINES);
    Ok(lines[last..].iter().map(|line| format!("  {}", plain(line))).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn the_end_of_a_log_is_shown_in_few_harmless_lines() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log.txt");
        let lines: Vec<String> = (0..2_000).map(|line| format!("line {line}\u{1b}[2J")).collect();
        std::fs::write(&log, lines.join("\n")).unwrap();
        let shown = tail(&log).unwrap();
        assert_eq!(shown.lines().count(), TAIL_LINES);
        assert_eq!(shown.lines().last(), Some("  line 1999\\u{1b}[2J"));
    }
}
