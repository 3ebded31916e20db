//! Hosts of their own on one machine: network namespaces joined by a bridge, with lines that are cut,
//! narrowed and made to lose packets by the kernel. The test that uses them runs in a namespace itself.
//!
//! ```text
//!   host 1 ──line──┐             every host has a second, good way to the test: its desk
//!   host 2 ──line──┤ bridge ── the test
//!   host 3 ──line──┘
//! ```

use crate::{Process, skipped};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

/// Set in the process that runs inside a namespace.
const INSIDE: &str = "DANSO_INSIDE_NAMESPACE";
/// If set, a machine on which namespaces cannot be made is a failure.
const REQUIRED: &str = "DANSO_HOSTS_REQUIRED";
/// Port of every node.
const PORT: u16 = 7_440;
/// What must work before a test begins: namespaces, a bridge, pairs of interfaces, a narrow line, losses.
const PROBE: &str = "set -e
ip link set lo up
ip link add probe0 type bridge
ip link add probe1 type veth peer name probe2
tc qdisc add dev probe1 root tbf rate 16kbit burst 1600 limit 6000
nft 'table netdev probe { chain lost { type filter hook ingress device \"probe2\" priority 0; \
     numgen random mod 100 < 30 drop; }; }'
unshare -n true";

/// True inside a namespace of the test's own. Outside, it runs the test `name` (as `--exact` takes it) once
/// more inside one, passes its failure on, and gives false; where that cannot be, it says so on the standard
/// error and gives false.
pub fn inside(name: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let mut refused = String::new();
    for entrance in [["unshare", "-Urn"].as_slice(), &["unshare", "-n"]] {
        let probe = Command::new(entrance[0]).args(&entrance[1..]).args(["sh", "-c", PROBE]).output();
        match probe {
            Ok(Output { status, .. }) if status.success() => {
                let status = Command::new(entrance[0])
                    .args(&entrance[1..])
                    .arg(std::env::current_exe().unwrap())
                    .args(["--exact", name, "--include-ignored", "--nocapture", "--test-threads=1"])
                    .env(INSIDE, "1")
                    .status()
                    .unwrap();
                assert!(status.success(), "{name} failed inside its namespace");
                return false;
            }
            Ok(output) => {
                String::from_utf8_lossy(&output.stderr).trim().clone_into(&mut refused);
            }
            Err(error) => refused = format!("{}: {error}", entrance[0]),
        }
    }
    assert!(
        std::env::var_os(REQUIRED).is_none(),
        "{REQUIRED} is set, and there are no namespaces: {refused}"
    );
    skipped(name, &format!("needs unshare, ip, tc and nft with the right to use them: {refused}"));
    false
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn words(command: &str) -> Command {
    let mut words = command.split_whitespace();
    let mut made = Command::new(words.next().unwrap());
    made.args(words);
    made
}

/// The place where the lines of all hosts meet; the test stands there, too.
pub struct Crossing;

impl Crossing {
    /// Builds the bridge. Once in a namespace.
    pub fn build() -> Self {
        run(&mut words("ip link set lo up"));
        run(&mut words("ip link add crossing type bridge"));
        run(&mut words(&format!("ip addr add {}/24 dev crossing", Self::address())));
        run(&mut words("ip link set crossing up"));
        Self
    }

    /// The test's own address on the bridge.
    pub fn address() -> IpAddr {
        Ipv4Addr::new(10, 77, 0, 254).into()
    }
}

/// One host; ends with the value, and with the test.
pub struct Host {
    number: u8,
    /// Keeps the namespace: a process that waits for the end of its input.
    keeper: Child,
}

impl Host {
    /// A host with a good line to the crossing. `number` is from 1 to 200 and its own.
    pub fn build(_: &Crossing, number: u8) -> Self {
        let mut keeper = Command::new("unshare")
            .args(["-n", "cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Answered only when the namespace is there.
        keeper.stdin.as_mut().unwrap().write_all(b"there\n").unwrap();
        let mut answer = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut answer).unwrap();
        assert_eq!(answer, "there\n");
        let host = Self { number, keeper };
        let (pid, outside) = (host.keeper.id(), host.outside());
        run(&mut words(&format!("ip link add {outside} type veth peer name line netns {pid}")));
        run(&mut words(&format!("ip link set {outside} gso_max_segs 1 master crossing up")));
        run(&mut words(&format!("ip link add desk{number} type veth peer name desk netns {pid}")));
        run(&mut words(&format!("ip addr add 10.78.{number}.1/30 dev desk{number}")));
        run(&mut words(&format!("ip link set desk{number} up")));
        for command in [
            "ip link set lo up".to_owned(),
            format!("ip addr add 10.77.0.{number}/24 dev line"),
            "ip link set line gso_max_segs 1 up".to_owned(),
            format!("ip addr add 10.78.{number}.2/30 dev desk"),
            "ip link set desk up".to_owned(),
        ] {
            host.run(&command);
        }
        host
    }

    fn outside(&self) -> String {
        format!("port{}", self.number)
    }

    fn run(&self, command: &str) -> String {
        run(&mut words(&format!("nsenter -t {} -n {command}", self.keeper.id())))
    }

    /// Where a node listens: on its line and at its desk.
    pub fn listen() -> SocketAddr {
        (Ipv4Addr::UNSPECIFIED, PORT).into()
    }

    /// Where other hosts find its node.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::new(10, 77, 0, self.number), PORT).into()
    }

    /// Where the test finds its node, whatever becomes of its line.
    pub fn desk(&self) -> SocketAddr {
        (Ipv4Addr::new(10, 78, self.number, 2), PORT).into()
    }

    /// The line goes down: what is sent arrives nowhere, and nobody is told.
    pub fn cut(&self) {
        run(&mut words(&format!("ip link set {} down", self.outside())));
    }

    /// The line comes up again.
    pub fn restore(&self) {
        run(&mut words(&format!("ip link set {} up", self.outside())));
    }

    /// The line carries no more than that in each direction, and keeps two seconds of it waiting.
    pub fn narrow(&self, kilobits_a_second: u32) {
        let limit = 250 * kilobits_a_second;
        let shape = format!("root tbf rate {kilobits_a_second}kbit burst 1600 limit {limit}");
        run(&mut words(&format!("tc qdisc add dev {} {shape}", self.outside())));
        self.run(&format!("tc qdisc add dev line {shape}"));
    }

    /// The line loses packets in each direction.
    pub fn lose(&self, percent: u8) {
        let table = |device: &str| {
            format!(
                "table netdev lossy_{device} {{ chain lost {{ type filter hook ingress device \"{device}\" \
                 priority 0; numgen random mod 100 < {percent} drop; }}; }}"
            )
        };
        run(Command::new("nft").arg(table(&self.outside())));
        run(words(&format!("nsenter -t {} -n nft", self.keeper.id())).arg(table("line")));
    }

    /// Starts the program `danso` on this host, as [`Process::start`] does.
    pub fn start(&self, danso: &str, node_file: &Path) -> Process {
        let there = self.there(danso, node_file.parent().unwrap());
        Process::start(there.to_str().unwrap(), node_file)
    }

    /// A program that is `danso` on this host.
    fn there(&self, danso: &str, folder: &Path) -> PathBuf {
        let path = folder.join("danso-there");
        let text = format!("#!/bin/sh\nexec nsenter -t {} -n '{danso}' \"$@\"\n", self.keeper.id());
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}
