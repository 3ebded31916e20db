//! What the service manager hears of a node: a real socket, a real process.

use crate::DANSO;
use danso_tests::{Process, Tree, tree::central};
use std::{fs, os::unix::net::UnixDatagram, path::Path, process::Command, time::Duration};

/// A service manager: it listens, and asks for a sign of life every second.
struct Manager {
    socket: UnixDatagram,
    path: String,
}

impl Manager {
    fn listen(folder: &Path) -> Self {
        let path = folder.join("notify").display().to_string();
        let socket = UnixDatagram::bind(&path).unwrap();
        // A node that says nothing fails the test instead of holding it up.
        socket.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
        Self { socket, path }
    }

    fn start(&self, tree: &Tree) -> Process {
        let variables = [("NOTIFY_SOCKET", self.path.as_str()), ("WATCHDOG_USEC", "1000000")];
        Process::start_with(DANSO, &tree.node_file(central()), &variables)
    }

    /// The next message.
    fn heard(&self) -> String {
        let mut bytes = [0; 4_096];
        let length = self.socket.recv(&mut bytes).expect("the node says nothing");
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }

    /// All messages up to the first that holds a line, that one last.
    fn heard_until(&self, line: &str) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            all.push(self.heard());
            if all.last().unwrap().lines().any(|said| said == line) {
                return all;
            }
        }
    }
}

fn end(process: &mut Process) -> Option<i32> {
    assert!(Command::new("kill").arg(process.id().to_string()).status().unwrap().success());
    process.wait().code()
}

#[test]
fn a_node_says_when_it_serves_that_its_store_answers_and_that_it_stops() {
    let tree = Tree::three();
    let manager = Manager::listen(tree.folder.path());
    let mut process = manager.start(&tree);
    let started = manager.heard_until("READY=1");
    assert!(!started.iter().any(|said| said.contains("WATCHDOG=1")), "{started:?}");
    let status = started.last().unwrap();
    assert!(
        status.contains(&format!("STATUS={} serves on {}", central(), tree.address(central()))),
        "{status}"
    );
    assert!(std::net::TcpStream::connect(tree.address(central())).is_ok(), "ready, and does not listen");
    for _ in 0..3 {
        assert_eq!(manager.heard(), "WATCHDOG=1\n");
    }
    assert_eq!(end(&mut process), Some(0));
    let last = manager.heard_until("STOPPING=1");
    assert!(last[..last.len() - 1].iter().all(|said| said == "WATCHDOG=1\n"), "{last:?}");
}

#[test]
fn a_node_in_rescue_mode_is_up_and_says_why() {
    let tree = Tree::three();
    let manager = Manager::listen(tree.folder.path());
    let mut process = manager.start(&tree);
    manager.heard_until("READY=1");
    assert_eq!(end(&mut process), Some(0));
    manager.heard_until("STOPPING=1");
    fs::write(tree.home(central()).join("data/FORMAT"), format!("danso 9 {}\n", central())).unwrap();

    let mut process = manager.start(&tree);
    let status = manager.heard_until("READY=1").pop().unwrap();
    assert!(status.contains("STATUS=rescue mode: folder_newer_format"), "{status}");
    // It stays up for the operator to ask it.
    manager.heard_until("WATCHDOG=1");
    manager.heard_until("WATCHDOG=1");
    assert_eq!(end(&mut process), Some(1));
    manager.heard_until("STOPPING=1");
}

#[test]
fn a_node_that_cannot_start_is_never_ready() {
    let tree = Tree::three();
    let manager = Manager::listen(tree.folder.path());
    fs::remove_file(tree.keys(central()).join("node.crt")).unwrap();
    assert_eq!(manager.start(&tree).wait().code(), Some(1));
    manager.socket.set_nonblocking(true).unwrap();
    let mut bytes = [0; 4_096];
    while let Ok(length) = manager.socket.recv(&mut bytes) {
        let said = String::from_utf8_lossy(&bytes[..length]);
        assert!(!said.contains("READY=1"), "{said}");
    }
}
