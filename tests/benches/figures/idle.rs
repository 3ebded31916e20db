//! Start and memory of an idle commune node with 30,000 persons.

use crate::{
    pipeline::{client, import, process},
    samples::{commune, line, millis},
};
use danso_proto::v1::ImportForm;
use danso_tests::{Tree, unit};
use std::time::{Duration, Instant};

pub async fn run() {
    let tree = Tree::four();
    let here = unit("00001");
    let (_, register, events) = commune("00001", 30_000, 12, 5);
    let mut first = process(&tree, here);
    let filling = client(&tree, here).await;
    import(&filling, ImportForm::Register, &register, Some("2024-01-01")).await;
    import(&filling, ImportForm::Events, &events, None).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    line("memory of a commune node after loading 30,000 persons and a year", &resident(&first));
    first.kill();
    let since = Instant::now();
    let second = process(&tree, here);
    let asking = client(&tree, here).await;
    asking.node_info().await.unwrap();
    line("start of a commune node with 30,000 persons until it answers", &millis(since.elapsed()));
    tokio::time::sleep(Duration::from_secs(5)).await;
    line("memory of an idle commune node with 30,000 persons", &resident(&second));
}

/// Memory of a process.
pub fn resident(process: &danso_tests::Process) -> String {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    format!("{:.0} MB", kib / 1024.0)
}
