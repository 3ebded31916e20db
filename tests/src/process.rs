//! A node as a process of its own, to be killed.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

/// A running `danso run`; killed with the value.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts the program `danso` with a node's file. Its log goes to `log.txt` beside the file.
    pub fn start(danso: &str, node_file: &Path) -> Self {
        Self::start_with(danso, node_file, &[])
    }

    /// The same with environment variables.
    pub fn start_with(danso: &str, node_file: &Path, variables: &[(&str, &str)]) -> Self {
        let path = node_file.with_file_name("log.txt");
        let log = std::fs::File::options().create(true).append(true).open(&path).unwrap();
        let child = Command::new(danso)
            .args(["run", "--config"])
            .arg(node_file)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { child, log: path }
    }

    /// `kill -9`, and waits until the process is gone.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it a signal by name: TERM, INT, HUP.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name]).arg(self.id().to_string()).status();
        assert!(sent.unwrap().success(), "{name} was not sent");
    }

    /// Everything that it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until it has logged a text, and gives everything it has logged.
    pub async fn logged(&self, text: &str) -> String {
        let said = crate::eventually(text, || async {
            let log = self.log();
            log.contains(text).then_some(log)
        });
        said.await
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it ends and gives how.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
