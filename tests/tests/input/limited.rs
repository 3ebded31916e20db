//! The program `danso` under a limit on its memory, and a commune's node that runs so.

use danso_tests::{Tree, eventually, unit};
use danso_tier_config::UnitId;
use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

const DANSO: &str = env!("CARGO_BIN_EXE_danso-under-test");

pub const MIB: u64 = 1_024 * 1_024;

pub fn commune() -> UnitId {
    unit("00001")
}

/// The program, which may have no more than `bytes` of memory of its own.
pub fn limited(bytes: u64) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -d \"$1\" && shift && exec \"$@\"", "sh"]);
    command.arg((bytes / 1_024).to_string()).arg(DANSO);
    command
}

/// A commune's node as a process; killed with the value.
pub struct Office {
    pub tree: Tree,
    child: Child,
    bytes: u64,
    node_file: PathBuf,
}

impl Office {
    /// Starts a node that may have `bytes` of memory.
    pub async fn open(bytes: u64) -> Self {
        let tree = Tree::three();
        let node_file = tree.node_file(commune());
        let log = fs::File::create(node_file.with_file_name("log.txt")).unwrap();
        let mut command = limited(bytes);
        command.args(["run".as_ref(), "--config".as_ref(), node_file.as_os_str()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().unwrap();
        let office = Self { tree, child, bytes, node_file };
        eventually("the node serves", async || {
            let keys = office.tree.keys(commune());
            let address = office.tree.address(commune()).to_string();
            danso_node::transport::client::NodeClient::connect(&address, commune(), &keys).await.ok()
        })
        .await;
        let limits = office.proc("limits");
        let line = limits.lines().find(|line| line.starts_with("Max data size")).unwrap();
        assert_eq!(line.split_whitespace().nth(3), Some(bytes.to_string().as_str()), "the limit is in force");
        office
    }

    /// Writes a file into the tree's folder.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.tree.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Runs a command against the node, itself under a limit.
    pub fn danso<Word: AsRef<OsStr>>(&self, bytes: u64, words: &[Word]) -> Output {
        let mut command = limited(bytes);
        command.args(words).arg("--config").arg(&self.node_file).stdin(Stdio::null());
        command.output().unwrap()
    }

    /// Imports an A0 book under a limit.
    pub fn import(&self, bytes: u64, file: &Path) -> Imported {
        let words = ["import".as_ref(), "register".as_ref(), file.as_os_str()];
        Imported::of(&self.danso(bytes, &words))
    }

    fn proc(&self, name: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).unwrap()
    }

    /// The node is there, answers, and never had more memory than it may.
    pub fn is_well(&mut self) {
        assert!(self.child.try_wait().unwrap().is_none(), "the node has ended: {}", self.log());
        let answer = self.danso(self.bytes, &["status"]);
        assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
        let status = self.proc("status");
        let peak = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        let kibibytes: u64 = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
        // What is mapped of the program itself counts here and not for the limit.
        let program = fs::metadata(DANSO).unwrap().len();
        assert!(kibibytes * 1_024 < self.bytes + program, "{peak}");
        println!("the node under {} MiB had at most {} MiB", self.bytes / MIB, kibibytes / 1_024);
    }

    /// What the node has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.node_file.with_file_name("log.txt")).unwrap()
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What an import printed.
#[derive(Debug)]
pub struct Imported {
    pub exit: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Imported {
    pub fn of(output: &Output) -> Self {
        Self {
            exit: output.status.code(),
            stdout: String::from_utf8(output.stdout.clone()).unwrap(),
            stderr: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    /// A number of the summary.
    pub fn number(&self, name: &str) -> u64 {
        let line = self.stdout.lines().find_map(|line| line.strip_prefix(name));
        let line = line.unwrap_or_else(|| panic!("no {name:?} in {self:?}"));
        line.trim().parse().unwrap()
    }

    /// The codes of the faults shown, in order.
    pub fn codes(&self) -> Vec<&str> {
        let code = |line: &'_ str| -> Option<(usize, usize)> {
            let end = line.strip_suffix(']')?.len();
            Some((line.rfind('[')? + 1, end))
        };
        self.stderr.lines().filter_map(|line| code(line).map(|(from, to)| &line[from..to])).collect()
    }
}
